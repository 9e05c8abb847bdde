from __future__ import annotations

from distbench.report.cells import width_of
from distbench.report.table import render_table
from distbench.running.result import End
from tests.report.made import node, result


def test_a_row_says_how_a_node_ended_what_it_handled_and_what_it_reports() -> None:
    lines = render_table(
        result({"n1": node(), "n2": node(End.RUNNING)}, {"n1": {"heard": 2}, "n2": {"heard": 11, "leader": "n1"}}),
        width=80,
        colour=False,
    )
    assert lines == [
        "                        messages    bytes",
        "node   end               in  out  in  out  heard  leader",
        "n1     terminated         2    1  20   10      2",
        "n2     never terminated   2    1  20   10     11  n1",
        "all 2                     4    2  40   20",
    ]


def test_one_node_needs_no_totals() -> None:
    assert len(render_table(result({"n1": node()}), width=80, colour=False)) == 3


def test_a_childs_report_has_columns_with_its_path() -> None:
    report: dict[str, object] = {"own": 1, "broadcast": {"received": 3, "links": {"resent": 4}}}
    head = render_table(result({"n1": node()}, {"n1": report}), width=200, colour=False)[1]
    assert head.split()[6:] == ["own", "broadcast.received", "broadcast.links.resent"]


def test_a_report_that_does_not_fit_stands_below_its_row() -> None:
    report: dict[str, object] = {"path": "n1 n2 n3 n4 n5 n6 n7 n8 n9 n10 n11 n12", "hops": 12, "text": "word " * 500}
    made = result({"n1": node(), "n2": node()}, {"n1": report, "n2": report})
    lines = render_table(made, width=80, colour=False)
    assert max(map(len, lines)) <= 80
    assert lines[3].strip().startswith("path=n1 n2")
    assert any("hops=12" in line for line in lines)
    piped = render_table(made, width=None, colour=False)
    assert "hops" in piped[1]
    assert len(piped) == 5


def test_no_value_breaks_the_lines_of_the_table() -> None:
    report: dict[str, object] = {
        "text": "one\ntwo\x1b[31m",
        "名": "選挙",
        "many": list(range(10_000)),
        "large": {str(n): n for n in range(99)},
    }
    lines = render_table(result({"n1": node(), "節2": node()}, {"n1": report}), width=None, colour=False)
    assert len(lines) == 5
    assert r"one\ntwo\x1b[31m" in lines[2]
    ends = [width_of(line[: line.index("terminated")]) for line in lines[2:4]]
    assert ends[0] == ends[1]


def test_of_many_nodes_the_failed_ones_are_shown_first_and_all_are_summed_up() -> None:
    nodes = {f"n{number}": node() for number in range(1, 10_001)}
    nodes["n7777"] = node(End.FAILED)
    nodes["n8888"] = node(End.RUNNING)
    reports: dict[str, dict[str, object]] = {
        name: {"leader": "n10000", "hops": number, "name": name} for number, name in enumerate(nodes)
    }
    lines = render_table(result(nodes, reports), width=80, colour=False)
    assert len(lines) < 50
    assert [line.split()[0] for line in lines if line.startswith("n")][:4] == ["node", "n7777", "n8888", "n1"]
    assert "… and 9,980 more nodes" in lines
    assert any(line.split() == ["all", "10,000", "20,000", "10,000", "200,000", "100,000"] for line in lines)
    assert "1 failed, 1 never terminated, 9,998 terminated" in lines
    assert "leader: n10000 (10,000 nodes)" in lines
    assert "hops: 0 to 9,999, mean 4,999.5" in lines
    assert "name: 10,000 different values" in lines


def test_colours_change_no_column() -> None:
    made = result({"n1": node(), "n2": node(End.FAILED)}, {"n1": {"heard": 2}})
    plain = render_table(made, width=80, colour=False)
    coloured = render_table(made, width=80, colour=True)
    assert coloured != plain
    stripped = [line.replace("\x1b[0m", "").replace("\x1b[1m", "").replace("\x1b[31m", "") for line in coloured]
    assert [line.replace("\x1b[32m", "") for line in stripped] == plain
