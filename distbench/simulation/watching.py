"""The limit on the CPU time of one step: a handler that never ends is found out, named and ended."""

from __future__ import annotations

import contextvars
import signal
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from distbench.node.current import current_node
from distbench.node.suspended import busy_at, is_algorithm, is_framework

T = TypeVar("T")

_AGAIN: Final = 0.05
"""Seconds until a step that goes on after it was ended is ended again."""
_LATER_STEPS: Final = 1.0
"""Seconds that a step gets at most once another of the run has used up its time: the run is lost anyway."""
_LOOKS: Final = 4
"""How often a step is looked at, at least, before its time is up."""

_process_time = time.process_time  # bound here, since what a node sees of them is replaced while a run lasts
_sleep = time.sleep
_get_ident = threading.get_ident
_setitimer: Final[Callable[[int, float], object]] = getattr(signal, "setitimer", lambda which, seconds: None)
_clock_gettime: Final[Callable[[int], float]] = getattr(time, "clock_gettime", lambda _: _process_time())
_signal_is_free = hasattr(signal, "setitimer")
_insisting: Final[set[int]] = set()
"""Threads whose user code has caught the end of its step; there, whatever catches it again is ended at once."""


class StepTimeout(KeyboardInterrupt):
    """Ends a step whose time is up. It passes wherever Ctrl-C passes."""

    def __init__(self) -> None:
        super().__init__()
        ident = _get_ident()
        if ident not in _insisting:
            return
        # This runs where the exception is caught (from Python 3.12 on: raised). Where user code does that, the next
        # one waits behind it already, so that no 'except BaseException: pass' in a loop keeps the step alive. Written
        # so that the interpreter does not look for it until this frame is left.
        frame = sys._getframe().f_back
        if frame is not None and frame.f_code.co_filename == __file__ and frame.f_code.co_name == "look":
            frame = frame.f_back  # out of the signal's handler
        if frame is not None and is_algorithm(frame.f_code.co_filename):
            for _ in map(_raise_in(), (ident,), (StepTimeout,)):
                return


def _raise_in() -> Any:
    """Python's own function that raises an exception in another thread."""
    import ctypes  # slow to import, and hardly ever needed

    function = ctypes.pythonapi.PyThreadState_SetAsyncExc
    function.argtypes = (ctypes.c_ulong, ctypes.py_object)
    return function


