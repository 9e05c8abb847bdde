"""The numbers under which handlers travel."""

from __future__ import annotations

from collections.abc import Mapping

from distbench.community import PeerId
from distbench.config.binding import BoundLayer
from distbench.node.port import REPLY


class WireTable:
    """The numbers under which handlers travel: the same at every node of a run."""

    def __init__(self, bound: Mapping[PeerId, BoundLayer]) -> None:
        self.names: list[tuple[str, str]] = []
        self.numbers: dict[tuple[str, str], int] = {}
        seen: set[tuple[str, int]] = set()
        for top in bound.values():
            for layer in top.walk():
                if (layer.path, id(layer.definition)) in seen:
                    continue
                seen.add((layer.path, id(layer.definition)))
                for handler in layer.definition.handlers:
                    name = (layer.path, handler.name)
                    if name not in self.numbers:
                        self.numbers[name] = len(self.names)
                        self.names.append(name)

    def show(self, number: int) -> str:
        """The name of a handler, for people."""
        if number < 0:
            return "reply" if number == REPLY else "fault"
        path, name = self.names[number]
        return f"{path}.{name}" if path else name
