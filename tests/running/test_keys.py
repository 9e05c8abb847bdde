"""Key files, and who is let in with them."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

import distbench
from distbench import ConfigError, PeerId, RunResult, StartupError
from distbench.cli import main
from distbench.config import config_from_mapping
from distbench.definition import define
from distbench.running.control import COORDINATOR
from distbench.running.keyfiles import key_file_name, read_key, read_roster, write_keys
from distbench.running.network import run_network
from distbench.running.options import RunOptions
from distbench.running.preparing import load_class
from tests.contract.play import nodes, outcomes_of, reserved_ports, with_ports

N1, N2, N3 = (PeerId(f"n{number}") for number in (1, 2, 3))


def play(folders: dict[str, Path], startup_timeout: float = 20.0) -> list[RunResult | Exception]:
    """An echo of three nodes over the loopback interface, each with the keys in its folder."""
    definition = define(load_class("echo"))
    with reserved_ports(3) as ports:
        fields = nodes(3, neighbours=[])
        fields["n1"]["start_node"] = True
        config = config_from_mapping(with_ports(fields, ports))

        def be(node: str, keys: Path) -> Callable[[], RunResult]:
            options = RunOptions(timeout=20.0)
            return lambda: run_network(
                definition, config, options, load_class, node_id=node, keys=keys, startup_timeout=startup_timeout
            )

        return outcomes_of([be(node, keys) for node, keys in folders.items()])


def test_each_node_and_the_coordinator_get_a_secret_key_and_all_a_roster(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "keys"
    written = write_keys(folder, [N1, N2])
    assert {path.name for path in written} == {"n1.key", "n2.key", "coordinator.key", "roster.json"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in written[:-1]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    roster = read_roster(folder, [N1, N2])
    for name in (N1, N2, COORDINATOR):
        assert read_key(folder, name).public == roster[name]
    assert len(set(roster.values())) == 3


def test_no_key_is_ever_overwritten(tmp_path: Path) -> None:
    write_keys(tmp_path, [N1])
    before = (tmp_path / "n1.key").read_text()
    with pytest.raises(ConfigError, match=r"roster.json exists already; remove it, or choose another folder"):
        write_keys(tmp_path, [N1])
    (tmp_path / "roster.json").unlink()
    with pytest.raises(ConfigError, match=r"n1.key exists already"):
        write_keys(tmp_path, [N1])
    assert (tmp_path / "n1.key").read_text() == before


def test_a_name_leads_to_a_file_of_its_own_in_the_folder(tmp_path: Path) -> None:
    names = [PeerId(name) for name in ("../up", "a/b", "a%2Fb", "coordinator", "%63oordinator", "..", "ü", "roster")]
    paths = write_keys(tmp_path, names)
    assert len({path.name for path in paths}) == len(names) + 2
    assert {path.parent for path in paths} == {tmp_path}
    assert key_file_name(N1) == "n1.key"
    for name in (*names, COORDINATOR):
        assert read_key(tmp_path, name).public == read_roster(tmp_path, names)[name]


@pytest.mark.parametrize("content", ["", "zz", "00" * 31, "00" * 33])
def test_a_file_that_holds_no_key_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "n1.key").write_text(content)
    with pytest.raises(ConfigError, match=rf"n1.key: .*'distbench keys {tmp_path} -c CONFIG' makes them"):
        read_key(tmp_path, N1)


@pytest.mark.parametrize("content", ["", "[]", '{"n1": 1}', '{"n1": "zz"}', "[" * 100_000])
def test_a_file_that_holds_no_roster_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "roster.json").write_text(content)
    with pytest.raises(ConfigError, match=r"roster.json: no roster can be read"):
        read_roster(tmp_path, [N1])


def test_a_roster_must_know_all_nodes(tmp_path: Path) -> None:
    write_keys(tmp_path, [N1])
    with pytest.raises(ConfigError, match=r"roster.json: lacks the key of n2, n3"):
        read_roster(tmp_path, [N1, N2, N3])


def test_the_command_makes_the_keys_of_a_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "keys"
    assert main(["keys", str(folder), "-c", "complete:3"]) == 0
    assert "every machine needs roster.json" in capsys.readouterr().out
    assert len(read_roster(folder, [N1, N2, N3])) == 4
    assert main(["keys", str(folder), "-c", "complete:3"]) == 2
    assert "exists already" in capsys.readouterr().err


def test_no_node_may_have_the_coordinators_name() -> None:
    with pytest.raises(ConfigError, match="'@coordinator' is no node id"):
        distbench.run("echo", {"@coordinator": {}, "n1": {}}, mode="local")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="a file without an end is a device of Unix")
def test_a_key_file_that_never_ends_is_refused(tmp_path: Path) -> None:
    for name in ("n1.key", "roster.json"):
        (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match=r"n1.key: no key can be read \(it is too large, or never ends"):
        read_key(tmp_path, N1)
    with pytest.raises(ConfigError, match=r"roster.json: no roster can be read \(it is too large, or never ends"):
        read_roster(tmp_path, [N1])


# -------------------------------------------------- at the door


def test_nodes_with_the_keys_of_one_roster_run_together(tmp_path: Path) -> None:
    write_keys(tmp_path, [N1, N2, N3])
    results = play({"n3": tmp_path, "n2": tmp_path, "n1": tmp_path})
    for result in results:
        assert isinstance(result, RunResult)
        assert (result.outcome, result.exit_status) == ("completed", 0)


def test_a_node_with_another_key_is_refused_by_name(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    write_keys(good, [N1, N2, N3])
    write_keys(bad, [N2])
    shutil.copytree(good, tmp_path / "mixed")
    shutil.copy(bad / "n2.key", tmp_path / "mixed" / "n2.key")
    second, first = play({"n2": tmp_path / "mixed", "n1": good}, startup_timeout=1.5)
    assert isinstance(first, StartupError)
    assert "n2 (n2 showed a key that is not the one known for it)" in str(first)
    assert isinstance(second, StartupError)
    assert "refused by the peer: n2 showed a key that is not the one known for it" in str(second)


@pytest.mark.slow  # it waits for another one
def test_a_node_takes_no_orders_from_a_coordinator_that_it_does_not_know(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for folder in (ours, theirs):
        write_keys(folder, [N1, N2, N3])
    second, first = play({"n2": ours, "n1": theirs}, startup_timeout=1.5)
    assert isinstance(first, StartupError)
    assert isinstance(second, StartupError)
    assert "@coordinator showed a key that is not the one known for it" in str(second)


def test_a_node_trusts_its_own_roster_more_than_the_coordinators(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    write_keys(theirs, [N1, N2, N3])
    shutil.copytree(theirs, ours)
    other = tmp_path / "other"
    write_keys(other, [N3])
    mine, strange = (ours / "roster.json").read_text(), read_roster(other, [N3])[N3].hex()
    (ours / "roster.json").write_text(mine.replace(read_roster(theirs, [N3])[N3].hex(), strange))
    third, second, first = play({"n3": theirs, "n2": ours, "n1": theirs}, startup_timeout=3.0)
    assert isinstance(second, StartupError)
    assert "n2: the coordinator names other keys than --keys for n3" in str(second)
    assert isinstance(first, StartupError)
    assert isinstance(third, StartupError)
