"""What an audit came to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something real that nodes read, though no stand-in answered."""

    what: str
    """``time.time()``; or what all nodes share."""
    where: str
    """``file.py:12``; empty where it has no place."""
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """The first event, or result, that was not the same."""

    number: int
    """Of the event, from 1; of a result, one more than there were events."""
    at: float | None
    """Seconds of virtual time; None where it has none."""
    node: str
    """The node that did it; empty where it was none."""
    handler: str
    """The handler of the message; empty where it was no message."""
    happened: tuple[str, str]
    """In words, in the first process and in the second."""
    message: tuple[str, str]
    """What the two messages say, or the two reported values; empty where there is none."""
    part: str
    """Which part of them differs, with its two values."""
    during: str
    """What the node was doing."""
    reads: tuple[str, ...]
    """What the node read before, the latest first."""
    hints: tuple[str, ...]
    """What the values look like."""
    causes: tuple[str, ...]
    """In which ways two processes must differ to show it; empty where each of them alone made no difference."""
    always: bool
    """It differs in processes that differ in nothing."""
    searched: bool
    """The causes were looked for to the end."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What came of playing one seed twice, in processes that differ in all that must not matter."""

    seed: int
    events: int
    """Events that were the same."""
    digest: str | None
    """That of the run, where it is repeatable."""
    problem: str
    """Why the run failed, both times; nothing where it did not."""
    difference: Difference | None = None
    noticed: tuple[Noticed, ...] = ()
    """What is real and reached no event this time."""
    untold: str = ""
    """Why it cannot be told whether the run is repeatable."""

    @property
    def repeatable(self) -> bool:
        """Whether all events and results were the same."""
        return self.difference is None and not self.untold

    @property
    def complaint(self) -> str:
        """Why it is not said to be repeatable, on one line; nothing where it is."""
        found = self.difference
        if found is None:
            return f"whether it is repeatable cannot be told: {self.untold}" if self.untold else ""
        one, other = found.happened
        what = one if one == other else f"{one}, or {other}"
        return f"not repeatable: event {found.number:,} differs: {what}"

    @property
    def exit_status(self) -> int:
        """0 repeatable, 1 not repeatable, 3 where it cannot be told."""
        return 0 if self.repeatable else 1 if self.difference is not None else 3

    @property
    def ok(self) -> bool:
        """Whether the exit status is 0."""
        return self.exit_status == 0
