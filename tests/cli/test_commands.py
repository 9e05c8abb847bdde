"""The commands beside ``run``."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from distbench.cli.guide import find_section
from distbench.config import load_config
from distbench.errors import ConfigError
from tests.cli.commandline import ROOT, CommandLine, start


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# -------------------------------------------------- list


def described(out: str) -> dict[str, list[str]]:
    """The fields or errors, and the file, below each name."""
    found: dict[str, list[str]] = {}
    for line in out.splitlines():
        if line[:1] != " ":
            name = line.split()[0]
            found[name] = []
        else:
            found[name].append(line.strip())
    return found


def test_the_shipped_algorithms_are_listed_with_fields_types_and_defaults(distbench: CommandLine, here: Path) -> None:
    finished = distbench("list")
    assert (finished.status, finished.err) == (0, "")
    found = described(finished.out)
    assert found["echo"][:-1] == ["start_node: bool = False", "content: str = 'hello'"]
    assert found["chang_roberts"][:-1] == ["node_id: int | None = None", "is_initiator: bool = True"]
    assert found["simple_broadcast"][:-1] == ["start_node: bool = False", "broadcast.is_sender: bool = False"]
    assert "simple_broadcast.SimpleBroadcast" in found
    assert "Leader election on a ring: the highest number wins" in finished.out


def test_the_file_of_each_algorithm_is_listed(distbench: CommandLine, here: Path) -> None:
    (here / "algorithms").mkdir()
    (here / "algorithms" / "good.py").write_text(GOOD)
    (here / "broken.py").write_text("from distbench import distbench\nclass X(:\n")
    found = described(distbench("list").out)
    assert found["echo"][-1] == f"in {ROOT / 'distbench' / 'algorithms' / 'echo.py'}"
    assert found["good"][-1] == "in algorithms/good.py"
    assert found["broken"][-1] == "in broken.py"


HEAD = "from distbench import Algorithm, config_field, distbench\n"
GOOD = f'''{HEAD}
@distbench
class Good(Algorithm):
    """It is good."""
    rounds: int = config_field(required=True)
    peers_wanted: list[str] = config_field(default_factory=lambda: ["n1"] * 99)
'''


@pytest.mark.parametrize(
    "body, error",
    [
        ("1 / 0\n", "bad.py:1: importing it raised ZeroDivisionError"),
        ("import nothing_of_that_name\n", "bad.py:1: importing it raised ModuleNotFoundError"),
        ("import sys; sys.exit(3)\n", "importing it raised SystemExit: 3"),
        ("import os; os._exit(3)\n", "its process died: exit status 3"),
        ("import os; os.kill(os.getpid(), 9)\n", "its process died: signal 9 (SIGKILL)"),
        ("import distbench\ndistbench.distbench = None\ndistbench.Algorithm = 5\n", "is not"),
        ("", "async"),
    ],
)
def test_a_module_that_cannot_be_imported_hurts_no_other(
    distbench: CommandLine, here: Path, body: str, error: str
) -> None:
    mistake = "    def on_start(self): ...\n" if not body else "    pass\n"
    (here / "bad.py").write_text(f"{body}{HEAD}@distbench\nclass Bad(Algorithm):\n{mistake}")
    (here / "good.py").write_text(GOOD)
    finished = distbench("list")
    assert finished.status == 0
    found = described(finished.out)
    assert error in " ".join(found["bad"]) or error == "is not"
    assert found["good"][0] == "rounds: int (required)"
    assert re.fullmatch(r"peers_wanted: list\[str\] = \['n1', 'n1'.*…", found["good"][1])
    assert found["echo"]


def test_a_file_that_is_no_python_is_shown_with_its_error(distbench: CommandLine, here: Path) -> None:
    (here / "broken.py").write_text("from distbench import distbench\nclass X(:\n")
    found = described(distbench("list").out)
    assert found["broken"][0].startswith("cannot be read: broken.py:2: syntax error")
    assert found["echo"]


def test_what_a_module_prints_is_not_shown(distbench: CommandLine, here: Path) -> None:
    (here / "loud.py").write_text(f"print('loud')\n{GOOD}")
    finished = distbench("list")
    assert "loud\n" not in finished.out
    assert described(finished.out)["loud"]


def test_a_folder_can_be_listed(distbench: CommandLine, here: Path) -> None:
    (here / "mine").mkdir()
    (here / "mine" / "good.py").write_text(GOOD)
    assert list(described(distbench("list", "mine").out)) == ["good"]
    assert "mine2: no such folder" in distbench.refused("list", "mine2")
    (here / "empty").mkdir()
    assert "no algorithms in empty; 'distbench new NAME' writes one" in distbench.refused("list", "empty")


# -------------------------------------------------- new


def test_a_new_algorithm_runs_at_once_and_under_many_seeds(distbench: CommandLine, here: Path) -> None:
    finished = distbench("new", "gossip")
    assert finished.status == 0
    first, command = finished.out.splitlines()
    assert first == "wrote gossip.py and gossip.yaml; run them with"
    assert command == "    distbench -c gossip.yaml -a gossip.py"
    run = distbench(*shlex.split(command)[1:])
    assert run.status == 0
    assert run.out.splitlines()[-1].startswith("completed: ")
    assert "WARNING" not in run.err
    assert "in transit" not in run.out
    assert distbench(*shlex.split(command)[1:], "--seeds", "0-49").status == 0
    assert "class Gossip(Algorithm):" in (here / "gossip.py").read_text()


@pytest.mark.parametrize(
    "name", ["word", "algorithm", "peer_id", "run_result", "echo", "my_NAME_COMMAND", "sub/gossip"]
)
def test_a_new_algorithm_runs_whatever_its_name(distbench: CommandLine, here: Path, name: str) -> None:
    (here / "sub").mkdir()
    command = distbench("new", name).out.splitlines()[1]
    assert distbench(*shlex.split(command)[1:]).out.splitlines()[-1].startswith("completed: ")


def test_a_new_algorithm_with_a_shipped_one_s_name_says_which_the_name_means(
    distbench: CommandLine, here: Path
) -> None:
    last = distbench("new", "echo").out.splitlines()[-1]
    assert last == "'-a echo' alone means the algorithm that comes with distbench; yours is '-a echo.py'"


def test_the_folder_of_a_new_algorithm_is_made(distbench: CommandLine, here: Path) -> None:
    command = distbench("new", "deep/down/gossip").out.splitlines()[1]
    assert distbench(*shlex.split(command)[1:]).status == 0
    refused = distbench.refused("new", "deep/down/gossip.py/more")
    assert "cannot make the folder 'deep/down/gossip.py': File exists" in refused


@pytest.mark.parametrize("suffix", ["py", "yaml"])
def test_nothing_is_overwritten(distbench: CommandLine, here: Path, suffix: str) -> None:
    (here / f"gossip.{suffix}").write_text("mine")
    assert f"gossip.{suffix} exists already, and is not overwritten" in distbench.refused("new", "gossip")
    assert [path.name for path in here.iterdir()] == [f"gossip.{suffix}"]
    assert (here / f"gossip.{suffix}").read_text() == "mine"


@pytest.mark.parametrize(
    "name, wanted",
    [
        ("my-gossip", "'my-gossip' is no name for a Python module; write for instance 'distbench new my_gossip'"),
        ("2pc", "write for instance 'distbench new my_2pc'"),
        ("class", "write for instance 'distbench new my_class'"),
        ("", "is no name for a Python module"),
        ("選挙", "is no name for a Python module"),
        ("random", "'random' is a module of Python or of a package, which a random.py would hide"),
        ("msgspec", "'msgspec' is a module of Python or of a package"),
    ],
)
def test_a_name_that_would_not_work_is_refused(distbench: CommandLine, here: Path, name: str, wanted: str) -> None:
    assert wanted in distbench.refused("new", name)
    assert list(here.iterdir()) == []


# -------------------------------------------------- topology


def test_a_topology_is_printed_or_written_and_reads_back(distbench: CommandLine, here: Path) -> None:
    printed = distbench("topology", "ring:16")
    assert distbench("topology", "ring:16", "-o", "ring.yaml").out == ""
    assert (here / "ring.yaml").read_text() == printed.out
    assert load_config("ring.yaml").nodes == load_config("ring:16").nodes


def test_a_seed_draws_a_topology_and_settings_go_into_it(distbench: CommandLine, here: Path) -> None:
    graph = "erdos-renyi:n=9,p=0.5"
    assert distbench("topology", graph, "--seed", "1").out == distbench("topology", graph, "--seed", "1").out
    assert distbench("topology", graph, "--seed", "1").out != distbench("topology", graph, "--seed", "2").out
    options = ("--set", "*.rounds=3", "--set", "n1.initiator=true", "--assign", "node_id=shuffled", "-o", "made.yaml")
    assert distbench("topology", graph, *options).status == 0
    nodes = load_config("made.yaml").nodes
    assert {node.fields["rounds"] for node in nodes.values()} == {3}
    assert sorted(str(node.fields["node_id"]) for node in nodes.values()) == list("123456789")


def test_a_topology_that_cannot_be_written_is_refused(distbench: CommandLine, here: Path) -> None:
    assert "-o: cannot write 'no/ring.yaml'" in distbench.refused("topology", "ring:3", "-o", "no/ring.yaml")
    assert "name it .svg or .png" in distbench.refused("topology", "ring:3", "--draw", "ring.gif")


def test_a_topology_is_drawn(distbench: CommandLine, here: Path) -> None:
    pytest.importorskip("matplotlib")
    assert distbench("topology", "grid:3x3", "--draw", "grid.svg").status == 0
    assert (here / "grid.svg").read_text().startswith("<?xml")


# -------------------------------------------------- guide and completion

GUIDE = """# Guide

