"""Records that nobody would hear are not made; whoever would notice one gets it."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from distbench.report.logs import logs
from distbench.running.unheard import RunHandler, Words, hushed


def ours() -> RunHandler:
    """The handler of distbench's."""
    (found,) = [handler for handler in logging.root.handlers if isinstance(handler, RunHandler)]
    return found


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """One whose records reach distbench's handler alone, and none of pytest's."""
    made = logging.getLogger("unheard.by.anybody")
    before, made.parent = made.parent, logging.RootLogger(logging.NOTSET)
    with logs(0, io.StringIO(), colour=False, quiet=True):
        made.parent.addHandler(ours())
        yield made
    made.handlers, made.filters, made.propagate, made.parent = [], [], True, before


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[logging.LogRecord]:
    """The records that are made, whoever takes them."""
    found: list[logging.LogRecord] = []
    real = logging.LogRecord.__init__

    def init(self: logging.LogRecord, *args: Any, **named: Any) -> None:
        real(self, *args, **named)
        found.append(self)

    monkeypatch.setattr(logging.LogRecord, "__init__", init)
    return found


class Counts(logging.Handler):
    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


class Text:
    asked = 0

    def __str__(self) -> str:
        self.asked += 1
        return "text"


def test_a_record_that_nobody_hears_is_not_made(logger: logging.Logger, made: list[logging.LogRecord]) -> None:
    logger.info("%s asks %d", "n1", 3)
    logger.debug("nothing")
    logger.critical("%s", [1, ("n", 2)[0]])
    logger.trace("%(a)s", {"a": 1})  # type: ignore[attr-defined]
    assert made == []
    assert logger.isEnabledFor(1)


def attach_handler(logger: logging.Logger) -> None:
    logger.addHandler(Counts())


def attach_filter(logger: logging.Logger) -> None:
    logger.addFilter(lambda record: True)


def filter_our_handler(logger: logging.Logger) -> None:
    ours().addFilter(lambda record: True)


def format_at_our_handler(logger: logging.Logger) -> None:
    ours().setFormatter(logging.Formatter())


def replace_emit_of_our_handler(logger: logging.Logger) -> None:
    ours().emit = lambda record: None  # type: ignore[method-assign]


def replace_handle_of_the_logger(logger: logging.Logger) -> None:
    logger.handle = lambda record: None  # type: ignore[method-assign]


def replace_the_class_method(logger: logging.Logger) -> None:
    logging.Logger.callHandlers = lambda self, record: None  # type: ignore[method-assign]


def replace_the_factory(logger: logging.Logger) -> None:
    logging.setLogRecordFactory(lambda *args, **named: logging.LogRecord(*args, **named))


def part_from_the_root(logger: logging.Logger) -> None:
    logger.propagate = False  # now there is logging.lastResort


ATTACHED = [
    *(attach_handler, attach_filter, filter_our_handler, format_at_our_handler, replace_emit_of_our_handler),
    *(replace_handle_of_the_logger, replace_the_class_method, replace_the_factory, part_from_the_root),
]


@pytest.mark.parametrize("attach", ATTACHED, ids=lambda each: str(each.__name__))
def test_whoever_would_notice_a_record_gets_it(
    logger: logging.Logger,
    made: list[logging.LogRecord],
    monkeypatch: pytest.MonkeyPatch,
    attach: Callable[[logging.Logger], None],
) -> None:
    monkeypatch.setattr(logging.Logger, "callHandlers", logging.Logger.callHandlers)
    monkeypatch.setattr(logging, "_logRecordFactory", logging.getLogRecordFactory())
    attach(logger)
    try:
        logger.info("x")
    finally:
        vars(logger).pop("handle", None)
    assert len(made) == 1


def test_a_record_says_where_it_was_logged(logger: logging.Logger, made: list[logging.LogRecord]) -> None:
    logger.addHandler(Counts())
    logger.info("one")
    logger.trace("two")  # type: ignore[attr-defined]
    logging.LoggerAdapter(logger).info("three")
    logger.warning("four", stack_info=True)
    assert {record.funcName for record in made} == {"test_a_record_says_where_it_was_logged"}
    assert made[1].lineno == made[0].lineno + 1
    assert "unheard.py" not in str(made[3].stack_info).replace("test_unheard.py", "")


