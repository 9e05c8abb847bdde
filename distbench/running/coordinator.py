"""When is a run over: one pure state machine for all modes."""

from __future__ import annotations

from collections.abc import Iterable

from distbench.community import PeerId


class Coordinator:
    """Knows who is done and who is gone."""

    def __init__(self, nodes: Iterable[PeerId]) -> None:
        self._left = dict.fromkeys(nodes)
        self._gone: set[PeerId] = set()

    @property
    def complete(self) -> bool:
        """Every correct node said ``terminate()``."""
        return not self._left

    def done(self, node: PeerId) -> bool:
        """``node`` said ``terminate()``; whether the run is complete now."""
        self._left.pop(node, None)
        return not self._left

    def gone(self, node: PeerId) -> bool:
        """``node`` crashed for good, so nobody waits for it; whether the run is complete now."""
        self._gone.add(node)
        return self.done(node)

    def correct(self, node: PeerId) -> bool:
        """Whether ``node`` has not crashed."""
        return node not in self._gone
