"""Local mode: one process a node on this machine, over TCP on 127.0.0.1."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import signal
import socket
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

from distbench.community import PeerId
from distbench.config.binding import bind
from distbench.config.model import RunConfig
from distbench.definition import AlgorithmDefinition
from distbench.errors import ConfigError
from distbench.network.addresses import Address, listening_socket, show_address
from distbench.network.tcp import LINK_LIMIT
from distbench.running.conductor import STARTUP_TIMEOUT, Conductor
from distbench.running.control import COORDINATOR
from distbench.running.gauge import Gauge
from distbench.running.interrupts import interruptible, outside_of_loops
from distbench.running.noderun import run_node
from distbench.running.nodespec import NodeSpec
from distbench.running.nursery import Ended, Nursery, open_nursery
from distbench.running.options import RunOptions
from distbench.running.result import RunResult
from distbench.running.streams import keep_places
from distbench.running.terms import make_terms
from distbench.signing import KeyPair

PORT_BASE: Final = 10_000
_LOOPBACK: Final = "127.0.0.1"


def run_local(
    definition: AlgorithmDefinition,
    config: RunConfig,
    options: RunOptions,
    resolve: Callable[[str], type] | None = None,
    *,
    port_base: int | None = None,
    startup_timeout: float | None = None,
    link_limit: float | None = None,
    gauge: Gauge | None = None,
) -> RunResult:
    """Run every node in a process of its own; ``gauge`` shows how far the run is.

    Node number i (from 0) listens on ``port_base`` + i, or on a free port for 0; without ``port_base`` on the port that
    the config gives it, else on 10000 + i.
    """
    keep_places()
    bound = bind(definition, config, resolve)
    terms = make_terms(os.urandom(16), bound, config, options)
    nodes = tuple(config.nodes)
    _raise_file_limit(4 * len(nodes) + 200)
    sockets = _open_sockets(config, port_base)
    secrets = {name: KeyPair(os.urandom(32)) for name in (*nodes, COORDINATOR)}
    roster: dict[PeerId, bytes | None] = {name: pair.public for name, pair in secrets.items()}
    addresses: dict[PeerId, Address] = {
        node: (_LOOPBACK, sock.getsockname()[1]) for node, sock in zip(nodes, sockets, strict=True)
    }
    limit = LINK_LIMIT if link_limit is None else link_limit
    startup = STARTUP_TIMEOUT if startup_timeout is None else startup_timeout

    def be_node(index: int) -> None:
        node = nodes[index]
        own = secrets[node]
        secrets.clear()  # a node has its own key, and no other's
        run_node(
            NodeSpec(
                node_id=node,
                config=config,
                bound=bound,
                options=options,
                terms=terms,
                keys=own,
                roster=roster,
                addresses=addresses,
                link_limit=limit,
                gone_after=None,
                startup_timeout=startup,
            ),
            sockets[index],
        )

    def play() -> RunResult:
        nursery = open_nursery(nodes, be_node, sockets)
        try:
            conductor = Conductor(
                config,
                options,
                mode="local",
                keys=secrets[COORDINATOR],
                roster={node: roster[node] for node in nodes},
                addresses=addresses,
                terms=terms,
                startup_timeout=startup,
                gone_after=None,
                link_limit=limit,
                gauge=gauge,
                on_late=partial(nursery.signal, signal.SIGUSR1),
            )
            return run_on_loop(lambda: conduct(conductor, nursery))
        finally:
            nursery.close()

    return outside_of_loops(play)


async def conduct(conductor: Conductor, nursery: Nursery, *, last: bool = False) -> RunResult:
    """Conduct the run while the nursery is listened to; ``last`` as for ``interruptible``."""
    loop = asyncio.get_running_loop()

    def hear() -> None:
        for end in nursery.read():
            conductor.node_gone(PeerId(end.node), describe_death(end))
        if nursery.dead:
            loop.remove_reader(nursery.sock)

    def kill() -> None:
        """The second Ctrl-C."""
        hear()
        nursery.kill()

    loop.add_reader(nursery.sock, hear)
    try:
        with interruptible(conductor.interrupt, kill, last=last, halt=nursery.signal_groups):
            return await conductor.main()
    finally:
        loop.remove_reader(nursery.sock)


def describe_death(end: Ended) -> str:
    """How a process ended, for people."""
    if end.status < 0:
        known = {number.value: number.name for number in signal.Signals}
        return f"was killed by {known.get(-end.status, f'signal {-end.status}')} (process {end.pid})"
    return f"ended with exit status {end.status} (process {end.pid})"


def run_on_loop(work: Callable[[], Coroutine[Any, Any, RunResult]]) -> RunResult:
    """Run a coroutine on a uvloop of its own, where there is one."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        from asyncio import new_event_loop  # type: ignore[assignment]
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work())


def _open_sockets(config: RunConfig, port_base: int | None) -> list[socket.socket]:
    """One listening socket for each node, opened here so that a port that is taken is known at once."""
    sockets: list[socket.socket] = []
    try:
        for index, (node_id, node) in enumerate(config.nodes.items()):
            port = node.port if node.port is not None else PORT_BASE + index
            if port_base is not None:
                port = port_base + index if port_base else 0
            sockets.append(open_socket(_LOOPBACK, port, node_id))
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def open_socket(host: str | None, port: int, node: PeerId) -> socket.socket:
    """A listening socket, on all interfaces where ``host`` is None. Raises ConfigError that names port and node."""
    if port > 65535:
        raise ConfigError(f"{node}: port {port} is beyond 65535; use a smaller --port-base, or 0 for free ports")
    try:
        return listening_socket(host, port)
    except OSError as error:
        where = f"port {port}" if host is None else show_address((host, port))
        taken = error.errno in (errno.EADDRINUSE, errno.EACCES)
        help_ = (
            "end what holds the port, or choose others with --port-base (0 takes free ones)"
            if taken
            else "give an address of this machine as its host, or with --bind"
        )
        raise ConfigError(f"{node}: cannot listen on {where} ({error.strerror}); {help_}") from None


def _raise_file_limit(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        ceiling = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, ceiling), hard))
