from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from distbench.community import PeerId
from distbench.errors import ConfigError
from distbench.node.current import current_node
from distbench.report import nodelogs
from distbench.report.logs import logs
from distbench.report.nodelogs import NodeLogs
from distbench.running.outcomes import FAILURE
from distbench.running.result import Failure
from distbench.running.unheard import RunHandler

logger = logging.getLogger("my_raft")


class Scope:
    """A node in whose step something is logged."""

    def __init__(self, node: str) -> None:
        self.node_id = PeerId(node)

    def now(self) -> float:
        return 1.5


@contextmanager
def step_of(node: str) -> Iterator[None]:
    token = current_node.set(Scope(node))
    try:
        yield
    finally:
        current_node.reset(token)


def nodes(*names: str) -> list[PeerId]:
    return [PeerId(name) for name in names]


def test_each_node_has_a_file_of_its_own_beside_the_merged_stream(tmp_path: Path) -> None:
    stream = io.StringIO()
    files = NodeLogs(tmp_path / "deep" / "logs", nodes("n1", "n2", "n3"))
    with logs(0, stream, colour=True) as log:
        log.add(files)
        for node in ("n1", "n2", "n1"):
            with step_of(node):
                logger.info("from %s", node)
                logger.debug("unheard")
        logger.warning("from nobody")
    files.close()
    folder = tmp_path / "deep" / "logs"
    assert (folder / "n1.log").read_text() == "  1.500000 n1  INFO    from n1\n" * 2
    assert (folder / "n2.log").read_text() == "  1.500000 n2  INFO    from n2\n"
    assert (folder / "n3.log").read_text() == ""
    assert stream.getvalue().count("from") == 4


def test_a_run_starts_the_files_anew(tmp_path: Path) -> None:
    for _ in range(2):
        files = NodeLogs(tmp_path, nodes("n1"))
        files.write(PeerId("n1"), "one line")
        files.close()
    assert (tmp_path / "n1.log").read_text() == "one line\n"


def test_a_nodes_failure_stands_in_its_file(tmp_path: Path) -> None:
    files = NodeLogs(tmp_path, nodes("n1", "n2"))
    failure = Failure(PeerId("n2"), "vote", "", 0.25, "ValueError: no", "Traceback ...\nValueError: no")
    with logs(0, None, colour=False) as log:
        log.add(files)
        logging.getLogger("distbench.run").error("x", extra={FAILURE: failure})
    files.close()
    assert (tmp_path / "n1.log").read_text() == ""
    assert (tmp_path / "n2.log").read_text() == "  0.250000 n2  ERROR   vote failed\nTraceback ...\nValueError: no\n"


def test_more_nodes_than_files_may_be_open_lose_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodelogs, "_MOST_OPEN", 2)
    files = NodeLogs(tmp_path, nodes("n1", "n2", "n3"))
    for number in range(4):
        for node in nodes("n1", "n2", "n3"):
            files.write(node, f"line {number}")
    files.close()
    for name in ("n1", "n2", "n3"):
        assert (tmp_path / f"{name}.log").read_text().splitlines() == [f"line {number}" for number in range(4)]


def test_a_record_that_cannot_be_formatted_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = NodeLogs(tmp_path, nodes("n1"))
    handler = RunHandler(lambda name, level: True)
    handler.outlets.append(files)
    with step_of("n1"):
        handler.handle(logging.LogRecord("x", logging.INFO, "x.py", 1, "%d votes", ("no number",), None))
    files.close()
    assert (tmp_path / "n1.log").read_text() == ""
    assert capsys.readouterr().err == ""


def test_a_place_that_cannot_be_written_is_named_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"--log-dir: cannot write '.*file': File exists"):
        NodeLogs(tmp_path / "file", nodes("n1"))
    (tmp_path / "n1.log").mkdir()
    with pytest.raises(ConfigError, match=r"--log-dir: cannot write '.*n1.log': Is a directory"):
        NodeLogs(tmp_path, nodes("n1"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said_when_the_files_are_closed(tmp_path: Path) -> None:
    files = NodeLogs(tmp_path, nodes("n1"))
    (tmp_path / "n1.log").unlink()
    (tmp_path / "n1.log").symlink_to("/dev/full")
    files.write(PeerId("n1"), "one line")
    files.write(PeerId("n1"), "another")
    with pytest.raises(ConfigError, match="No space left on device"):
        files.close()
    files.close()


def test_files_of_other_nodes_are_left_as_they_are(tmp_path: Path) -> None:
    for name in ("n1", "n2"):
        (tmp_path / f"{name}.log").write_text("of a run with more nodes\n")
    NodeLogs(tmp_path, nodes("n1")).close()
    assert (tmp_path / "n1.log").read_text() == ""
    assert (tmp_path / "n2.log").read_text() == "of a run with more nodes\n"
