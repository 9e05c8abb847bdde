"""Network mode: one node on this machine, the others wherever they are.

The process that a person starts is the supervisor; it forks the node's own process. Beside the node that the config
lists first, the supervisor is the coordinator as well: it dials every node.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import monotonic
from typing import Final

import msgspec

from distbench.community import PeerId
from distbench.config.binding import BoundLayer
from distbench.config.binding import bind as bind_layers
from distbench.config.model import NodeConfig, RunConfig
from distbench.definition import AlgorithmDefinition
from distbench.errors import ConfigError, StartupError, nearest
from distbench.network.addresses import Address, address_here, bare, is_loopback
from distbench.network.party import Terms
from distbench.network.tcp import GONE_AFTER, LINK_LIMIT
from distbench.running.conductor import INTERRUPTED_LIMIT, STARTUP_TIMEOUT, Conductor
from distbench.running.control import COORDINATOR
from distbench.running.gauge import Gauge
from distbench.running.keyfiles import read_key, read_roster
from distbench.running.local import (
    describe_death,
    interruptible,
    open_socket,
    outside_of_loops,
    run_on_loop,
)
from distbench.running.noderun import run_node
from distbench.running.nodespec import DEFAULT_TIMEOUT, Ending, NodeSpec
from distbench.running.nursery import Ended, die_with_parent, fork, in_child
from distbench.running.options import RunOptions
from distbench.running.result import End, Failure, NodeResult, Outcome, RunResult
from distbench.running.terms import make_terms
from distbench.signing import KeyPair

DEFAULT_PORT: Final = 8000
_BEGUN: Final = b"\xc1"
"""What a node's process says to its supervisor when the run begins. At the end it says an ``Ending``."""
_LENGTH: Final = 8
"""Bytes that say how long that is."""
_GRACE: Final = 15.0
"""Seconds that a node may take to end when its time is up: to hear of it, to leave, to close its links."""

_decode_ending = msgspec.msgpack.Decoder(Ending).decode


def run_network(
    definition: AlgorithmDefinition,
    config: RunConfig,
    options: RunOptions,
    resolve: Callable[[str], type] | None = None,
    *,
    node_id: str,
    port_base: int | None = None,
    bind: str | None = None,
    startup_timeout: float | None = None,
    link_limit: float | None = None,
    keys: str | Path | None = None,
    gauge: Gauge | None = None,
) -> RunResult:
    """Run the node ``node_id``; the result holds that node alone, or all where the coordinator is here.

    A node listens on its ``port``, else on ``port_base`` (8000); others are reached at their ``host`` and ``port``,
    else at their id as a host name and the same port. ``gauge`` shows how far it is, where the coordinator is here.
    """
    me = PeerId(node_id)
    if me not in config.nodes:
        raise ConfigError(f"--id {node_id!r} is no node of {config.source}{nearest(node_id, config.nodes)}")
    if port_base == 0:
        raise ConfigError("--port-base 0 is for local mode: in network mode the others must know the port")
    port = DEFAULT_PORT if port_base is None else port_base
    bound = bind_layers(definition, config, resolve)
    folder = None if keys is None else Path(keys)
    roster: dict[PeerId, bytes | None] = dict.fromkeys((*config.nodes, COORDINATOR))
    if folder is not None:
        roster.update(read_roster(folder, config.nodes))
    spec = NodeSpec(
        node_id=me,
        config=config,
        bound=bound,
        options=options,
        terms=make_terms(b"", bound, config, options),
        keys=KeyPair(os.urandom(32)) if folder is None else read_key(folder, me),
        roster=roster,
        addresses={name: _address(node, port) for name, node in config.nodes.items()},
        link_limit=LINK_LIMIT if link_limit is None else link_limit,
        gone_after=GONE_AFTER,
        startup_timeout=STARTUP_TIMEOUT if startup_timeout is None else startup_timeout,
    )
    own = config.nodes[me]
    sock = open_socket(_listen_on(own, bind), own.port or port, me)
    first = next(iter(config.nodes))
    conducts = me == first
    keys_of_coordinator: list[KeyPair] = []
    if conducts:
        keys_of_coordinator.append(KeyPair(os.urandom(32)) if folder is None else read_key(folder, COORDINATOR))
    return outside_of_loops(lambda: _Supervisor(spec, sock, keys_of_coordinator, bound, gauge).run())


