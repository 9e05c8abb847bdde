"""Offline mode: all nodes in this process, on virtual time."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from time import perf_counter
from typing import Any, Final

from distbench.community import Community, Nodes, PeerId, listeners
from distbench.config.binding import BoundLayer, bind, classes_of, namespaces_of
from distbench.config.model import RunConfig
from distbench.definition import AlgorithmDefinition
from distbench.errors import CallError, DistbenchError
from distbench.events import Drawn, Dropped, Event, Sink, Terminated, TimerFired
from distbench.formats import Codec
from distbench.logs import REPEATS
from distbench.messages import quick_construction
from distbench.node.failures import name_exception
from distbench.node.lifecycle import Phase
from distbench.node.node import Node, NodeFailure
from distbench.node.route import Codecs
from distbench.node.suspended import standing
from distbench.node.watch import watching
from distbench.node.wiretable import WireTable
from distbench.running.coordinator import (
    Command,
    Coordinator,
    Finish,
    SendNotice,
    SendRoster,
    SendStart,
    SendStop,
    SendWave,
)
from distbench.running.gauge import Gauge, Progress
from distbench.running.options import DEFAULT_LATENCY, RunOptions, fixed_room
from distbench.running.outcomes import (
    cut_short,
    describe_interrupt,
    drop_fails,
    node_result,
    render_failure,
    suspended_in,
    task_name,
)
from distbench.running.result import FIRST_FAILURE, End, Failure, NodeResult, Outcome, RunResult, Suspended
from distbench.running.zone import time_zone
from distbench.signing import KeyPair, Keyring
from distbench.simulation.choices import Choice, Choices
from distbench.simulation.control import controlled, controlled_throughout
from distbench.simulation.control.generators import GENERATORS_KEY
from distbench.simulation.futures import SimTask
from distbench.simulation.loop import Pause, SimLoop, TooManySteps
from distbench.simulation.machine import Machine, current_machine
from distbench.simulation.network import Network
from distbench.simulation.room import draw_room
from distbench.simulation.scheduler import Scheduler
from distbench.simulation.watching import StepTimeout, Watch
from distbench.trace.digest import DigestSink

logger = logging.getLogger("distbench.run")

DEFAULT_TIMEOUT: Final = 3600.0
"""Virtual seconds."""
_EXIT_LIMIT: Final = 1_000_000


def run_offline(
    definition: AlgorithmDefinition,
    config: RunConfig,
    options: RunOptions,
    resolve: Callable[[str], type] | None = None,
    gauge: Gauge | None = None,
    *,
    sink: Sink | None = None,
    replay: Iterable[Choice] | None = None,
    on_look: Callable[[], object] = bool,
) -> RunResult:
    """Simulate one run. ``resolve`` looks up algorithms that the config names; ``gauge`` shows how far it is.

    ``sink`` hears every event; ``replay`` is what another run of the same seed drew, perhaps edited. ``on_look`` is
    called whenever it is looked at how long a step takes.
    """
    bound = bind(definition, config, resolve)
    began = perf_counter()
    with Watch(options.step_timeout) as watch, ExitStack() as winding_down:
        watch.on_look = on_look
        stack = ExitStack()
        try:
            run = OfflineRun(definition, config, options, bound, stack, watch, sink, replay)
            if gauge is not None:
                gauge.attach(run.progress)
            result = run.play(began, winding_down)
        finally:
            watch.call(stack.close)
    return cut_short(result, watch)


def before_imports() -> AbstractContextManager[None]:
    """To be entered before a module of the user's is imported, which then finds nothing real; see ``controlled``.

    All that plays a run is imported by now, and has bound what is real.
    """
    return controlled_throughout()


class _Keys(dict[PeerId, KeyPair]):
    """The key pairs of a run, each made when it is first needed."""

    def __init__(self, choices: Choices, config: RunConfig) -> None:
        super().__init__()
        self._choices = choices
        self._nodes = config.nodes

    def __missing__(self, node: PeerId) -> KeyPair:
        if node not in self._nodes:
            raise KeyError(node)
        made = self[node] = KeyPair(self._choices.secret(("key", node)))
        return made


class _Public(dict[PeerId, bytes]):
    def __init__(self, keys: _Keys) -> None:
        super().__init__()
        self._keys = keys

    def __missing__(self, node: PeerId) -> bytes:
        return self._keys[node].public


def _counted(choices: tuple[Choice, ...]) -> tuple[int, str]:
    return len(choices), " ".join(map(str, choices[0].key))


def _both(one: Sink | None, other: Sink | None) -> Sink | None:
    if one is None or other is None:
        return one or other

    def tell(event: Event) -> None:
        one(event)
        other(event)

    return tell


def _expect_unfinished(stack: ExitStack) -> None:
    """Until ``stack`` is left, say nothing of coroutines that Ctrl-C kept from being awaited."""
    stack.enter_context(warnings.catch_warnings())
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)


class OfflineRun:
    """One simulated run; implements the nodes' ``Observer``."""

    def __init__(
        self,
        definition: AlgorithmDefinition,
        config: RunConfig,
        options: RunOptions,
        bound: dict[PeerId, BoundLayer],
        stack: ExitStack,
        watch: Watch,
        sink: Sink | None = None,
        replay: Iterable[Choice] | None = None,
    ) -> None:
        """What the run puts in force, already for the ``__init__`` of algorithms, ``stack`` takes back."""
        self.options = options
        self.config = config
        self.failures: list[Failure] = []
        self._watch = watch
        self.digest = DigestSink() if options.digest else None
        self.sink = _both(self.digest, sink)
        self.choices = Choices(options.seed, replay, None if self.sink is None else self._drawn)
        self.coordinator = Coordinator(config.nodes)
        for step in (self.coordinator.joined, self.coordinator.ready):
            for node_id in config.nodes:
                step(node_id)
        self.scheduler = Scheduler()
        self.loop = SimLoop(self.scheduler, self._on_exception, self.choices.index)  # type: ignore[abstract]
        self.loop.nobody = Machine(PeerId(""), self.scheduler, self.choices)
        seed = self.choices.seed(GENERATORS_KEY)
        stack.enter_context(controlled(namespaces_of(bound), classes_of(bound), seed))
        watching.begin()
        stack.callback(watching.end)
        stack.enter_context(quick_construction())
        stack.enter_context(self.loop)
        watch.steps, watch.on_cut = self.loop.steps, self._stop
        if self.sink is not None:
            self.loop.on_timer = self._timer_fired
        latency = options.latency or DEFAULT_LATENCY
        low, high = round(latency.low * 1e6), round(latency.high * 1e6)
        room = draw_room(self.choices, options.seed) if options.link_room is None else fixed_room(options.link_room)
        self.network = Network(self.loop, self.choices, low, high, self.sink, room)
        keys = _Keys(self.choices, config)
        keyring = Keyring(self.choices.secret(("run",), 16), _Public(keys))
        codecs = Codecs(Codec(options.format, keyring), checks_sends=True)
        table = WireTable(bound)
        neighbours = {node_id: node.neighbours for node_id, node in config.nodes.items()}
        listening = listeners(neighbours)
        everyone = Nodes(config.nodes)
        self.nodes: dict[PeerId, Node] = {}
        self._bound = bound

        def build() -> None:
            for node_id in everyone:
                self.loop.next_stage()
                self.nodes[node_id] = Node(
                    node_id,
                    bound[node_id],
                    Community(everyone, neighbours[node_id]),
                    listening[node_id],
                    port=self.network.port(node_id),
                    table=table,
                    codecs=codecs,
                    key=lambda node_id=node_id: keys[node_id],
                    choices=self.choices,
                    observer=self,
                    loop=self.loop,
                    context=self._context(node_id),
                )

        watch.call(build)
        self.network.receivers.update(self.nodes)

    def _context(self, node_id: PeerId) -> contextvars.Context:
        """Where the code of a node runs: on a machine of its own."""
        context = contextvars.Context()
        context.run(current_machine.set, Machine(node_id, self.scheduler, self.choices, len(self.nodes) + 1))
        return context

    # -------------------------------------------------- what nodes and loop report

    def on_terminated(self, node: Node, path: str) -> None:
        if self.sink is not None:
            self.sink(Terminated(self.scheduler.now, node.node_id, path))
        if not path:
            self._obey(self.coordinator.done(node.node_id))

    def on_failure(self, node: Node, failure: NodeFailure) -> None:
        self.failures.append(render_failure(failure))
        self._fail_fast()

    def on_misfit(self, node: Node, src: PeerId) -> None:
        if drop_fails(self.config, self.options, src, node.node_id):
            self._fail_fast()

    def _fail_fast(self) -> None:
        if self.options.fail_fast:
            self._obey(self.coordinator.stop(Outcome.FAILED))

    def on_crash(self, node: Node) -> None:
        for task in self.loop.tasks():
            if task.node is node and not task.done():
                task.cancel()
        self.loop.silence(node)
        self.network.silence(node.node_id)
        self._obey(self.coordinator.gone_node(node.node_id, "has crashed"))

    def _obey(self, commands: tuple[Command, ...]) -> None:
        """What a coordinator of the real modes would send over the network happens here at once."""
        for command in commands:
            match command:
                case SendNotice(gone, reason):
                    self.network.notice(gone, reason)
                case SendStop():
                    self.loop.stopping = True
                case SendRoster() | SendStart() | SendWave() | Finish():
                    pass  # all nodes are here, and this loop sees by itself when nothing is left

    def on_drop(self, node: Node, src: PeerId, dst: PeerId, reason: str) -> None:
        if self.sink is not None:
            self.sink(Dropped(self.scheduler.now, src, dst, reason))

    def _stop(self) -> None:
        """A step has taken too long: no other begins."""
        self.loop.stopping = True

    def _drawn(self, choice: Choice) -> None:
        if self.sink is not None:
            self.sink(Drawn(choice.key, choice.options, choice.index))

    def _timer_fired(self, scope: Any) -> None:
        if self.sink is not None:
            self.sink(TimerFired(self.scheduler.now, None if scope is None else scope.node_id))

    def _on_exception(self, context: dict[str, Any]) -> None:
        """A callback raised, or a task's exception was never looked at."""
        error, node = context.get("exception"), context.get("node")
        task = context.get("task") or context.get("future")
        if isinstance(error, StepTimeout):
            return  # the watch tells
        name = "a callback" if task is None else task_name(task)
        if isinstance(error, BaseException) and isinstance(node, Node):
            if node.phase is not Phase.ENDED:
                node.fail(name, "", error, getattr(task, "failed_at", None))
            elif not isinstance(error, CallError):
                what = (node.node_id, name, name_exception(error))
                logger.warning("%s.%s raised %s at its end", *what, extra=REPEATS)
        else:
            logger.error("%s", context.get("message"), exc_info=error if isinstance(error, BaseException) else None)

    # -------------------------------------------------- the run

    def progress(self) -> Progress:
        """How far it is; may be asked from another thread."""
        nodes = self.nodes.values()
        done, messages = sum(node.done for node in nodes), sum(node.messages_in for node in nodes)
        return Progress(self.scheduler.now / 1e9, messages, done, len(nodes))

    def play(self, began: float, winding_down: ExitStack) -> RunResult:
        """Start all nodes, run to the end, let them leave, and say what happened.

        What an interruption puts in force, ``winding_down`` takes back when nothing is left of the run.
        """
        options = self.options
        limit = options.limit(DEFAULT_TIMEOUT)
        reason = ""
        try:
            pause = None if self._watch.cut else self._watch.call(self._play, limit)
            if pause is None:
                ended = Outcome.TIMEOUT
                _expect_unfinished(winding_down)
            else:
                ended, reason = self._end(pause, limit == options.duration)
        except TooManySteps as error:
            ended, reason = Outcome.TIMEOUT, f"{error}; busy: {', '.join(error.nodes) or 'none'}"
        except KeyboardInterrupt as interrupt:
            ended, reason = Outcome.INTERRUPTED, describe_interrupt(interrupt)
            _expect_unfinished(winding_down)
        virtual_time = self.scheduler.now / 1e9
        in_transit = self.network.in_transit()
        suspended = tuple(self._suspended())
        self._look_at_tasks()
        reports, interrupted = self._leave(winding_down)
        if interrupted:
            ended, reason = Outcome.INTERRUPTED, interrupted
        self._look_at_tasks()
        self.loop.collect_at_the_end()
        for node in self.nodes.values():
            node.tell_aside()
        if self.choices.unknown:
            logger.warning("%d replayed choices were asked for by nobody: %s, ...", *_counted(self.choices.unknown))
        return RunResult(
            ended=ended,
            nodes={
                node_id: node_result(self.nodes[node_id], self.config, options)
                if node_id in self.nodes
                else NodeResult(End.RUNNING, {}, 0.0, algorithm=layer.definition.name)
                for node_id, layer in self._bound.items()
            },
            reports=reports,
            seed=options.seed,
            mode="offline",
            virtual_time=virtual_time,
            wall_time=perf_counter() - began,
            deliveries=sum(node.deliveries for node in self.nodes.values()),
            in_transit=in_transit,
            link_room=self.network.room,
            digest=None if self.digest is None else self.digest.hexdigest(),
            hash_seed=os.environ.get("PYTHONHASHSEED", "random"),
            time_zone=time_zone(),
            failures=tuple(self.failures),
            suspended=suspended,
            reason=reason,
            algorithms={node_id: node.top.instance for node_id, node in self.nodes.items()},
        )

    def _play(self, limit: float) -> Pause:
        for node in self.nodes.values():
            if not self.loop.stopping:
                self.loop.next_stage()
                node.start()
        return self.loop.play(self.options.max_events, self.scheduler.now + round(limit * 1e9))

    def _end(self, pause: Pause, by_duration: bool) -> tuple[Outcome, str]:
        match pause:
            case Pause.STOPPED if self.coordinator.outcome is Outcome.FAILED:
                return Outcome.FAILED, FIRST_FAILURE
            case Pause.STOPPED:
                return Outcome.COMPLETED, ""
            case Pause.DEADLINE if by_duration:
                return Outcome.COMPLETED, "the duration was reached"
            case Pause.DEADLINE:
                return Outcome.TIMEOUT, "the time limit (--timeout) was reached"
            case Pause.LIMIT:
                return Outcome.TIMEOUT, f"{self.options.max_events:,} events (--max-events) were reached"
            case Pause.IDLE:
                if self.coordinator.complete:
                    return Outcome.COMPLETED, ""
                stuck = any(n.running for n in self.nodes.values() if n.phase is not Phase.CRASHED)
                return (Outcome.STUCK if stuck else Outcome.QUIESCENT), ""

    def _suspended(self) -> Iterator[Suspended]:
        tasks: dict[object, list[SimTask]] = {}
        for task in self.loop.tasks():
            tasks.setdefault(task.node, []).append(task)
        for node in self.nodes.values():
            yield from suspended_in(node, tasks.get(node, ()))

    def _look_at_tasks(self) -> None:
        """An exception that nobody looked at fails its node."""
        for task in self.loop.tasks():
            if task.done() and not task.cancelled() and getattr(task, "_log_traceback", False):
                error = task.exception()
                interrupts = isinstance(error, KeyboardInterrupt)  # somebody's Ctrl-C came during its step
                if error is not None and not interrupts and isinstance(task.node, Node):
                    task.node.fail(task_name(task), "", error, task.failed_at)

    def _leave(self, winding_down: ExitStack) -> tuple[dict[PeerId, dict[str, object]], str]:
        """Every node's ``on_exit`` and report, as far as they came, and what interrupted meanwhile, if anything did."""
        interrupted, cut = "", False
        there = [node for node in self.nodes.values() if node.phase is not Phase.CRASHED]
        if self.coordinator.outcome is Outcome.FAILED:  # those that it kept from starting have nothing to say
            there = [node for node in there if node.phase is not Phase.NEW]
        for node in there:
            node.close()
        self.network.stop()
        tasks = [self.loop.create_task(node.leave(), name="leave", context=node.context.copy()) for node in there]
        try:
            everyone = asyncio.gather(*tasks, return_exceptions=True)
            cut = self._watch.call(self.loop.run_to_end, everyone, _EXIT_LIMIT) is None
        except asyncio.InvalidStateError:
            pass  # told below
        except KeyboardInterrupt as interrupt:
            interrupted, cut = describe_interrupt(interrupt), True
        if cut:
            _expect_unfinished(winding_down)
        reports: dict[PeerId, dict[str, object]] = {}
        for node, task in zip(there, tasks, strict=True):
            if task.done() and not task.cancelled() and not (cut and task.exception()):
                reports[node.node_id] = task.result()
            elif not cut:
                where, line = standing(task.get_coro())
                told = "it cancelled itself" if task.done() else f"it never returned; it waits at {where}: {line}"
                node.fail("on_exit", "", DistbenchError(told))
            node.left()
        return reports, interrupted
