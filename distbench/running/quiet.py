"""Whether a node still has something to do: it says when it has not, and answers the coordinator's waves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Final

from distbench.community import PeerId
from distbench.network.tcp import Junction, TcpLink
from distbench.node.activity import NodeLoop
from distbench.node.node import Node
from distbench.running.control import COORDINATOR, Idle, WaveReply
from distbench.running.coordinator import Standing

_QUIET: Final = 0.02
"""Seconds without activity after which a passive node says that it is idle; only a hint, the waves decide."""
_TURNS: Final = 5
"""Turns of the loop through which a node must look passive: what one callback hands to the next shows in no task."""

Numbers = tuple[int, dict[str, int], dict[str, int]]
"""Deliveries, and messages sent and received by peer."""


class Quiet:
    """Looks after each activity whether anything is left to do."""

    def __init__(
        self,
        node: Node,
        loop: NodeLoop,
        junction: Junction,
        tell: Callable[[Idle | WaveReply], None],
    ) -> None:
        self._node = node
        self._loop = loop
        self._junction = junction
        self._tell = tell
        self._running = False
        self._check: asyncio.TimerHandle | None = None
        self._told: Standing | None = None
        loop.on_activity = self.watch

    @property
    def watching(self) -> bool:
        """It will be looked after already."""
        return self._check is not None

    def begin(self) -> None:
        """The node has started."""
        self._running = True
        self.watch()

    def watch(self) -> None:
        """There was some activity: look after a quiet while whether it was the last."""
        if self._check is None and self._running:
            # A timer of the junction's, since this is called from within the algorithm's steps too.
            self._check = self._junction.later(_QUIET, partial(self._look, self._activity))

    def answer(self, wave: int) -> None:
        """The coordinator asks how this node stands."""
        self._settle(partial(self._reply, wave))

    def stop(self) -> None:
        """The node leaves: nothing is said any more."""
        self._running = False

    # -------------------------------------------------- how it stands

    def standing(self, settled: bool = True) -> Standing:
        """How the node stands at this moment; ``settled``: nothing is handed on from turn to turn."""
        return Standing(
            passive=settled and self._loop.passive and not self._blocked(),
            suspended=bool(self._node.running),
            activity=self._activity,
            sent={peer: n for peer, link in self._links().items() if (n := link.queue.given)},
            received={peer: n for peer, link in self._links().items() if (n := link.session.received)},
        )

    def in_numbers(self) -> Numbers:
        """What was done so far, for and with peers that are gone too."""
        links = {peer: link for peer, link in self._junction.links.items() if peer != COORDINATOR}
        sent = {str(peer): link.queue.given for peer, link in links.items()}
        return self._node.deliveries, sent, {str(peer): link.session.received for peer, link in links.items()}

    @property
    def _activity(self) -> int:
        return self._node.deliveries + self._loop.activity

    def _links(self) -> dict[PeerId, TcpLink]:
        return {peer: link for peer, link in self._junction.links.items() if peer != COORDINATOR and not link.over}

    def _blocked(self) -> bool:
        """Senders wait for room."""
        return any(link.queue.blocked for link in self._junction.links.values())

    # -------------------------------------------------- saying so

    def _look(self, activity: int) -> None:
        self._check = None
        self._settle(partial(self._say_if_idle, activity))

    def _settle(self, say: Callable[[Standing], None], left: int = _TURNS, turns: int | None = None) -> None:
        """Have it said how this node stands once it has looked passive for some turns of the loop, or does not."""
        loop = self._loop
        settled = turns is None or turns == loop.turns
        if left and settled and loop.passive:
            loop.look_soon(self._settle, say, left - 1, loop.turns)
        else:
            say(self.standing(settled))

    def _say_if_idle(self, activity: int, standing: Standing) -> None:
        if not self._running:
            return
        if standing.activity == activity and standing.passive:
            if standing != self._told:
                self._told = standing
                self._tell(Idle(standing))
        elif not (self._loop.timers or self._loop.jobs or self._loop.foreign):  # those say when they end
            self.watch()

    def _reply(self, wave: int, standing: Standing) -> None:
        # A coordinator forgets who is not passive: that is to be said again, even if no counter has moved.
        self._told = standing if standing.passive else None
        self._tell(WaveReply(wave, standing))
        if not standing.passive:
            self.watch()
