"""One node in a process of its own: follows the coordinator through a run."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from distbench.community import Community, PeerId, listeners
from distbench.errors import DistbenchError, MessageError, WireError
from distbench.formats import Codec
from distbench.logs import REPEATS, say_last
from distbench.network.party import Terms
from distbench.network.tcp import Junction
from distbench.node.activity import NodeLoop
from distbench.node.lifecycle import Phase
from distbench.node.node import Node, NodeFailure
from distbench.node.port import FINISHED
from distbench.node.route import Codecs
from distbench.node.wiretable import WireTable
from distbench.running.alone import Alone
from distbench.running.control import (
    COORDINATOR,
    Control,
    Count,
    Counted,
    Crashed,
    CutOff,
    Done,
    Failed,
    Joined,
    Left,
    Notice,
    Over,
    Ready,
    Roster,
    Start,
    Stop,
    Wave,
    decode_control,
    encode_control,
)
from distbench.running.nodespec import DEFAULT_TIMEOUT, Ending, NodeSpec
from distbench.running.outcomes import drop_fails, node_result, render_failure, suspended_in, task_name
from distbench.running.quiet import Numbers, Quiet
from distbench.running.realport import RealPort, delays
from distbench.running.result import Failure, Outcome, Suspended
from distbench.signing import Keyring
from distbench.simulation.choices import Choices

logger = logging.getLogger("distbench.run")

COUNTS_AS_GONE: Final = "you count as gone"
"""What a node is told that the run has given up."""
EXIT_LIMIT: Final = 5.0
"""Seconds that ``on_exit`` and ``report`` may take."""


class NodeProcess:
    """Owner of the junction and observer of the node."""

    def __init__(
        self,
        spec: NodeSpec,
        sock: socket.socket,
        started: Callable[[], None] | None = None,
        ended: Callable[[Ending], None] | None = None,
    ) -> None:
        self.spec = spec
        self._started = started
        self._ended = ended
        self._sock = sock
        self.ending = Ending()
        self.failures: list[Failure] = []
        self._stopped = False
        self._told_failure = False
        self._leaving: asyncio.Task[None] | None = None
        self._awaited: set[PeerId] = set()
        self._refusal = ""
        self._goodbye = "the run is over"

    # -------------------------------------------------- a run

    async def main(self) -> None:
        """Join, run, leave."""
        spec = self.spec
        loop = asyncio.get_running_loop()
        assert isinstance(loop, NodeLoop)
        self.loop = loop
        self._over = loop.create_future()
        self._coordinated = loop.create_future()
        loop.set_exception_handler(self._on_exception)
        choices = Choices(spec.options.seed)
        self.junction = Junction(
            spec.node_id,
            spec.keys,
            spec.terms,
            self,
            gone_after=spec.gone_after,
            link_limit=spec.link_limit,
            delays=delays(spec, choices),
        )
        self.junction.roster.update({COORDINATOR: spec.roster.get(COORDINATOR)})
        self.junction.early = True
        self.node = self._build(choices)
        self._quiet = Quiet(self.node, loop, self.junction, self.tell)
        self._alone = Alone(self.node, self._quiet, self.junction, self.port)
        await self.junction.listen(self._sock)
        try:
            async with asyncio.timeout(spec.startup_timeout):
                await self._coordinated
        except TimeoutError:
            limit = f"{spec.startup_timeout:g} s (--startup-timeout)"
            last = f"; {self._refusal}" if self._refusal else ""
            self._complain(f"the coordinator beside {spec.first} did not come within {limit}{last}")
        else:
            await self._over
            if self.port.begun:
                self._begin_to_leave()  # where the run went on without this node, its end comes unannounced
            if self._leaving is not None:
                await asyncio.wait([self._leaving])
        try:
            if self._ended is not None:
                self._ended(self.ending)
        finally:
            await self.junction.aclose(self._goodbye)

    def interrupt(self) -> None:
        """The person beside this node alone wants it to end; the others go on without it."""
        if self._stopped and self.ending.outcome is not None:
            return  # the run is over for all, and this node is on its way out
        self.ending.outcome = Outcome.INTERRUPTED
        self._goodbye = "it was interrupted"
        if self.port.begun:
            self._begin_to_leave()
        if self._leaving is not None:
            self._leaving.add_done_callback(self._end_interrupted)
        else:
            self._end()

    def _end_interrupted(self, leaving: object) -> None:
        self.tell(Crashed("was interrupted"))
        self._end()

    def _end(self) -> None:
        for waiting in (self._coordinated, self._over):
            if not waiting.done():
                waiting.set_result(None)

    def _complain(self, text: str) -> None:
        self.ending.complaint, self.ending.at = text, self.port.now()

    def _build(self, choices: Choices) -> Node:
        spec = self.spec
        node_id, config = spec.node_id, spec.config
        neighbours = {name: node.neighbours for name, node in config.nodes.items()}
        self._community = Community(tuple(config.nodes), neighbours[node_id])
        self._listeners = listeners(neighbours)[node_id]
        self.port = RealPort(self.junction)
        self._public: dict[PeerId, bytes] = {}
        self._keyring = Keyring(spec.terms.run, self._public)
        return Node(
            node_id,
            spec.bound[node_id],
            self._community,
            self._listeners,
            port=self.port,
            table=WireTable(spec.bound),
            codecs=Codecs(Codec(spec.options.format, self._keyring), checks_sends=False),
            key=lambda: spec.keys,
            choices=choices,
            observer=self,
            loop=self.loop,
        )

    def tell(self, control: Control) -> None:
        """Say something to the coordinator."""
        self.junction.link(COORDINATOR).send(-1, 0, encode_control(control))

    # -------------------------------------------------- what the junction reports

    def on_linked(self, peer: PeerId, key: bytes, run: bytes) -> None:
        if peer == COORDINATOR:
            self.junction.terms = Terms(run, *self._terms()[1:])
            self._keyring.run_id = run
            # From now on others may have heard from the coordinator before this node has, and dial it.
            peers = {*self._community.neighbours, *self._listeners}
            known = {name: found for name in peers if (found := self.spec.roster.get(name)) is not None}
            self.junction.roster.update(known)
            self.tell(Joined())
            if not self._coordinated.done():
                self._coordinated.set_result(None)
            return
        self._awaited.discard(peer)
        if not self._awaited and not self.junction.early:
            self._awaited.add(self.spec.node_id)  # ready is said once
            self.tell(Ready())

    def _terms(self) -> tuple[bytes, str, bytes, bytes]:
        terms = self.spec.terms
        return terms.run, terms.format, terms.definition, terms.config

    def on_gone(self, peer: PeerId, reason: str, unsent: int) -> None:
        if peer == COORDINATOR:
            self._coordinator_gone(reason)
            return
        if not self._stopped:  # afterwards everybody leaves
            self._drop(peer, reason, unsent)
            logger.warning("%s: %s %s", self.spec.node_id, peer, reason)
            self.node.peer_down(peer, reason)
            farewell = self.junction.link(peer).session.farewell
            if not farewell:  # a peer that said goodbye is not dead for all
                self.tell(CutOff(peer, reason))
            elif farewell == COUNTS_AS_GONE:
                self._complain(f"the run went on without this node: {peer} says that it counts as gone")
            self._quiet.watch()

    def _drop(self, peer: PeerId, reason: str, unsent: int) -> None:
        """Count the casts that were held or waited for a peer that is gone."""
        for _ in range(unsent):
            self.node.drop_unsent(peer, f"{peer} {reason}")

    def on_refused(self, peer: PeerId | None, reason: str) -> None:
        self._refusal = f"{peer or 'a connection'}: {reason}"
        logger.warning("%s: %s", self.spec.node_id, self._refusal, extra=REPEATS)

    def on_message(self, peer: PeerId, handler: int, call: int, payload: bytes) -> None:
        if peer == COORDINATOR:
            self._obey(decode_control(payload))
            return
        if handler == FINISHED:
            self._alone.heard(peer, call)
            return
        self.node.deliver(peer, handler, call, payload)
        if not self._quiet.watching:
            self._quiet.watch()  # so that quiet is looked for once for many messages

    # -------------------------------------------------- the coordinator's word

    def _obey(self, control: Control) -> None:
        match control:
            case Roster():
                self._open_links({PeerId(node): key for node, key in control.keys.items()})
            case Start():
                self._start()
            case Wave():
                self._quiet.answer(control.number)
            case Count():
                self.tell(Counted(self.node.messages_in))
            case Notice():
                self._notice(PeerId(control.node), control.reason)
            case Stop():
                if self.ending.outcome is not Outcome.INTERRUPTED:  # this node had left before
                    self.ending.outcome = control.outcome
                self._begin_to_leave()
            case Over():
                if self.ending.outcome is not Outcome.INTERRUPTED or control.outcome is Outcome.INTERRUPTED:
                    self.ending.outcome, self.ending.reason = control.outcome, control.reason
                if not self._over.done():
                    self._over.set_result(None)
            case _:
                raise WireError(f"{type(control).__name__} is no word of a coordinator")

    def _open_links(self, keys: Mapping[PeerId, bytes]) -> None:
        known = {node: key for node, key in self.spec.roster.items() if key is not None}
        differing = [node for node in keys if known.get(node, keys[node]) != keys[node]]
        if differing:
            self._complain(f"the coordinator names other keys than --keys for {', '.join(differing)}")
            self._end()
            return
        self._public.update(keys)
        order = {node: place for place, node in enumerate(self.spec.config.nodes)}
        mine = order[self.spec.node_id]
        peers = {*self._community.neighbours, *self._listeners}
        self._awaited = {peer for peer in peers if not self.junction.link(peer).linked}
        self.junction.roster.update({peer: keys[peer] for peer in peers if peer in keys})
        self.junction.early = False
        for peer in peers:
            if mine < order[peer]:
                self.junction.dial(peer, self.spec.addresses[peer])
        if not self._awaited:
            self._awaited.add(self.spec.node_id)
            self.tell(Ready())

    def _start(self) -> None:
        self.port.begin()
        if self._started is not None:
            self._started()
        self.node.start()
        if not self._stopped:
            self._quiet.begin()

    def _notice(self, gone: PeerId, reason: str) -> None:
        self.node.peer_down(gone, reason)
        if gone in self.junction.links:
            self._drop(gone, reason, self.junction.links[gone].leave(COUNTS_AS_GONE))
        self._quiet.watch()  # calls that end in PeerDown are activity that no counter shows

    def _coordinator_gone(self, reason: str) -> None:
        if self._over.done() or (self._stopped and self.ending.left is not None):
            self._end()
            return
        first = self.spec.first
        complaint = f"the coordinator beside {first} {reason}"
        if not self.port.begun:
            self._complain(complaint + self._unlinked())
            self._end()
            return
        self._complain(f"{complaint}; this node went on alone")
        logger.error("%s: the coordinator beside %s %s; going on alone", self.spec.node_id, first, reason)
        context = self.junction.context.copy()  # whoever's step this is
        self._finishing = self.loop.create_task(self._finish_alone(), name="finish alone", context=context)

    def _unlinked(self) -> str:
        """The peers to which there was no link yet."""
        troubles = {peer: self.junction.link(peer).trouble for peer in self._awaited if peer != self.spec.node_id}
        shown = [f"{peer} ({trouble})" if trouble else peer for peer, trouble in troubles.items()]
        return f"; there was no link to {', '.join(shown)}" if shown else ""

    async def _finish_alone(self) -> None:
        limit = self.spec.options.limit(DEFAULT_TIMEOUT)
        await self._alone.until_finished(limit)
        self._begin_to_leave()
        if self._leaving is not None:
            await self._leaving
        self._end()

    # -------------------------------------------------- what the node reports

    def on_terminated(self, node: Node, path: str) -> None:
        if not path:
            self.tell(Done())

    def on_failure(self, node: Node, failure: NodeFailure) -> None:
        self.failures.append(render_failure(failure))
        self._say_failed()

    def on_crash(self, node: Node) -> None:
        self._stop()
        self._say_left({}, [], self._quiet.in_numbers())
        self.tell(Crashed("has crashed"))  # after what there is to say of it: nobody waits for the dead

    def on_drop(self, node: Node, src: PeerId, dst: PeerId, reason: str) -> None:
        pass

    def on_misfit(self, node: Node, src: PeerId) -> None:
        if drop_fails(self.spec.config, self.spec.options, src, node.node_id):
            self._say_failed()

    def _say_failed(self) -> None:
        """The coordinator may end the run for it."""
        if not (self._told_failure or self._stopped):
            self._told_failure = True
            self.tell(Failed())

    def _on_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error, task = context.get("exception"), context.get("task") or context.get("future")
        if error is not None:  # a KeyboardInterrupt, too: Ctrl-C does not reach this process, so it is the algorithm's
            self.node.fail(task_name(task) if task is not None else "a callback", "", error)
        else:
            logger.error("%s: %s", self.spec.node_id, context.get("message"))

    def raised(self, error: BaseException) -> None:
        """A task or callback of the algorithm raised what stops a loop."""
        if not self.loop.keeps(error):  # else it is told with its task, at the latest when the node leaves
            self.node.fail("a callback", "", error)

    def raised_in_thread(self, found: threading.ExceptHookArgs) -> None:
        """A thread of the algorithm raised; as in Python, SystemExit only ends the thread."""
        if found.exc_value is not None and not isinstance(found.exc_value, SystemExit) and not self.loop.is_closed():
            name = "a thread" if found.thread is None else f"thread {found.thread.name}"
            self.loop.call_soon_threadsafe(self.node.fail, name, "", found.exc_value)

    # -------------------------------------------------- leaving

    def _begin_to_leave(self) -> None:
        if not self._stopped:
            self._stop()
            context = self.junction.context.copy()
            self._leaving = self.loop.create_task(self._leave(), name="leave", context=context)

    def _stop(self) -> None:
        self._stopped = True
        self._quiet.stop()

    async def _leave(self) -> None:
        node = self.node
        suspended = list(suspended_in(node, self.loop.tasks()))
        numbers = self._quiet.in_numbers()
        report: dict[str, object] = {}
        node.close()
        task = self.loop.create_task(node.leave(), context=node.context.copy())
        done, _ = await asyncio.wait([task], timeout=EXIT_LIMIT)
        if task.cancelled():
            node.fail("on_exit", "", DistbenchError("it cancelled itself"))
        elif done:
            report = task.result()
        else:
            node.fail("on_exit", "", TimeoutError(f"it did not return within {EXIT_LIMIT:g} s"))
            task.cancel()
        self._say_left(report, suspended, numbers)

    def _say_left(self, report: dict[str, object], suspended: list[Suspended], numbers: Numbers) -> None:
        self._look_at_tasks()
        if self.node.phase is not Phase.CRASHED:
            gc.collect()
            self.node.tell_aside()
        self.node.context.copy().run(say_last)  # now, for the run may be over before this process is
        result = replace(
            node_result(self.node, self.spec.config, self.spec.options), refused=dict(self.junction.refused)
        )
        left = Left(result, report, self.failures, suspended, *numbers)
        try:
            self.tell(left)
        except (MessageError, RecursionError) as error:  # more than a link carries, or nested deeper than a format goes
            self.node.fail("report", "", error)
            left = Left(result, {}, self.failures, suspended, *numbers)
            self.tell(left)
        self.ending.left = left

    def _look_at_tasks(self) -> None:
        """An exception that nobody looked at fails the node; what still runs is ended."""
        for task, ago in self.loop.failed_tasks():
            error = task.exception()
            if error is not None and self.node.phase is not Phase.CRASHED:
                self.node.fail(task_name(task), "", error, max(0.0, self.node.now() - ago))
        for task in self.loop.tasks():
            task.cancel()
