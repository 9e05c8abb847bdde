"""What a node's own code sees of logging is the same whatever is shown, where, and to whom."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commandline import ROOT, CommandLine, start

SHOWING: list[list[str]] = [
    *([], ["-q"], ["-qq"], ["-v"], ["-vv"], ["-vvv"]),
    *(["--log-dir", "logs"], ["-q", "--log-dir", "logs"], ["-vv", "--log-dir", "logs"]),
    *(["--report-dir", "reports"], ["--seeds", "0", "--jobs", "1"], ["--seeds", "0-3", "--jobs", "2"]),
]

PROGRAM = '''
import io
import logging
import os
import time

from distbench import Algorithm, PeerId, distbench, handler, message
{module}

NAMES = ("a", "a.b", "c", None, "distbench", "distbench.run", "distbench.algorithms.echo", "asyncio", __name__)
LEVELS = (1, 5, 10, 20, 25, 30, 40, 50, 55)


@message
class Said:
    text: str


class Value:
    """Its text reads the clock, and is another each time."""

    def __init__(self):
        self.asked = 0

    def __str__(self):
        self.asked += 1
        time.time()
        if {raises}:
            raise ValueError("not now")
        return f"asked {{self.asked}}"

    __repr__ = __str__


class Counts(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(record)


class CountsItself(logging.StreamHandler):
    handled = 0

    def emit(self, record):
        self.handled += 1
        super().emit(record)


class Formats(logging.Formatter):
    formatted = 0

    def format(self, record):
        self.formatted += 1
        return super().format(record)


class Made(logging.getLoggerClass()):
    made = 0

    def makeRecord(self, *args, **named):
        self.made += 1
        return super().makeRecord(*args, **named)


def what_is_set(name):
    logger = logging.getLogger(name)
    enabled = [level for level in LEVELS if logger.isEnabledFor(level)]
    kinds = [type(handler).__name__ for handler in logger.handlers]
    return [repr(logger), logger.level, logger.getEffectiveLevel(), logger.disabled, logger.propagate, enabled, kinds]


@distbench
class Seen(Algorithm):
    async def on_start(self):
        {before}
        self.seen = [logging.root.manager.disable, *map(what_is_set, NAMES)]
        self.filtered, self.at_root, self.factored = [], [], []
        counts, text, value = Counts(), io.StringIO(), Value()
        logging.getLogger("a").addHandler(counts)
        logging.getLogger("a.b").addFilter(lambda record: self.filtered.append(record.levelno) or True)
        logging.getLogger("with text").addHandler(logging.StreamHandler(text))
        formats = Formats("%(levelname)s %(asctime)s %(relativeCreated).6f %(message)s")
        itself = CountsItself(io.StringIO())
        itself.setFormatter(formats)
        logging.getLogger("c").addHandler(itself)
        for name in NAMES:
            for level in LEVELS:
                logging.getLogger(name).log(level, "%s", value)
        made = Made("made")
        made.parent = logging.root
        made.debug("one")
        logging.getLogger("with text").debug("two")
        logging.getLogger("c").info(value)
        logging.getLogger("c").trace("%(value)s", {{"value": value}})
        logging.getLogger("c").debug("%s %s", [value], {{1: value}})
        if "{raises}" != "False":
            logging.getLogger("c").info("%d", "no number")
        logging.LoggerAdapter(logging.getLogger("a"), {{"term": 3}}).debug("three")
        for named in ({{"extra": {{"message": 1}}}}, {{"stacklevel": "2"}}, {{"nonsense": 1}}):
            try:
                logging.getLogger("e").debug("x", **named)
            except Exception as error:
                self.seen.append(repr(error))
        try:
            raise ValueError(value)
        except ValueError:
            logging.getLogger("e").exception("four")
        for handler in logging.root.handlers:
            handler.addFilter(lambda record: self.at_root.append(record.levelno) or True)
        logging.getLogger("d").debug("five %s", value)
        before = logging.getLogRecordFactory()

        def factory(*args, **named):
            self.factored.append(args[0])
            return before(*args, **named)

        logging.setLogRecordFactory(factory)
        logging.getLogger("d").debug("six")
        logging.setLogRecordFactory(before)
        apart = ("args", "process", "thread", "pathname")
        for record in counts.records:
            self.seen.append([(name, str(it)) for name, it in vars(record).items() if name not in apart])
        self.seen += [value.asked, self.filtered, self.at_root, self.factored, made.made, text.getvalue()]
        self.seen += [itself.handled, formats.formatted, itself.stream.getvalue(), time.time_ns()]
        for peer in self.peers.values():
            await peer.hear(Said(repr(self.seen)))
        await self.terminate()

    @handler
    async def hear(self, src: PeerId, said: Said) -> None:
        if hasattr(self, "seen"):
            self.seen.append(said.text == repr(self.seen))

    async def report(self):
        return {{"seen": repr(self.seen)}}
'''
LOUD = "logging.basicConfig(level=logging.DEBUG, format='mine %(message)s')"
FORCED = "logging.basicConfig(level=logging.INFO, force=True)"
LEVELS = "logging.getLogger().setLevel(30); logging.getLogger('a').setLevel(10); logging.disable(5)"
DISABLED = "logging.getLogger('a').disabled = True; logging.getLogger('c').propagate = False"
CLEARED = "logging.root.handlers.clear()"
CONFIGURED = """
import logging.config
logging.config.dictConfig({
    "version": 1,
    "handlers": {"err": {"class": "logging.StreamHandler"}},
    "loggers": {"c": {"handlers": ["err"], "level": "INFO"}},
    "root": {"handlers": ["err"], "level": "DEBUG"},
})
"""


def written(folder: Path, module: str = "", before: str = "pass", raises: str = "False") -> Path:
    path = folder / "seen.py"
    path.write_text(PROGRAM.format(module=module, before=before, raises=raises))
    return path


def digests(distbench: CommandLine, program: Path, shown: list[str]) -> str:
    """That of the run with seed 0."""
    finished = distbench("-c", "complete:3", "-a", program, "--digest", "--json", *shown)
    document = json.loads(finished.out)
    assert finished.status == 0, document
    one = next(run for run in document["runs"] if run["seed"] == 0) if "runs" in document else document
    return str(one["digest"])


@pytest.mark.parametrize("module", ["", LOUD])
def test_no_option_that_shows_more_or_less_changes_the_run(
    distbench: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.chdir(tmp_path)
    program = written(tmp_path, module)
    found = {" ".join(shown): digests(distbench, program, shown) for shown in SHOWING}
    assert len(set(found.values())) == 1, found


@pytest.mark.parametrize("before", [LOUD, LEVELS, DISABLED, CLEARED])
def test_nor_does_what_a_node_has_set(
    distbench: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    monkeypatch.chdir(tmp_path)
    program = written(tmp_path, before=before)
    found = {
        " ".join(shown): digests(distbench, program, shown)
        for shown in (["-q"], ["-vv", "--log-dir", "logs"], ["--seeds", "0-1", "--jobs", "1"])
    }
    assert len(set(found.values())) == 1, found


@pytest.mark.parametrize("module", [FORCED, CONFIGURED, f"{LEVELS}; {DISABLED}"])
def test_nor_does_what_a_module_has_set(tmp_path: Path, module: str) -> None:
    program = written(tmp_path, module, raises="self.asked % 3 == 0")  # pytest's own handlers would not bear it
    found = {}
    for shown in (["-q"], ["-vv", "--log-dir", str(tmp_path / "logs")], ["--seeds", "0-1", "--jobs", "2"]):
        done = start("-m", "distbench", "-c", "complete:3", "-a", program, "--digest", "--json", *shown)
        document = json.loads(done.out)
        found[" ".join(shown)] = (document["runs"][0] if "runs" in document else document)["digest"]
    assert len(set(found.values())) == 1, found
    assert "asked" in (tmp_path / "logs" / "n1.log").read_text()


def test_nor_does_it_matter_whether_stderr_is_a_terminal_or_closed(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "distbench",
        "-c",
        "complete:3",
        "-a",
        str(written(tmp_path)),
        "--digest",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    ours, theirs = pty.openpty()
    found = set()
    try:
        for stderr in (theirs, subprocess.DEVNULL, None):
            started = (
                [*command, "--json"] if stderr is not None else ["sh", "-c", 'exec "$@" 2>&-', "sh", *command, "--json"]
            )
            done = subprocess.Popen(started, env=environment, stdout=subprocess.PIPE, stderr=stderr)
            assert done.stdout is not None
            out = _read_both(done.stdout.fileno(), ours)
            assert done.wait() == 0
            done.stdout.close()
            found.add(json.loads(out)["digest"])
    finally:
        os.close(ours)
        os.close(theirs)
    assert len(found) == 1


def _read_both(wanted: int, other: int) -> bytes:
    """All of the one, while the other is kept from filling up."""
    text = b""
    while True:
        ready, _, _ = select.select([wanted, other], [], [])
        if other in ready:
            os.read(other, 65536)
        elif wanted in ready:
            data = os.read(wanted, 65536)
            if not data:
                return text
            text += data


def test_processes_see_the_same_as_well(tmp_path: Path) -> None:
    program = written(tmp_path)
    program.write_text(program.read_text().replace("time.time_ns()]", "0]"))
    found = set()
    for shown in ([], ["-q"], ["-vvv", "--log-dir", str(tmp_path / "logs")]):
        done = start("-m", "distbench", "-c", "ring:2", "-a", program, "--mode", "local", "--json", *shown)
        seen = json.loads(done.out)["nodes"]["n1"]["report"]["seen"]
        found.add(repr([part for part in eval(seen) if not _has_times(part)]))
    assert len(found) == 1


def _has_times(part: object) -> bool:
    """Real clocks differ from run to run."""
    if isinstance(part, list):
        return any("created" in str(each) for each in part)
    return isinstance(part, str) and "20" in part


# -------------------------------------------------- a failure that depends on it

FAILS = """
import logging

