"""What holds for every test: nothing is left behind, and a required test is not skipped."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Else each worker would rewrite and compile all tests at every session, where PYTHONDONTWRITEBYTECODE is set.
sys.dont_write_bytecode = False
sys.pycache_prefix = BYTECODE = str(Path(__file__).resolve().parent.parent / ".cache" / "bytecode")

# How long an example takes says something about the machine only; and no test here is timed.
settings.register_profile("distbench", deadline=None)
settings.load_profile("distbench")

# A shell without job control has what it runs in the background ignore Ctrl-C, and all that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

REQUIRED = frozenset(filter(None, os.environ.get("DISTBENCH_REQUIRE", "").replace(" ", "").split(",")))
"""Markers whose tests must run: a skip there is a failure."""


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: many tests wait for processes."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    wanted = sorted(marker for marker in REQUIRED if item.get_closest_marker(marker))
    if wanted and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"DISTBENCH_REQUIRE names {', '.join(wanted)}, so this may not be skipped: {reason}"
    return report


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A module that skips itself hides its markers: where any test is required, that fails as well."""
    if REQUIRED and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped as a whole under DISTBENCH_REQUIRE={','.join(sorted(REQUIRED))}: {report.longrepr}"


FIGURES = "figures"


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Have what a test has measured printed at the end of the session."""
    return lambda text: record_property(FIGURES, text)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for name in ("passed", "failed") for report in terminalreporter.stats.get(name, ())]
    said = {text: None for report in reports for name, text in report.user_properties if name == FIGURES}
    if said:
        terminalreporter.section("figures")
        for text in said:
            terminalreporter.line(f"- {text}")


def open_sockets() -> set[str]:
    """The sockets of this process, as the kernel names them; empty where /proc is missing."""
    found: set[str] = set()
    try:
        descriptors = os.listdir("/proc/self/fd")
    except OSError:
        return found
    for descriptor in descriptors:
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:  # the descriptor of the listing itself
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


def child_processes() -> set[str]:
    """The process ids of this process's children, dead ones that nobody waited for included."""
    found: set[str] = set()
    try:
        threads = os.listdir("/proc/self/task")
    except OSError:
        return found
    for thread in threads:
        try:
            with open(f"/proc/self/task/{thread}/children") as listed:
                found.update(listed.read().split())
        except OSError:  # the thread has ended
            continue
    return found


def is_resource_tracker(pid: str) -> bool:
    """Whether it is multiprocessing's own helper, which lives as long as the interpreter."""
    try:
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def pending_tasks() -> set[asyncio.Task[object]]:
    """Tasks of any loop that have not ended, as far as this Python lists them."""
    for name in ("_all_tasks", "_scheduled_tasks"):  # until 3.11, from 3.12
        if (listed := getattr(asyncio.tasks, name, None)) is not None:
            return {task for task in list(listed) if not task.done()}
    return set()


def outlives(thread: threading.Thread) -> bool:
    """Whether a thread goes on although its test has ended; one that is about to end may do so."""
    thread.join(timeout=0.2)
    return thread.is_alive()


@pytest.fixture(autouse=True)
def leaves_nothing_behind() -> Iterator[None]:
    """Fails a test that leaves a task, socket, thread or child process behind."""
    sockets, children, threads = open_sockets(), child_processes(), set(threading.enumerate())
    tasks = pending_tasks()
    yield
    left = [f"task {task!r}" for task in pending_tasks() - tasks]
    left += [f"open {name}" for name in sorted(open_sockets() - sockets)]
    left += [f"child process {pid}" for pid in sorted(child_processes() - children) if not is_resource_tracker(pid)]
    left += [f"thread {thread.name}" for thread in set(threading.enumerate()) - threads if outlives(thread)]
    assert not left, "left behind: " + "; ".join(left)


@pytest.fixture(autouse=True, scope="module")
def settled_heap() -> None:
    """What thousands of tests are made of, and those before have left, no collection looks at again.

    Runs ask for many full ones, and in a node's process, a fork of this one, each would copy the whole heap.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def forgets_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A module that a test wrote and loaded in this process is not there for the next one."""
    before = set(sys.modules)
    yield
    if not (new := sys.modules.keys() - before):
        return
    folder = str(tmp_path_factory.getbasetemp().resolve())
    for name in new:
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None and str(Path(file).resolve()).startswith(folder):
            del sys.modules[name]


@pytest.fixture(autouse=True)
def turn_at_the_engine(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests with containers share the machine's engine, but for one that needs it ``alone``."""
    marker = request.node.get_closest_marker("docker")
    if marker is None:
        yield
        return
    import fcntl

    with (Path(tempfile.gettempdir()) / "distbench-docker.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if marker.kwargs.get("alone") else fcntl.LOCK_SH)
        yield


@pytest.fixture(autouse=True, scope="session")
def plain_output() -> Iterator[None]:
    """Colours and widths of the terminal that the tests run in change nothing; child processes inherit this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_COLOR", "1")
        patch.setenv("COLUMNS", "200")
        patch.delenv("FORCE_COLOR", raising=False)
        # Else each of the many processes that the tests start would compile all of distbench again.
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        patch.setenv("PYTHONPYCACHEPREFIX", BYTECODE)
        patch.delenv("UV_RUN_RECURSION_DEPTH", raising=False)  # under uv run, commands to copy begin with it
        yield
