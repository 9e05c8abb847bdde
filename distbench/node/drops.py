"""Why a node drops a message, and whose messages did not fit it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from distbench.community import PeerId

NO_HANDLER: Final = "no such handler"
DOES_NOT_FIT: Final = "does not fit the handler"
BAD_SIGNATURE: Final = "bad signature"
FOREIGN_REPLY: Final = "a reply to another node's question"
FOREIGN_SIGNATURE: Final = "the signature of another node"
HAD_CRASHED: Final = "the node had crashed"

UNKNOWN_HANDLER: Final = "an unknown handler"
"""In place of a name, for a number that no handler of the run has."""
_LONGEST: Final = 300

Kind = Literal["message", "request", "reply"]


class Key(NamedTuple):
    """What misfits have in common that are counted together."""

    src: PeerId
    kind: Kind
    handler: str
    reason: str


class Drops:
    """Counts what a node drops by reason, and what did not fit by sender and handler, with what was wrong first."""

    __slots__ = ("_counts", "_names", "_whys", "reasons")

    def __init__(self, names: Sequence[tuple[str, str]]) -> None:
        """``names`` are the handlers of the run, each its path and name, by number."""
        self.reasons: dict[str, int] = {}
        self._names = names
        self._counts: dict[Key, int] = {}
        self._whys: dict[Key, str] = {}

    def count(self, reason: str) -> None:
        """One more message was dropped."""
        self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def note(self, key: Key, why: str) -> None:
        """It did not fit."""
        self._counts[key] = self._counts.get(key, 0) + 1
        self._whys.setdefault(key, why[:_LONGEST])

    def name(self, handler: int) -> str:
        """How a handler of the run is called that this node does not have."""
        if handler >= len(self._names):
            return UNKNOWN_HANDLER
        path, name = self._names[handler]
        return f"{path}.{name}" if path else name

    def misfits(self) -> Iterator[tuple[Key, str, int]]:
        """Each kind with what was wrong with the first, and how many they were."""
        return ((key, self._whys[key], count) for key, count in self._counts.items())
