from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

import distbench
from distbench.community import PeerId
from distbench.logs import REPEATS, TRACE
from distbench.node.current import current_node
from distbench.report.logs import LineFormatter, logs
from distbench.report.notes import MOST_FAILURES
from distbench.report.style import node_colour, wants_colour, wants_status
from distbench.running.outcomes import FAILURE
from distbench.running.result import Failure
from distbench.running.unheard import Words
from tests.report.made import result


@dataclass
class Scope:
    node_id: PeerId
    at: float

    def now(self) -> float:
        return self.at


@contextmanager
def step_of(node: str, at: float) -> Iterator[None]:
    token = current_node.set(Scope(PeerId(node), at))
    try:
        yield
    finally:
        current_node.reset(token)


def logged(verbosity: int, act: Callable[[], None], *, colour: bool = False, quiet: bool = False) -> list[str]:
    """What ``act`` logs, without pytest's own handlers, which raise what ours must bear."""
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    try:
        with logs(verbosity, stream, colour=colour, quiet=quiet):
            act()
    finally:
        root.handlers = handlers
    return stream.getvalue().splitlines()


def every_level() -> None:
    for name in ("my_raft", "distbench.algorithms.echo", "distbench.node.node"):
        for level in (logging.WARNING, logging.INFO, logging.DEBUG, TRACE):
            logging.getLogger(name).log(level, "%s", name)


@pytest.mark.parametrize(
    "verbosity, mine, shipped, framework",
    [(0, 2, 2, 1), (1, 3, 3, 1), (2, 4, 4, 1), (3, 4, 4, 4), (9, 4, 4, 4)],
)
def test_each_v_lets_more_through(verbosity: int, mine: int, shipped: int, framework: int) -> None:
    lines = logged(verbosity, every_level)
    found = [sum(line.endswith(name) for line in lines) for name in ("my_raft", "echo", "node.node")]
    assert found == [mine, shipped, framework]


def test_a_line_has_time_node_level_and_text() -> None:
    def act() -> None:
        with step_of("n1", 0.0035124):
            logging.getLogger("raft").info("vote for %s", "n2")
        with step_of("node10", 12.5):
            logging.getLogger("raft").warning("late")
        logging.getLogger("raft").warning("outside")

    assert logged(0, act) == [
        "  0.003512 n1  INFO    vote for n2",
        " 12.500000 node10 WARNING late",
        "WARNING outside",
    ]


def test_a_nodes_colour_is_its_own_and_stays() -> None:
    def act() -> None:
        with step_of("n1", 0):
            logging.getLogger("raft").info("x")

    (line,) = logged(0, act, colour=True)
    assert f"{node_colour('n1')}n1 \x1b[0m INFO    x" in line
    assert len({node_colour(f"n{number}") for number in range(1, 13)}) == 12
    assert node_colour("alpha") == node_colour("alpha")


