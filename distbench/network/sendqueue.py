"""What is on its way into a session: messages that are held for a while, and senders that wait for room."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from distbench.network.frames import Message
from distbench.network.session import MESSAGE_WEIGHT, RESEND_WEIGHT, Session, check_size
from distbench.node.senders import Room, Senders


class SendQueue:
    """The one place of a link, with latency or without, that knows whether it is full and who waits.

    A message is *taken*, and from then on kept until the peer has it: a reply at once, a cast or a request once the
    link has room, first come, first served. The session gets the messages in the order in which they were taken, each
    when it is due; so a reply may overtake what waits, and nothing else overtakes anything.

    Where every cast and request is refused while ``full`` or ``blocked``, what is kept weighs at most RESEND_WEIGHT,
    one batch and one message; replies come on top.
    """

    __slots__ = ("_held", "_held_weight", "_senders", "blocked", "session")

    def __init__(self, make_room: Callable[[], Room]) -> None:
        self.session = Session()
        """Where the messages go; another one when the peer has restarted."""
        self.blocked = False
        """Senders wait, or did: ``admit`` is to be called when there is room."""
        self._held: deque[tuple[float, Message]] = deque()
        self._held_weight = 0
        self._senders: Senders[Message] = Senders(make_room)

    @property
    def full(self) -> bool:
        """Casts and requests must wait."""
        return self.session.full or self.weight >= RESEND_WEIGHT

    @property
    def weight(self) -> int:
        """Of all that was taken and that the peer does not have yet, counted as a session does."""
        return self._held_weight + self.session.weight

    @property
    def held(self) -> int:
        """Messages that were taken and are not due yet."""
        return len(self._held)

    @property
    def waiting(self) -> int:
        """Messages that were not taken yet; those of senders that gave up do not count."""
        return len(self._senders)

    @property
    def given(self) -> int:
        """All messages that were given to this link, those included that have not reached the session."""
        return self.session.sent + len(self._held) + self.waiting

    # -------------------------------------------------- messages that are held

    def hold(self, due: float, message: Message) -> None:
        """Take a message that the session gets at ``due``, or when what was taken before it is due."""
        self._held.append((due, message))
        self._held_weight += len(message[2]) + MESSAGE_WEIGHT

    @property
    def due(self) -> float | None:
        """When there is something to release."""
        return self._held[0][0] if self._held else None

    def release(self, now: float) -> None:
        """Give the session what is due. It was taken, so it does not wait for room once more."""
        held = self._held
        while held and held[0][0] <= now:
            message = held.popleft()[1]
            self._held_weight -= len(message[2]) + MESSAGE_WEIGHT
            self.session.send(*message)

    # -------------------------------------------------- senders that wait

    def wait(self, message: Message) -> Room:
        """What the sender awaits. Raises MessageError for a payload that no link carries."""
        check_size(message[2])
        self.blocked = True
        return self._senders.wait(message)

    def admit(self) -> Message | None:
        """The oldest message that waits, where there is room for it; its sender goes on, and it is to be taken now."""
        if self.full:
            return None
        message = self._senders.next()
        self.blocked = message is not None
        return message

    def end(self) -> int:
        """Keep nothing, and let everybody go on; how many casts were never sent for that."""
        never = [message for _, message in self._held]
        self._held.clear()
        self._held_weight = 0
        never += self._senders.end()
        self.blocked = False
        return sum(handler >= 0 and call == 0 for handler, call, _ in never)