def _address(node: NodeConfig, port: int) -> Address:
    return (node.host or node.node_id, node.port or port)


def _listen_on(node: NodeConfig, bind: str | None) -> str | None:
    """The host; None for all interfaces."""
    if bind is not None:
        return bare(bind)
    return node.host if node.host is not None and is_loopback(node.host) else None


class _Supervisor:
    """Forks the node, conducts the run if that is its part, and says how it ended."""

    def __init__(
        self,
        spec: NodeSpec,
        sock: socket.socket,
        secret: list[KeyPair],
        bound: Mapping[PeerId, BoundLayer],
        gauge: Gauge | None,
    ) -> None:
        """``secret`` holds the coordinator's key, where this supervisor is the coordinator."""
        self.spec = spec
        self.secret = secret
        self.conducts = bool(secret)
        self.bound = bound
        self.gauge = gauge
        self.sock = sock
        self.own_address = address_here(sock)
        self.began = monotonic()

    def run(self) -> RunResult:
        reading, writing = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        me = os.getpid()
        pid = fork()
        if pid == 0:
            os.close(reading)
            in_child(lambda: self._be_node(writing, me))
        os.close(writing)
        self.sock.close()
        try:
            if self.conducts:
                return run_on_loop(lambda: self._conduct(pid, reading))
            return run_on_loop(lambda: self._wait(pid, reading))
        finally:
            os.close(reading)
            _reap(pid)

    def _be_node(self, writing: int, supervisor: int) -> None:
        die_with_parent(supervisor)
        os.register_at_fork(after_in_child=lambda: os.close(writing))  # the supervisor waits for the node alone
        if self.conducts:  # the coordinator in the supervisor knows all of it
            signal.signal(signal.SIGTERM, lambda number, frame: None)
            self.secret.clear()  # a node has its own key, and no other's
            run_node(self.spec, self.sock)
            return

        def begin() -> None:
            os.write(writing, _BEGUN)

        def say(ending: Ending) -> None:
            data = msgspec.msgpack.encode(ending)
            with os.fdopen(writing, "wb", closefd=False) as file:
                file.write(len(data).to_bytes(_LENGTH) + data)

        run_node(self.spec, self.sock, started=begin, ended=say, stoppable=True)

    # -------------------------------------------------- the coordinator beside the first node

    async def _conduct(self, pid: int, reading: int) -> RunResult:
        spec = self.spec
        (key,) = self.secret
        run = os.urandom(16)
        terms = Terms(run, spec.terms.format, spec.terms.definition, spec.terms.config)
        addresses = {**spec.addresses, spec.node_id: self.own_address}  # without going through its name
        conductor = Conductor(
            spec.config,
            spec.options,
            mode="network",
            keys=key,
            roster={name: key for name, key in spec.roster.items() if name != COORDINATOR},
            addresses=addresses,
            terms=terms,
            startup_timeout=spec.startup_timeout,
            gone_after=spec.gone_after,
            link_limit=spec.link_limit,
            gauge=self.gauge,
            on_late=lambda late: os.kill(pid, signal.SIGUSR1) if spec.node_id in late else None,
        )
        loop = asyncio.get_running_loop()

        def hear() -> None:
            loop.remove_reader(reading)
            conductor.node_gone(spec.node_id, describe_death(_end_of(spec.node_id, pid)))

        loop.add_reader(reading, hear)
        try:
            with interruptible(conductor.interrupt, lambda: os.kill(pid, signal.SIGKILL), last=True):
                result = await conductor.main()
                if result.outcome is Outcome.INTERRUPTED:
                    os.kill(pid, signal.SIGKILL)  # it has left, or is too busy for it
                return result
        finally:
            loop.remove_reader(reading)

    # -------------------------------------------------- beside any other node

    async def _wait(self, pid: int, reading: int) -> RunResult:
        watch = _Watch(self.spec, pid, reading)
        try:
            with interruptible(watch.interrupt, watch.kill, last=True):
                data = await watch.ended
        finally:
            watch.close()
        died = "" if data else describe_death(_end_of(self.spec.node_id, pid))
        if watch.overdue:
            died = f"was still busy {_GRACE:g} s after its time was up, and {died}"
        return self._own_result(_decode_ending(data) if data else Ending(), watch.interrupted, died)

    def _own_result(self, ending: Ending, interrupted: bool, died: str) -> RunResult:
        spec, left = self.spec, ending.left
        me = spec.node_id
        if left is None and interrupted and not died:
            raise KeyboardInterrupt
        if ending.complaint and left is None:
            raise StartupError(f"{me}: {ending.complaint}")
        failures = list(left.failures) if left is not None else []
        at = left.result.elapsed_time if left is not None else 0.0
        if ending.complaint:
            failures.append(Failure(me, "run", "", at, ending.complaint, ""))
        elif left is None:
            failures.append(Failure(me, "process", "", at, died, ""))
        outcome = ending.outcome or (Outcome.INTERRUPTED if interrupted else Outcome.COMPLETED)
        return RunResult(
            outcome=outcome,
            nodes={me: left.result if left is not None else NodeResult(End.CRASHED, {}, 0.0)},
            reports={me: left.report} if left is not None else {},
            seed=spec.options.seed,
            mode="network",
            virtual_time=at,
            wall_time=monotonic() - self.began,
            deliveries=left.deliveries if left is not None else 0,
            hash_seed=os.environ.get("PYTHONHASHSEED", "random"),
            failures=tuple(failures),
            suspended=tuple(left.suspended) if left is not None else (),
            reason="Ctrl-C" if outcome is Outcome.INTERRUPTED else ending.reason,
        )


