"""Log records of a simulated node: its clock, not read; and a run that leaves logging as it was."""

from __future__ import annotations

import asyncio
import io
import logging
import time
from collections.abc import Callable
from typing import Any

import distbench
from distbench import Algorithm

BEGIN = 1_577_836_800.0
"""2020-01-01T00:00:00 UTC."""


class Keeps(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def records(log: Callable[[logging.Logger], None], nodes: int = 1) -> list[logging.LogRecord]:
    """What every node logs at 1.25 s."""
    kept = Keeps()
    logger = logging.getLogger("of.a.node")
    logger.addHandler(kept)

    @distbench.distbench
    class Logs(Algorithm):
        async def on_start(self) -> None:
            await asyncio.sleep(1.25)
            log(logger)
            await self.terminate()

    try:
        assert distbench.run(Logs, {f"n{number}": {} for number in range(nodes)}).failures == ()
    finally:
        logger.removeHandler(kept)
    return kept.records


def test_a_record_shows_the_time_of_its_node() -> None:
    (record,) = records(lambda logger: logger.warning("x"))
    assert abs(record.created - BEGIN - 1.25) < 1e-5
    assert abs(record.relativeCreated - 1250) < 1e-2
    assert record.msecs in (249.0, 250.0)


def test_a_formatter_shows_it_in_utc() -> None:
    shown: list[str] = []

    def log(logger: logging.Logger) -> None:
        handler = logging.StreamHandler(io.StringIO())
        handler.setFormatter(logging.Formatter("%(asctime)s", datefmt="%Y-%m-%dT%H:%M:%S"))
        logger.addHandler(handler)
        logger.warning("x")
        shown.append(handler.stream.getvalue())

    records(log)
    assert shown == ["2020-01-01T00:00:01\n"]


def test_showing_the_time_is_no_reading_of_the_clock() -> None:
    def readings(between: Callable[[logging.Logger], object]) -> list[int]:
        seen: list[int] = []

        def log(logger: logging.Logger) -> None:
            seen.append(time.time_ns())
            for _ in range(10):
                between(logger)
            seen.append(time.time_ns())

        records(log)
        return seen

    assert readings(lambda logger: logger.warning("x")) == readings(lambda logger: None)
    assert readings(lambda logger: time.time()) != readings(lambda logger: None)


def test_a_record_after_a_reading_shows_the_reading() -> None:
    read: list[float] = []

    def log(logger: logging.Logger) -> None:
        for _ in range(1000):
            last = time.time()
        read.append(last)
        logger.warning("x")

    (record,) = records(log)
    assert record.created == read[0]


def test_a_record_is_the_same_each_time() -> None:
    def seen() -> list[dict[str, Any]]:
        return [vars(record) for record in records(lambda logger: logger.warning("x"), nodes=3)]

    assert seen() == seen()


def test_outside_of_a_run_records_have_the_real_time() -> None:
    before = time.time()
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "x", (), None)
    assert before <= record.created
    assert record.relativeCreated > 0
    assert logging.Formatter.converter is time.localtime
    assert logging.__dict__["time"] is time


def test_what_a_run_does_to_logging_is_taken_back() -> None:
    logger, handler = logging.getLogger("kept.as.it.was"), Keeps()
    logger.addHandler(handler)
    made = []

    def look() -> list[Any]:
        loggers = [logging.root, logger, logging.getLogger("new.in.the.run")]
        of_loggers = [
            (each.level, each.disabled, each.propagate, list(each.handlers), list(each.filters)) for each in loggers
        ]
        of_logging = [logging.root.manager.disable, logging.getLevelName(17), logging.getLogRecordFactory()]
        return [*of_loggers, *of_logging, logging.lastResort, handler.level, list(handler.filters)]

    def change(_: logging.Logger) -> None:
        for each in (logging.root, logger, logging.getLogger("new.in.the.run")):
            each.setLevel(17)
            each.addHandler(Keeps())
            each.addFilter(lambda record: True)
            each.disabled, each.propagate = True, False
        logger.removeHandler(handler)
        handler.setLevel(logging.ERROR)
        handler.addFilter(lambda record: True)
        logging.disable(logging.ERROR)
        logging.addLevelName(17, "SEVENTEEN")
        logging.setLogRecordFactory(lambda *args, **named: logging.LogRecord(*args, **named))
        logging.lastResort = None
        made.append(look())

    before = look()
    try:
        records(change)
        assert made != [before]
        assert look() == before
        assert not logger.isEnabledFor(logging.INFO) or logging.root.level <= logging.INFO
    finally:
        logger.handlers.clear()


def test_runs_one_after_the_other_find_logging_alike() -> None:
    found: list[list[object]] = []

    def attach(logger: logging.Logger) -> None:
        found.append([logger.level, len(logger.handlers), len(logging.root.handlers), logging.root.manager.disable])
        logger.addHandler(Keeps())
        logging.getLogger().addHandler(Keeps())
        logger.setLevel(logging.DEBUG)
        logging.disable(logging.DEBUG)

    for _ in range(2):
        records(attach)
    assert found[0] == found[1]