Words.

## Many seeds

Run them.

```bash
# seeds: no heading
```

### More seeds

And more.

## Configs

Nodes.
"""


def test_the_guide_is_printed_where_there_is_no_terminal(distbench: CommandLine) -> None:
    guide = ROOT / "docs" / "guide.md"
    if not guide.exists():
        pytest.skip("the guide is not written yet")
    assert distbench("guide").out == guide.read_text(encoding="utf-8")


def test_sections_of_the_guide_are_found_by_heading_or_else_by_text() -> None:
    assert find_section(GUIDE, "seeds") == GUIDE[GUIDE.index("## Many") : GUIDE.index("## Configs")].strip() + "\n"
    assert find_section(GUIDE, "more") == "### More seeds\n\nAnd more.\n"
    assert find_section(GUIDE, "CONFIGS") == "## Configs\n\nNodes.\n"
    assert find_section(GUIDE, "guide") == GUIDE
    assert find_section(GUIDE, "nodes") == "## Configs\n\nNodes.\n"
    assert find_section(GUIDE, "words") == "# Guide\n\nWords.\n"
    with pytest.raises(ConfigError, match="the guide says nothing about 'config file'; did you mean 'configs'"):
        find_section(GUIDE, "config file")


def test_each_shell_gets_its_script(distbench: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    for shell in ("bash", "zsh", "fish"):
        out = distbench("completion", shell).out
        assert f"_DISTBENCH_COMPLETE={shell}_complete" in out
    monkeypatch.setenv("SHELL", "/usr/bin/zsh")
    assert "_DISTBENCH_COMPLETE=zsh_complete" in distbench("completion").out
    monkeypatch.setenv("SHELL", "/bin/csh")
    assert "which shell?" in distbench.refused("completion")
    assert "'bsh' is none of bash, zsh, fish; did you mean 'bash'?" in distbench.refused("completion", "bsh")


needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@needs_bash
def test_the_script_for_bash_is_one() -> None:
    script = start("-m", "distbench", "completion", "bash").out
    done = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="module")
def bash_script() -> str:
    return start("-m", "distbench", "completion", "bash").out


@pytest.fixture
def in_bash(tmp_path: Path, bash_script: str) -> Callable[..., list[str]]:
    """What bash would offer for the last of some words; what it is told by ``compopt`` stands last."""
    launcher = tmp_path / "bin" / "distbench"
    launcher.parent.mkdir()
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m distbench "$@"\n')
    launcher.chmod(0o755)

    def complete(*words: str) -> list[str]:
        told = "compopt() { printf 'compopt %s %s\\n' $1 $2; }"  # bash has it within a completion only
        ask = f"COMP_WORDS=(distbench {shlex.join(words)}); COMP_CWORD={len(words)}; _distbench_completion distbench"
        show = 'for one in "${COMPREPLY[@]}"; do echo "$one"; done'
        done = subprocess.run(
            ["bash", "--norc", "-c", f'{bash_script}\n{told}\nnote=$({ask}; {show})\necho "$note"'],
            env={**os.environ, "PATH": f"{launcher.parent}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.split("\n")[:-1]

    return complete


@needs_bash
def test_bash_completes_the_options_of_the_default_command(in_bash: Callable[..., list[str]]) -> None:
    assert in_bash("--se") == ["--set", "--seed", "--seeds"]
    assert {"-c", "--config", "-a", "--seeds", "--version", "--help"} <= set(in_bash("-"))
    assert in_bash("-a", "echo", "--js") == ["--json"]
    assert "topology" in in_bash("")


@needs_bash
@pytest.mark.parametrize("words", [("-c", "rin"), ("topology", "rin"), ("run", "-c", "rin")])
def test_bash_lets_the_size_follow_a_topology(in_bash: Callable[..., list[str]], words: tuple[str, ...]) -> None:
    assert in_bash(*words) == ["compopt -o nospace", "ring:"]


@needs_bash
@pytest.mark.parametrize("words", [("topology", "gossip.y"), ("-c", "gossip.y"), ("topology", "x", "-o", "gossip.y")])
def test_bash_completes_files(in_bash: Callable[..., list[str]], words: tuple[str, ...]) -> None:
    assert in_bash(*words) == ["compopt -o default"]
