"""Every exception distbench raises on purpose.

DistbenchError
├── DefinitionError        the algorithm's class or messages are wrong (exit status 2)
├── ConfigError            the config or an option is wrong: file, line, key, nearest name (exit status 2)
├── MessageError           a value does not fit its handler's annotation (also a TypeError)
├── CallError              a call ended without a reply
│   ├── RemoteError        the handler at the other node raised
│   ├── PeerDown           the failure notice says that the other node is gone
│   └── SignatureError     the reply carries a signature that does not verify, or another node's
├── WireError              a peer's bytes are wrong: counted and dropped, never raised into a handler
├── StartupError           a node did not come up (exit status 1)
├── RunFailed              a run that was to go well did not: ``raise_if_failed`` (also an AssertionError)
├── HandlerError           a node failed: node, handler and message, the original as ``__cause__``
├── NondeterminismError    a step did what a simulation cannot repeat (a thread, a socket, ``time.sleep``)
└── InternalError          a mistake of distbench itself
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class DistbenchError(Exception):
    """Root of all errors of distbench."""


class DefinitionError(DistbenchError):
    """The algorithm's class or one of its messages cannot work; raised before anything runs."""


class ConfigError(DistbenchError):
    """A config or an option cannot be used; the text names file, line, value and the nearest right name."""


class MessageError(DistbenchError, TypeError):
    """A value does not fit what its handler is annotated with."""


class CallError(DistbenchError):
    """A call ended without a reply."""


class RemoteError(CallError):
    """The handler at the other node raised.

    ``node``, ``handler`` and ``exception`` (type and text, as the other node printed them) say what happened.
    """

    def __init__(self, node: str, handler: str, exception: str) -> None:
        super().__init__(f"{handler} at {node} raised {exception}")
        self.node, self.handler, self.exception = node, handler, exception


class PeerDown(CallError):
    """The failure notice says that the other node is gone; the request may or may not have run there."""

    def __init__(self, node: str, reason: str = "is down") -> None:
        super().__init__(f"{node} {reason}")
        self.node, self.reason = node, reason


class SignatureError(CallError):
    """A signature does not verify, or is not of the node asked; a caller sees it for a reply, a handler never does."""


class WireError(DistbenchError):
    """A peer sent bytes that break the protocol."""


class StartupError(DistbenchError):
    """Some node did not come up; the text names each and says why, as far as known."""


class RunFailed(DistbenchError, AssertionError):
    """A run, or one of many, did not end as whoever made it expects; ``result`` is what it left."""

    def __init__(self, text: str, result: Any = None) -> None:
        super().__init__(text, result)
        self.text, self.result = text, result

    def __str__(self) -> str:
        return self.text


class HandlerError(DistbenchError):
    """A handler or hook of a node raised; the original exception is ``__cause__``."""


class NondeterminismError(DistbenchError, RuntimeError):
    """A step of a simulated node did what no seed can repeat."""


class InternalError(DistbenchError):
    """distbench broke its own rules; please report it."""


def nearest(word: str, words: Iterable[str]) -> str:
    """``"; did you mean 'neighbours'?"`` for the closest of ``words``, or nothing."""
    found = difflib.get_close_matches(word, list(words), n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""
