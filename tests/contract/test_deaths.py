"""What a result says of a node that died, in every mode: when, and what was under way."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from distbench import Algorithm, End, PeerDown, PeerId, RunResult, config_field, distbench, handler
from tests.contract.play import nodes

Run = Callable[..., RunResult]
N1, N2, N3 = (PeerId(f"n{number}") for number in (1, 2, 3))


@distbench
class Dies(Algorithm):
    """n1 sends much, and dies when all of it has been heard; then the others have much to say to each other."""

    way: str = config_field(default="raise")

    def __init__(self) -> None:
        super().__init__()
        self.heard = 0

    async def on_start(self) -> None:
        if self.id() == N2:
            try:
                await self.peers[N1].wait(None)
            except PeerDown:
                for number in range(50):
                    assert await self.peers[N3].ask(number) == number + 1
                await self.peers[N3].finish(None)
                await self.terminate()
        if self.id() == N1:
            for peer in self.peers.values():
                for number in range(100):
                    await peer.hear(number)
                assert await peer.count(None) == 100
            await self.peers[N2].go(None)
            self.die()

    def die(self) -> None:
        if self.way == "raise":
            raise ValueError("no more")
        if self.way == "exit":
            os._exit(3)
        os.kill(os.getpid(), signal.SIGKILL)

    @handler
    async def hear(self, src: PeerId, msg: int) -> None:
        self.heard += 1

    @handler
    async def go(self, src: PeerId, msg: None) -> None:
        """Nobody takes these any more, whether that is known yet or not."""
        for number in range(100):
            await self.peers[src].hear(number)

    @handler
    async def count(self, src: PeerId, msg: None) -> int:
        return self.heard

    @handler
    async def ask(self, src: PeerId, msg: int) -> int:
        return msg + 1

    @handler
    async def wait(self, src: PeerId, msg: None) -> int:
        await asyncio.Event().wait()
        return 0

    @handler
    async def finish(self, src: PeerId, msg: None) -> None:
        await self.terminate()


def judge(result: RunResult) -> None:
    assert (result.outcome, result.exit_status) == ("completed", 1)
    assert [node.end for node in result.nodes.values()] == [End.CRASHED, End.TERMINATED, End.TERMINATED]
    assert result.in_transit == 0
    (failure,) = result.failures
    # On the clock that says when the run ended, there is much between the two.
    assert 0 < failure.at <= result.nodes[N1].elapsed_time < result.virtual_time


def test_what_a_node_said_before_its_on_start_raised_is_not_under_way(run: Run) -> None:
    judge(run(Dies, nodes(3)))


@pytest.mark.real_modes
@pytest.mark.parametrize("way", ["exit", "kill"])
def test_nor_what_a_process_said_that_died(run: Run, way: str) -> None:
    judge(run(Dies, nodes(3, way=way)))


def test_a_background_task_failed_when_it_failed(run: Run) -> None:
    @distbench
    class Fails(Algorithm):
        async def on_start(self) -> None:
            async def fail() -> Any:
                raise ValueError("nobody looks")

            self.kept = asyncio.create_task(fail())
            await asyncio.sleep(1)
            await self.terminate()

    result = run(Fails, nodes(1))
    (failure,) = result.failures
    assert failure.exception == "ValueError: nobody looks"
    assert failure.at < result.virtual_time - 0.5
