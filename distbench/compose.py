"""A run as a compose document: every node in a container of its own, on a network of their own.

One document serves docker-compose and ``docker stack deploy``. It needs no file of the machine that starts a container:
the config travels as text in the environment. Hosts and ports of the config are left out of it, since in a container
every node is reached at its id, and all listen on one port.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import yaml

from distbench.community import PeerId
from distbench.config.model import NodeConfig, RunConfig
from distbench.config.rendering import render_yaml
from distbench.errors import ConfigError
from distbench.running.control import COORDINATOR
from distbench.running.keyfiles import ROSTER, key_file_name
from distbench.running.options import Format, Latency

Document = dict[str, object]
"""Nested dicts, lists, texts and numbers, as YAML holds them."""

DEFAULT_PORT: Final = 8000
DEFAULT_TIMEOUT: Final = 30.0
DEFAULT_STARTUP_DELAY: Final = 600.0
"""Milliseconds."""
LOCAL_IMAGE: Final = "localhost/distbench"
"""The prefix keeps Docker from asking a registry for an image of that name."""
ALGORITHMS: Final = "/algorithms"
CONFIG: Final = "/tmp/config.yaml"
"""Where container/init.py writes the config."""
REPORTS: Final = "/reports"
SECRETS: Final = "/run/secrets"
NETWORK: Final = "nodes"
BASE_IMAGE: Final = "${BASE_IMAGE:-python:3.11-slim-bookworm}"
"""Read by docker-compose, from its environment."""

_CONFIG_LIMIT: Final = 128 * 1024 - 100
"""The kernel's limit for one variable of the environment, and its name."""
_LIKE_A_NUMBER: Final = re.compile(r"[-+.]?[0-9][0-9a-fA-FoOxX_.:+-]*")
"""Those of YAML 1.2 and 1.1, and a little more."""
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeOptions:
    """How the containers are to be built and what they run. Paths are absolute ones of this machine."""

    algorithm: str
    """What ``-a`` takes in a container, from the folder ``/algorithms``."""
    mounted: Path | None = None
    """The folder to show there."""
    copied: str | None = None
    """The folder of the build context to copy there instead."""
    context: Path | None = None
    """The folder of the Dockerfile; None where the image exists already."""
    format: Format = "json"
    timeout: float = DEFAULT_TIMEOUT
    """Seconds."""
    duration: float | None = None
    startup_delay: float = DEFAULT_STARTUP_DELAY
    latency: Latency | None = None
    allow_drops: bool = False
    fail_fast: bool = False
    verbose: int = 0
    seed: int = 0
    port: int = DEFAULT_PORT
    report_dir: Path | None = None
    keys: Path | None = None
    user: str | None = None
    """``uid:gid`` of a user who may use the folders and keys: who a container is that sees any of them."""
    image: str = LOCAL_IMAGE
    base_image: str | None = None
    cpus: float | None = None
    memory: str | None = None


def compose_document(config: RunConfig, options: ComposeOptions) -> Document:
    """The document for a run of ``config``. Raises ConfigError for what cannot be a container."""
    _check_host_names(config.nodes.values())
    text = render_yaml(_without_addresses(config))
    size = len(text.encode())
    if size > _CONFIG_LIMIT:
        raise ConfigError(
            f"{config.source}: its {len(config.nodes)} nodes take {size:,} bytes; "
            f"the environment of a container holds {_CONFIG_LIMIT:,}"
        )
    environment = {"DISTBENCH_CONFIG": _literal(text)}  # one object, so that it is written once
    first = next(iter(config.nodes))
    services = {node: _service(node, options, environment, node == first) for node in config.nodes}
    if options.context is not None:
        services[first] = {"build": _build(options, options.context), **services[first]}
    document: Document = {
        "version": "3.8",  # docker stack deploy asks for it
        "services": services,
        "networks": {NETWORK: {"internal": True}},
    }
    if options.keys is not None:
        files = (ROSTER, *(key_file_name(name) for name in (*config.nodes, COORDINATOR)))
        document["secrets"] = {file: {"file": _literal(options.keys / file)} for file in files}
    return document


def _service(node: PeerId, options: ComposeOptions, environment: Mapping[str, str], first: bool) -> Document:
    """One node; the coordinator is beside the ``first``."""
    service: Document = {
        "image": options.image,
        "hostname": str(node),
        "command": _command(node, options),
        "environment": environment,
        "networks": [NETWORK],
        "cap_drop": ["ALL"],
    }
    volumes = []
    if options.mounted is not None:
        volumes.append(_mount(options.mounted, ALGORITHMS, read_only=True))
    if options.report_dir is not None:
        volumes.append(_mount(options.report_dir, REPORTS))
    if volumes:
        service["volumes"] = volumes
    if options.keys is not None:
        names = (node, COORDINATOR) if first else (node,)
        service["secrets"] = [ROSTER, *(key_file_name(name) for name in names)]
    if options.user is not None and (volumes or options.keys is not None):
        service["user"] = options.user
    service["deploy"] = _deploy(options)
    return service


