"""A config as a compose file, and the script that writes it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from packaging.requirements import Requirement

from distbench.cli import main
from distbench.compose import ComposeOptions, compose_document, render_compose
from distbench.config import config_from_mapping, load_config
from distbench.errors import ConfigError
from distbench.running.options import Latency

ROOT = Path(__file__).resolve().parent.parent


def document(config: dict[str, object] | str = "complete:3", **options: Any) -> Any:
    """The document that the text of a compose file means."""
    nodes = load_config(config) if isinstance(config, str) else config_from_mapping(config)
    return yaml.safe_load(render_compose(compose_document(nodes, ComposeOptions(algorithm="echo.Echo", **options))))


def dockerize(folder: Path, *arguments: str | Path) -> Any:
    """What ``distbench dockerize`` writes, with ``echo`` on its config unless said otherwise."""
    file = folder / "compose.yaml"
    words = [str(argument) for argument in arguments]
    config = [] if "-c" in words else ["-c", str(ROOT / "configs" / "echo.yaml")]
    algorithm = [] if "-a" in words else ["-a", "echo"]
    status = main(["dockerize", *config, *algorithm, *words, "-o", str(file)])
    assert status == 0
    return yaml.safe_load(file.read_text())


def config_of(service: Any) -> Any:
    return yaml.safe_load(service["environment"]["DISTBENCH_CONFIG"].replace("$$", "$"))


def option(service: Any, name: str) -> str:
    command = service["command"]
    return str(command[command.index(name) + 1])


# -------------------------------------------------- the document


def test_every_node_is_a_service_of_its_own_name_on_a_private_network() -> None:
    made = document()
    assert list(made["services"]) == ["n1", "n2", "n3"]
    for node, service in made["services"].items():
        assert service["hostname"] == node
        assert option(service, "--id") == node
        assert option(service, "--mode") == "network"
        assert service["networks"] == ["nodes"]
    assert made["networks"] == {"nodes": {"internal": True}}


def test_container_names_are_left_to_the_project() -> None:
    assert all("container_name" not in service for service in document()["services"].values())


def test_only_one_service_builds_the_image_that_all_use(tmp_path: Path) -> None:
    services = document(context=tmp_path)["services"]
    assert services["n1"]["build"]["context"] == str(tmp_path)
    assert "build" not in services["n2"]
    assert {service["image"] for service in services.values()} == {"localhost/distbench"}


def test_the_base_image_comes_from_the_option_or_else_from_the_environment(tmp_path: Path) -> None:
    def base(**options: Any) -> object:
        return document(context=tmp_path, **options)["services"]["n1"]["build"]["args"]["BASE_IMAGE"]

    dockerfile = (ROOT / "Dockerfile").read_text()
    (default,) = re.findall(r"^ARG BASE_IMAGE=(.*)$", dockerfile, re.MULTILINE)
    assert base() == f"${{BASE_IMAGE:-{default}}}"
    assert base(base_image="mine") == "mine"


def test_hosts_and_ports_of_the_config_do_not_reach_the_containers() -> None:
    config = load_config(str(ROOT / "configs" / "echo.yaml"))
    assert all(node.host and node.port for node in config.nodes.values())
    text = render_compose(compose_document(config, ComposeOptions(algorithm="echo.Echo")))
    assert "127.0.0.1" not in text
    made = config_of(yaml.safe_load(text)["services"]["n2"])
    assert made == {
        "n1": {"neighbours": ["n2", "n3"], "start_node": True},
        "n2": {"neighbours": ["n1", "n3"]},
        "n3": {"neighbours": ["n1", "n2"]},
    }


def test_no_text_of_the_user_is_read_as_a_variable(tmp_path: Path) -> None:
    made = document(
        {"n1": {"content": "$HOME and ${PATH}"}}, mounted=tmp_path / "a$b", report_dir=tmp_path / "r$", context=tmp_path
    )
    service = made["services"]["n1"]
    assert "$$HOME and $${PATH}" in service["environment"]["DISTBENCH_CONFIG"]
    assert config_of(service)["n1"]["content"] == "$HOME and ${PATH}"
    assert [mount["source"] for mount in service["volumes"]] == [f"{tmp_path}/a$$b", f"{tmp_path}/r$$"]


def test_a_swarm_restarts_no_node_and_balances_nothing() -> None:
    made = document()
    assert made["version"] == "3.8"
    for service in made["services"].values():
        assert service["deploy"] == {"endpoint_mode": "dnsrr", "restart_policy": {"condition": "none"}}


def test_limits_hold_for_each_container() -> None:
    for service in document(cpus=0.5, memory="256m")["services"].values():
        assert service["deploy"]["resources"] == {"limits": {"cpus": "0.5", "memory": "256m"}}


def test_the_config_is_written_once_however_many_nodes_there_are() -> None:
    config = load_config("complete:40")
    text = render_compose(compose_document(config, ComposeOptions(algorithm="echo.Echo")))
    assert text.count("DISTBENCH_CONFIG") == 1


def test_options_of_the_run_reach_every_node() -> None:
    made = document(latency=Latency(10, 50), timeout=7.5, startup_delay=0, verbose=2, seed=3, format="msgpack", port=9)
    for service in made["services"].values():
        command = service["command"]
        assert option(service, "--latency") == "10-50"
        assert option(service, "--timeout") == "7.5"
        assert option(service, "--startup-delay") == "0"
        assert option(service, "--seed") == "3"
        assert option(service, "--format") == "msgpack"
        assert option(service, "--port-base") == "9"
        assert "-vv" in command


def test_every_node_writes_its_report_into_one_folder_as_the_user(tmp_path: Path) -> None:
    for service in document(report_dir=tmp_path, user="12:34")["services"].values():
        assert service["volumes"] == [{"type": "bind", "source": str(tmp_path), "target": "/reports"}]
        assert option(service, "--report-dir") == "/reports"
        assert service["user"] == "12:34"


def test_who_sees_nothing_of_the_user_is_not_the_user() -> None:
    assert all("user" not in service for service in document(user="12:34")["services"].values())


def test_a_container_sees_its_own_key_and_the_public_ones(tmp_path: Path) -> None:
    made = document(keys=tmp_path, user="12:34")
    assert made["services"]["n1"]["secrets"] == ["roster.json", "n1.key", "coordinator.key"]
    assert made["services"]["n3"]["secrets"] == ["roster.json", "n3.key"]
    assert made["secrets"]["n3.key"] == {"file": str(tmp_path / "n3.key")}
    for service in made["services"].values():
        assert option(service, "--keys") == "/run/secrets"
        assert service["user"] == "12:34"


@pytest.mark.parametrize(
    "node, why",
    [
        ("node_1", "is no host name"),
        ("-n1", "is no host name"),
        ("n.1", "is no host name"),
        ("ñ1", "is no host name"),
        ("n" * 64, "is no host name"),
        ("7", "is read as an address"),
        ("0x10", "is read as an address"),
        ("Localhost", "means the container itself"),
        ("N2", "is the same host name as 'n2', for case does not matter"),
    ],
)
def test_an_id_that_is_no_host_name_is_refused_by_name(node: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        document({"n2": {}, node: {}})
    assert f"node id {node!r} {why}" in str(caught.value)
    assert "node id 'n2'" not in str(caught.value)


def test_all_wrong_ids_are_named_at_once() -> None:
    with pytest.raises(ConfigError, match=r"(?s)node id 'a_b'.*node id '9'"):
        document({"a_b": {}, "n1": {}, "9": {}})


def test_a_config_that_no_environment_holds_is_refused() -> None:
    with pytest.raises(ConfigError, match="its 2 nodes take 140,"):
        document({"n1": {"content": "x" * 140_000}, "n2": {}})


# -------------------------------------------------- the command


def test_the_defaults_are_those_of_the_guide(tmp_path: Path) -> None:
    service = dockerize(tmp_path)["services"]["n1"]
    assert option(service, "-a") == "echo.Echo"
    assert option(service, "--timeout") == "30"
    assert option(service, "--startup-delay") == "600"
    assert option(service, "--port-base") == "8000"
    assert option(service, "--format") == "json"


def test_the_old_name_bincode_means_msgpack_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    service = dockerize(tmp_path, "-f", "bincode")["services"]["n1"]
    assert option(service, "--format") == "msgpack"
    assert "'bincode' is an old name for 'msgpack'" in capsys.readouterr().err


def test_settings_are_in_the_config_that_the_containers_get(tmp_path: Path) -> None:
    services = dockerize(tmp_path, "--set", "n2.start_node=true", "--set", "n1.start_node=false")["services"]
    made = config_of(services["n1"])
    assert (made["n1"]["start_node"], made["n2"]["start_node"]) == (False, True)


def test_a_generated_config_will_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = dockerize(tmp_path, "-c", "ring:4", "-a", "chang_roberts", "--assign", "node_id=shuffled", "--seed", "5")
    config = config_of(made["services"]["n1"])
    assert sorted(block["node_id"] for block in config.values()) == [1, 2, 3, 4]
    assert "first node starts" not in capsys.readouterr().err  # all do by default
    dockerize(tmp_path, "-c", "ring:4,both", "-a", "echo")
    assert "n1.start_node=true" in capsys.readouterr().err


def test_the_command_to_go_on_with_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dockerize(tmp_path)
    assert f"docker-compose -f {tmp_path}/compose.yaml up --build" in capsys.readouterr().out


def test_the_report_folder_is_made_by_the_user_who_asks_for_it(tmp_path: Path) -> None:
    service = dockerize(tmp_path, "--report-dir", tmp_path / "reports")["services"]["n1"]
    assert (tmp_path / "reports").stat().st_uid == os.getuid()
    assert service["user"] == f"{os.getuid()}:{os.getgid()}"


OWN = "from distbench import Algorithm, distbench\n\n@distbench\nclass Own(Algorithm):\n    pass\n"


def test_an_algorithm_of_ones_own_is_mounted(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    made = dockerize(tmp_path, "-c", "complete:2", "-a", tmp_path / "own.py")
    for service in made["services"].values():
        assert option(service, "-a") == "own.py:Own"
        assert service["volumes"] == [
            {"type": "bind", "source": str(tmp_path), "target": "/algorithms", "read_only": True}
        ]


def test_a_module_of_a_package_is_found_from_the_folder_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine" / "deep").mkdir(parents=True)
    for file in ("mine/__init__.py", "mine/deep/__init__.py"):
        (tmp_path / file).touch()
    (tmp_path / "mine" / "deep" / "own.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    service = dockerize(tmp_path, "-c", "complete:2", "-a", "mine.deep.own:Own")["services"]["n1"]
    assert option(service, "-a") == "mine.deep.own:Own"
    assert service["volumes"][0]["source"] == str(tmp_path)


def test_algorithms_that_the_config_names_are_looked_for_beside_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("own", "other"):
        (tmp_path / f"{name}.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("n1: {}\nn2: {algorithm: other.py}\n")
    assert config_of(dockerize(tmp_path, "-c", "config.yaml", "-a", "own.py")["services"]["n1"])["n2"] == {
        "neighbours": ["n1"],
        "algorithm": "other.py",
    }
    (tmp_path / "config.yaml").write_text(f"n1: {{}}\nn2: {{algorithm: {tmp_path}/other.py}}\n")
    assert main(["dockerize", "-c", "config.yaml", "-a", "own.py", "-o", "x.yaml"]) == 2
    assert f"looks in {tmp_path}; name it as seen from there" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, wanted",
    [
        (("--memory", "lots"), "'lots' is no amount of memory; write for instance 256m or 1g"),
        (("--cpus", "0"), "it takes a number of processors above 0"),
        (("--port", "0"), "0 is out of range; it takes a whole number from 1 to 65,535"),
        (("--latency", "50-10"), "latency '50-10' cannot be used: the lower bound comes first"),
        (("-f", "xml"), "'xml' is none of json, msgpack"),
        (("--keys", "nowhere"), "no roster can be read"),
        (("--copy",), "--copy is for an algorithm of your own"),
        (("--imgae", "x"), "there is no option '--imgae'; did you mean '--image'?"),
        (("-o", "nowhere/compose.yaml"), "-o: cannot write 'nowhere/compose.yaml'"),
        (("--set", "n9.start_node=true"), "no node 'n9'"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_written(
    tmp_path: Path,
    arguments: tuple[str, ...],
    wanted: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["dockerize", "-c", "complete:2", "-a", "echo", *arguments]) == 2
    assert wanted in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_large_and_small_numbers_stay_texts_in_every_version_of_yaml(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    options = ["--timeout", "1000000", "--startup-delay", "1234567.5", "--duration", "0.00001", "--cpus", "0.01"]
    assert main(["dockerize", "-c", "complete:2", "-a", "echo", "-o", str(file), *options]) == 0
    text = file.read_text()
    command = yaml.safe_load(text)["services"]["n1"]["command"]
    given = dict(zip(command[::2], command[1::2], strict=False))
    assert (given["--timeout"], given["--startup-delay"], given["--duration"]) == ("1000000", "1234567.5", "0.00001")
    assert all(f'"{given[name]}"' in text for name in ("--timeout", "--startup-delay", "--duration"))
    (tmp_path / "numbers.yaml").write_text("'1e3': {start_node: true}\nn2: {}\n")
    assert main(["dockerize", "-c", str(tmp_path / "numbers.yaml"), "-a", "echo", "-o", str(file)]) == 0
    assert '\n  "1e3":\n' in file.read_text()


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can make files of others")
def test_what_root_writes_for_another_user_belongs_to_that_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, theirs, new = tmp_path / "compose.yaml", tmp_path / "theirs", tmp_path / "new"
    theirs.mkdir()
    os.chown(theirs, 12345, 23456)
    command = ["dockerize", "-c", "complete:2", "-a", "echo", "-o", str(file), "--report-dir"]
    assert main([*command, str(theirs)]) == 0
    assert yaml.safe_load(file.read_text())["services"]["n2"]["user"] == "12345:23456"
    monkeypatch.setenv("SUDO_UID", "1000")
    monkeypatch.setenv("SUDO_GID", "1001")
    assert main([*command, str(new)]) == 0
    assert yaml.safe_load(file.read_text())["services"]["n2"]["user"] == "1000:1001"
    assert (new.stat().st_uid, new.stat().st_gid) == (1000, 1001)


def test_a_file_that_was_not_made_by_dockerize_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "docker-compose.yaml"
    command = ["dockerize", "-c", "complete:2", "-a", "echo", "-o", str(file)]
    assert main(command) == 0
    assert main(command) == 0
    file.write_text("services: {}\n")
    assert main(command) == 2
    assert "exists and was not made by dockerize.py" in capsys.readouterr().err
    assert file.read_text() == "services: {}\n"


# -------------------------------------------------- the script


def script(*arguments: str, tried: str = "", path: str = "") -> subprocess.CompletedProcess[str]:
    """Run dockerize.py by a Python that has nothing installed."""
    return by_bare_python(str(ROOT / "dockerize.py"), *arguments, tried=tried, path=path)


def by_bare_python(*arguments: str, tried: str = "", path: str = "") -> subprocess.CompletedProcess[str]:
    """Run a Python that has nothing installed."""
    bare = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
    if not bare.exists() or bare == Path(sys.executable):
        pytest.skip("there is no Python beside that of the environment")
    environment = {"PATH": path, "DISTBENCH_DOCKERIZE_TRIED": tried}
    return subprocess.run(
        [str(bare), "-I", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_python_with_nothing_installed_takes_the_environment_of_the_project(tmp_path: Path) -> None:
    if not (ROOT / ".venv" / "bin" / "python").exists():
        pytest.skip("the project has no environment of its own")
    file = tmp_path / "compose.yaml"
    done = script("-c", str(ROOT / "configs" / "echo.yaml"), "-a", "echo", "-o", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert list(yaml.safe_load(file.read_text())["services"]) == ["n1", "n2", "n3"]


def test_a_python_that_has_only_a_part_of_it_takes_the_environment_of_the_project(tmp_path: Path) -> None:
    if not (ROOT / ".venv" / "bin" / "python").exists():
        pytest.skip("the project has no environment of its own")
    (tmp_path / "click").symlink_to(Path(click.__file__).parent)
    file = tmp_path / "compose.yaml"
    arguments = ["dockerize.py", "-c", str(ROOT / "configs" / "echo.yaml"), "-a", "echo", "-o", str(file)]
    run = f"import runpy, sys; sys.path += [{str(tmp_path)!r}, {str(ROOT)!r}]; sys.argv = {arguments!r}; "
    run += f"runpy.run_path({str(ROOT / 'dockerize.py')!r}, run_name='__main__')"
    done = by_bare_python("-c", run)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(yaml.safe_load(file.read_text())["services"]) == ["n1", "n2", "n3"]


def test_without_any_environment_uv_is_asked(tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.write_text('#!/bin/sh\necho "uv $*"\n')
    uv.chmod(0o755)
    done = script("-c", "ring:3", tried="venv", path=str(tmp_path))
    assert done.stdout == f"uv run --quiet --project {ROOT} python {ROOT}/dockerize.py -c ring:3\n"


def test_without_uv_it_says_what_to_install() -> None:
    done = script("--help", tried="venv uv module")
    assert (done.returncode, done.stdout) == (2, "")
    assert "run 'pip install uv'" in done.stderr


# -------------------------------------------------- what the image installs


def pinned() -> dict[str, str]:
    """The versions in requirements.txt."""
    text = (ROOT / "requirements.txt").read_text()
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))


def test_the_image_installs_the_versions_that_were_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    pins = dict(pin.split("==") for pin in project["tool"]["uv"]["constraint-dependencies"])
    assert {name: pins.get(name) for name in pinned()} == pinned()


def test_the_image_installs_all_that_distbench_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    waiting = [Requirement(text) for text in project["project"]["dependencies"]]
    needed: set[str] = set()
    while waiting:
        one = waiting.pop()
        if one.name not in needed and (one.marker is None or one.marker.evaluate({"extra": ""})):
            needed.add(one.name)
            waiting += [Requirement(text) for text in requires(one.name) or ()]
    assert needed <= set(pinned()), "make requirements.txt again, as its first lines say"


def test_every_file_that_the_image_installs_has_its_hash_and_no_address() -> None:
    text = (ROOT / "requirements.txt").read_text()
    assert "://" not in text
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in block for block in blocks if not block.startswith("#"))
