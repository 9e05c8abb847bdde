"""Write a distributed algorithm as one class; simulate it, run it over TCP, break it, look at it, measure it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from distbench import logs as _logs

if TYPE_CHECKING:
    from distbench.algorithm import Algorithm
    from distbench.community import Community, PeerId
    from distbench.config.model import RunConfig
    from distbench.decorators import child_algorithm, config_field, distbench, handler
    from distbench.errors import (
        CallError,
        ConfigError,
        DefinitionError,
        DistbenchError,
        HandlerError,
        MessageError,
        NondeterminismError,
        PeerDown,
        RemoteError,
        RunFailed,
        SignatureError,
        StartupError,
    )
    from distbench.messages import message
    from distbench.peer import Peer
    from distbench.running.api import run
    from distbench.running.result import End, Outcome, RunResult
    from distbench.running.seeds import SeedsResult
    from distbench.signing import Signed

__all__ = [
    "Algorithm",
    "CallError",
    "Community",
    "ConfigError",
    "DefinitionError",
    "DistbenchError",
    "End",
    "HandlerError",
    "MessageError",
    "NondeterminismError",
    "Outcome",
    "Peer",
    "PeerDown",
    "PeerId",
    "RemoteError",
    "RunConfig",
    "RunFailed",
    "RunResult",
    "SeedsResult",
    "SignatureError",
    "Signed",
    "StartupError",
    "child_algorithm",
    "config_field",
    "distbench",
    "handler",
    "message",
    "run",
]

_HOMES: Final = {
    "algorithm": "Algorithm",
    "community": "Community PeerId",
    "config.model": "RunConfig",
    "decorators": "child_algorithm config_field distbench handler",
    "errors": "CallError ConfigError DefinitionError DistbenchError HandlerError MessageError NondeterminismError "
    "PeerDown RemoteError RunFailed SignatureError StartupError",
    "messages": "message",
    "peer": "Peer",
    "running.api": "run",
    "running.result": "End Outcome RunResult",
    "running.seeds": "SeedsResult",
    "signing": "Signed",
}
_HOME: Final = {name: module for module, names in _HOMES.items() for name in names.split()}

_logs.add_trace_level()


def __getattr__(name: str) -> Any:
    """Public names load when they are first used, so that the command line starts fast."""
    if name not in _HOME:
        raise AttributeError(f"module 'distbench' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"distbench.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