class _Watch:
    """Hears a node's process, and ends it where it does not end by itself: it may be too busy to hear of the end."""

    def __init__(self, spec: NodeSpec, pid: int, reading: int) -> None:
        loop = asyncio.get_running_loop()
        self.interrupted = False
        self.overdue = False
        """It was killed, for its time was up."""
        self.ended: asyncio.Future[bytes] = loop.create_future()
        """What it said last; nothing where it died."""
        self._loop = loop
        self._options = spec.options
        self._pid = pid
        self._reading = reading
        self._said = b""
        # First the node may wait for the coordinator, then the coordinator for others.
        start = 2 * spec.startup_timeout + spec.options.startup_delay
        self._limit = loop.call_later(start + _GRACE, self._too_late)
        loop.add_reader(reading, self._hear)

    def close(self) -> None:
        self._loop.remove_reader(self._reading)
        self._limit.cancel()

    def interrupt(self) -> None:
        """Ask it to leave, and do not wait for long."""
        self.interrupted = True
        os.kill(self._pid, signal.SIGTERM)
        self._loop.call_later(INTERRUPTED_LIMIT, self.kill)

    def kill(self) -> None:
        if not self.ended.done():
            os.kill(self._pid, signal.SIGKILL)

    def _hear(self) -> None:
        part = os.read(self._reading, 1 << 16)
        self._said += part
        if self._said.startswith(_BEGUN):
            self._said = self._said.removeprefix(_BEGUN)
            self._limit.cancel()
            self._limit = self._loop.call_later(self._options.limit(DEFAULT_TIMEOUT) + _GRACE, self._too_late)
        length, data = self._said[:_LENGTH], self._said[_LENGTH:]
        complete = len(length) == _LENGTH and len(data) == int.from_bytes(length)
        if (complete or not part) and not self.ended.done():
            self._loop.remove_reader(self._reading)
            self.ended.set_result(data if complete else b"")

    def _too_late(self) -> None:
        self.overdue = True
        os.kill(self._pid, signal.SIGUSR1)
        self._loop.call_later(0.5, self.kill)


def _end_of(node: PeerId, pid: int) -> Ended:
    """How a process ended that is about to; it is left for ``_reap``."""
    if not hasattr(os, "waitid"):  # macOS
        return Ended(node, pid, -signal.SIGKILL)
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert found is not None
    return Ended(node, pid, found.si_status if found.si_code == os.CLD_EXITED else -found.si_status)


def _reap(pid: int) -> None:
    """Wait a little for the node's process to end by itself, then end it."""
    deadline = monotonic() + 3.0
    descriptor = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    if descriptor is not None:
        select.select([descriptor], [], [], max(0.0, deadline - monotonic()))
        os.close(descriptor)
    done, _ = os.waitpid(pid, os.WNOHANG)
    if done == 0:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
