from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distbench.community import PeerId
from distbench.errors import ConfigError
from distbench.report.files import ReportFiles, file_name, to_json
from distbench.report.nodelogs import NodeLogs
from distbench.running.keyfiles import key_file_name, read_key, read_roster, write_keys
from distbench.running.result import End, Traffic
from tests.report.made import node, result

N1 = PeerId("n1")


def test_each_run_adds_one_line_with_the_fields_that_programs_read(tmp_path: Path) -> None:
    traffic = {"vote": Traffic(2, 20, 1, 10), "rb.send": Traffic(3, 30), "rb.links.ack": Traffic(4, 40)}
    made = result({"n1": node(End.RUNNING, traffic)}, {"n1": {"leader": "n3", "rb": {"got": 1}}}, seed=5)
    files = ReportFiles(tmp_path / "deep" / "reports", [N1])
    files.append(made)
    files.append(made)
    first, second = (tmp_path / "deep" / "reports" / "n1.json").read_text().splitlines()
    assert first == second
    assert json.loads(first) == {
        "node": "n1",
        "algorithm": "Vote",
        "mode": "offline",
        "seed": 5,
        "outcome": "completed",
        "end": "never terminated",
        "elapsed_time": 0.5,
        "messages_received": {"": 2, "rb": 3, "rb.links": 4},
        "messages_sent": 1,
        "bytes_received": 90,
        "bytes_sent": 10,
        "dropped": {},
        "refused": {},
        "details": {"leader": "n3", "rb": {"got": 1}},
    }


def test_a_file_in_the_way_is_named_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("")
    with pytest.raises(ConfigError, match=r"--report-dir: cannot write '.*reports': File exists"):
        ReportFiles(tmp_path / "reports", [N1])


def test_a_folder_in_the_way_of_a_nodes_file_is_named_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "n1.json").mkdir()
    with pytest.raises(ConfigError, match=r"n1.json': is a folder"):
        ReportFiles(tmp_path, [N1])


@pytest.mark.parametrize("name", ["../n1", "a/b", "..", ".hidden", "a\\b", "a\nb"])
def test_no_nodes_name_leads_out_of_the_folder(name: str) -> None:
    safe = file_name(name)
    assert Path(safe).name == safe
    assert not safe.startswith(".")
    assert safe.isprintable()


NAMES = st.text(st.characters(codec=None) | st.sampled_from("/\\.%~\0\nä€🙂n1"), min_size=1) | st.builds(
    lambda part, times: part * times, st.text(min_size=1, max_size=3), st.integers(1, 400)
)


@given(st.sets(NAMES, min_size=1), st.sampled_from([file_name, lambda name: key_file_name(PeerId(name))]))
def test_whatever_nodes_are_called_each_has_a_file_name_of_its_own(
    names: set[str], named: Callable[[str], str]
) -> None:
    made = [named(name) for name in names]
    assert len(set(made)) == len(names)
    for one in made:
        assert Path(one).name == one
        assert one not in (".", "..", "")
        assert "\0" not in one
        assert len(f"{one}.json".encode()) <= 255


@pytest.mark.parametrize("name", ["n" * 255, "ü" * 255, "/" * 300, "🙂" * 1000])
def test_a_long_name_can_be_recognised_and_written(tmp_path: Path, name: str) -> None:
    nodes = [PeerId(name), PeerId(f"{name}n")]
    files = ReportFiles(tmp_path / "reports", nodes)
    files.append(result({name: node(End.RUNNING), f"{name}n": node(End.RUNNING)}))
    written = {path.name: json.loads(path.read_text())["node"] for path in (tmp_path / "reports").iterdir()}
    assert sorted(written.values()) == sorted(nodes)
    assert all(file.startswith(file_name(name[:3])) for file in written)
    NodeLogs(tmp_path / "logs", nodes).close()
    assert len(list((tmp_path / "logs").iterdir())) == 2
    keys = write_keys(tmp_path / "keys", nodes)
    assert len({path.name for path in keys}) == 4
    assert read_key(tmp_path / "keys", nodes[0]).public == read_roster(tmp_path / "keys", nodes)[nodes[0]]


def test_a_place_whose_name_is_too_long_is_named_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--report-dir: cannot write .*: File name too long"):
        ReportFiles(tmp_path / ("x" * 300), [N1])


def test_a_folder_is_where_it_was_when_the_run_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = ReportFiles("reports", [N1])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")  # as an algorithm may
    files.append(result({"n1": node(End.RUNNING)}))
    assert (tmp_path / "reports" / "n1.json").exists()


def test_a_reports_values_become_json_whatever_they_are() -> None:
    value = {1: {"b", "a"}, "nan": float("nan"), "deep": (PeerId("n1"), [True, None, 1.5]), "odd": complex(1, 2)}
    assert to_json(value) == {"1": ["a", "b"], "nan": "nan", "deep": ["n1", [True, None, 1.5]], "odd": "(1+2j)"}
    loop: list[object] = []
    loop.append(loop)
    json.dumps(to_json(loop))
