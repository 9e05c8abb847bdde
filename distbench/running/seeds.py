"""Many runs of one algorithm, each under another seed, on all cores."""

from __future__ import annotations

import os
import pickle
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, Final, NoReturn

from distbench.community import PeerId
from distbench.config.binding import bind
from distbench.errors import ConfigError, DefinitionError, InternalError, RunFailed
from distbench.running.audit.verdict import Audit
from distbench.running.instances import NOT_HERE
from distbench.running.preparing import Plan, load_class
from distbench.running.result import Outcome, RunResult
from distbench.running.signals import Interrupted, name_interrupt
from distbench.running.unheard import hushed
from distbench.running.workers import CAN_FORK, Answer, Workers, tell_alive
from distbench.simulation.watching import describe_cut, is_debugged
from distbench.words import plural

MOST_SEEDS: Final = 1_000_000
MOST_FAILURES_KEPT: Final = 10
"""Failing runs whose whole result is kept; of the others, what ``SeedRun`` says."""
_GLANCE: Final = 0.1
"""Seconds between two looks at how far the runs are."""
_WORTH_A_REPEAT: Final = 5.0
"""A failing run that took up to so many seconds is repeated alone, to see whether its seed replays it."""


@dataclass(frozen=True, slots=True)
class SeedRun:
    """What one seed came to; times in seconds."""

    seed: int
    outcome: Outcome
    """``failed`` where the process died over it."""
    ended: Outcome | None
    """How the run came to its end; None where the process died over it."""
    virtual_time: float
    wall_time: float
    deliveries: int
    """Messages given to nodes, replies included."""
    messages: int
    """Casts and requests that nodes took, replies apart."""
    digest: str | None
    problem: str
    """Why it failed, on one line; nothing where it did not."""
    silent: bool = False
    """No node sent a message."""
    dropped: Mapping[str, int] = field(default_factory=dict, hash=False)
    """Messages dropped at all nodes, by reason."""
    kept: Any = field(default=None, compare=False, repr=False)
    """What the caller of ``run_seeds`` asked to keep of each run."""

    @property
    def exit_status(self) -> int:
        """That of its outcome."""
        return self.outcome.exit_status

    @property
    def ok(self) -> bool:
        """Whether the exit status is 0."""
        return self.exit_status == 0


@dataclass(frozen=True, slots=True)
class SeedsResult:
    """What many seeds came to."""

    runs: tuple[SeedRun, ...]
    """Those that failed first, then the others, each in the order of the seeds asked for."""
    failures: tuple[RunResult, ...]
    """The first failing runs, ``algorithms`` left out; empty where none failed or the process died."""
    asked: int
    """How many seeds were asked for; there are fewer runs where the first failure, or Ctrl-C, ended them."""
    wall_time: float
    processes: int
    interrupted: bool = False
    reason: str = ""
    """What interrupted them: Ctrl-C, or the name of a signal."""
    under_way: tuple[int, ...] = ()
    """The seeds that were running then."""
    busy_at: Mapping[int, str] = field(default_factory=dict, hash=False)
    """By seed of these, the line of the algorithm that it was at, as far as that can be said."""
    replays: bool | None = None
    """Whether the first failing seed, run again alone, failed again; None where that was not tried.

    False: the algorithm keeps something between runs, in a module or a class, so that a seed does not say it all.
    """
    audits: tuple[Audit, ...] = ()
    """What the audits of some of the seeds came to, where they were asked for."""

    @property
    def failed(self) -> tuple[SeedRun, ...]:
        """The seeds that failed, in the order asked for."""
        return tuple(run for run in self.runs if not run.ok)

    @property
    def seed(self) -> int | None:
        """The first seed that failed."""
        failed = self.failed
        return failed[0].seed if failed else None

    @property
    def failure(self) -> RunResult | None:
        """The run of the first seed that failed."""
        return self.failures[0] if self.failures else None

    @property
    def exit_status(self) -> int:
        """130 after Ctrl-C; else that of the first seed that failed, else of the first audit that did, else 0."""
        if self.interrupted:
            return Outcome.INTERRUPTED.exit_status
        statuses = [one.exit_status for one in self.failed] + [one.exit_status for one in self.audits]
        return next(filter(None, statuses), 0)

    @property
    def ok(self) -> bool:
        """Whether the exit status is 0: all seeds that were wanted ran, and none failed."""
        return self.exit_status == 0

    def raise_if_failed(self) -> SeedsResult:
        """The result itself where it is ``ok``; else RunFailed, which names the first seed that failed and says why."""
        if self.ok:
            return self
        failed = self.failed
        wrong = []
        if self.interrupted:
            wrong.append(f"interrupted after {len(self.runs):,} of {plural(self.asked, 'seed')}")
        if failed:
            others = f" (and {plural(len(failed) - 1, 'more seed')})" if len(failed) > 1 else ""
            wrong.append(f"the run with seed {failed[0].seed} failed: {failed[0].problem}{others}")
        wrong += [f"seed {audit.seed}: {audit.complaint}" for audit in self.audits if not audit.ok][:1]
        raise RunFailed("; ".join(wrong), self)

    @property
    def outcomes(self) -> Mapping[str, int]:
        """How many runs came to what; the outcomes that fail a run come last."""
        counts = Counter(run.outcome for run in self.runs)
        return {str(outcome): counts[outcome] for outcome in sorted(counts, key=lambda one: (one.exit_status, one))}


