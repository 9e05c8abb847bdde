"""The digest of a run: SHA-256 over one canonical line per event.

Two runs with the same digest sent, delivered, dropped, armed and drew the same in the same order. Wall time, paths and
tracebacks are left out.
"""

from __future__ import annotations

import hashlib
from typing import assert_never

from distbench.events import Delivered, Drawn, Dropped, Event, Sent, Terminated, TimerFired


class DigestSink:
    """A sink that keeps nothing but the hash of all it has heard."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def __call__(self, event: Event) -> None:
        self._hash.update(render_line(event).encode())

    def hexdigest(self) -> str:
        """The digest of all events so far."""
        return self._hash.hexdigest()


def render_line(event: Event) -> str:
    """One event as a canonical line."""
    match event:
        case Sent(at, src, dst, number, handler, call, payload):
            return f"send {at} {src} {dst} {number} {handler} {call} {payload.hex()}\n"
        case Delivered(at, src, dst, handler, call, payload):
            return f"deliver {at} {src} {dst} {handler} {call} {payload.hex()}\n"
        case Dropped(at, src, dst, reason):
            return f"drop {at} {src} {dst} {reason}\n"
        case TimerFired(at, node):
            return f"timer {at} {node or '-'}\n"
        case Terminated(at, node, path):
            return f"terminate {at} {node} {path or '-'}\n"
        case Drawn(key, options, index):
            return f"draw {' '.join(map(str, key))} {options} {index}\n"
        case _:
            assert_never(event)
