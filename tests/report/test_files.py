from __future__ import annotations

import json
from pathlib import Path

import pytest

from distbench.community import PeerId
from distbench.errors import ConfigError
from distbench.report.files import ReportFiles, file_name, to_json
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


def test_a_reports_values_become_json_whatever_they_are() -> None:
    value = {1: {"b", "a"}, "nan": float("nan"), "deep": (PeerId("n1"), [True, None, 1.5]), "odd": complex(1, 2)}
    assert to_json(value) == {"1": ["a", "b"], "nan": "nan", "deep": ["n1", [True, None, 1.5]], "odd": "(1+2j)"}
    loop: list[object] = []
    loop.append(loop)
    json.dumps(to_json(loop))
