"""What one side of an audit tells the other process: every event as a line, every read, and what the run came to."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from distbench.errors import ConfigError, DefinitionError
from distbench.events import Drawn, Event
from distbench.running.audit.reads import Read, ReadWatch
from distbench.running.audit.ways import Way
from distbench.running.preparing import Plan
from distbench.running.result import Outcome, RunResult
from distbench.simulation.control.generators import GENERATORS_KEY
from distbench.trace.digest import render_line

EVENT: Final = b"E"
"""First byte of a line: an event, in the words of the digest."""
RESULT: Final = b"X"
"""Something that the run came to, as JSON: its name and its value."""
READ: Final = b"R"
BEGIN: Final = b"H"
"""What is known of the process itself."""
END: Final = b"Z"
REFUSED: Final = b"!"
"""The run could not be made at all."""

_SLOWER: Final = 4
"""Watching costs time; a step may take so many times as much CPU time as else."""
_EARLIER: Final = 1_000_000
"""Events of an earlier run, at most."""
_CHUNK: Final = 1 << 16
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]+")


class Recorder:
    """Writes the lines of one side. Whoever reads has gone when it has seen enough: then this process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer = bytearray()
        self._hash = hashlib.sha256()
        self._seen: set[Read] = set()
        self._numpy: Any = None
        self._seeded = 0
        self.events = 0

    def event(self, event: Event) -> None:
        """A sink for a run."""
        line = render_line(event).encode()
        self._hash.update(line)
        self.events += 1
        self._seen.clear()
        self._write(EVENT + line[:-1].replace(b"\n", b"\\n"))
        if type(event) is Drawn and event.key == GENERATORS_KEY:
            self._seeded = event.index
        elif self._numpy is not False and (module := sys.modules.get("numpy.random")) is not None:
            self._look_at_numpy(module)

    def read(self, read: Read) -> None:
        """Something was read; the same one is told once between two events."""
        if read not in self._seen:
            self._seen.add(read)
            self._write(READ + json.dumps(read).encode())

    def tell(self, kind: bytes, value: object) -> None:
        """Another kind of line."""
        self._write(kind + json.dumps(value).encode())

    def hexdigest(self) -> str:
        """The digest of the events."""
        return self._hash.hexdigest()

    def flush(self) -> None:
        """Write what is held back."""
        view = memoryview(bytes(self._buffer))
        self._buffer.clear()
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except BrokenPipeError:
            os._exit(0)

    def _write(self, line: bytes) -> None:
        self._buffer += line + b"\n"
        if len(self._buffer) >= _CHUNK:
            self.flush()

    def _look_at_numpy(self, module: Any) -> None:
        """Whether somebody has drawn from the generator that all nodes share."""
        if self._numpy is None:
            self._numpy = _position(module.RandomState(self._seeded % 2**32))
        if _position(module) != self._numpy:
            self._numpy = False
            self.read(Read("", SHARED, "", True))


def _position(generator: Any) -> tuple[int, bytes]:
    state = generator.get_state(legacy=False)["state"]
    return state["pos"], state["key"].tobytes()


SHARED: Final = "numpy's global generator, which is one for all nodes"


def play(
    make: Callable[[], Plan],
    seed: int,
    ways: frozenset[Way],
    descriptor: int,
) -> None:
    """Play one side, whatever comes of it; ``make`` imports what is to be run."""
    recorder = Recorder(descriptor)
    try:
        plan = make()
        recorder.tell(BEGIN, {"pid": os.getpid(), "time": time.time(), "monotonic": time.monotonic()})
        plan.options = replace(plan.options, digest=False, step_timeout=_SLOWER * plan.options.step_timeout)
        if Way.PAST in ways:
            _play_another(plan, seed + 1)
        with ReadWatch(recorder.read):
            result = plan.run_offline(seed, sink=recorder.event)
        for name, value in _results(result).items():
            recorder.tell(RESULT, [name, value])
        cut = result.ended is Outcome.TIMEOUT and "CPU time" in result.reason
        end = {"events": recorder.events, "digest": recorder.hexdigest(), "cut": cut, "problem": result.problem}
        recorder.tell(END, end)
    except (ConfigError, DefinitionError) as error:
        recorder.tell(REFUSED, ["config", str(error)])
    except BaseException:  # noqa: BLE001 - the other process raises it
        recorder.tell(REFUSED, ["ours", traceback.format_exc()])
    recorder.flush()


def _play_another(plan: Plan, seed: int) -> None:
    """An earlier run of which nothing matters but what it leaves behind."""
    options = plan.options
    plan.options = replace(options, max_events=min(options.max_events, _EARLIER))
    try:
        plan.run_offline(seed)
    finally:
        plan.options = options


def _results(result: RunResult) -> Mapping[str, object]:
    """What a person sees of a run beyond its events; wall time and tracebacks left out."""
    found: dict[str, object] = {
        "outcome": result.outcome.value,
        "virtual time": result.virtual_time,
        "reason": _unaddressed(result.reason),
        "failures": [[one.node, one.handler, one.at, _unaddressed(one.exception)] for one in result.failures],
        "check": _unaddressed(result.check_error or ""),
    }
    for node, report in result.reports.items():
        found |= {f"report {node} {name}": _plain(value) for name, value in report.items()}
    return found


def _unaddressed(text: str) -> str:
    """How an object is shown in an exception's text is nobody's decision."""
    return _ADDRESS.sub("0x…", text)


def _plain(value: object) -> Any:
    """A reported value as JSON can have it; a set in an order that no hash decides."""
    if isinstance(value, Mapping):
        return [[_plain(key), _plain(each)] for key, each in value.items()]
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(each) for each in value), key=repr)
    return value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)
