"""A node: joins layers, routes, calls and counters, and runs the handlers of what arrives."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import random
import re
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from distbench.community import Community, PeerId
from distbench.config.binding import BoundLayer
from distbench.errors import (
    ConfigError,
    DefinitionError,
    HandlerError,
    MessageError,
    RemoteError,
    SignatureError,
)
from distbench.formats import explain
from distbench.hooks import begin
from distbench.logs import REPEATS
from distbench.node.calls import Calls, fail_call
from distbench.node.current import current_node
from distbench.node.deadlink import DeadLink
from distbench.node.drops import (
    BAD_SIGNATURE,
    DOES_NOT_FIT,
    FOREIGN_REPLY,
    FOREIGN_SIGNATURE,
    HAD_CRASHED,
    NO_HANDLER,
    Drops,
    Key,
)
from distbench.node.execution import IDLE, Resumed, Runner, StandIn, begin_task, enter_task, leave_task
from distbench.node.failures import (
    HAS_ENDED,
    is_cancellation,
    is_closing,
    is_cut_off,
    name_exception,
    render_traceback,
    safe_repr,
)
from distbench.node.job import Job
from distbench.node.layer import Layer
from distbench.node.lifecycle import Phase, Signal, following
from distbench.node.misconstructed import explain_misconstructed
from distbench.node.port import FAULT, MAX_PAYLOAD, NOTHING, REPLY, Link, Port
from distbench.node.reporting import readable
from distbench.node.route import REFUSALS, Codecs, Hook, Route
from distbench.node.unawaited import forgotten
from distbench.node.wiretable import WireTable
from distbench.peer import Peer, Peers, explain_missing, peer_class
from distbench.signing import KeyPair, Signed

logger = logging.getLogger(__name__)

_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,}")
_RUNNING = Phase.RUNNING  # looking up a member costs on the hot path


@dataclass(frozen=True, slots=True)
class NodeFailure:
    """An exception in a handler, hook or task of a node."""

    node: PeerId
    handler: str
    message: str
    at: float
    exception: str
    traceback: str
    cause: BaseException


class Observer(Protocol):
    """Who is told of a node's fate, and of what it drops."""

    def on_terminated(self, node: Node, path: str) -> None: ...
    def on_failure(self, node: Node, failure: NodeFailure) -> None: ...
    def on_crash(self, node: Node) -> None: ...
    def on_drop(self, node: Node, src: PeerId, dst: PeerId, reason: str) -> None:
        """``node`` did not take a message of ``src``, or could not send one to ``dst``: it is itself the other one."""

    def on_misfit(self, node: Node, src: PeerId) -> None: ...


class Decisions(Protocol):
    """Where a node's random decisions come from, each under a key."""

    def index(self, key: tuple[str | int, ...], options: int) -> int: ...
    def seed(self, key: tuple[str | int, ...]) -> int: ...


