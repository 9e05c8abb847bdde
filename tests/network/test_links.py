"""Links of every kind under senders of every kind: what was taken arrives once and in order; every count is right."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pytest
import uvloop
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from distbench.community import PeerId
from distbench.network.delay import Delay, drawn_delay
from distbench.network.frames import Message
from distbench.network.link import TcpLink
from distbench.network.session import BATCH_WEIGHT, MESSAGE_WEIGHT, RESEND_WEIGHT
from distbench.node.port import REPLY
from tests.network.ends import End, on_loop, pair, transport_of
from tests.network.greeters import N1, N2

LARGEST = 1_500_000
CAST, REQUEST = "cast", "request"


def latency(low: float, high: float) -> Delay:
    """Milliseconds."""
    rng = random.Random(7)
    return drawn_delay(round(low * 1e6), lambda: [rng.randint(0, round((high - low) * 1e6)) for _ in range(50)])


class Given(NamedTuple):
    """A message whose sender waits."""

    room: asyncio.Future[None]
    message: Message


class Links(RuleBasedStateMachine):
    """n1 sends to n2 over real sockets. The model is the list of what was taken, in its order.

    It is exact: a message is taken when ``send`` returns None, or while the loop runs, in the order of the rooms.
    """

    kind: str

    @initialize()
    def start(self) -> None:
        self.loop = uvloop.new_event_loop()
        self.taken: list[Message] = []
        self.waiting: list[Given] = []
        self.senders: list[asyncio.Task[None]] = []
        self.count = self.asked = self.answered = 0
        self.run(self.connect())

    async def connect(self) -> None:
        self.one, self.two = End(N1, delay=KINDS[self.kind]()), End(N2)
        await self.two.listen()
        self.one.on_message = self.answer  # type: ignore[method-assign]
        self.one.junction.dial(N2, self.two.address)
        await self.one.until(lambda: self.one.linked and self.two.linked)

    def run(self, work: Awaitable[object]) -> None:
        self.loop.run_until_complete(work)

    @property
    def link(self) -> TcpLink:
        return self.one.link(N2)

    # -------------------------------------------------- the model

    def look(self) -> None:
        """Note what was taken meanwhile, and who has given up."""
        for given in self.waiting:
            if given.room.done() and not given.room.cancelled():
                self.taken.append(given.message)
        self.waiting = [given for given in self.waiting if not given.room.done()]

    def send(self, kind: str, size: int) -> asyncio.Future[None] | None:
        self.look()
        self.count += 1
        number = b"%d." % self.count
        message: Message = (REPLY if kind == "reply" else 1, 0 if kind == CAST else self.count, number + bytes(size))
        room = self.link.send(*message)
        if room is None:
            self.taken.append(message)
        else:
            assert kind != "reply"
            self.waiting.append(Given(room, message))
        return room

    # -------------------------------------------------- what may happen

    kinds = st.sampled_from((CAST, CAST, REQUEST, "reply"))
    sizes = st.sampled_from((0, 1000, 60_000, 600_000, LARGEST))

    @rule(kind=kinds, size=sizes, count=st.integers(1, 5))
    def give(self, kind: str, size: int, count: int) -> None:
        """Nobody awaits what is returned."""
        for _ in range(count):
            self.send(kind, size)

    @rule(size=sizes, count=st.integers(1, 5))
    def begin_sender(self, size: int, count: int) -> None:
        async def sender() -> None:
            for _ in range(count):
                room = self.send(CAST, size)
                if room is not None:
                    await room

        self.senders.append(self.loop.create_task(sender()))

    def answer(self, peer: PeerId, handler: int, call: int, payload: bytes) -> None:
        self.answered += 1
        self.send((CAST, "reply")[call], int(payload))

    @rule(kind=st.sampled_from((0, 1)), size=sizes, count=st.integers(1, 3))
    def ask(self, kind: int, size: int, count: int) -> None:
        """n2 sends something, over which n1 sends: it hears at the same time how much n2 has taken."""
        for _ in range(count):
            self.two.link(N1).send(1, kind, b"%d" % size)
            self.asked += 1

    @rule(which=st.integers(0, 9))
    def give_up(self, which: int) -> None:
        """A sender is cancelled, wherever it stands; or only what somebody else awaits."""
        self.senders = [task for task in self.senders if not task.done()]
        choices: list[asyncio.Future[None]] = [*self.senders, *(given.room for given in self.waiting)]
        if choices:
            choices[which % len(choices)].cancel()

    @rule()
    def stop_reading(self) -> None:
        connection = self.two.link(N1).connection
        if connection is not None:
            connection._transport.pause_reading()

    @rule()
    def read_on(self) -> None:
        connection = self.two.link(N1).connection
        if connection is not None:
            connection._transport.resume_reading()

    @rule(end=st.sampled_from(("one", "two")), again=st.booleans())
    def break_connection(self, end: str, again: bool) -> None:
        link = self.one.link(N2) if end == "one" else self.two.link(N1)
        if link.connection is not None:
            link.connection._transport.abort()
        if again:
            self.run(self.one.until(lambda: self.one.link(N2).connection is not None))

    @rule(turns=st.sampled_from((1, 2, 5, 50)))
    def turn(self, turns: int) -> None:
        async def turn() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        self.run(turn())

    @rule()
    def arrive(self) -> None:
        """All is taken, and arrives."""
        self.read_on()
        self.run(self.two.until(self.all_arrived))
        self.run(self.one.until(lambda: self.link.session.acked == len(self.taken)))
        assert not self.link.queue.blocked

    def all_arrived(self) -> bool:
        self.look()
        return self.asked == self.answered and not self.waiting and self.two.has(len(self.taken))

    # -------------------------------------------------- what always holds

    @invariant()
    def counts_are_right(self) -> None:
        self.look()
        queue = self.link.queue
        assert queue.waiting == len(self.waiting)
        assert queue.held + queue.session.sent == len(self.taken)
        assert queue.given == len(self.taken) + len(self.waiting)
        assert queue.blocked or not self.waiting
        replies = sum(len(payload) + MESSAGE_WEIGHT for handler, _, payload in self.taken if handler == REPLY)
        assert queue.weight <= RESEND_WEIGHT + BATCH_WEIGHT + LARGEST + 2 * MESSAGE_WEIGHT + replies

    @invariant()
    def what_arrived_was_taken_in_this_order(self) -> None:
        assert self.two.got == self.taken[: len(self.two.got)]

    def teardown(self) -> None:
        try:
            self.arrive()
            assert self.two.got == self.taken
            self.end_with_some_on_the_way()
        finally:
            self.run(self.close())
            self.loop.close()

    async def close(self) -> None:
        for task in self.senders:
            task.cancel()
        await asyncio.gather(self.one.junction.aclose(), self.two.junction.aclose())
        await asyncio.gather(*self.senders, return_exceptions=True)

    def end_with_some_on_the_way(self) -> None:
        """The link ends: each cast was either given to the session or is said never to have been sent."""
        self.stop_reading()
        rooms = [self.send((CAST, REQUEST, "reply")[number % 3], 600_000) for number in range(20)]
        held = self.taken[len(self.taken) - self.link.queue.held :]
        never = [*held, *(given.message for given in self.waiting)]
        assert self.waiting
        self.one.junction.cut(N2, "is gone")
        assert self.one.unsent == sum(handler >= 0 and call == 0 for handler, call, _ in never)
        assert all(room is None or room.done() for room in rooms)
        assert (self.link.queue.held, self.link.queue.waiting, self.link.queue.blocked) == (0, 0, False)


KINDS: dict[str, Callable[[], Delay | None]] = {
    "plain": lambda: None,
    "delayed": lambda: latency(0, 2),
    "delayed alike": lambda: latency(1, 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_links_of_every_kind_keep_their_promises(kind: str) -> None:
    class OfThisKind(Links):
        pass

    OfThisKind.kind = kind
    found = (Phase.explicit, Phase.reuse, Phase.generate)  # over real sockets shrinking takes minutes
    run_state_machine_as_test(
        OfThisKind, settings=settings(max_examples=25, stateful_step_count=25, deadline=None, phases=found)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_cast_over_what_makes_room_does_not_overtake_those_that_wait_for_it(kind: str) -> None:
    async def main() -> None:
        async with pair(delay=KINDS[kind]()) as (one, two):
            sent = 0

            def send(size: int) -> object:
                nonlocal sent
                sent += 1
                return one.link(N2).send(1, 0, b"%d." % sent + bytes(size))

            def echo(peer: PeerId, handler: int, call: int, payload: bytes) -> None:
                End.on_message(two, peer, handler, call, payload)
                two.link(N1).send(1, 0, b"echo")  # its frame says as well how much n2 has

            transport_of(two, N1).pause_reading()
            two.on_message = echo  # type: ignore[method-assign]
            one.on_message = lambda *_: send(0)  # type: ignore[method-assign, assignment]
            for _ in range(60):
                send(300_000)
                await asyncio.sleep(0)
            assert one.link(N2).queue.waiting > 10
            transport_of(two, N1).resume_reading()
            await two.until(lambda: two.has(100))
            assert [int(payload.partition(b".")[0]) for _, _, payload in two.got[:100]] == list(range(1, 101))
            one.on_message = lambda *_: None  # type: ignore[method-assign]

    on_loop(main)