def _command(node: PeerId, options: ComposeOptions) -> list[str]:
    command = ["-c", CONFIG, "-a", _literal(options.algorithm), "--mode", "network", "--id", str(node)]
    command += ["--port-base", str(options.port), "--format", options.format, "--seed", str(options.seed)]
    command += ["--timeout", _number(options.timeout), "--startup-delay", _number(options.startup_delay)]
    if options.duration is not None:
        command += ["--duration", _number(options.duration)]
    if options.latency is not None:
        command += ["--latency", f"{_number(options.latency.low)}-{_number(options.latency.high)}"]
    if options.allow_drops:
        command.append("--allow-drops")
    if options.fail_fast:
        command.append("--fail-fast")
    if options.verbose:
        command.append("-" + "v" * options.verbose)
    if options.report_dir is not None:
        command += ["--report-dir", REPORTS]
    if options.keys is not None:
        command += ["--keys", SECRETS]
    return command


def _build(options: ComposeOptions, context: Path) -> Document:
    """How to make the image. The machine's own network lets pip reach whatever the person who builds does."""
    arguments = {"BASE_IMAGE": options.base_image or BASE_IMAGE}
    if options.copied is not None:
        arguments["ALGORITHMS"] = _literal(options.copied)
    return {"context": _literal(context), "network": "host", "args": arguments}


def _deploy(options: ComposeOptions) -> Document:
    """For a swarm, which would restart a node: a crash-recovery that nobody planned.

    A name leads to the node itself (dnsrr), not to a virtual address that balances load between replicas.
    """
    deploy: Document = {"endpoint_mode": "dnsrr", "restart_policy": {"condition": "none"}}
    limits: dict[str, str] = {}
    if options.cpus is not None:
        limits["cpus"] = _number(options.cpus)
    if options.memory is not None:
        limits["memory"] = options.memory
    if limits:
        deploy["resources"] = {"limits": limits}
    return deploy


def _mount(source: Path, target: str, *, read_only: bool = False) -> Document:
    mount: Document = {"type": "bind", "source": _literal(source), "target": target}
    return {**mount, "read_only": True} if read_only else mount


def _number(value: float) -> str:
    """``value`` without an exponent, as far as it has no more than 15 digits."""
    return f"{value:.15f}".rstrip("0").rstrip(".") if value < 1 else f"{value:.15g}"


def _literal(text: str | Path) -> str:
    """``text`` as compose takes it for itself: $ would begin a variable."""
    return str(text).replace("$", "$$")


def _without_addresses(config: RunConfig) -> RunConfig:
    return replace(config, nodes={name: replace(node, host=None, port=None) for name, node in config.nodes.items()})


# -------------------------------------------------- host names


def _check_host_names(nodes: Iterable[NodeConfig]) -> None:
    """Raise a ConfigError that names every node whose id cannot be a host name."""
    wrong = []
    seen: dict[str, PeerId] = {}
    for node in nodes:
        problem = _problem_of(node.node_id)
        other = seen.setdefault(node.node_id.lower(), node.node_id)
        if problem is None and other != node.node_id:
            problem = f"is the same host name as {other!r}, for case does not matter"
        if problem is not None:
            wrong.append(f"{node.place}: node id {node.node_id!r} {problem}")
    if wrong:
        raise ConfigError(
            "in containers a node's id is its host name: 1 to 63 letters, digits and hyphens; rename\n"
            + "\n".join(wrong)
        )


def _problem_of(name: str) -> str | None:
    if not _HOST_NAME.fullmatch(name):
        return "is no host name"
    if name.lower() == "localhost":
        return "means the container itself"
    try:
        socket.inet_aton(name)
    except OSError:
        return None
    return "is read as an address"


# -------------------------------------------------- text


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, and the one thing that is shared under its name."""

    def generate_anchor(self, node: yaml.Node) -> str:
        """The environment is what all services share."""
        return "environment"

    def represent_text(self, text: str) -> yaml.Node:
        """A block for several lines; in quotes what some version of YAML takes for a number."""
        style = "|" if "\n" in text else '"' if _LIKE_A_NUMBER.fullmatch(text) else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)


def render_compose(document: Document, comment: str = "") -> str:
    """The document as YAML, after ``comment``."""
    lines = "".join(f"# {line}\n" for line in comment.splitlines())
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=118)
    return lines + text
