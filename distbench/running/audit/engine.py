"""Plays a run twice, compares as it goes, and looks for the reason where the two differ."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Final

from distbench.running.audit.explaining import Explainer, is_event
from distbench.running.audit.sides import Side, Start
from distbench.running.audit.verdict import Audit, Noticed
from distbench.running.audit.ways import ALL, NONE, Way
from distbench.running.preparing import Plan

BEFORE: Final = 500
"""Events that are remembered, to say what a node was doing."""
AFTER: Final = 200
"""Events that are looked at behind the first that differs."""
_SEARCH: Final = 30.0
"""Seconds after which the reason is looked for no more, or five times what the first comparison took."""
_MOST_KNOWN: Final = 100_000
"""Lines that are kept, so that one side needs not be played anew for each reason that is tried."""
MOST_AUDITED: Final = 10
CUT: Final = "a step took too much CPU time (--step-timeout), and how far one comes in that time depends on the machine"


def sample(seeds: Sequence[int]) -> Sequence[int]:
    """The seeds of many that are audited: the first, the last, and some between, evenly spread."""
    if len(seeds) <= MOST_AUDITED:
        return tuple(seeds)
    last = len(seeds) - 1
    return tuple(seeds[index * last // (MOST_AUDITED - 1)] for index in range(MOST_AUDITED))


def audit(plan: Plan, seed: int, start: Start) -> Audit:
    """Play ``plan`` under ``seed`` twice and say whether all was the same."""
    began = perf_counter()
    with ExitStack() as stack:
        left, right = (stack.enter_context(start(seed, ways)) for ways in (NONE, ALL))
        met = _compare(left, right)
        rests = _rest(met.left, left), _rest(met.right, right)
        if untold := _untold(left) or _untold(right):
            return Audit(seed, met.count, None, "", untold=untold)
        if met.same:
            return _equal(seed, left, right, met)
        difference = Explainer(plan, seed).explain(met.count, list(met.before), rests, (left, right))
    allowed = max(_SEARCH, 5 * (perf_counter() - began))
    always, causes, searched = _search(seed, start, met.place + 1, began + allowed)
    found = replace(difference, always=always, causes=causes, searched=searched)
    return Audit(seed, met.count, None, "", found)


@dataclass(slots=True)
class _Met:
    """How far two sides went together."""

    before: deque[bytes]
    count: int = 0
    """Events."""
    place: int = 0
    """Events and results."""
    left: bytes | None = None
    right: bytes | None = None
    same: bool = False


class _Known:
    """A side that was played before, up to where it matters."""

    died = ""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self._lines = iter(lines)

    def next(self) -> bytes | None:
        return next(self._lines, None)


def _compare(left: Side | _Known, right: Side, limit: int | None = None, lines: list[bytes] | None = None) -> _Met:
    """Go along both, to the first that differs, or the end, or ``limit``; ``lines`` gets some that are the same."""
    met = _Met(deque(maxlen=BEFORE))
    while limit is None or met.place < limit:
        one, other = left.next(), right.next()
        if one != other:
            met.left, met.right = one, other
            return met
        if one is None:
            break
        met.place += 1
        if lines is not None and len(lines) < _MOST_KNOWN:
            lines.append(one)
        if is_event(one):
            met.count += 1
            met.before.append(one)
    met.same = left.died == right.died == ""
    return met


def _equal(seed: int, left: Side, right: Side, met: _Met) -> Audit:
    end = left.end or {}
    return Audit(seed, met.count, end.get("digest"), end.get("problem", ""), noticed=_noticed(left, right))


def _noticed(left: Side, right: Side) -> tuple[Noticed, ...]:
    """Once each, with the nodes of both sides."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for side in (left, right):
        for key, (_, nodes) in side.noticed.items():
            found.setdefault(key, {}).update(nodes)
    return tuple(Noticed(what, where, tuple(filter(None, nodes))) for (what, where), nodes in found.items())


def _rest(line: bytes | None, side: Side) -> list[bytes]:
    """A side's line, and some that follow; all, where only results do."""
    lines = [] if line is None else [line]
    while lines and (not is_event(line) or len(lines) < AFTER) and (following := side.next()) is not None:
        lines.append(following)
    return lines


def _untold(side: Side) -> str:
    """Why a comparison says nothing: how this side ended depends on the machine."""
    if side.died:
        return side.died
    return CUT if side.end is not None and side.end["cut"] else ""


def _search(seed: int, start: Start, limit: int, until: float) -> tuple[bool, tuple[str, ...], bool]:
    """Whether two processes that differ in nothing differ as well, else in which ways they must; to the end or not.

    What comes behind ``limit`` is another matter.
    """
    lines: list[bytes] = []
    with start(seed, NONE) as left, start(seed, NONE) as right:
        if not _compare(left, right, limit, lines).same:
            return True, (), True
    causes: list[str] = []
    for way in Way:
        if perf_counter() > until:
            return False, tuple(causes), False
        with ExitStack() as stack:
            known = _Known(lines) if len(lines) < _MOST_KNOWN else stack.enter_context(start(seed, NONE))
            other = stack.enter_context(start(seed, frozenset({way})))
            if _compare(known, other, limit).same:
                continue
        causes.append(way.value)
        if way is Way.MEMORY:  # whatever else is made to differ moves objects as well
            break
    return False, tuple(causes), True