@dataclass(frozen=True, slots=True)
class SeedsProgress:
    """How far the runs are."""

    done: int
    asked: int
    failed: int
    seconds: float


def run_seeds(
    plan: Plan,
    seeds: Sequence[int],
    *,
    keep_going: bool = False,
    jobs: int | None = None,
    progress: Callable[[SeedsProgress], None] | None = None,
    keep: Callable[[RunResult], object] | None = None,
) -> SeedsResult:
    """Run ``plan`` under each of ``seeds``, to the first that fails, or all with ``keep_going``.

    The first failing one is the first in the order of ``seeds``, whatever other process was quicker. ``jobs``
    processes share the work, as many as there are cores if None; with 1, and where processes cannot be forked, all
    happens in this one. ``progress`` hears ten times a second; what ``keep`` returns stays with each ``SeedRun``.
    Ctrl-C ends it with what has been found so far.
    """
    if not seeds:
        raise ConfigError("no seeds to run; give for instance range(200), or --seeds 0-199")
    bind(plan.definition, plan.config(seeds[0]), load_class)  # what is wrong with the config is said here, once
    processes = min(_cores() if jobs is None else jobs, len(seeds)) if CAN_FORK else 1
    found = _Found(seeds, keep_going, progress)
    one = _OneRun(plan, keep)
    try:
        if CAN_FORK and jobs != 1:
            _run_forked(one, found, processes)
        else:
            _run_here(one, found)
    except KeyboardInterrupt as interrupt:
        found.interrupted = name_interrupt(interrupt)
    return found.result(processes)


class _OneRun:
    """Runs one seed, in a worker or here."""

    def __init__(self, plan: Plan, keep: Callable[[RunResult], object] | None) -> None:
        self._plan = plan
        self._keep = keep
        self._sent = 0

    @property
    def patience(self) -> float:
        """CPU time that one step of a run may take."""
        return 0.0 if is_debugged() else self._plan.options.step_timeout

    def __call__(self, seed: int) -> tuple[SeedRun, bytes | None] | ConfigError | DefinitionError:
        """What came of it, and the pickled result of a failing run; few of them, since they may be large."""
        try:
            result = self._plan.run_offline(seed, on_look=tell_alive)
        except (ConfigError, DefinitionError) as error:
            return error
        kept = None if self._keep is None else self._keep(result)
        failed = not result.ok and self._sent < MOST_FAILURES_KEPT
        self._sent += failed
        return _summarise(result, kept), _pack(result) if failed else None


