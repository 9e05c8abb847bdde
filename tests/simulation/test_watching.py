"""A step that never ends is ended, and the run names it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import math
import re
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

import distbench
from distbench import Algorithm, ConfigError, Outcome, PeerId, RunResult, config_field, handler
from distbench.running.workers import CAN_FORK, read_trace

LIMIT = 0.1


def spent() -> float:
    """CPU time, asked for outside of any step: within one it would be the node's own clock."""
    return contextvars.Context().run(time.thread_time)


def spin() -> None:
    while True:
        pass


def swallow() -> None:
    while True:
        try:  # noqa: SIM105 - as users write it
            spin()
        except BaseException:
            pass


def swallow_once() -> None:
    try:  # noqa: SIM105 - as users write it
        spin()
    except BaseException:
        pass


def spin_at_last() -> None:
    try:
        spin()
    finally:
        swallow()


def suppress() -> None:
    while True:
        with contextlib.suppress(BaseException):
            spin()


def go_on() -> None:
    while True:
        try:
            swallow()
        except:  # noqa: E722 - as users write it
            continue


def catch_in_a_generator() -> None:
    def numbers() -> Any:
        while True:
            try:
                yield 1
            except BaseException:
                spin()

    for _ in numbers():
        pass


def match_for_ever() -> None:
    re.match(r"(a+)+$", "a" * 60 + "b")


NASTY: dict[str, Callable[[], None]] = {
    one.__name__: one for one in (spin, swallow, swallow_once, spin_at_last, suppress, go_on, catch_in_a_generator)
}


class Spinning:
    """Is never gone: its end is a step of whoever drops it."""

    def __del__(self) -> None:
        swallow_once()


@distbench.distbench
class Endless(Algorithm):
    """Does ``how`` for ever, at ``where``."""

    where: str = config_field(default="")
    how: str = config_field(default="spin")

    def __init__(self) -> None:
        self.begin("__init__")

    def begin(self, where: str) -> None:
        if where == self.where:
            NASTY[self.how]()

    async def on_start(self) -> None:
        self.begin("on_start")
        if self.where == "handler" or self.where == "reply":
            for peer in self.peers.values():
                await peer.endless("now")
        if self.where == "task":
            self.task = asyncio.create_task(self.later())
            await asyncio.sleep(1)
        if self.where == "after a wait":
            await asyncio.sleep(1)
            self.begin(self.where)
        if self.where == "callback":
            asyncio.get_running_loop().call_later(1, self.begin, self.where)
            await asyncio.sleep(2)
        if self.where == "generator":
            async for _ in self.numbers():
                pass
        if self.where == "never suspends":
            while True:
                with contextlib.suppress(BaseException):
                    await self.nothing()
        if self.where == "cancelled":
            try:
                await asyncio.Event().wait()
            finally:
                NASTY[self.how]()
        if self.where != "running":
            await self.terminate()

    async def later(self) -> None:
        self.begin("task")

    async def nothing(self) -> None:
        pass

    async def numbers(self) -> AsyncIterator[int]:
        yield 1
        self.begin("generator")

    @handler
    async def endless(self, src: PeerId, text: str) -> str:
        NASTY["spin"]()
        return text

    async def on_exit(self) -> None:
        self.begin("on_exit")

    async def report(self) -> Mapping[str, object]:
        self.begin("report")
        return {"id": self.id()}


EVERYWHERE = (
    *("__init__", "on_start", "handler", "task", "after a wait", "callback", "generator", "never suspends"),
    *("cancelled", "on_exit", "report"),
)


def play(where: str, how: str = "spin", **options: Any) -> RunResult:
    nodes: dict[str, Any] = {"n1": {"where": where, "how": how}, "n2": {}}
    result: RunResult = distbench.run(Endless, nodes, **{"step_timeout": LIMIT, **options})
    return result


def is_named(result: RunResult) -> bool:
    """It ended as a timeout that names a line of this file, and nothing else went wrong."""
    found = re.search(r"--step-timeout\), at test_watching\.py:\d+: \S.*depends on the machine", result.reason)
    return (result.outcome, result.exit_status, result.failures) == (Outcome.TIMEOUT, 3, ()) and found is not None