@pytest.mark.parametrize("level", [1, 10, 20, 50])
def test_the_text_of_a_users_object_is_made_once(logger: logging.Logger, level: int) -> None:
    class Nowhere:
        def wants(self, name: str) -> bool:
            return True

        def take(self, record: logging.LogRecord, words: Words) -> None:
            pass

    for outlets in (0, 1, 2):
        ours().outlets[:] = [Nowhere()] * outlets
        texts = [Text() for _ in range(4)]
        logger.log(level, "%s", texts[0])
        logger.log(level, texts[1])
        logger.log(level, "%(x)s", {"x": texts[2]})
        logger.log(level, "%s", texts[3], exc_info=ValueError())
        assert [text.asked for text in texts] == [1] * 4


def test_what_is_wrong_with_a_call_is_raised_though_nobody_hears(logger: logging.Logger) -> None:
    with pytest.raises(KeyError):
        logger.info("x", extra={"message": 1})
    with pytest.raises(TypeError):
        logger.info("x", stacklevel="2")  # type: ignore[arg-type]
    logger.info("%d", "no number")


def test_afterwards_logging_is_as_it_was() -> None:
    before = logging.Logger._log
    with logs(0, None, colour=False), hushed():
        assert logging.Logger._log is not before
    assert logging.Logger._log is before


# -------------------------------------------------- many runs


def test_hushed_handlers_write_nothing_and_run_the_users_code_all_the_same(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    class Formats(logging.Formatter):
        formatted = 0

        def format(self, record: logging.LogRecord) -> str:
            self.formatted += 1
            return super().format(record)

    mine, own, counts, text = Formats(), io.StringIO(), Counts(), Text()
    formats, plain, aside = logging.StreamHandler(), logging.StreamHandler(), logging.StreamHandler(own)
    formats.setFormatter(mine)
    handlers: list[logging.Handler] = [formats, plain, aside, counts]
    for handler in handlers:
        logger.addHandler(handler)
    with hushed():
        logger.info("%s", text)
    assert (mine.formatted, own.getvalue(), counts.count, text.asked) == (1, "text\n", 1, 4)
    assert capsys.readouterr().err == ""
    logger.info("%s", text)
    assert capsys.readouterr().err == "text\n" * 2
    assert (mine.formatted, own.getvalue(), counts.count, text.asked) == (2, "text\n" * 2, 2, 8)


def test_a_hushed_handler_of_a_file_leaves_it_alone(logger: logging.Logger, tmp_path: Any) -> None:
    handler = logging.FileHandler(tmp_path / "log.txt", delay=True)
    logger.addHandler(handler)
    with hushed():
        logger.info("x")
    assert not (tmp_path / "log.txt").exists()
    logger.info("y")
    handler.close()
    assert (tmp_path / "log.txt").read_text() == "y\n"


def test_the_last_resort_is_hushed_too(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    logger.propagate = False
    with hushed():
        logger.warning("x")
    assert capsys.readouterr().err == ""
    logger.warning("y")
    assert capsys.readouterr().err == "y\n"


def test_hushing_makes_no_record_that_stock_handlers_alone_would_take(
    logger: logging.Logger, made: list[logging.LogRecord]
) -> None:
    logger.addHandler(logging.StreamHandler())
    with hushed():
        logger.info("%s asks", "n1")
    assert made == []


def test_there_is_one_handler_of_distbench_whatever_is_shown() -> None:
    for quiet in (False, True):
        for stream in (None, io.StringIO()):
            before = list(logging.root.handlers)
            with logs(0, stream, colour=False, quiet=quiet) as log:
                log.settle()
                (new,) = [handler for handler in logging.root.handlers if handler not in before]
                assert type(new) is RunHandler
                assert new.level == logging.NOTSET