class Watch:
    """Looks now and then at how long a step takes, and ends it by ``StepTimeout`` once its time is up.

    A run in the main thread is looked at by a signal handler that counts CPU time (SIGPROF): a run of a few
    milliseconds pays nothing, and what is written in C and listens to signals, such as a regular expression, is ended
    as well. In another thread, and where somebody else uses that signal, a thread does it.
    """

    def __init__(self, limit: float, what: str = "a step") -> None:
        """``limit``: seconds of CPU time, 0 for none; ``what`` is ended is told when it was."""
        self.limit = limit
        self._what = what
        self.cut: str | None = None
        """What is to be said of the first step that took too long."""
        self.steps: Callable[[], object] = bool
        """Says something else as soon as another step is under way; may be asked from another thread."""
        self.on_cut: Callable[[], object] = bool
        """Called when the first step is about to be ended; from another thread perhaps."""
        self.on_look: Callable[[], object] = bool
        """Called at every look."""
        self._ident = _get_ident()
        self._clock = _cpu_clock(self._ident)
        self._armed = False
        self._looking = False
        """A thread looks, and may be about to end the step."""
        self._struck = 0
        self._step: object = None
        self._since = 0.0
        self._stop: Callable[[], object] = bool

    def __enter__(self) -> Watch:
        """Begin to look, on this thread's steps."""
        if 0 < self.limit < threading.TIMEOUT_MAX and not is_debugged():
            self._stop = self._look_by_signal() or self._look_by_thread()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop()

    def call(self, function: Callable[..., T], *arguments: Any) -> T | None:
        """What ``function`` returns, whose steps are watched; None where one of them was ended."""
        value = None
        try:
            try:
                self._begin()
                value = function(*arguments)
            finally:
                self._calm()
        except StepTimeout:
            while True:  # one may wait behind another, so nothing that Python looks for them at stands outside of 'try'
                try:
                    self._calm()
                    break
                except StepTimeout:
                    pass
        return value

    def _begin(self) -> None:
        self._step, self._since, self._struck = self.steps(), self._clock(), 0
        self._armed = True

    def _calm(self) -> None:
        """Raise what may be on its way, and let nothing come after it."""
        self._armed = False
        while self._looking:
            _sleep(0)
        _insisting.discard(self._ident)
        if self._struck:
            self._struck = 0
            # It cannot be taken back: Python would look for it for ever. This one takes its place, and comes at once.
            _raise_in()(self._ident, StepTimeout)

    # -------------------------------------------------- looking

    def _look(self, innermost: Callable[[], types.FrameType | None]) -> bool:
        """Whether to end the step that is under way; ``innermost`` gives the frame that the watched thread is in."""
        self.on_look()
        step, spent = self.steps(), self._clock()
        if not self._armed:
            return False
        if step != self._step:
            self._step, self._since, self._struck = step, spent, 0
            _insisting.discard(self._ident)
            return False
        if spent - self._since < (self.limit if self.cut is None else min(self.limit, _LATER_STEPS)):
            return False
        frames = list(_frames(innermost()))
        if any(_is_debugged(one.f_trace) for one in frames):
            self._since = spent
            return False
        if self.cut is None:
            self.cut = self._describe(frames)
            self.on_cut()
        self._struck += 1
        if self._struck > 1:
            _insisting.add(self._ident)
        return True

    def _describe(self, frames: list[types.FrameType]) -> str:
        node = _node_of(frames)
        what = f"{self._what} of {node}" if node else self._what
        return describe_cut(what, self.limit, busy_at((one, one.f_lineno) for one in frames))

    def _pause(self) -> float:
        """Seconds until the next look."""
        limit = self.limit if self.cut is None else min(self.limit, _LATER_STEPS)
        return _AGAIN if self._struck else max(limit / _LOOKS, 0.001)

    def _look_by_signal(self) -> Callable[[], None] | None:
        if not _signal_is_free or threading.current_thread() is not threading.main_thread():
            return None
        if signal.getsignal(signal.SIGPROF) is not signal.SIG_DFL:
            return None

        def look(number: int, frame: types.FrameType | None) -> None:
            # In a context of its own: it is no step of a node, whose clock this would read otherwise.
            strike = contextvars.Context().run(self._look, lambda: frame)
            again()
            if strike and self._struck > 1:
                _raise_in()(self._ident, StepTimeout)  # and not from here, which would be caught as distbench's own
            elif strike:
                raise StepTimeout

        def again() -> None:
            _setitimer(signal.ITIMER_PROF, self._pause())

        def stop() -> None:
            _setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, signal.SIG_IGN)  # takes back one that is on its way
            signal.signal(signal.SIGPROF, signal.SIG_DFL)

        signal.signal(signal.SIGPROF, look)
        again()
        return stop

    def _look_by_thread(self) -> Callable[[], None]:
        over = threading.Event()

        def look() -> None:
            while not over.wait(self._pause()):
                self._looking = True
                if self._look(lambda: sys._current_frames().get(self._ident)):
                    _raise_in()(self._ident, StepTimeout)
                self._looking = False

        thread = threading.Thread(target=look, name="distbench-watch", daemon=True)
        thread.start()

        def stop() -> None:
            over.set()
            thread.join()

        return stop


def describe_cut(what: str, limit: float, place: str) -> str:
    """Why a run ended, and that it may end otherwise elsewhere."""
    at = f", at {place}" if place else ""
    hint = "how far a step comes in that time depends on the machine"
    return f"{what} took more than {limit:g} s of CPU time (--step-timeout){at}; {hint}"


def is_debugged() -> bool:
    """Whether this thread runs under a debugger, where a step takes as long as its reader."""
    return _is_debugged(sys.gettrace())


def _cpu_clock(ident: int) -> Callable[[], float]:
    """The CPU time of a thread, read from any; of the whole process where the system does not tell."""
    if hasattr(time, "pthread_getcpuclockid"):
        number = time.pthread_getcpuclockid(ident)
        return lambda: _clock_gettime(number)
    return _process_time


def _frames(frame: types.FrameType | None) -> Iterator[types.FrameType]:
    """Outermost first, those of the watch itself left out."""
    found = []
    while frame is not None:
        if frame.f_code.co_filename != __file__:
            found.append(frame)
        frame = frame.f_back
    return reversed(found)


def _is_debugged(tracer: object) -> bool:
    """Whether a tracer is there, or a debugger that needs none; what only measures coverage is no debugger."""
    monitoring = getattr(sys, "monitoring", None)
    if monitoring is not None and monitoring.get_tool(monitoring.DEBUGGER_ID) is not None:
        return True
    module = str(getattr(tracer, "__module__", "") or type(tracer).__module__)
    return tracer is not None and module.partition(".")[0] != "coverage"


def _node_of(frames: list[types.FrameType]) -> str:
    """The node whose step it is, from the variables of distbench's own frames."""
    found = ""
    for frame in frames:
        if is_framework(frame.f_code.co_filename):
            own, handle = frame.f_locals.get("self"), frame.f_locals.get("handle")
            context = getattr(handle, "_context", None)
            node = context.get(current_node) if isinstance(context, contextvars.Context) else own
            found = str(getattr(node, "node_id", "")) or found
    return found
