"""What stands in a result for instances of algorithms that are in no reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

from distbench.errors import DistbenchError


class NotHere(Mapping[Any, Any]):
    """A mapping that nobody can read, so that a check which would find nothing in it does not pass for that.

    It is compared, shown, copied and pickled like any value, since that happens to whole results.
    """

    __slots__ = ()

    def _refuse(self, *_: object) -> NoReturn:
        __tracebackhide__ = True  # a check's error tells the check's own line
        raise DistbenchError(
            "result.algorithms can be read in offline mode only, and not in a result that --seeds kept: the instances "
            "were in other processes; have report() return what you need, and read result.reports, alike in every mode"
        )

    __getitem__ = __len__ = __bool__ = __contains__ = _refuse
    keys = values = items = get = _refuse

    def __iter__(self) -> Iterator[Any]:
        __tracebackhide__ = True
        self._refuse()

    __reversed__ = __iter__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NotHere)

    def __hash__(self) -> int:
        return hash(NotHere)

    def __repr__(self) -> str:
        return "<not here>"


NOT_HERE: Final = NotHere()