class Node:
    """One node of a run, single-threaded. ``deliver`` is what its port calls."""

    # What few nodes ever set stands here: with more than 30 attributes of its own, CPython looks up each more slowly.
    aside: tuple[tuple[str, BaseException], ...] = ()
    """What failed where it could not be told at once; ``tell_aside`` does."""
    cuts = False
    """A task of it was cancelled, which may cut off what its code would have awaited."""
    _broken: BaseException | None = None

    def __init__(
        self,
        node_id: PeerId,
        bound: BoundLayer,
        community: Community,
        listeners: tuple[PeerId, ...],
        *,
        port: Port,
        table: WireTable,
        codecs: Codecs,
        key: Any,
        choices: Decisions,
        observer: Observer,
        loop: asyncio.AbstractEventLoop,
        context: contextvars.Context | None = None,
    ) -> None:
        """``context``: what the node's code shall find there, if anything; it is the node's own from now on."""
        self.node_id = node_id
        self.community = community
        self.port = port
        self.codecs = codecs
        self.choices = choices
        self.observer = observer
        self.loop = loop
        self.phase = Phase.NEW
        self.calls = Calls()
        self.links: dict[PeerId, Link] = {}
        self.replies_in = 0
        self.running: dict[asyncio.Task[Any], Job] = {}
        self.drops = Drops(table.names)
        self.done = False
        self.failed = False
        self.ended_at: float | None = None
        self._key = key
        self._random: random.Random | None = None
        self._runner = Runner(port.interrupts)
        self._early: list[tuple[PeerId, int, int, bytes, Any]] = []
        self._reachable = {*community.neighbours, *listeners}
        self.context = contextvars.Context() if context is None else context
        self.context.run(current_node.set, self)
        self.routes: list[Route | None] = [None] * len(table.names)
        self.top = Layer(self, bound, None, "")
        self._layers: list[Layer] = []
        try:
            self.context.run(self._build, self.top, table, codecs)
        except self._interrupts + (ConfigError, DefinitionError):  # noqa: RUF005 - which mypy understands
            raise
        except BaseException as error:  # noqa: BLE001 - an algorithm's __init__ is user code too; start() tells
            self._broken = error

    # -------------------------------------------------- building

    def _build(self, layer: Layer, table: WireTable, codecs: Codecs) -> None:
        for child in layer.children.values():
            self._build(child, table, codecs)
        definition, path = layer.bound.definition, layer.bound.path
        routes = tuple(
            Route(self, table.numbers[path, handler.name], path, handler, layer.instance, codecs)
            for handler in definition.handlers
        )
        for route in routes:
            self.routes[route.number] = route
        made = peer_class(definition)
        reachable = self._reachable

        def other(peer_id: PeerId) -> Peer | None:
            return made(peer_id, routes) if peer_id in reachable else None

        layer.build(Peers({peer: made(peer, routes) for peer in self.community.neighbours}, other))
        self._layers.append(layer)

    def open(self, dst: PeerId) -> Link:
        """The link to a peer, at the first message to it."""
        link = self.links[dst] = DeadLink(self, dst, HAS_ENDED) if self._is_over else self.port.link(dst)
        return link

    @property
    def _is_over(self) -> bool:
        """This node has nothing to do with any other any more."""
        return self.phase in (Phase.LEAVING, Phase.ENDED, Phase.CRASHED)

    def now(self) -> float:
        return self.port.now()

    @property
    def deliveries(self) -> int:
        """Messages given to handlers and callers."""
        return self.replies_in + self.messages_in

    @property
    def messages_in(self) -> int:
        """Casts and requests given to handlers."""
        return sum(route.messages_in for route in self.routes if route is not None)

    @property
    def random(self) -> random.Random:
        if self._random is None:
            self._random = random.Random(self.choices.seed(("random", self.node_id)))
        return self._random

    def sign(self, message: Any) -> Signed[Any]:
        pair: KeyPair = self._key()
        return self.codecs.codec.sign(message, pair, self.node_id)

    @property
    def _interrupts(self) -> tuple[type[BaseException], ...]:
        """The exceptions that are not the algorithm's."""
        return (KeyboardInterrupt,) if self.port.interrupts else ()

    # -------------------------------------------------- life

    def start(self) -> None:
        """Run every ``on_start``, children's first, to its end or its first wait; then what has arrived."""
        self.phase = following(self.phase, Signal.START)
        if self._broken is not None:
            self.fail("__init__", "", self._broken)
            self.crash()
            return
        for layer in self._layers:
            path = layer.bound.path
            hook = Hook(f"{path}.on_start" if path else "on_start")
            self._run(begin(layer.instance, "on_start"), hook, None, 0, NOTHING)
            if self.phase is Phase.CRASHED:
                return
        self.phase = following(self.phase, Signal.STARTED)
        self._take_early()

    def _take_early(self) -> None:
        """What came before the node had started is treated as though it came now."""
        early, self._early = self._early, []
        for arrived in early:
            self.deliver(*arrived)

    def terminated(self, layer: Layer) -> None:
        """A layer said ``terminate()``."""
        if layer is self.top:
            self.done = True
            self.ended_at = self.now()
        self.observer.on_terminated(self, layer.bound.path)

    def crash(self) -> None:
        """Stop for good, in the middle of whatever it was doing."""
        self.phase = following(self.phase, Signal.CRASH)
        self.ended_at = self.now()
        self.links.clear()  # what it still does to clean up reaches nobody
        self._take_early()
        for task in list(self.running):
            task.cancel()
        self.observer.on_crash(self)

    def peer_down(self, peer: PeerId, reason: str) -> None:
        """The failure notice: calls to ``peer`` end in ``PeerDown``, casts to it are dropped and counted.

        It may come more than once: who cuts a peer off is told by the coordinator too. The first reason stays.
        """
        if peer in self._reachable and not self._is_over and not isinstance(self.links.get(peer), DeadLink):
            self.links[peer] = DeadLink(self, peer, reason)
            self.calls.give_up(peer, reason)

    def close(self) -> None:
        """The run is over: nothing is delivered or sent any more."""
        self.phase = following(self.phase, Signal.LEAVE)
        self.links.clear()
        if self.ended_at is None:
            self.ended_at = self.now()

    async def leave(self) -> dict[str, object]:
        """``on_exit`` of every layer, the top first; then the report."""
        for layer in reversed(self._layers):
            await self._hook(layer, "on_exit")
        report = await self._report(self.top)
        self.left()
        return report

    def left(self) -> None:
        """``leave`` is over, or is waited for no longer."""
        if self.phase is Phase.LEAVING:
            self.phase = following(self.phase, Signal.LEFT)

    async def _hook(self, layer: Layer, name: str) -> Any:
        path = layer.bound.path
        try:
            found = await begin(layer.instance, name)
            if (overlooked := forgotten(found)) is not None:
                raise overlooked
            return readable(found) if name == "report" else None
        except self._interrupts:
            raise
        except BaseException as error:
            task = asyncio.current_task()
            cancelled = isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling()
            if cancelled or is_closing(error):
                raise
            if not is_cancellation(error):  # else it waited for a task that had been cancelled
                self.fail(f"{path}.{name}" if path else name, "", error)
            return None

    async def _report(self, layer: Layer) -> dict[str, object]:
        report: dict[str, object] = await self._hook(layer, "report") or {}
        for name, child in layer.children.items():
            inner = await self._report(child)
            if inner:
                report[name] = inner
        return report

    # -------------------------------------------------- arrivals

    def deliver(self, src: PeerId, handler: int, call: int, payload: bytes, value: Any = NOTHING) -> None:
        """Take a message from the port: start its handler, or match it with its call."""
        if self.phase is not _RUNNING:
            if self.phase is Phase.NEW or self.phase is Phase.STARTING:
                self._early.append((src, handler, call, payload, value))
            elif self.phase is Phase.CRASHED:
                self.drop(src, HAD_CRASHED)
            return
        if handler < 0:
            self._reply_arrived(src, handler, call, payload, value)
            return
        try:
            route = self.routes[handler]
        except IndexError:
            route = None
        if route is None:
            self._misfit(Key(src, "request" if call else "message", self.drops.name(handler), NO_HANDLER), "")
            return
        if value is NOTHING:
            try:
                value = route.decode(payload)
            except SignatureError as error:
                self._warn(route.name, src, str(error))
                self.drop(src, BAD_SIGNATURE)
                return
            except REFUSALS as error:
                why = route.misread(payload, error)
                self._misfit(Key(src, "request" if call else "message", route.name, DOES_NOT_FIT), why)
                return
            except self._interrupts:
                raise
            except BaseException as error:  # noqa: BLE001 - a message class of the algorithm's may run code of its own
                self._broke(route, src, call, error)
                return
            if route.signed and isinstance(value, Signed) and value.signer != src:
                self._warn(route.name, src, f"it is signed by {value.signer}, not by the node that sent it")
                self.drop(src, FOREIGN_SIGNATURE)
                return
        route.messages_in += 1
        route.bytes_in += len(payload)
        function = route.function  # a local name, as in Route
        self._run(function(route.instance, src, value), route, src, call, value)

    def _warn(self, what: str, src: PeerId, why: str) -> None:
        """Say what is dropped, in this node's name."""
        self.context.copy().run(logger.warning, "%s dropped from %s: %s", what, src, why, extra=REPEATS)

    def _misfit(self, key: Key, why: str) -> None:
        """Drop what does not fit, though nobody needs to have misbehaved on purpose."""
        what = f"a reply to {key.handler}" if key.kind == "reply" else key.handler
        self._warn(what, key.src, why or key.reason)
        self.drop(key.src, key.reason)
        self.drops.note(key, why)
        self.observer.on_misfit(self, key.src)

    def drop(self, src: PeerId, reason: str) -> None:
        """Count a message of ``src`` that this node does not take."""
        self.drops.count(reason)
        self.observer.on_drop(self, src, self.node_id, reason)

    def drop_unsent(self, dst: PeerId, reason: str) -> None:
        """Count a message of this node that no link takes to ``dst`` any more."""
        self.drops.count(reason)
        self.observer.on_drop(self, self.node_id, dst, reason)

    def _reply_arrived(self, src: PeerId, kind: int, call: int, payload: bytes, value: Any) -> None:
        waiting = self.calls.waiting
        found = waiting.pop(call, None)
        if found is None or found[2].done():
            return  # the caller gave up waiting
        peer, route, future = found
        if peer != src:  # somebody else guessed the number
            waiting[call] = found
            self.drop(src, FOREIGN_REPLY)
            return
        self.replies_in += 1
        if kind == FAULT:
            try:
                text = msgspec.msgpack.decode(payload, type=str)
            except REFUSALS as error:
                text = f"an error that cannot be read: {explain(error)}"
                self._misfit(Key(src, "reply", route.name, DOES_NOT_FIT), text)
            fail_call(future, RemoteError(src, route.name, text))
            return
        if value is NOTHING:
            try:
                value = route.decode_reply(payload)
            except SignatureError as error:
                self.drop(src, BAD_SIGNATURE)
                fail_call(future, SignatureError(f"the reply of {src} to {route.name}: {error}"))
                return
            except REFUSALS as error:
                why = route.misread(payload, error, route.definition.reply)
                self._misfit(Key(src, "reply", route.name, DOES_NOT_FIT), why)
                fail_call(future, RemoteError(src, route.name, f"a reply that does not fit: {why}"))
                return
            except self._interrupts:
                raise
            except BaseException as error:  # noqa: BLE001 - as in deliver
                refused = MessageError(f"the reply of {src} to {route.name} cannot be read: {name_exception(error)}")
                refused.__cause__ = error
                fail_call(future, refused)
                return
            if route.signed_reply and isinstance(value, Signed) and value.signer != src:
                why = f"it is signed by {value.signer}, not by the node that was asked"
                self._warn(f"a reply to {route.name}", src, why)
                self.drop(src, FOREIGN_SIGNATURE)
                fail_call(future, SignatureError(f"the reply of {src} to {route.name}: {why}"))
                return
        future.set_result(value)

    # -------------------------------------------------- running handlers

    def _run(self, coro: Any, route: Route | Hook, src: PeerId | None, call: int, value: Any) -> None:
        """Run a coroutine's first segment now; a task drives the rest, if there is one."""
        loop, runner, context = self.loop, self._runner, self.context.copy()
        stand_in = StandIn(loop, coro)
        enter_task(loop, stand_in)
        try:
            got = context.run(runner.send, coro)
        except BaseException as passed:
            self._runner = Runner(self.port.interrupts)
            if not isinstance(passed, GeneratorExit):
                raise
            got, runner.error = IDLE, passed
        finally:
            leave_task(loop, stand_in)
        if got is not IDLE:
            self._promote(coro, got, context, stand_in, Job(self, route, src, call, value))
            return
        stand_in._coro = None
        if stand_in._callbacks is not None:
            stand_in._ended()
        if runner.error is not None:
            error, runner.error = runner.error, None
            Job(self, route, src, call, value).failed(error)
        elif call:
            self.reply(route, src, call, runner.result)  # type: ignore[arg-type]
        elif runner.result is not None:
            self.unheard(route, runner.result)

    def _promote(self, coro: Any, waits_for: Any, context: contextvars.Context, stand_in: StandIn, job: Job) -> None:
        """The coroutine waits: a real task drives its runner on, and this node takes a new runner."""
        runner, self._runner = self._runner, Runner(self.port.interrupts)
        resumed = Resumed(coro, runner, waits_for, job)
        task = begin_task(self.loop, resumed, stand_in, context)
        job.task = task
        job.coro = coro
        self.running[task] = job
        stand_in._promoted(task)

    def reply(self, route: Route, dst: PeerId, call: int, value: Any) -> None:
        """Send what a handler returned to its caller."""
        if route.definition.reply is None:
            return
        encode, check = route.encode_reply, route.check_reply
        try:
            payload = encode(value)
            copy = NOTHING if check is None else check(payload)
        except REFUSALS as error:
            if (overlooked := forgotten(value)) is not None:
                self._broke(route, dst, call, overlooked)
                return
            refused = route.refused(value, route.definition.reply, error)
            words, where = str(refused).replace(" takes ", " returns ", 1), route.definition.where
            hint = f"; is a 'return' missing in {where}?" if value is None else f" ({where})"
            self._broke(route, dst, call, MessageError(words + hint))
            return
        except self._interrupts:
            raise
        except BaseException as error:  # noqa: BLE001 - as in deliver
            self._broke(route, dst, call, error)
            return
        if len(payload) > MAX_PAYLOAD:
            self._broke(route, dst, call, route.too_large(len(payload)))
            return
        (self.links.get(dst) or self.open(dst)).send(REPLY, call, payload, copy)

    def unheard(self, route: Route | Hook, value: object) -> None:
        """Say once that a handler returns what nobody receives; that is easily overlooked."""
        if (overlooked := forgotten(value)) is not None:
            self.fail(route.name, "", overlooked)
            return
        if isinstance(route, Route) and not route.told:
            route.told = True
            hint = f"write '-> {type(value).__name__}' and callers wait for it"
            text = "%s returned %s, which nobody receives, for it has no such annotation: %s"
            self.context.copy().run(logger.warning, text, route.name, safe_repr(value), hint)

    def _broke(self, route: Route, peer: PeerId, call: int, error: BaseException) -> None:
        """What a peer sent, or is to be replied, cannot be read or written, and that is this node's fault."""
        self.fail(route.name, "", error)
        if call:
            self.fault(peer, call, error)

    def fault(self, dst: PeerId, call: int, error: BaseException) -> None:
        """Tell a caller that its handler raised."""
        text = _ADDRESS.sub("0x...", name_exception(error))  # an address differs from run to run
        payload = msgspec.msgpack.encode(text[:1000])
        (self.links.get(dst) or self.open(dst)).send(FAULT, call, payload, NOTHING)

    def fail(self, handler: str, message: str, error: BaseException, at: float | None = None) -> None:
        """Record that user code of this node raised, now or ``at`` a time before; the run goes on to its end."""
        if is_cut_off(error) and handler.rpartition(".")[2] not in ("on_exit", "report"):
            return
        self.failed = True
        explain_misconstructed(error)
        hint = explain_missing(error) if isinstance(error, AttributeError) else None
        if hint is not None and hint not in getattr(error, "__notes__", ()):
            error.add_note(hint)
        cause = HandlerError(f"{self.node_id}.{handler} raised {name_exception(error)}")
        cause.__cause__ = error
        text = render_traceback(error)
        self.observer.on_failure(
            self,
            NodeFailure(
                self.node_id, handler, message, self.now() if at is None else at, name_exception(error), text, cause
            ),
        )

    def tell_aside(self) -> None:
        """The node has left: record what was put aside."""
        aside, self.aside = self.aside, ()
        for name, error in aside if self.phase is not Phase.CRASHED else ():
            self.fail(name, "", error)