def nothing_is_left() -> bool:
    return (
        signal.getsignal(signal.SIGPROF) is signal.SIG_DFL
        and signal.getitimer(signal.ITIMER_PROF) == (0, 0)
        and "simulation" not in getattr(time.time, "__module__", "")
    )


def in_a_thread(function: Callable[[], Any]) -> Any:
    """What a notebook does whose loop runs: the run is in another thread."""
    return asyncio.run(asyncio.to_thread(function))


@pytest.mark.parametrize("where", EVERYWHERE)
def test_a_step_that_never_ends_is_ended_and_named(where: str) -> None:
    result = play(where)
    assert is_named(result), result.reason
    assert set(result.nodes) == {"n1", "n2"}
    assert f"a step of {'n2' if where == 'handler' else 'n1'} took more" in result.reason
    assert nothing_is_left()
    assert play("").exit_status == 0


@pytest.mark.slow
@pytest.mark.parametrize("how", NASTY)
@pytest.mark.parametrize("where", ["on_start", "task", "report"])
def test_user_code_cannot_swallow_the_end(where: str, how: str) -> None:
    assert is_named(play(where, how))
    assert nothing_is_left()
    assert play("").exit_status == 0


@pytest.mark.slow
@pytest.mark.parametrize("how", NASTY)
@pytest.mark.parametrize("where", ["__init__", "on_start", "task", "cancelled"])
def test_it_is_so_in_a_thread_beside_a_running_loop(where: str, how: str) -> None:
    result = in_a_thread(lambda: play(where, how))
    assert is_named(result), result.reason
    assert in_a_thread(lambda: play("")).exit_status == 0


def test_a_finalizer_is_a_step() -> None:
    @distbench.distbench
    class Dropping(Algorithm):
        async def on_start(self) -> None:
            Spinning()
            await self.terminate()

    result = distbench.run(Dropping, {"n1": {}}, step_timeout=LIMIT)
    assert result.outcome is Outcome.TIMEOUT


def test_what_c_does_is_ended_where_it_listens_to_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NASTY, "match", match_for_ever)
    assert "match_for_ever" in play("on_start", "match").reason or is_named(play("on_start", "match"))


def test_the_others_leave_in_order() -> None:
    result = play("on_start")
    assert result.reports[PeerId("n2")] == {"id": "n2"}


@pytest.mark.slow
@pytest.mark.parametrize("thread", [False, True])
def test_steps_that_end_are_many_and_no_one_step(thread: bool) -> None:
    """All of them together take longer than one may."""

    @distbench.distbench
    class Busy(Algorithm):
        async def on_start(self) -> None:
            until = spent() + 3 * LIMIT
            self.steps = 0
            while spent() < until:
                self.steps += 1
                await asyncio.sleep(0)
            await self.terminate()

        async def report(self) -> Mapping[str, object]:
            return {"steps": self.steps}

    def one() -> RunResult:
        return distbench.run(Busy, {"n1": {}}, step_timeout=LIMIT)

    result = in_a_thread(one) if thread else one()
    assert result.outcome is Outcome.COMPLETED, result.reason


@pytest.mark.slow
@pytest.mark.parametrize("limit", [0, math.inf])
@pytest.mark.parametrize("thread", [False, True])
def test_no_limit_is_none(limit: float, thread: bool) -> None:
    assert in_a_thread(lambda: _long(limit)) if thread else _long(limit)


def _long(limit: float) -> bool:
    """Whether one step may take a while."""

    @distbench.distbench
    class Long(Algorithm):
        async def on_start(self) -> None:
            until = spent() + 3 * LIMIT
            while spent() < until:
                pass
            await self.terminate()

    return distbench.run(Long, {"n1": {}}, step_timeout=limit).outcome is Outcome.COMPLETED


def test_a_long_step_is_too_long() -> None:
    assert not _long(LIMIT)


@pytest.mark.parametrize("thread", [False, True])
def test_under_a_debugger_there_is_no_limit(thread: bool) -> None:
    def trace(*_: object) -> None:
        return None

    def traced() -> bool:
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            return _long(LIMIT)
        finally:
            sys.settrace(before)

    assert in_a_thread(traced) if thread else traced()


