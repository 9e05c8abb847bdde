"""The world as a node in a process of its own sees it."""

from __future__ import annotations

from time import monotonic

from distbench.community import PeerId
from distbench.network.delay import DelayedLink
from distbench.network.tcp import Junction
from distbench.node.activity import NodeLoop
from distbench.node.port import Link
from distbench.node.step import Step
from distbench.running.nodespec import NodeSpec
from distbench.simulation.choices import Choices


class RealPort:
    """Links of a junction, with the delay that was asked for; time since the run began."""

    interrupts = False

    def __init__(self, spec: NodeSpec, junction: Junction, choices: Choices) -> None:
        self.delayed: dict[PeerId, DelayedLink] = {}
        """The links that hold messages for a while."""
        self._spec = spec
        self._junction = junction
        self._choices = choices
        self._began: float | None = None
        assert isinstance(junction.loop, NodeLoop)
        self.step: Step = junction.loop.step

    @property
    def begun(self) -> bool:
        """The run has started."""
        return self._began is not None

    def begin(self) -> None:
        """The run starts now."""
        self._began = monotonic()  # uvloop's own clock knows whole milliseconds only

    def now(self) -> float:
        """Seconds since the start of the run at this node."""
        return 0.0 if self._began is None else monotonic() - self._began

    def link(self, dst: PeerId) -> Link:
        """The way to a peer."""
        link = self._junction.link(dst)
        latency = self._spec.options.latency
        if latency is None or latency.high == 0:
            return link
        low, high = round(latency.low * 1e6), round(latency.high * 1e6)
        more = self._choices.stream(("latency", self._spec.node_id, dst, 0), max(high - low, 1000))
        delayed = self.delayed[dst] = DelayedLink(self._junction, link, low, more)
        return delayed

    def close(self, dst: PeerId) -> int:
        """Hold nothing for a peer any more; how many casts were never sent for that."""
        delayed = self.delayed.pop(dst, None)
        return 0 if delayed is None else delayed.close()