class _Found:
    """Collects what came of the seeds, and knows when it is enough."""

    def __init__(
        self, seeds: Sequence[int], keep_going: bool, progress: Callable[[SeedsProgress], None] | None
    ) -> None:
        self.seeds = seeds
        self.end = len(seeds)
        """Runs from this place on do not count: one before them failed."""
        self.interrupted = ""
        """What interrupted them, if anything did."""
        self.replays: bool | None = None
        self.under_way: tuple[int, ...] = ()
        self.busy_at: dict[int, str] = {}
        self._keep_going = keep_going
        self._progress = progress
        self._runs: dict[int, SeedRun] = {}
        self._failures: dict[int, bytes] = {}
        self._failed = 0
        self._told = 0.0
        self._began = perf_counter()

    @property
    def worth_a_repeat(self) -> int | None:
        """The place of the first failing seed, if it is to be run again alone; known once all before it are there."""
        first = min((index for index, run in self._runs.items() if not run.ok and index < self.end), default=None)
        if first is None or self._runs[first].ended is None or self._runs[first].wall_time > _WORTH_A_REPEAT:
            return None
        return first

    def take(self, answer: Answer) -> None:
        """What a process said of one seed. Raises what ended it if that is no failure of the run."""
        if answer.index >= self.end:
            return
        seed = self.seeds[answer.index]
        if isinstance(answer.value, ConfigError | DefinitionError):
            raise type(answer.value)(f"seed {seed}: {answer.value}")
        if answer.error is not None:
            _raise_ours(seed, answer.error)
        if answer.died is not None:
            problem = f"its process died: {answer.died}"
            run, packed = SeedRun(seed, Outcome.FAILED, None, 0.0, 0.0, 0, 0, None, problem), None
        elif answer.stuck is not None:
            problem = f"timeout: {describe_cut('a step', answer.spent, answer.stuck)}"
            late = Outcome.TIMEOUT
            run, packed = SeedRun(seed, late, late, 0.0, answer.spent, 0, 0, None, problem), None
        else:
            run, packed = answer.value
        if run.outcome is Outcome.INTERRUPTED:
            what, _, place = run.problem.removeprefix(f"{run.outcome}: ").partition(", at ")
            if place:
                self.busy_at[seed] = place
            raise Interrupted(what)
        self._runs[answer.index] = run
        if not run.ok:
            self._failed += 1
            if packed is not None:
                self._failures[answer.index] = packed
            if not self._keep_going:
                self.end = answer.index + 1

    def tell(self) -> None:
        """Report how far it is, now and then."""
        spent = perf_counter() - self._began
        if self._progress is not None and spent - self._told >= _GLANCE:
            self._told = spent
            self._progress(SeedsProgress(len(self._runs), len(self.seeds), self._failed, spent))

    def result(self, processes: int) -> SeedsResult:
        """All of it."""
        runs = [run for index, run in sorted(self._runs.items()) if index < self.end]
        failures = [packed for index, packed in sorted(self._failures.items()) if index < self.end]
        return SeedsResult(
            runs=tuple(sorted(runs, key=lambda run: run.ok)),
            failures=tuple(pickle.loads(packed) for packed in failures[:MOST_FAILURES_KEPT]),
            asked=len(self.seeds),
            wall_time=perf_counter() - self._began,
            processes=processes,
            interrupted=bool(self.interrupted),
            reason=self.interrupted,
            under_way=self.under_way,
            busy_at=self.busy_at,
            replays=self.replays,
        )


def _run_forked(one: _OneRun, found: _Found, processes: int) -> None:
    with Workers(one, found.seeds, processes, one.patience) as workers:
        try:
            while (answers := workers.wait(_GLANCE)) is not None:
                for answer in answers:
                    found.take(answer)
                workers.stop_at(found.end)
                found.tell()
        except KeyboardInterrupt:
            found.under_way = tuple(found.seeds[index] for index in workers.busy)
            found.busy_at = {found.seeds[index]: place for index, place in workers.places().items() if place}
            raise
    if found.worth_a_repeat is not None:
        with Workers(one, found.seeds, 1, one.patience) as fresh:
            _repeat_alone(found, fresh)