@pytest.mark.slow
@pytest.mark.parametrize("thread", [False, True])
def test_a_debugger_may_come_in_the_middle_of_a_step(thread: bool) -> None:
    def follow(*_: object) -> Any:
        return follow

    @distbench.distbench
    class Debugged(Algorithm):
        async def on_start(self) -> None:
            before = sys.gettrace()
            sys.settrace(follow)
            sys._getframe().f_trace = follow  # as pdb.set_trace() does
            until = spent() + 3 * LIMIT
            while spent() < until:
                pass
            await self.terminate()
            sys.settrace(before)

    def one() -> RunResult:
        return distbench.run(Debugged, {"n1": {}}, step_timeout=LIMIT)

    assert (in_a_thread(one) if thread else one()).outcome is Outcome.COMPLETED


def check(result: RunResult) -> None:
    if any(isinstance(each, Endless) and each.where == "check" for each in result.algorithms.values()):
        swallow()


def test_a_check_that_never_ends_is_ended_and_named() -> None:
    result = play("check")
    assert is_named(result)
    assert result.reason.startswith("the check took more")


def test_where_somebody_else_uses_the_signal_it_stays_theirs() -> None:
    def profile(*_: object) -> None:
        pass

    before = signal.signal(signal.SIGPROF, profile)
    try:
        assert is_named(play("on_start", "swallow"))
        assert signal.getsignal(signal.SIGPROF) is profile
    finally:
        signal.signal(signal.SIGPROF, before)


@pytest.mark.parametrize("value", [-1, math.nan, "5", None, True])
def test_a_limit_is_a_number(value: Any) -> None:
    with pytest.raises(ConfigError, match="step_timeout"):
        play("", step_timeout=value)


# -------------------------------------------------- many seeds

needs_fork = pytest.mark.skipif(not CAN_FORK, reason="this system cannot fork")


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("how", ["spin", "swallow"])
def test_a_seed_whose_step_never_ends_fails_and_is_named(jobs: int, how: str) -> None:
    nodes = {"n1": {"where": "on_start", "how": how}, "n2": {}}
    threads = threading.active_count()
    many = distbench.run(Endless, nodes, seeds=range(3), jobs=jobs, keep_going=True, step_timeout=LIMIT)
    assert [run.seed for run in many.failed] == [0, 1, 2]
    assert many.exit_status == 3
    for run in many.failed:
        assert run.outcome is Outcome.TIMEOUT
        assert "test_watching.py:" in run.problem
    assert threading.active_count() == threads


@distbench.distbench
class Deaf(Algorithm):
    """Seed 1 is in a call that neither ends nor listens."""

    async def on_start(self) -> None:
        if self.seed_is_one():
            sum(range(10**15))
        await self.terminate()

    def seed_is_one(self) -> bool:
        return self.choice(range(10**6)) == _CHOSEN


_CHOSEN = -1


@pytest.mark.slow
@needs_fork
@pytest.mark.skipif(sys.platform != "linux", reason="the CPU time of another process is read on Linux only")
def test_a_worker_that_does_not_listen_is_ended_by_its_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    probe: list[int] = []

    @distbench.distbench
    class Probe(Algorithm):
        async def on_start(self) -> None:
            probe.append(self.choice(range(10**6)))

    distbench.run(Probe, {"n1": {}}, seed=1)
    monkeypatch.setattr(sys.modules[__name__], "_CHOSEN", probe[0])
    many = distbench.run(Deaf, {"n1": {}}, seeds=range(4), jobs=2, keep_going=True, step_timeout=LIMIT)
    assert [(run.seed, run.outcome, run.exit_status) for run in many.failed] == [(1, Outcome.TIMEOUT, 3)]
    assert "test_watching.py:" in many.failed[0].problem
    assert "sum(range(10**15))" in many.failed[0].problem
    assert len(many.runs) == 4


def test_a_traceback_is_read_with_every_name() -> None:
    told = b'Current thread 0x1 (most recent call first):\n  File "/a/\\xfc.py", line 3 in go\n'
    assert read_trace(told + b'  File "/b/\\u4e2d \\"x.py", line 12 in <module>\n') == [
        ('/b/\u4e2d \\"x.py', 12),
        ("/a/\xfc.py", 3),
    ]
