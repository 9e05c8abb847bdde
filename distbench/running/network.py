"""Network mode: one node on this machine, the others wherever they are.

The process that a person starts is the supervisor; it forks the node's own process. Beside the node that the config
lists first, the supervisor is the coordinator as well: it dials every node.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
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
from distbench.running.interrupts import interruptible, outside_of_loops
from distbench.running.keyfiles import read_key, read_roster
from distbench.running.local import conduct, describe_death, open_socket, run_on_loop
from distbench.running.noderun import run_node
from distbench.running.nodespec import DEFAULT_TIMEOUT, Ending, NodeSpec
from distbench.running.nursery import Ended, Nursery, open_nursery
from distbench.running.options import RunOptions
from distbench.running.result import End, Failure, NodeResult, Outcome, RunResult
from distbench.running.signals import Interrupted
from distbench.running.streams import keep_places
from distbench.running.terms import make_terms
from distbench.running.zone import time_zone
from distbench.signing import KeyPair

DEFAULT_PORT: Final = 8000
_BEGUN: Final = b"\xc1"
"""What a node's process says to its supervisor when the run begins. At the end it says an ``Ending``."""
_LENGTH: Final = 8
"""Bytes that say how long that is."""
_GRACE: Final = 15.0
"""Seconds that a node may take to end when its time is up: to hear of it, to leave, to close its links."""
_LAST_STEPS: Final = 3.0
"""Seconds that it may take to close its links when it has said how it ended."""

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
    keep_places()
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
        nursery = open_nursery([self.spec.node_id], lambda index: self._be_node(writing), [self.sock])
        os.close(writing)
        try:
            if self.conducts:
                return run_on_loop(lambda: self._conduct(nursery))
            return run_on_loop(lambda: self._wait(nursery, reading))
        finally:
            os.close(reading)
            nursery.wait(_LAST_STEPS)
            nursery.close()

    def _be_node(self, writing: int) -> None:
        if self.conducts:  # the coordinator in the supervisor knows all of it
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

    async def _conduct(self, nursery: Nursery) -> RunResult:
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
            on_late=partial(nursery.signal, signal.SIGUSR1),
        )
        result = await conduct(conductor, nursery, last=True)
        if result.ended is Outcome.INTERRUPTED:
            nursery.kill()  # it has left, or is too busy for it
        return result

    # -------------------------------------------------- beside any other node

    async def _wait(self, nursery: Nursery, reading: int) -> RunResult:
        watch = _Watch(self.spec, nursery, reading)
        try:
            with interruptible(watch.interrupt, nursery.kill, last=True, halt=nursery.signal_groups):
                data = await watch.ended
        finally:
            watch.close()
        died = "" if watch.end is None or data else describe_death(watch.end)
        if watch.overdue:
            died = f"was still busy {_GRACE:g} s after its time was up, and {died}"
        return self._own_result(_decode_ending(data) if data else Ending(), watch, died)

    def _own_result(self, ending: Ending, watch: _Watch, died: str) -> RunResult:
        spec, left = self.spec, ending.left
        me = spec.node_id
        if left is None and watch.interrupted and not died:
            raise Interrupted(watch.interrupted)
        if ending.complaint and left is None:
            raise StartupError(f"{me}: {ending.complaint}")
        failures = list(left.failures) if left is not None else []
        at = left.result.elapsed_time if left is not None else watch.ran
        if ending.complaint:
            failures.append(Failure(me, "run", "", ending.at, ending.complaint, ""))
        elif left is None:
            failures.append(Failure(me, "process", "", at, died, ""))
        ended = ending.outcome or (Outcome.INTERRUPTED if watch.interrupted else Outcome.COMPLETED)
        return RunResult(
            ended=ended,
            nodes={me: left.result if left is not None else NodeResult(End.CRASHED, {}, at)},
            reports={me: left.report} if left is not None else {},
            seed=spec.options.seed,
            mode="network",
            virtual_time=at,
            wall_time=monotonic() - self.began,
            deliveries=left.deliveries if left is not None else 0,
            hash_seed=os.environ.get("PYTHONHASHSEED", "random"),
            time_zone=time_zone(),
            failures=tuple(failures),
            suspended=tuple(left.suspended) if left is not None else (),
            reason=watch.interrupted if ended is Outcome.INTERRUPTED and watch.interrupted else ending.reason,
        )


class _Watch:
    """Hears a node's process, and ends it where it does not end by itself: it may be too busy to hear of the end."""

    def __init__(self, spec: NodeSpec, nursery: Nursery, reading: int) -> None:
        loop = asyncio.get_running_loop()
        self.interrupted = ""
        """What did it."""
        self.overdue = False
        """It was killed, for its time was up."""
        self.end: Ended | None = None
        """How its process ended, where it did not say all before."""
        self.ran = 0.0
        """Seconds from its start to that end."""
        self.ended: asyncio.Future[bytes] = loop.create_future()
        """What it said last; nothing where it died."""
        self._loop = loop
        self._options = spec.options
        self._nursery = nursery
        self._reading = reading
        self._said = b""
        self._began: float | None = None
        # First the node may wait for the coordinator, then the coordinator for others.
        start = 2 * spec.startup_timeout + spec.options.startup_delay
        self._limit = loop.call_later(start + _GRACE, self._too_late)
        os.set_blocking(reading, False)
        loop.add_reader(reading, self._hear)
        loop.add_reader(nursery.sock, self._hear_end)

    def close(self) -> None:
        self._loop.remove_reader(self._reading)
        self._loop.remove_reader(self._nursery.sock)
        self._limit.cancel()

    def interrupt(self, reason: str) -> None:
        """Ask it to leave, and do not wait for long."""
        self.interrupted = reason
        self._signal(signal.SIGTERM)
        self._loop.call_later(INTERRUPTED_LIMIT, self._nursery.kill)

    def _signal(self, number: int) -> None:
        self._hear_end()  # until then its process may not be known
        self._nursery.signal(number, list(self._nursery.pids))

    def _hear(self) -> None:
        """Take what it says."""
        with suppress(BlockingIOError):
            while part := os.read(self._reading, 1 << 16):
                self._said += part
        if self._said.startswith(_BEGUN):
            self._said = self._said.removeprefix(_BEGUN)
            self._began = monotonic()
            self._limit.cancel()
            self._limit = self._loop.call_later(self._options.limit(DEFAULT_TIMEOUT) + _GRACE, self._too_late)
        length, data = self._said[:_LENGTH], self._said[_LENGTH:]
        if len(length) == _LENGTH and len(data) == int.from_bytes(length) and not self.ended.done():
            self._loop.remove_reader(self._reading)
            self.ended.set_result(data)

    def _hear_end(self) -> None:
        for end in self._nursery.read():
            self._hear()
            if not self.ended.done():
                self.end = end
                self.ran = 0.0 if self._began is None else monotonic() - self._began
                self.ended.set_result(b"")
        if self._nursery.dead:
            self._loop.remove_reader(self._nursery.sock)

    def _too_late(self) -> None:
        self.overdue = True
        self._signal(signal.SIGUSR1)
        self._loop.call_later(0.5, self._nursery.kill)