def test_colour_is_for_terminals_and_no_color_turns_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert wants_colour(Terminal())
    assert not wants_colour(io.StringIO())
    assert not wants_colour(None)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(Terminal())
    assert wants_status(Terminal())  # it is no colour
    assert not wants_status(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not wants_status(Terminal())


def test_trace_is_a_method_of_any_logger() -> None:
    assert distbench.__name__  # importing it is enough
    lines = logged(2, lambda: logging.getLogger("raft.trace").trace("deep %d", 1))  # type: ignore[attr-defined]
    assert lines == ["TRACE   deep 1"]


def test_a_logged_exception_keeps_its_traceback() -> None:
    def act() -> None:
        try:
            raise ValueError("too late")
        except ValueError:
            logging.getLogger("raft").exception("oh")

    lines = logged(0, act)
    assert lines[0] == "ERROR   oh"
    assert lines[-1] == "ValueError: too late"


def test_a_record_that_cannot_be_formatted_is_one_line() -> None:
    (line,) = logged(0, lambda: logging.getLogger("raft").info("%d votes", "no number"))
    assert "test_logs.py:" in line
    assert "cannot log '%d votes': TypeError" in line


def test_a_stream_that_is_gone_ends_the_logging_and_not_the_run() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    with logs(0, Gone(), colour=False):
        logging.getLogger("raft").info("x")
        logging.getLogger("raft").info("y")


def test_afterwards_logging_is_as_it_was() -> None:
    names = ("", "distbench", "distbench.algorithms", "asyncio")
    before = [(logging.getLogger(name).level, list(logging.getLogger(name).handlers)) for name in names]
    logged(3, every_level)
    assert [(logging.getLogger(name).level, list(logging.getLogger(name).handlers)) for name in names] == before


def test_a_line_of_another_process_is_rendered_alike() -> None:
    assert LineFormatter(colour=False).render_line(1.0, "n1", logging.INFO, "hi") == "  1.000000 n1  INFO    hi"


FAILED = Failure(
    PeerId("n2"), "vote", "Vote(True)", 0.25, "ValueError: too late", "Traceback ...\nValueError: too late"
)


def fail() -> None:
    logging.getLogger("distbench.run").error("n2.vote failed", extra={FAILURE: FAILED})


def test_a_failure_is_logged_under_its_node_and_time() -> None:
    assert logged(0, fail) == [
        "  0.250000 n2  ERROR   vote failed on Vote(True)",
        "Traceback ...",
        "ValueError: too late",
    ]


def test_it_is_known_whether_the_stream_has_shown_all_failures() -> None:
    one, two = result({}, failures=(FAILED,)), result({}, failures=(FAILED, FAILED))
    with logs(0, io.StringIO(), colour=False) as log:
        assert not log.has_shown(one)
        fail()
        assert log.has_shown(one)
        assert not log.has_shown(two)
    with logs(0, io.StringIO(), colour=False, quiet=True) as log:
        fail()
        assert not log.has_shown(one)
    with logs(0, None, colour=False) as log:
        fail()
        assert not log.has_shown(one)
    with logs(0, io.StringIO(), colour=False) as log:  # the processes of the nodes write to the same stream
        assert log.has_shown(result({}, failures=(FAILED,), mode="local"))


def test_quiet_leaves_warnings_about_the_config() -> None:
    def act() -> None:
        every_level()
        fail()
        logging.getLogger("distbench.config.binding").warning("n1.ronds is no field")

    assert logged(0, act, quiet=True) == ["WARNING n1.ronds is no field"]


def test_what_is_added_gets_what_quiet_hides() -> None:
    heard: list[str] = []

    class Ear:
        def wants(self, name: str) -> bool:
            return True

        def take(self, record: logging.LogRecord, words: Words) -> None:
            heard.append(words.text)

    ear = Ear()
    stream = io.StringIO()
    with logs(0, stream, colour=False, quiet=True) as log:
        log.add(ear)
        logging.getLogger("my_raft").info("vote")
        logging.getLogger("my_raft").debug("unheard")
    logging.getLogger("my_raft").warning("after the run")
    assert heard == ["vote"]
    assert stream.getvalue() == ""


# -------------------------------------------------- repeats


def failing(count: int, text: str = "late", node: str = "n1", *, message: str = "vote") -> None:
    for number in range(count):
        failure = Failure(PeerId(node), "vote", message, number / 10, f"ValueError: {text}", f"Traceback\n{text}")
        logging.getLogger("distbench.run").error("%s", failure, extra={FAILURE: failure})


def warning(count: int, text: str = "bad signature", node: str = "n1") -> None:
    with step_of(node, 0.5):
        for _ in range(count):
            logging.getLogger("distbench.node.node").warning("dropped: %s", text, extra=REPEATS)


def repeat() -> None:
    failing(50)
    warning(50)


LEFT_OUT = "WARNING left out {} of failures and warnings above; -v shows each"


def test_failures_and_warnings_that_repeat_are_shown_once_and_counted() -> None:
    def act() -> None:
        failing(1000)
        failing(500, node="n2")
        warning(20)
        warning(1, node="n2")

    lines = logged(0, act)
    assert [line for line in lines if "vote failed" in line] == ["  0.000000 n1  ERROR   vote failed on vote"]
    assert [line for line in lines if "dropped" in line] == ["  0.500000 n1  WARNING dropped: bad signature"]
    assert lines[-1] == LEFT_OUT.format("1,519 repeats")


def test_of_one_kind_as_many_different_ones_are_shown_as_in_the_summary() -> None:
    def act() -> None:
        for number in range(100):
            failing(1, message=f"vote {number}")
            warning(1, f"expected int, found {number}")

    lines = logged(0, act)
    assert sum("vote failed" in line for line in lines) == MOST_FAILURES
    assert sum("dropped" in line for line in lines) == MOST_FAILURES
    assert lines[-1] == LEFT_OUT.format("180 repeats")


@pytest.mark.parametrize("verbosity", [1, 2, 3])
def test_more_verbose_logs_show_every_repeat(verbosity: int) -> None:
    lines = logged(verbosity, repeat)
    assert sum("vote failed" in line for line in lines) == 50
    assert sum("dropped: " in line for line in lines) == 50
    assert "left out" not in lines[-1]


def test_what_algorithms_say_is_never_left_out() -> None:
    def act() -> None:
        for _ in range(50):
            logging.getLogger("my_raft").warning("again")

    lines = logged(0, act)
    assert lines == ["WARNING again"] * 50


def test_a_log_without_repeats_says_nothing_of_them() -> None:
    assert not any("left out" in line for line in logged(0, lambda: failing(1)))
    assert logged(0, repeat, quiet=True) == []


def test_folded_failures_count_as_seen() -> None:
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    failure = Failure(PeerId("n1"), "vote", "", 0.1, "ValueError", "Traceback")
    try:
        with logs(0, io.StringIO(), colour=False) as log:
            failing(30)
            assert log.has_shown(result({}, failures=(failure,) * 30))
            assert not log.has_shown(result({}, failures=(failure,) * 31))
    finally:
        root.handlers = handlers
