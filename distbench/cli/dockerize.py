"""``distbench dockerize``: a compose file that runs every node in a container of its own."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

import click

from distbench.cli.options import Command, Option, amount, whole
from distbench.cli.output import note, write_out
from distbench.cli.packing import Packed, pack
from distbench.cli.run_options import RUN_OPTIONS
from distbench.compose import (
    DEFAULT_PORT,
    DEFAULT_STARTUP_DELAY,
    DEFAULT_TIMEOUT,
    LOCAL_IMAGE,
    ComposeOptions,
    compose_document,
    render_compose,
)
from distbench.config.discovery import find_algorithm, load_algorithm
from distbench.config.locating import FoundAlgorithm
from distbench.config.model import RunConfig
from distbench.errors import ConfigError
from distbench.running.options import Format, Latency, RunOptions
from distbench.writing import write_whole

PROJECT: Final = Path(__file__).resolve().parents[2]
"""The folder of the Dockerfile, where distbench runs from its repository."""
_MARK: Final = "Made by dockerize.py"
_MEMORY: Final = re.compile(r"([1-9][0-9]*)([bkmg])b?", re.IGNORECASE)
_LEAST_CPUS: Final = 0.01
"""What Docker divides a processor into."""
_DEFAULT_OUTPUT: Final = "docker-compose.yaml"
_FROM_RUN: Final = tuple(
    "config algorithm settings assignments format latency allow_drops duration fail_fast verbose".split()
)
"""Options that are those of ``distbench run``."""


def dockerize(
    *,
    config: str,
    algorithm: str,
    settings: Sequence[str],
    assignments: Sequence[str],
    output: str,
    format: Format,
    latency: Latency | None,
    allow_drops: bool,
    timeout: float,
    duration: float | None,
    fail_fast: bool,
    startup_delay: float,
    seed: int,
    verbose: int,
    report_dir: str | None,
    port: int,
    keys: str | None,
    copy: bool,
    image: str,
    base_image: str | None,
    cpus: float | None,
    memory: str | None,
) -> int:
    """Check all that the containers would, and write the file."""
    nodes, packed = _prepare(algorithm, config, seed, settings, assignments)
    context = _context(image)
    if copy and (packed.folder is None or context is None):
        raise ConfigError("--copy is for an algorithm of your own, in an image that is built from the repository")
    reports = None if report_dir is None else _report_folder(report_dir)
    key_folder = None if keys is None else _key_folder(keys, nodes)
    document = compose_document(
        nodes,
        ComposeOptions(
            algorithm=packed.name,
            mounted=None if copy else packed.folder,
            copied=_inside(packed.folder, context) if copy and packed.folder and context else None,
            context=context,
            format=format,
            timeout=timeout,
            duration=duration,
            startup_delay=startup_delay,
            latency=latency,
            allow_drops=allow_drops,
            fail_fast=fail_fast,
            verbose=verbose,
            seed=seed,
            port=port,
            report_dir=reports,
            keys=key_folder,
            user=_user(reports, key_folder, packed.folder),
            image=image,
            base_image=base_image,
            cpus=cpus,
            memory=memory,
        ),
    )
    comment = f"{_MARK}: {nodes.source}, {packed.name}. Make it again rather than change it: it holds the config."
    _write(Path(output), render_compose(document, comment))
    file = [] if Path(output) == Path(_DEFAULT_OUTPUT) else ["-f", output]
    command = shlex.join(["docker-compose", *file, "up", *(["--build"] if context is not None else [])])
    write_out(f"wrote {output} with {len(nodes.nodes)} nodes; start them with\n    {command}\n")
    return 0


def _prepare(
    algorithm: str, config: str, seed: int, settings: Sequence[str], assignments: Sequence[str]
) -> tuple[RunConfig, Packed]:
    """The config that the nodes get, checked as they will check it, and the algorithm as they will find it."""
    from distbench.config.binding import bind
    from distbench.running.preparing import Plan

    plan = Plan(algorithm, config, RunOptions(seed=seed), settings=settings, assignments=assignments)
    nodes = plan.config(seed)
    if plan.started is not None:
        note(f"{next(iter(nodes.nodes))}.{plan.started}=true: a generator's first node starts; change it with --set")
    others: dict[str, FoundAlgorithm] = {}

    def resolve(name: str) -> type:
        others[name] = find_algorithm(name)
        return load_algorithm(others[name])

    bind(plan.definition, nodes, resolve)
    return nodes, pack(algorithm, others)


def _context(image: str) -> Path | None:
    """The folder to build the image from, if there is one."""
    if (PROJECT / "Dockerfile").is_file():
        return PROJECT
    if image == LOCAL_IMAGE:
        raise ConfigError("there is no Dockerfile here: run dockerize.py of a clone, or name an image with --image")
    return None


def _inside(folder: Path, context: Path) -> str:
    """``folder`` as the Dockerfile names it."""
    try:
        inside = folder.relative_to(context)
    except ValueError:
        raise ConfigError(f"--copy: {folder} lies outside of {context}; only what lies inside can be copied") from None
    ignored = ""
    for line in (context / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!")
        if any(fnmatch(part.as_posix(), pattern) for part in (inside, *inside.parents)):
            ignored = "" if line.startswith("!") else line
    if ignored:
        raise ConfigError(f"--copy: {inside} is not sent to Docker, for .dockerignore names {ignored!r}; move it")
    return inside.as_posix()


def _user(*folders: Path | None) -> str | None:
    """Who runs this: the containers read and write files of this user as this user.

    Root may use what belongs to others, and has no such right in a container, so there it is the owner of the first.
    """
    if not hasattr(os, "getuid"):
        return None
    used = [folder for folder in folders if folder is not None]
    if os.getuid() == 0 and used:
        owner = used[0].stat()
        return f"{owner.st_uid}:{owner.st_gid}"
    return f"{os.getuid()}:{os.getgid()}"


def _report_folder(folder: str) -> Path:
    """The folder, made if it is not there; under sudo for the user who said it."""
    from distbench.report.files import make_folder

    there = Path(folder).exists()
    path = make_folder(folder, "--report-dir").absolute()
    if not there and os.environ.get("SUDO_UID", "").isdecimal() and os.getuid() == 0:
        os.chown(path, int(os.environ["SUDO_UID"]), int(os.environ.get("SUDO_GID") or -1))
    return path


def _key_folder(folder: str, nodes: RunConfig) -> Path:
    """The folder, with all keys in it."""
    from distbench.running.control import COORDINATOR
    from distbench.running.keyfiles import read_key, read_roster

    path = Path(folder).absolute()
    read_roster(path, nodes.nodes)
    for name in (*nodes.nodes, COORDINATOR):
        read_key(path, name)
    return path


def _write(path: Path, text: str) -> None:
    try:
        if path.exists() and _MARK not in path.read_text(encoding="utf-8").partition("\n")[0]:
            raise ConfigError(f"-o: {path} exists and was not made by dockerize.py; remove it, or choose another name")
        write_whole(path, text.encode())
    except UnicodeDecodeError:
        raise ConfigError(f"-o: {path} exists and is no compose file; choose another name") from None
    except OSError as error:
        raise ConfigError(f"-o: cannot write {str(path)!r}: {error.strerror}") from error


def _memory(text: str) -> str:
    found = _MEMORY.fullmatch(text)
    if not found:
        raise click.BadParameter(f"{text!r} is no amount of memory; write for instance 256m or 1g")
    return f"{found[1]}{found[2]}".lower()


def _cpus(text: str | float) -> float:
    number = amount("processors")(text)
    if number < _LEAST_CPUS:
        raise click.BadParameter(f"{text!r} is less than a container can have; it takes {_LEAST_CPUS} or more")
    return number


_HOW = "How"
_END = "When it ends, at the latest"
_CONTAINERS = "The containers"

dockerize_command = Command(
    "dockerize",
    dockerize,
    help="Write a compose file that runs every node in a container of its own.",
    params=[
        *(option for option in RUN_OPTIONS if option.name in _FROM_RUN),
        Option(
            ["-t", "--timeout"],
            section=_END,
            metavar="SECONDS",
            type=amount("seconds"),
            default=DEFAULT_TIMEOUT,
            show_default="30 s",
            help="Give up after this many seconds (exit status 3).",
        ),
        Option(
            ["--startup-delay"],
            section=_HOW,
            metavar="MS",
            type=amount("milliseconds", zero=True),
            default=DEFAULT_STARTUP_DELAY,
            show_default="600",
            help="Milliseconds to wait, once all nodes are ready, before they start.",
        ),
        Option(
            ["--seed"],
            section=_HOW,
            metavar="N",
            type=whole(least=0, most=2**63 - 1),
            default=0,
            show_default="0",
            help="Seeds each node's random numbers, random topologies, and what --assign shuffles.",
        ),
        Option(
            ["-o", "--output"],
            section=_CONTAINERS,
            metavar="FILE",
            default=_DEFAULT_OUTPUT,
            show_default=_DEFAULT_OUTPUT,
            help="Compose file to write.",
        ),
        Option(
            ["--report-dir"],
            section=_CONTAINERS,
            metavar="DIR",
            show_default="none",
            help="Append one JSON line about each node to DIR/NODE.json on this machine.",
        ),
        Option(
            ["--keys"],
            section=_CONTAINERS,
            metavar="DIR",
            show_default="each node makes its own",
            help="Folder with the keys of all nodes; each container gets its own and the public ones.",
        ),
        Option(
            ["--port"],
            section=_CONTAINERS,
            metavar="PORT",
            type=whole(least=1, most=65535),
            default=DEFAULT_PORT,
            show_default="8000",
            help="Port on which every node listens in its container.",
        ),
        Option(
            ["--image"],
            section=_CONTAINERS,
            metavar="NAME",
            default=LOCAL_IMAGE,
            show_default=LOCAL_IMAGE,
            help="Name of the image, such as registry.example.org/me/distbench:1 to push it there.",
        ),
        Option(
            ["--base-image"],
            section=_CONTAINERS,
            metavar="NAME",
            show_default="what BASE_IMAGE says when docker-compose runs, else python:3.11-slim-bookworm",
            help="Image with Python 3.11 or newer to build on.",
        ),
        Option(
            ["--copy"],
            section=_CONTAINERS,
            is_flag=True,
            show_default="mounted",
            help="Copy the folder of an algorithm of your own into the image instead of mounting it.",
        ),
        Option(
            ["--cpus"],
            section=_CONTAINERS,
            metavar="N",
            type=_cpus,
            show_default="no limit",
            help="Processors that a container may use, such as 0.5.",
        ),
        Option(
            ["--memory"],
            section=_CONTAINERS,
            metavar="SIZE",
            type=_memory,
            show_default="no limit",
            help="Memory that a container may use, such as 256m.",
        ),
    ],
)
