"""The world as a node in a process of its own sees it."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from distbench.community import PeerId
from distbench.network.delay import Delay, drawn_delay
from distbench.network.tcp import Junction
from distbench.node.activity import NodeLoop
from distbench.node.port import Link
from distbench.node.step import Step
from distbench.running.control import COORDINATOR
from distbench.running.nodespec import NodeSpec
from distbench.simulation.choices import Choices


class RealPort:
    """Links of a junction; time since the run began."""

    interrupts = False

    def __init__(self, junction: Junction) -> None:
        self._junction = junction
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
        return self._junction.link(dst)


def delays(spec: NodeSpec, choices: Choices) -> Callable[[PeerId], Delay | None]:
    """How long a message from the node of ``spec`` to a peer takes more, as ``--latency`` says."""
    latency = spec.options.latency

    def delay(dst: PeerId) -> Delay | None:
        if latency is None or latency.high == 0 or dst == COORDINATOR:
            return None
        low, high = round(latency.low * 1e6), round(latency.high * 1e6)
        return drawn_delay(low, choices.stream(("latency", spec.node_id, dst, 0), max(high - low, 1000)))

    return delay