def _repeat_alone(found: _Found, fresh: Workers) -> None:
    """Run the first failing seed again in a process that has run nothing before."""
    first = found.worth_a_repeat
    if first is None:
        return
    fresh.only(first)
    while (answers := fresh.wait(_GLANCE)) is not None:
        for answer in answers:
            ran = answer.error is None and answer.died is None and answer.stuck is None
            found.replays = answer.stuck is not None or (ran and not answer.value[0].ok)


def _run_here(one: _OneRun, found: _Found) -> None:
    # A debugger that stops in a run would stop in its repetition as well, where nobody sees it.
    repeats = CAN_FORK and sys.gettrace() is None
    with hushed(), Workers(one, found.seeds, 1, one.patience) if repeats else nullcontext() as fresh:
        for index, seed in enumerate(found.seeds):
            if index >= found.end:
                break
            found.under_way = (seed,)
            found.take(Answer(index, one(seed)))
            found.under_way = ()
            found.tell()
        if fresh is not None:
            _repeat_alone(found, fresh)


def _summarise(result: RunResult, kept: object) -> SeedRun:
    return SeedRun(
        result.seed,
        result.outcome,
        result.ended,
        result.virtual_time,
        result.wall_time,
        result.deliveries,
        result.messages,
        result.digest,
        result.problem,
        not any(node.messages_in or node.messages_out for node in result.nodes.values()),
        _dropped(result),
        kept,
    )


def _dropped(result: RunResult) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for node in result.nodes.values():
        if node.dropped:
            counts.update(node.dropped)
    return dict(counts)


def _pack(result: RunResult) -> bytes:
    """``result`` without the algorithms; reported values that cannot be pickled become text."""
    slim = replace(result, algorithms=NOT_HERE)
    try:
        return pickle.dumps(slim)
    except Exception:  # noqa: BLE001 - the pickling of users' values may raise anything
        plain: dict[PeerId, dict[str, object]] = {
            node: {name: repr(value) for name, value in report.items()} for node, report in slim.reports.items()
        }
        return pickle.dumps(replace(slim, reports=plain))


def _raise_ours(seed: int, text: str) -> NoReturn:
    raise InternalError(f"the run with seed {seed} raised\n{text}")


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))  # those that this process may use
    except AttributeError:
        return os.cpu_count() or 1


def parse_seeds(text: str) -> Sequence[int]:
    """``'5'``, ``'0-999'`` or ``'0-9,20-29'``: each seed once, the lowest first."""
    ranges = sorted((_parse_range(part.strip(), text) for part in text.split(",")), key=lambda one: one.start)
    merged: list[range] = []
    for one in ranges:
        if merged and one.start <= merged[-1].stop:
            merged[-1] = range(merged[-1].start, max(merged[-1].stop, one.stop))
        else:
            merged.append(one)
    if sum(one.stop - one.start for one in merged) > MOST_SEEDS:  # len() of a long range raises
        raise ConfigError(f"seeds {text!r} are too many at once, {MOST_SEEDS:,} is the most; run them in parts")
    return merged[0] if len(merged) == 1 else tuple(seed for one in merged for seed in one)


def _parse_range(part: str, text: str) -> range:
    low, dash, high = (piece.strip() for piece in part.partition("-"))
    high = high if dash else low
    if not (low.isascii() and low.isdigit() and high.isascii() and high.isdigit()):
        wanted = "write for instance 0-999, or 5, or 0-9,20-29"
        raise ConfigError(f"seeds {text!r}: {part!r} is no range of whole numbers from 0 on; {wanted}")
    if max(len(low), len(high)) > 19 or int(high) >= 2**63:
        raise ConfigError(f"seeds {text!r}: {part!r} goes above {2**63 - 1}, the highest seed")
    if int(low) > int(high):
        raise ConfigError(f"seeds {text!r}: in {part!r} the lower seed comes first; write {high}-{low}")
    return range(int(low), int(high) + 1)
