"""An asyncio event loop on virtual time: it runs what is ready, then jumps to the next event."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import itertools
import math
import operator
import sys
import traceback
import weakref
from asyncio import events as _events
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from enum import Enum, auto
from heapq import heapify, heappop, heappush
from typing import Any, Final

from distbench.node.current import NodeScope, current_node
from distbench.node.step import Step
from distbench.simulation.collecting import collector
from distbench.simulation.finalizing import finalizing
from distbench.simulation.futures import SimFuture, SimTask
from distbench.simulation.handles import Handle, Timer
from distbench.simulation.interface import LoopInterface
from distbench.simulation.machine import Machine, current_machine
from distbench.simulation.scheduler import Scheduler
from distbench.simulation.ties import Choose, Ties, take_first
from distbench.simulation.watching import StepTimeout

STEP_LIMIT: Final = 1_000_000
"""Task steps at one instant without a delivery, after which a run is stopped."""
_COLLECT_EVERY: Final = 20_000
"""Events between two collections of garbage, which happen at fixed points so that finalizers repeat too."""
_FULL_COLLECT_EVERY: Final = 50
_LAST_ROUNDS: Final = 1_000
_collect = gc.collect  # for whose name something stands in while a run lasts
_END_OF_TIME: Final = 1e15
"""Seconds, some thirty million years: what is due then is never due; a float that tells nanoseconds ends before."""
_PAUSE: Final = 0.001
"""Virtual seconds that a thousand casts of a node in one step take: else no time would pass in a loop of casts."""


class Pause(Enum):
    """Why ``play`` returned."""

    IDLE = auto()
    """No message is in transit, no timer armed, nothing runnable."""
    STOPPED = auto()
    DEADLINE = auto()
    LIMIT = auto()


class TooManySteps(Exception):
    """Nothing moves but the steps at one instant; ``nodes`` are those that were busy."""

    def __init__(self, nodes: tuple[str, ...]) -> None:
        super().__init__(f"{STEP_LIMIT:,} steps at one instant without a delivery")
        self.nodes = nodes


class SimLoop(LoopInterface):
    """The loop of one simulated run. Everything happens on the thread that calls ``play``."""

    def __init__(
        self, scheduler: Scheduler, on_exception: Callable[[dict[str, Any]], None], choose: Choose = take_first
    ) -> None:
        """``choose`` decides between timers that are due at one instant."""
        self.scheduler = scheduler
        self.choose = choose
        self.next_number = itertools.count(1).__next__
        self.step = Step(_PAUSE)
        self.on_timer: Callable[[NodeScope | None], None] | None = None
        """Hears of every timer that fires, if anybody listens."""
        self.timers_cancelled = 0
        self.stopping = False
        self.steps_here = 0
        """Callbacks run since time last moved or a message was delivered."""
        self._on_exception = on_exception
        self._ready: deque[Handle] = deque()
        self._closed = False
        self.nobody: Machine | None = None
        """Where finalizers run that lead to no node."""
        self._generators: dict[int, tuple[weakref.ref[Any], contextvars.Context]] = {}
        self._dropped: dict[int, contextvars.Context] = {}
        """The contexts of those that are about to be told as dropped, by their addresses."""
        self._collecting = False
        self._tasks: weakref.WeakValueDictionary[int, SimTask] = weakref.WeakValueDictionary()
        self._pending: set[SimTask] = set()
        """Tasks that algorithms started: one that nobody else holds does not vanish in the middle of its work."""
        self._made = 0
        self._slices = 0
        """How often ``_COLLECT_EVERY`` events have passed."""
        self._stages = 0
        self._events = itertools.repeat(None, 0)
        self._turns = itertools.repeat(None, 0)

    def steps(self) -> object:
        """Says something else as soon as another step is under way; may be asked from another thread."""
        return self._stages, operator.length_hint(self._events), operator.length_hint(self._turns)

    def next_stage(self) -> None:
        """Something begins that is a step and neither an event nor a callback."""
        self._stages += 1
        self.step.casts = 0

    # -------------------------------------------------- playing

    def play(self, limit: int, deadline: int) -> Pause:
        """Run until nothing is left, ``stopping`` is set, the ``deadline`` (nanoseconds) or ``limit`` events come."""
        ready, scheduler = self._ready, self.scheduler
        heap, drain, popleft, step = scheduler.heap, self._drain, ready.popleft, self.step
        if ready:
            drain()
        while heap and not self.stopping:
            chunk = min(limit, _COLLECT_EVERY)
            if chunk <= 0:
                return Pause.LIMIT
            self._events = itertools.repeat(None, chunk)  # which knows how many are left, at no cost for an event
            for _ in self._events:
                event = heappop(heap)
                at = event[0]
                if at != scheduler.now:
                    if event[2].__class__ is Timer and event[2].cancelled():
                        self.timers_cancelled -= 1  # time does not move for it
                        if not heap:
                            break
                        continue
                    if at > deadline:
                        heappush(heap, event)
                        scheduler.now = deadline
                        return Pause.DEADLINE
                    scheduler.now = at
                    self.steps_here = 0
                step.casts = 0
                event[2].happen(event)
                if ready:
                    if event[2].__class__ is not Timer:
                        # The most frequent case, spelled out: a delivery wakes one task.
                        self.steps_here = 1
                        handle = popleft()
                        callback = handle._callback
                        if callback is not None:
                            step.casts = 0
                            args = handle._args
                            try:
                                if len(args) == 1:
                                    handle._context.run(callback, args[0])
                                else:
                                    handle._context.run(callback, *args)
                            except KeyboardInterrupt:
                                raise
                            except BaseException as error:  # noqa: BLE001 - as in _drain
                                self._callback_failed(error, handle)
                        if ready:
                            drain()
                    else:
                        drain()
                if self.stopping or not heap:  # type: ignore[redundant-expr] # callbacks set it
                    break
            limit -= chunk
            self._slices += 1
            self._stages += 1
            self.collect(2 if self._slices % _FULL_COLLECT_EVERY == 0 else 1)
            if ready:
                drain()
        return Pause.STOPPED if self.stopping else Pause.IDLE

    def collect(self, generation: int) -> int:
        """Collect garbage, whose finalizers run in their nodes; what they start is ready then."""
        self._collecting = True
        try:
            found: int = finalizing(self.nobody, _collect, generation)
        finally:
            self._collecting = False
            self._dropped.clear()
        return found

    def collect_at_the_end(self) -> None:
        """Collect garbage once more; old garbage only where the run was long enough for some."""
        self.collect(2 if self._slices > 1 else 1)
        self._last_rounds()

    def _drain(self) -> None:
        """Run callbacks until none is ready at this instant."""
        ready, step = self._ready, self.step
        budget = STEP_LIMIT - self.steps_here
        self._turns = turns = itertools.repeat(None, budget)
        for _ in turns:
            handle = ready.popleft()
            callback = handle._callback
            if callback is not None:
                step.casts = 0
                try:
                    handle._context.run(callback, *handle._args)
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # noqa: BLE001 - asyncio hands it to the exception handler
                    self._callback_failed(error, handle)
            if not ready or (self.stopping and budget - operator.length_hint(turns) > _LAST_ROUNDS):
                break
        else:
            raise TooManySteps(self._busy())
        self.steps_here += budget - operator.length_hint(turns)

    def _last_rounds(self) -> int:
        """The run is over: play out its last instant, which a task that spins must not prolong; how many ran."""
        for ran in range(_LAST_ROUNDS):
            self._stages += 1
            if not self._ready:
                return ran
            handle = self._ready.popleft()
            self.step.casts = 0
            if handle._callback is not None:
                try:
                    handle._context.run(handle._callback, *handle._args)
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # noqa: BLE001 - asyncio hands it to the exception handler
                    self._callback_failed(error, handle)
        return _LAST_ROUNDS

    def _callback_failed(self, error: BaseException, handle: Handle) -> None:
        task = getattr(handle._callback, "__self__", None)
        if isinstance(task, asyncio.Task) and task._exception is error:
            return  # it is kept there for who awaits the task, and told if nobody does
        node = handle._context.get(current_node)
        self._on_exception({"message": "a callback raised", "exception": error, "node": node})

    def _busy(self) -> tuple[str, ...]:
        """The nodes whose callbacks are ready now."""
        nodes = (handle._context.get(current_node) for handle in self._ready)
        return tuple(sorted({node.node_id for node in nodes if node is not None}))

    def run_to_end(self, future: Any, limit: int = sys.maxsize) -> Any:
        """Run a task to its end; what is due until then happens as well.

        ``asyncio.InvalidStateError``: nothing is left that could end it, or ``limit`` events and callbacks did not.
        """
        scheduler = self.scheduler
        while limit > 0:
            limit -= 1 + self._last_rounds()
            self._stages += 1
            if future.done():
                return future.result()
            if scheduler.heap:
                event = heappop(scheduler.heap)
                if event[2].__class__ is not Timer or not event[2].cancelled():
                    scheduler.now = max(event[0], scheduler.now)
                self.step.casts = 0
                event[2].happen(event)
            elif not self._ready:
                break
        raise asyncio.InvalidStateError("nothing is left that could end this")

    def __enter__(self) -> SimLoop:
        """Become the running loop of this thread, even inside another loop's callback (a notebook's cell)."""
        self._outer = _events._get_running_loop()
        self._outer_task = None
        if self._outer is not None:
            self._outer_task = asyncio.current_task(self._outer)
            if self._outer_task is not None:
                asyncio.tasks._leave_task(self._outer, self._outer_task)
        _events._set_running_loop(self)
        self._old_hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=self._generator_began, finalizer=self._generator_dropped)
        collector.pause()
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            self._close()
        finally:
            collector.resume()
            sys.set_asyncgen_hooks(*self._old_hooks)
            _events._set_running_loop(self._outer)
            if self._outer is not None and self._outer_task is not None:
                asyncio.tasks._enter_task(self._outer, self._outer_task)

    def _close(self) -> None:
        """Cancel what is left, let it end, shut generators down; nothing of the run stays behind."""
        try:
            with contextlib.suppress(StepTimeout):  # whoever watches the run tells of it
                self._end_tasks()
                closing = [(reference(), context) for reference, context in list(self._generators.values())]
                self._finish([self.create_task(each.aclose(), context=c) for each, c in closing if each is not None])
        finally:
            self._closed = True
            for task in self.tasks():
                if not task.done():
                    task._log_destroy_pending = False  # type: ignore[attr-defined]
                    self._stages += 1
                    with contextlib.suppress(StepTimeout):
                        self._end_by_force(task)
                    asyncio.tasks._unregister_task(task)
                elif task.cancelled():  # now, and not whenever garbage is collected, goes what it would have awaited
                    error = task._make_cancelled_error()  # type: ignore[attr-defined]
                    _context_of(task).run(traceback.clear_frames, error.__traceback__)
            for held in (self._pending, self._ready, self.scheduler.heap):
                finalizing(self.nobody, held.clear)

    def _end_tasks(self) -> None:
        for _ in range(10):
            left = [task for task in self.tasks() if not task.done()]
            if not left:
                break
            for task in left:
                task.cancel()
            self._finish(left)

    def _finish(self, tasks: list[SimTask]) -> None:
        """Let tasks end, which may take them a while; an exception is told, as nobody else will look at it."""
        if not tasks:
            return
        with contextlib.suppress(asyncio.InvalidStateError):
            self.run_to_end(asyncio.gather(*tasks, return_exceptions=True), 10_000 + 100 * len(tasks))
        for task in tasks:
            error = None if not task.done() or task.cancelled() else task.exception()
            if error is not None:
                self._on_exception({"message": "a task raised", "exception": error, "task": task, "node": task.node})

    def _end_by_force(self, task: SimTask) -> None:
        """Close a coroutine that refused to end when it was cancelled."""
        try:
            _context_of(task).run(task.get_coro().close)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - as in _drain, but for its refusing once more
            if not isinstance(error, RuntimeError):
                self._on_exception({"message": "a task raised", "exception": error, "task": task, "node": task.node})

    def tasks(self) -> list[SimTask]:
        """All tasks that exist, in the order of their creation."""
        return [task for _, task in sorted(self._tasks.items())]

    def _generator_began(self, generator: AsyncGenerator[Any, Any]) -> None:
        number = self.next_number()
        context, address = contextvars.copy_context(), id(generator)

        def forget(_: object) -> None:  # which Python does before it tells that it was dropped
            self._generators.pop(number, None)
            if not self._collecting:  # then it is told at once, or never
                self._dropped.clear()
            self._dropped[address] = context

        self._dropped.pop(address, None)
        self._generators[number] = (weakref.ref(generator, forget), context)

    def _generator_dropped(self, generator: AsyncGenerator[Any, Any]) -> None:
        context = self._dropped.pop(id(generator), None)
        if not self._closed:
            self.call_soon(self.create_task, generator.aclose(), context=context)

    # -------------------------------------------------- what asyncio asks of a loop

    def time(self) -> float:
        return self._now() / 1e9

    def _now(self) -> int:
        """What the clock shows of whose step it is, in nanoseconds: timers count from there."""
        machine = current_machine.get()
        return self.scheduler.now if machine is None else machine.shown()

    def call_soon(self, callback: Any, *args: Any, context: contextvars.Context | None = None) -> Any:  # type: ignore[override]
        handle = Handle(callback, args, contextvars.copy_context() if context is None else context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: contextvars.Context | None = None) -> Any:  # type: ignore[override]
        return self.call_soon(callback, *args, context=context)

    def call_later(self, delay: float, callback: Any, *args: Any, context: contextvars.Context | None = None) -> Any:  # type: ignore[override]
        if delay >= _END_OF_TIME:
            return self._never(callback, args, context)
        nanoseconds = 0 if delay <= -_END_OF_TIME else max(0, math.ceil(delay * 1e9))
        machine = current_machine.get()
        at = self._now() + nanoseconds
        return self._timer(at if machine is None else machine.over(at, delay), callback, args, context)

    def call_at(self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None) -> Any:  # type: ignore[override]
        if when >= _END_OF_TIME:
            return self._never(callback, args, context)
        now = self._now()
        at = 0 if when <= -_END_OF_TIME else math.ceil(when * 1e9)
        if at <= now and when > now / 1e9:
            at = now + 1  # less than the clock can tell, yet later than now
        machine = current_machine.get()
        if machine is not None:
            at = machine.over(at, when - now / 1e9 + math.ulp(when))  # as much as a sum has lost
        return self._timer(max(at, self.scheduler.now), callback, args, context)

    def _never(self, callback: Any, args: tuple[Any, ...], context: contextvars.Context | None) -> Timer:
        """A timer for the end of time: nothing is armed, so a run that waits for it alone is over."""
        return Timer(callback, args, contextvars.copy_context() if context is None else context, self, math.inf)

    def _timer(self, at: int, callback: Any, args: tuple[Any, ...], context: contextvars.Context | None) -> Timer:
        timer = Timer(callback, args, contextvars.copy_context() if context is None else context, self, at / 1e9)
        scheduler = self.scheduler
        if at <= scheduler.now:
            self.timer_fired(timer)  # not behind those that are ready: they might go on for ever
        else:
            heappush(scheduler.heap, (at, scheduler.number(), timer))
        return timer

    def silence(self, node: NodeScope) -> None:
        """Cancel the timers of a node."""
        for event in self.scheduler.heap:
            timer = event[2]
            if timer.__class__ is Timer and timer._context.get(current_node) is node:
                timer._callback = None
                self.timers_cancelled += 1
            elif timer.__class__ is Ties:
                timer.silence(node)

    def timer_fired(self, timer: Timer) -> None:
        if self.on_timer is not None:
            self.on_timer(timer._context.get(current_node))
        self._ready.append(timer)

    def timer_cancelled(self) -> None:
        """Sweep cancelled timers out of the heap once they are the most of it."""
        self.timers_cancelled += 1
        heap = self.scheduler.heap
        if self.timers_cancelled > 1000 and self.timers_cancelled * 2 > len(heap):
            heap[:] = [e for e in heap if e[2].__class__ is not Timer or e[2]._callback is not None]
            heapify(heap)
            self.timers_cancelled = 0

    def create_future(self) -> Any:
        return SimFuture(loop=self)

    def create_task(  # type: ignore[override]
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
        **rest: Any,
    ) -> Any:
        if not rest.get("eager_start"):
            task = self._make_task(coro, name, context)
            task.add_done_callback(self._task_ended)
            self._pending.add(task)
            return task
        task = SimTask.__new__(SimTask)
        made = self.adopt(task, context)
        try:
            task.__init__(coro, loop=self, name=name or made, context=context, **rest)  # type: ignore[misc]
        except BaseException:
            self.disown(task)
            raise
        self.begun(task)
        return task

    def _task_ended(self, task: SimTask) -> None:
        self._pending.discard(task)
        if task._exception is not None:
            task.failed_at = self.scheduler.now / 1e9

    def _make_task(self, coro: Any, name: str | None, context: contextvars.Context | None) -> SimTask:
        self._made += 1
        task = SimTask(coro, loop=self, name=name or f"Task-{self._made}", context=context)
        task.node = current_node.get() if context is None else context.get(current_node)
        self._tasks[self._made] = task
        return task

    def adopt(self, task: Any, context: contextvars.Context | None) -> str:
        """Know a task that is about to be made, perhaps not by this loop, and to take its first step; its name."""
        self._made += 1
        task.node = current_node.get() if context is None else context.get(current_node)
        task.failed_at = None
        self._tasks[self._made] = task
        return f"Task-{self._made}"

    def disown(self, task: Any) -> None:
        """It was not made after all."""
        for number in [number for number, each in self._tasks.items() if each is task]:
            del self._tasks[number]

    def begun(self, task: Any) -> None:
        """A task that was adopted is made."""
        if task.done():
            self._task_ended(task)
        else:
            task.add_done_callback(self._task_ended)
            self._pending.add(task)

    def begin_task(self, coro: Any, name: str, context: contextvars.Context, number: int | None) -> Any:
        """A task that hashes to ``number`` if that is given, and has taken its first step already."""
        if number is None:
            task = self._make_task(coro, name, context)
        else:
            task = SimTask.__new__(SimTask)
            task._number = number
            task.__init__(coro, loop=self, name=name, context=context)  # type: ignore[misc]
            task.node = context.get(current_node)
            self._made += 1
            self._tasks[self._made] = task
        step = self._ready.pop()
        step._context.run(step._callback)  # type: ignore[arg-type]
        return task

    def is_running(self) -> bool:
        return not self._closed

    def is_closed(self) -> bool:
        return self._closed

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        task = context.get("task") or context.get("future")
        if "node" not in context:
            context["node"] = getattr(task, "node", None) or current_node.get()
        self._on_exception(context)


def _context_of(task: SimTask) -> contextvars.Context:
    """One like that in which its code runs."""
    context = getattr(task.node, "context", None)
    return contextvars.copy_context() if context is None else context.copy()
