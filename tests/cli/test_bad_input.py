"""Bad input ends with one clear message on stderr and exit status 2, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.commandline import CommandLine, start

VOTE = """
from distbench import Algorithm, PeerId, config_field, distbench, handler, message

@message
class Vote:
    value: bool

@distbench
class Voting(Algorithm):
    rounds: int = config_field(required=True)
    asks: bool = config_field(default=False)

    async def on_start(self) -> None:
        print("it ran")

    @handler
    async def vote(self, src: PeerId, msg: Vote) -> None: ...
"""
GOOD = "n1: {neighbours: [n2], rounds: 3}\nn2: {neighbours: [n1], rounds: 3}\n"


@pytest.fixture
def voting(tmp_path: Path) -> Path:
    """A file with an algorithm that requires ``rounds``."""
    path = tmp_path / "voting.py"
    path.write_text(VOTE)
    return path


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("", ["empty"]),
        ("# nothing here\n", ["empty"]),
        ("n1: {neighbours: [n2\n", [":2"]),
        ("n1:\n\tneighbours: []\n", [":2"]),
        ("- n1\n- n2\n", ["list"]),
        ("just words\n", [":1", "text"]),
        ("n1: 5\n", [":1", "n1", "5"]),
        ("n1: {rounds: 3}\nn2: [a]\n", [":2", "n2"]),
        ("_t: {rounds: 3}\n", ["no node"]),
        ("node1: {neighbours: [nod2], rounds: 3}\nnode2: {rounds: 3}\n", [":1", "nod2", "did you mean 'node2'?"]),
        ("n1: {rounds: 3}\nn2:\n  rounds: 3\n  neighbours: [n2]\n", [":4", "n2", "itself"]),
        ("n1: {neighbours: n2, rounds: 3}\nn2: {rounds: 3}\n", [":1", "neighbours", "list"]),
        ("n1: {rounds: 3}\nn2: {rounds: 3}\nn1: {rounds: 4}\n", [":3", "n1"]),
        ("n1: {port: 70000, rounds: 3}\n", [":1", "port", "70000"]),
        ("n1: {rounds: 3}\nn2:\n  neighbours: [n1]\n", [":2", "n2", "rounds", "int"]),
        ("n1:\n  rounds: 3\n\nn2: {ronds: 3}\n", [":4", "n2", "did you mean 'ronds'?"]),
        ("n1: {rounds: 3}\nn2:\n  rounds: many\n", [":3", "n2.rounds", "int", "'many'"]),
        ("n1: {rounds: 3}\nn2: {rounds: 3, asks: 7}\n", [":2", "n2.asks", "bool", "7"]),
    ],
)
def test_a_bad_config_is_refused_with_its_line_and_value(
    distbench: CommandLine, voting: Path, tmp_path: Path, text: str, wanted: list[str]
) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    message = distbench.refused("-c", path, "-a", voting)
    for part in ["bad.yaml", *wanted]:
        assert part in message


def test_a_missing_config_gets_the_nearest_file(distbench: CommandLine, voting: Path, tmp_path: Path) -> None:
    (tmp_path / "votes.yaml").write_text(GOOD)
    message = distbench.refused("-c", tmp_path / "vots.yaml", "-a", voting)
    assert "vots.yaml" in message
    assert "did you mean" in message
    assert "votes.yaml'" in message


@pytest.mark.parametrize("content", [b"\x00\x01\x02\xff\xfe" * 50, b"n1: \xff\xfe\n"])
def test_a_binary_config_is_refused(distbench: CommandLine, voting: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.yaml").write_bytes(content)
    assert "bad.yaml" in distbench.refused("-c", tmp_path / "bad.yaml", "-a", voting)


def test_a_folder_is_no_config(distbench: CommandLine, voting: Path, tmp_path: Path) -> None:
    assert "folder" in distbench.refused("-c", tmp_path, "-a", voting)


def test_an_unknown_field_is_a_warning_with_the_nearest_right_one(
    distbench: CommandLine, voting: Path, tmp_path: Path
) -> None:
    (tmp_path / "good.yaml").write_text(GOOD.replace("n2]", "n2], ask: true"))
    finished = distbench("-c", tmp_path / "good.yaml", "-a", voting)
    assert finished.status == 0
    assert "WARNING" in finished.err
    assert "good.yaml:1" in finished.err
    assert "did you mean 'asks'?" in finished.err


@pytest.mark.parametrize(
    "name, wanted",
    [
        ("ecko", "did you mean 'echo'?"),
        ("pingpong.PinPong", "did you mean 'PingPong'?"),
        ("nowhere.module:Class", "no algorithm 'nowhere.module:Class'"),
        ("missing/file.py", "no file 'missing/file.py'"),
        ("", "is no name"),
    ],
)
def test_an_unknown_algorithm_gets_the_nearest_right_one(distbench: CommandLine, name: str, wanted: str) -> None:
    assert wanted in distbench.refused("-c", "complete:3", "-a", name)


def test_an_ambiguous_algorithm_is_refused_with_the_ones_to_choose_from(
    distbench: CommandLine, voting: Path, tmp_path: Path
) -> None:
    second = VOTE.partition("@distbench")[2].replace("class Voting", "class Polling")
    voting.write_text(f"{VOTE}\n@distbench{second}")
    (tmp_path / "good.yaml").write_text(GOOD)
    message = distbench.refused("-c", tmp_path / "good.yaml", "-a", voting)
    assert "ambiguous" in message
    assert "voting.py:Voting" in message
    assert "voting.py:Polling" in message


@pytest.mark.parametrize(
    "broken, wanted",
    [
        ("import nothing_of_that_name\n", ["voting.py:1", "nothing_of_that_name"]),
        ("class Voting(:\n", ["voting.py:1"]),
        ("1 / 0\n" + VOTE, ["voting.py:1", "ZeroDivisionError"]),
    ],
)
def test_a_module_that_cannot_be_imported_is_refused_with_its_line(
    distbench: CommandLine, voting: Path, broken: str, wanted: list[str]
) -> None:
    voting.write_text(broken if VOTE in broken else f"{broken}{VOTE}")
    message = distbench.refused("-c", "complete:3", "-a", voting)
    for part in wanted:
        assert part in message


CHILD = """
from distbench import Algorithm, PeerId, child_algorithm, distbench, handler, message
from distbench.signing import Signed

