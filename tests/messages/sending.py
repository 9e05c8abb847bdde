"""One message sent from one node to another, in a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import distbench
from distbench import Algorithm, PeerId, RunResult, handler
from distbench.formats import Format

PAIR: dict[str, dict[str, object]] = {"n1": {}, "n2": {}}


@dataclass
class Sending:
    """What came of it."""

    result: RunResult
    received: list[Any] = field(default_factory=list)
    replies: list[Any] = field(default_factory=list)
    error: Exception | None = None


def send(
    annotation: Any, make: Callable[[Algorithm], object], *, format: Format = "json", returns: Any = None
) -> Sending:
    """``make(algorithm)`` at n1, sent to a handler ``take`` of n2 that is annotated so and sends it back.

    ``returns`` is the annotation of what the handler returns: with None it is a cast.
    """
    received: list[Any] = []
    replies: list[Any] = []
    errors: list[Exception] = []

    async def take(self: Algorithm, src: PeerId, msg: Any) -> Any:
        received.append(msg)
        return msg

    take.__annotations__ = {"src": PeerId, "msg": annotation, "return": returns}

    class Sender(Algorithm):
        async def on_start(self) -> None:
            if self.id() == "n1":
                try:
                    replies.append(await self.peers[PeerId("n2")].take(make(self)))
                except Exception as error:
                    errors.append(error)

    Sender.take = handler(take)  # type: ignore[attr-defined]
    result = distbench.run(distbench.distbench(Sender), PAIR, format=format)
    return Sending(result, received, replies, errors[0] if errors else None)