from distbench import Algorithm, distbench

logger = logging.getLogger(__name__)


class Counts(logging.Handler):
    count = 0

    def emit(self, record):
        self.count += 1


@distbench
class Fails(Algorithm):
    async def on_start(self):
        counts = Counts()
        logger.addHandler(counts)
        for _ in range(self.random.randrange(10)):
            logger.info("again")
        if {fails}:
            raise ValueError(f"{{counts.count}} records")
        await self.terminate()
"""


@pytest.mark.parametrize(
    "fails", ["counts.count > 7", "logger.isEnabledFor(logging.DEBUG) and self.random.random() < 0.3"]
)
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_the_command_that_seeds_print_replays_what_depends_on_logging(
    distbench: CommandLine, tmp_path: Path, fails: str, jobs: str
) -> None:
    program = tmp_path / "fails.py"
    program.write_text(FAILS.format(fails=fails))
    many = distbench("-c", "ring:1", "-a", program, "--seeds", "0-49", "--jobs", jobs, "--json")
    document = json.loads(many.out)
    assert many.status == 1
    seed = next(run["seed"] for run in document["runs"] if run["outcome"] == "failed")
    for shown in ("-q", "-v"):
        assert distbench("-c", "ring:1", "-a", program, "--seed", str(seed), shown).status == 1
