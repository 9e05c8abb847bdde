"""One run in any of the modes, as ``distbench.run`` gives it."""

from __future__ import annotations

import logging
import os
import pickle
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import distbench
from distbench import Algorithm, PeerId, RunResult
from distbench.config import config_from_mapping
from distbench.definition import define
from distbench.report.logs import logs
from distbench.running.network import run_network
from distbench.running.nursery import fork, in_child
from distbench.running.options import RunOptions, parse_latency
from distbench.running.preparing import load_class

MODES: Final = ("offline", "local", "network")
REAL: Final = ("local", "network")
_LOOPBACK: Final = "127.0.0.1"

Config = Mapping[str, Mapping[str, Any]]


def nodes(count: int, **fields: Any) -> dict[str, dict[str, Any]]:
    """``n1``, ``n2``, … each with these fields."""
    return {f"n{number + 1}": dict(fields) for number in range(count)}


def play(mode: str, algorithm: type[Algorithm], config: Config, **options: Any) -> RunResult:
    """Run it once; ``options`` are those of ``distbench.run``."""
    if mode == "network":
        return _play_network(algorithm, config, **options)
    run: Any = distbench.run
    result: RunResult = run(algorithm, config, mode=mode, **{"timeout": 20.0, **options})
    return result


@contextmanager
def reserved_ports(count: int) -> Iterator[list[int]]:
    """Free ports of the loopback interface, which nobody else is given meanwhile."""
    taken = [socket.socket() for _ in range(count)]
    try:
        for sock in taken:  # bound but not listening: whoever knows the number may still listen there
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((_LOOPBACK, 0))
        yield [sock.getsockname()[1] for sock in taken]
    finally:
        for sock in taken:
            sock.close()


def with_ports(config: Config, ports: Sequence[int]) -> dict[str, dict[str, Any]]:
    """``config`` with an address for each node."""
    return {
        node: {"host": _LOOPBACK, "port": port, **fields}
        for (node, fields), port in zip(config.items(), ports, strict=True)
    }


def _play_network(algorithm: type[Algorithm], config: Config, **options: Any) -> RunResult:
    """Each node under a supervisor of its own; what the one beside the coordinator says is said of all."""
    latency = options.pop("latency", None)
    limits = {name: options.pop(name) for name in ("startup_timeout", "link_limit") if name in options}
    made = RunOptions(latency=None if latency is None else parse_latency(latency), **{"timeout": 20.0, **options})
    definition = define(algorithm)
    with reserved_ports(len(config)) as ports:
        parsed = config_from_mapping(with_ports(config, ports))

        def work(node: PeerId) -> Callable[[], RunResult]:
            return lambda: run_network(definition, parsed, made, load_class, node_id=node, **limits)

        results = side_by_side([work(node) for node in reversed(list(parsed.nodes))])
    first, *others = reversed(results)
    for node, other in zip(list(parsed.nodes)[1:], others, strict=True):
        assert other.ended is first.ended
        assert other.nodes == {node: first.nodes[PeerId(node)]}
        assert other.reports.get(PeerId(node)) == first.reports.get(PeerId(node))
    return first


def side_by_side(works: Sequence[Callable[[], RunResult]]) -> list[RunResult]:
    """Do each in a process of its own; raises the first exception."""
    results = []
    for found in outcomes_of(works):
        if isinstance(found, Exception):
            raise found
        results.append(found)
    return results


def outcomes_of(works: Sequence[Callable[[], RunResult]]) -> list[RunResult | Exception]:
    """What each returned or raised in a process of its own."""
    children = [_fork(work) for work in works]
    found = []
    for pid, reading in children:
        with os.fdopen(reading, "rb") as file:
            data = file.read()
        os.waitpid(pid, 0)
        assert data, "a process of this test died"
        found.append(pickle.loads(data))
    return found


def _fork(work: Callable[[], RunResult]) -> tuple[int, int]:
    reading, writing = os.pipe()

    def do() -> None:
        logging.getLogger().handlers.clear()  # those of the test runner keep all records, and with them what they hold
        with os.fdopen(writing, "wb") as file, logs(0, sys.stderr, colour=False):
            try:
                found: RunResult | Exception = work()
            except Exception as error:
                found = error
            file.write(pickle.dumps(replace(found, algorithms={}) if isinstance(found, RunResult) else found))

    pid = fork()
    if pid == 0:
        os.close(reading)
        in_child(do)
    os.close(writing)
    return pid, reading
