"""Code that runs in the steps of a simulated node, for tests of what it sees there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import distbench
from distbench import Algorithm

ONE: dict[str, dict[str, object]] = {"n1": {}}
TWO: dict[str, dict[str, object]] = {"n1": {}, "n2": {}}


def run_at_a_node(step: Callable[[], Any], nodes: dict[str, dict[str, object]] = ONE) -> list[Any]:
    """What ``step`` gives in ``__init__`` and in a handler's first and second segment, of every node."""
    seen: list[Any] = []

    @distbench.distbench
    class Steps(Algorithm):
        def __init__(self) -> None:
            super().__init__()
            seen.append(step())

        async def on_start(self) -> None:
            seen.append(step())
            await asyncio.sleep(1)
            seen.append(step())
            await self.terminate()

        async def on_exit(self) -> None:
            seen.append(step())

    result = distbench.run(Steps, nodes)
    assert result.failures == ()
    return seen
