"""What the command line accepts, and what it answers to anything else."""

from __future__ import annotations

import re

import pytest

from distbench.cli import main
from tests.cli.commandline import CommandLine, start

OPTIONS = """
    -c, --config -a, --algorithm --mode -f, --format -t, --timeout -v, --verbose -l, --latency --link-room
    --startup-delay --duration --max-events --seed --digest --report-dir --log-dir --json -q, --quiet --set
    --assign --no-check --seeds --keep-going --jobs
    --port-base --id --bind --startup-timeout --keys --link-limit
"""
RUN = ("-c", "complete:3", "-a", "echo")


@pytest.mark.parametrize(
    "typed, meant",
    [
        ("--latancy", "--latency"),
        ("--repot-dir=x", "--report-dir"),
        ("-seed", "--seed"),
        ("--max-event", "--max-events"),
        ("--versoin", "--version"),
    ],
)
def test_a_mistyped_option_gets_the_nearest_right_one(distbench: CommandLine, typed: str, meant: str) -> None:
    text = distbench.refused(*RUN, typed, "5")
    assert f"there is no option '{typed.partition('=')[0]}'; did you mean '{meant}'?" in text
    assert "distbench run --help" in text


def test_a_mistyped_command_gets_the_nearest_right_one(distbench: CommandLine) -> None:
    assert "there is no command 'rn'; did you mean 'run'?" in distbench.refused("rn", *RUN)


def test_a_config_given_as_a_command_is_told_how_to_run_it(distbench: CommandLine) -> None:
    assert "distbench -c CONFIG -a ALGORITHM" in distbench.refused("configs/echo.yaml", "echo")


@pytest.mark.parametrize(
    "arguments, wanted",
    [
        (("--mode", "ofline"), "'ofline' is none of offline, local, network; did you mean 'offline'?"),
        (("-f", "jsn"), "'jsn' is none of json, msgpack; did you mean 'json'?"),
        (("-l", "50-10"), "latency '50-10' cannot be used: the lower bound comes first"),
        (("-l", "a-b"), "latency 'a-b' is not a range of milliseconds; write for instance '10-50'"),
        (("-l", "-5"), "latency '-5' is not a range of milliseconds"),
        (("--latency", "-5-10"), "latency '-5-10' is not a range of milliseconds"),
        (("-l", "nan"), "latency 'nan' cannot be used"),
        (("-t", "soon"), "'soon' is not a number of seconds"),
        (("-t", "0"), "it takes a number of seconds above 0"),
        (("-t", "inf"), "it takes a number of seconds above 0"),
        (("--duration", "-1"), "it takes a number of seconds above 0"),
        (("--startup-delay", "-1"), "it takes a number of milliseconds from 0 on"),
        (("--max-events", "0"), "0 is out of range; it takes a whole number from 1 on"),
        (("--seed", "1.5"), "'1.5' is not a whole number"),
        (("--seed", "-1"), "it takes a whole number from 0 to"),
        (("--link-room", "0"), "0 is out of range; it takes a whole number from 1 on, or none"),
        (("--link-room", "wide"), "'wide' is not a whole number, or none"),
        (("--port-base", "70000"), "70000 is out of range; it takes a whole number from 0 to 65,535"),
        (("--seed",), "option '--seed' requires an argument"),
        (("surplus",), "unexpected extra argument"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_right(
    distbench: CommandLine, arguments: tuple[str, ...], wanted: str
) -> None:
    assert wanted in distbench.refused(*RUN, *arguments)


@pytest.mark.parametrize("given, missing", [(("-a", "echo"), "--config"), (("-c", "complete:3"), "--algorithm")])
def test_a_missing_option_is_named(distbench: CommandLine, given: tuple[str, ...], missing: str) -> None:
    text = distbench.refused(*given)
    assert "missing option" in text
    assert missing in text


@pytest.mark.parametrize("command", ["list", "new", "topology", "guide", "completion"])
def test_every_command_has_help(distbench: CommandLine, command: str) -> None:
    assert re.search(rf"^  {command} +[A-Z]", distbench("--help").out, re.M)
    finished = distbench(command, "--help")
    assert (finished.status, finished.err) == (0, "")
    assert finished.out.startswith(f"Usage: distbench {command}")


@pytest.mark.parametrize(
    "typed, meant",
    [(("topolgy",), "topology"), (("lits",), "list"), (("guid",), "guide"), (("complete",), "completion")],
)
def test_each_mistyped_command_gets_its_nearest(distbench: CommandLine, typed: tuple[str, ...], meant: str) -> None:
    assert f"did you mean '{meant}'?" in distbench.refused(*typed)


def test_a_mistyped_option_of_a_command_gets_its_nearest(distbench: CommandLine) -> None:
    text = distbench.refused("topology", "ring:3", "--drwa", "x.svg")
    assert "there is no option '--drwa'; did you mean '--draw'?" in text
    assert "Try 'distbench topology --help'" in text


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("run", "--help"), ()])
def test_help_explains_every_option_with_its_default(distbench: CommandLine, arguments: tuple[str, ...]) -> None:
    finished = distbench(*arguments)
    assert finished.status == 0
    assert finished.err == ""
    for option in OPTIONS.split():
        assert option in finished.out
    text = re.sub(r"\s+", " ", finished.out)
    for default in ("[default: offline]", "[default: json]", "30 s wall time", "[default: 60 s]", "100,000,000"):
        assert default in text


def test_the_help_page_shows_defaults_and_required_options_once(distbench: CommandLine) -> None:
    text = distbench("--help").out
    assert text.count("[required]") == 2
    assert text.count("[default: offline]") == 1


def test_the_help_of_distbench_itself_names_the_version(distbench: CommandLine) -> None:
    own = distbench("--help").out.partition("Other:")[2].partition("Commands:")[0]
    assert re.search(r"^  --version +Print the version\.$", own, re.M)
    assert "--version" not in distbench("run", "--help").out


def test_the_version_names_distbench_and_python(distbench: CommandLine) -> None:
    assert re.fullmatch(r"distbench \d+\.\d+\.\d+\S* \(Python 3\.\d+\.\d+\S*\)\n", distbench("--version").out)


@pytest.mark.parametrize(
    "words, wanted",
    [
        ("distbench ", "plain,run"),
        ("distbench top", "plain,topology"),
        ("distbench run --la", "plain,--latency"),
        ("distbench -c x.yaml --la", "plain,--latency"),
        ("distbench run -f m", "plain,msgpack"),
        ("distbench --seed r", "plain,random"),
        ("distbench -c conf", "file,conf"),
        ("distbench -c e", "plain,erdos-renyi:"),
        ("distbench topology g", "plain,grid:"),
        ("distbench -a cha", "plain,chang_roberts"),
        ("distbench -a ./my", "file,./my"),
        ("distbench --report-dir rep", "dir,rep"),
        ("distbench completion ", "plain,zsh"),
    ],
)
def test_a_shell_completes_commands_options_and_values(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: str, wanted: str
) -> None:
    monkeypatch.setenv("_DISTBENCH_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - (not words.endswith(" "))))
    with pytest.raises(SystemExit):
        main([])
    assert wanted in capsys.readouterr().out.splitlines()


def test_a_process_completes_as_well() -> None:
    environment = {"_DISTBENCH_COMPLETE": "bash_complete", "COMP_WORDS": "distbench ", "COMP_CWORD": "1"}
    assert "plain,run" in start("-m", "distbench", environment=environment).out