@message
class Vote:
    value: bool

@message
class Odd:
    signer: str

@distbench
class Links(Algorithm):
    @handler
    async def send(self, src: PeerId, msg: Vote) -> None: ...

@distbench
class Upper(Algorithm):
    links: Links = child_algorithm(Links)

    HERE
"""


@pytest.mark.parametrize(
    "mistake, wanted",
    [
        ("@handler\n    async def vote(self, src: PeerId, msg) -> None: ...", ["Upper.vote", "'msg' has no type"]),
        ("@handler\n    def vote(self, src: PeerId, msg: Vote) -> None: ...", ["Upper.vote", "async"]),
        ("@handler(from_child='link')\n    async def up(self, src: PeerId, msg: Vote) -> None: ...", ["links"]),
        (
            "@handler(from_child='links')\n    async def up(self, src: PeerId, msg: Vote) -> None: ...\n"
            "    @handler(from_child='links')\n    async def again(self, src: PeerId, msg: Vote) -> None: ...",
            ["up", "again", "Vote"],
        ),
        ("other: int = child_algorithm(Links)", ["other", "Links"]),
        ("@handler\n    async def odd(self, src: PeerId, msg: Signed[Odd]) -> None: ...", ["Odd", "signer"]),
        ("@handler\n    async def peer_id(self, src: PeerId, msg: Vote) -> None: ...", ["peer_id"]),
        ("@handler\n    async def _vote(self, src: PeerId, msg: Vote) -> None: ...", ["_vote"]),
    ],
)
def test_a_mistake_in_a_class_is_refused_with_its_place(
    distbench: CommandLine, tmp_path: Path, mistake: str, wanted: list[str]
) -> None:
    path = tmp_path / "upper.py"
    path.write_text(CHILD.replace("HERE", mistake))
    message = distbench.refused("-c", "complete:3", "-a", path)
    for part in wanted:
        assert part in message


def test_a_report_folder_that_cannot_be_written_is_refused_before_the_run(
    distbench: CommandLine, voting: Path, tmp_path: Path
) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "reports").write_text("a file")
    message = distbench.refused("-c", tmp_path / "good.yaml", "-a", voting, "--report-dir", tmp_path / "reports")
    assert "--report-dir: cannot write" in message
    assert "File exists" in message


@pytest.mark.parametrize(
    "topology, wanted",
    [
        ("ring:0", "topology 'ring:0': 0 nodes are too few, one is the least. Write ring:N or ring:N,both"),
        ("ring:x", "topology 'ring:x': 'x' is not a whole number. Write ring:N"),
        ("wheel:5", "no topology 'wheel'; there are ring, line, star, complete"),
        ("rnig:5", "no topology 'rnig'; did you mean 'ring'?"),
        ("ring", "topology 'ring' needs a size; write ring:N"),
        ("random-regular:n=5,d=7", "a node of 5 has at most 4 neighbours, not 7"),
        ("random-regular:n=5,d=3", "one of the numbers must be even"),
        ("erdos-renyi:n=5,p=2", "p='2' is not a probability from 0 to 1"),
        ("grid:4", "it needs rows and columns"),
    ],
)
def test_a_wrong_topology_is_refused_with_how_it_is_written(distbench: CommandLine, topology: str, wanted: str) -> None:
    assert wanted in distbench.refused("-c", topology, "-a", "echo")
    assert wanted in distbench.refused("-c", topology, "-a", "echo", "--seeds", "0-9")
    assert wanted in distbench.refused("topology", topology)


@pytest.mark.parametrize(
    "options, wanted",
    [
        (("--set", "n9.asks=true"), "--set n9.asks=true: no node 'n9'; did you mean 'n"),
        (("--set", "n1.ask=true"), "--set n1.ask=true: Voting has no field 'ask'; did you mean 'asks'?"),
        (("--set", "*.nothing=true"), "Voting has no field 'nothing'; it has rounds, asks"),
        (("--set", "n1.rounds=many"), "--set n1.rounds=many: n1.rounds must be int, not 'many'"),
        (("--set", "n1.rounds"), "write NODE.FIELD=VALUE, for instance n1.initiator=true"),
        (
            ("--assign", "round=shuffled"),
            "--assign round=shuffled: Voting has no field 'round'; did you mean 'rounds'?",
        ),
        (("--assign", "rounds=random"), "no order 'random'"),
        (("--seeds", "9-1"), "in '9-1' the lower seed comes first; write 1-9"),
        (("--seeds", "many"), "write for instance 0-999"),
        (("--seeds", "0-9", "--seed", "1"), "--seed runs one seed and --seeds many; give one of them"),
        (("--seeds", "0-9", "--mode", "local"), "--seeds needs --mode offline"),
        (("--jobs", "0"), "it takes a whole number from 1 to 1,000"),
        (("-q", "-v"), "give one of them"),
        (("--seed", "any"), "'any' is not a whole number, or random"),
    ],
)
def test_what_does_not_fit_the_algorithm_or_each_other_is_refused(
    distbench: CommandLine, voting: Path, tmp_path: Path, options: tuple[str, ...], wanted: str
) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    assert wanted in distbench.refused("-c", tmp_path / "good.yaml", "-a", voting, *options)


@pytest.mark.parametrize("seeds", [(), ("--seeds", "0-9")])
def test_a_check_with_a_wrong_signature_is_refused_before_the_run(
    distbench: CommandLine, voting: Path, tmp_path: Path, seeds: tuple[str, ...]
) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    voting.write_text(f"{VOTE}\ndef check(result, seed): ...\n")
    message = distbench.refused("-c", tmp_path / "good.yaml", "-a", voting, *seeds)
    assert "check (voting.py:" in message
    assert "it takes (result, seed), not the result alone" in message


def test_a_log_folder_that_cannot_be_written_is_refused_before_the_run(
    distbench: CommandLine, voting: Path, tmp_path: Path
) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "logs").write_text("a file")
    message = distbench.refused("-c", tmp_path / "good.yaml", "-a", voting, "--log-dir", tmp_path / "logs")
    assert "--log-dir: cannot write" in message
    assert "File exists" in message


def test_a_process_ends_as_well_with_status_2_and_one_message(tmp_path: Path) -> None:
    finished = start("-m", "distbench", "-c", tmp_path / "none.yaml", "-a", "echo")
    assert finished.status == 2
    assert finished.out == ""
    assert "none.yaml" in finished.err
    assert len(finished.err.splitlines()) == 1
