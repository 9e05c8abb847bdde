"""Why a node drops a message, and whose messages did not fit it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from distbench.community import PeerId

NO_HANDLER: Final = "no such handler"
DOES_NOT_FIT: Final = "does not fit the handler"
BAD_SIGNATURE: Final = "bad signature"
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


class Misfits:
    """Counts messages that did not fit a node, by sender and handler; of the first it keeps what was wrong with it."""

    __slots__ = ("_counts", "_whys")

    def __init__(self) -> None:
        self._counts: dict[Key, int] = {}
        self._whys: dict[Key, str] = {}

    def add(self, key: Key, why: str) -> None:
        """One more."""
        self._counts[key] = self._counts.get(key, 0) + 1
        self._whys.setdefault(key, why[:_LONGEST])

    def __iter__(self) -> Iterator[tuple[Key, str, int]]:
        """Each kind with what was wrong with the first, and how many they were."""
        return ((key, self._whys[key], count) for key, count in self._counts.items())
