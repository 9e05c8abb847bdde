from __future__ import annotations

import io
import threading

import pytest

from distbench.report.status import RunMeter, StatusLine, render_seeds_progress, watching
from distbench.running.gauge import Gauge, Progress
from distbench.running.options import RunOptions
from distbench.running.preparing import Plan
from distbench.running.seeds import SeedsProgress

ERASE = "\x1b[G\x1b[2K"


def test_the_line_is_replaced_and_goes_away() -> None:
    terminal = io.StringIO()
    status = StatusLine(terminal)
    status.clear()
    status.show("one")
    status.show("two")
    status.clear()
    status.clear()
    assert terminal.getvalue() == f"{ERASE}one{ERASE}two{ERASE}"


def test_it_is_cut_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "8")
    terminal = io.StringIO()
    StatusLine(terminal).show("選挙 and more")
    assert terminal.getvalue() == f"{ERASE}選挙 an"


def test_what_is_written_above_takes_the_line_away_until_it_ends_its_own() -> None:
    terminal = io.StringIO()
    status = StatusLine(terminal)
    above = status.above(terminal)
    status.show("running")
    above.write("a log line\n")
    status.show("running on")
    print("half", end="", file=above)
    status.show("not yet")
    print(" done", file=above)
    status.show("again")
    assert terminal.getvalue() == f"{ERASE}running{ERASE}a log line\n{ERASE}running on{ERASE}half done\n{ERASE}again"


def test_a_terminal_that_is_gone_ends_nothing() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError

    status = StatusLine(Gone())
    status.show("x")
    status.clear()


def test_a_run_is_looked_at_until_it_is_over() -> None:
    terminal = io.StringIO()
    looked = threading.Event()

    def look() -> str | None:
        if looked.is_set():
            return "far"
        looked.set()
        return None

    with watching(StatusLine(terminal), look, first_after=0, every=0.001):
        assert looked.wait(10)
        while "far" not in terminal.getvalue():
            pass
    assert terminal.getvalue().startswith(f"{ERASE}far")
    assert terminal.getvalue().endswith(ERASE)


def test_a_short_run_shows_no_line() -> None:
    terminal = io.StringIO()
    with watching(StatusLine(terminal), lambda: "far"):
        pass
    assert terminal.getvalue() == ""


def test_the_line_says_time_messages_rate_and_nodes() -> None:
    gauge = Gauge()
    meter = RunMeter(gauge.read)
    assert meter() is None
    gauge.attach(lambda: Progress(12.5, 1_234_567, 3, 64))
    text = meter()
    assert text is not None
    assert text.startswith("12.500 s virtual, 1,234,567 messages, ")
    assert text.endswith(" messages/s, 3 of 64 nodes done")
    again = meter()
    assert again is not None
    assert ", 0 messages/s, " in again


def test_the_line_counts_the_messages_that_the_last_line_and_the_table_count() -> None:
    gauge = Gauge()
    result = Plan("echo", "complete:4", RunOptions()).run_offline(0, gauge)
    text = RunMeter(gauge.read)()
    assert text is not None
    assert f", {result.messages} messages, " in text
    assert result.messages == sum(node.messages_in for node in result.nodes.values()) < result.deliveries


def test_the_line_about_seeds_says_how_many_and_how_fast() -> None:
    assert render_seeds_progress(SeedsProgress(50, 1000, 0, 0.5)) == "50 of 1,000 seeds, 100 runs/s"
    assert render_seeds_progress(SeedsProgress(50, 1000, 2, 0.5)) == "50 of 1,000 seeds, 2 failed, 100 runs/s"
