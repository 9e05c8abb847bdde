"""Programs that run inside a simulated node, at each place where an algorithm's code can stand."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import distbench
from distbench import Algorithm, PeerId, RunResult, handler
from tests.node.instant import Notes, Program, noted

PLACES: Final = (
    "on_start",
    "on_start, after a wait",
    "handler",
    "handler, after a wait",
    "handler that replies",
    "background task",
)


def run_inside(place: str, program: Program) -> tuple[Notes, RunResult]:
    """What a program notes at ``place`` of node n1, and the run's result; n1 terminates when the program has ended."""
    notes = Notes()

    @distbench.distbench
    class Inside(Algorithm):
        async def on_start(self) -> None:
            if self.id() == "n2":
                if place == "handler that replies":
                    await self.peers[PeerId("n1")].ask(1)
                elif place.startswith("handler"):
                    await self.peers[PeerId("n1")].tell(1)
                await self.terminate()
                return
            if place == "on_start, after a wait":
                await asyncio.sleep(0.001)
            if place.startswith("on_start"):
                await self.play()
            elif place == "background task":
                self.task = asyncio.create_task(self.play())

        def play(self) -> Coroutine[Any, Any, None]:
            async def played() -> None:
                await noted(program, notes)
                await self.terminate()

            return played()

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            if place == "handler, after a wait":
                await asyncio.sleep(0.001)
            await self.play()

        @handler
        async def ask(self, src: PeerId, number: int) -> int:
            await self.play()
            return number

    return notes, distbench.run(Inside, {"n1": {}, "n2": {}})
