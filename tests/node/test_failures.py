"""What happens when a handler raises: who hears of it, what goes on, how the run ends."""

from __future__ import annotations

import asyncio
import sys

import pytest

import distbench
from distbench import (
    Algorithm,
    End,
    MessageError,
    Outcome,
    PeerId,
    RemoteError,
    handler,
    message,
)

TWO: dict[str, dict[str, object]] = {"n1": {}, "n2": {}}
N1, N2 = PeerId("n1"), PeerId("n2")


def failures(result: distbench.RunResult) -> list[tuple[str, str, str]]:
    return [(each.node, each.handler, each.exception) for each in result.failures]


@pytest.mark.parametrize("waits", [False, True])
def test_a_call_to_a_handler_that_raises_is_a_remote_error(waits: bool) -> None:
    seen: list[object] = []

    @distbench.distbench
    class Raises(Algorithm):
        answered: int = 0

        async def on_start(self) -> None:
            if self.id() == N1:
                try:
                    await self.peers[N2].bad(7)
                except RemoteError as error:
                    seen.append((error.node, error.handler, error.exception, str(error)))
                seen.append(await self.peers[N2].good(1))
            await self.terminate()

        @handler
        async def bad(self, src: PeerId, number: int) -> int:
            if waits:
                await asyncio.sleep(1)
            raise ValueError(f"not {number}")

        @handler
        async def good(self, src: PeerId, number: int) -> str:
            return "still here"

    result = distbench.run(Raises, TWO)
    assert seen == [("n2", "bad", "ValueError: not 7", "bad at n2 raised ValueError: not 7"), "still here"]
    assert (result.ended, result.exit_status) == (Outcome.COMPLETED, 1)
    assert {node: each.end for node, each in result.nodes.items()} == {"n1": End.TERMINATED, "n2": End.FAILED}
    (failure,) = result.failures
    assert (failure.node, failure.handler, failure.exception) == ("n2", "bad", "ValueError: not 7")
    assert failure.message == "7 from n1"
    assert failure.at == pytest.approx(1.0 if waits else 0.0, abs=0.02)
    assert 'raise ValueError(f"not {number}")' in failure.traceback
    assert "distbench/node" not in failure.traceback
    assert "test_failures.py" in failure.traceback


@pytest.mark.parametrize("waits", [False, True])
def test_a_cast_whose_handler_raises_does_not_trouble_its_sender(waits: bool) -> None:
    @distbench.distbench
    class Raises(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                await self.peers[N2].bad(1)
                await asyncio.sleep(5)
            await self.terminate()

        @handler
        async def bad(self, src: PeerId, number: int) -> None:
            if waits:
                await asyncio.sleep(0)
            raise ValueError("cast")

    result = distbench.run(Raises, TWO)
    assert failures(result) == [("n2", "bad", "ValueError: cast")]
    assert result.ended is Outcome.COMPLETED


def test_the_failure_names_the_message_of_a_message_class() -> None:
    @message
    class Vote:
        value: bool

    @distbench.distbench
    class Raises(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                await self.peers[N2].vote(Vote(True))

        @handler
        async def vote(self, src: PeerId, vote: Vote) -> None:
            raise KeyError("who")

    (failure,) = distbench.run(Raises, TWO).failures
    assert failure.message.endswith("Vote(value=True) from n1")
    assert failure.exception == "KeyError: 'who'"


def test_a_chain_of_causes_is_shown_without_the_frameworks_frames() -> None:
    @distbench.distbench
    class Raises(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                try:
                    await self.peers[N2].bad(1)
                except RemoteError as error:
                    raise LookupError("outer") from error

        @handler
        async def bad(self, src: PeerId, number: int) -> int:
            raise ValueError("inner")

    result = distbench.run(Raises, TWO)
    shown = next(each.traceback for each in result.failures if each.node == N1)
    assert "RemoteError: bad at n2 raised ValueError: inner" in shown
    assert "direct cause" in shown
    assert shown.rstrip().endswith("LookupError: outer")
    assert "distbench/node" not in shown
    assert "asyncio" not in shown


def test_the_traceback_of_a_failing_task_group_shows_its_children() -> None:
    @distbench.distbench
    class Groups(Algorithm):
        async def on_start(self) -> None:
            await self.peers[N2 if self.id() == N1 else N1].work(1)

        @handler
        async def work(self, src: PeerId, number: int) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.fails())

        async def fails(self) -> None:
            raise ValueError("child")

    (failure, _) = distbench.run(Groups, TWO).failures
    assert "ValueError: child" in failure.traceback
    assert failure.exception.startswith("ExceptionGroup")


def test_an_exception_inside_a_group_shows_no_frame_of_the_framework() -> None:
    @distbench.distbench
    class Groups(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self.peers[N2].work(1))  # type: ignore[arg-type]

        @handler
        async def work(self, src: PeerId, number: int) -> int:
            raise ValueError("remote")

    failure = next(each for each in distbench.run(Groups, TWO).failures if each.node == N1)
    assert "RemoteError: work at n2 raised ValueError: remote" in failure.traceback
    assert "peer.py" not in failure.traceback


@pytest.mark.parametrize("exception", ["StopIteration", "SystemExit", "AssertionError"])
@pytest.mark.parametrize("waits", [False, True])
def test_no_exception_of_a_handler_ends_the_run(exception: str, waits: bool) -> None:
    @distbench.distbench
    class Raises(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                with pytest.raises(RemoteError):
                    await self.peers[N2].bad(1)
            await self.terminate()

        @handler
        async def bad(self, src: PeerId, number: int) -> int:
            if waits:
                await asyncio.sleep(1)
            if exception == "SystemExit":
                sys.exit(0)
            raise StopIteration if exception == "StopIteration" else AssertionError

    result = distbench.run(Raises, TWO)
    assert (result.ended, result.exit_status, len(result.failures)) == (Outcome.COMPLETED, 1, 1)


def test_an_exception_that_cannot_be_shown_is_told_all_the_same() -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    class Value:
        def __repr__(self) -> str:
            raise RuntimeError("no text")

    @message
    class Box:
        value: int

        def __repr__(self) -> str:
            raise RuntimeError("no text")

    @distbench.distbench
    class Raises(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                await self.peers[N2].bad(Box(1))

        @handler
        async def bad(self, src: PeerId, box: Box) -> None:
            raise Odd

    (failure,) = distbench.run(Raises, TWO).failures
    assert failure.handler == "bad"


def test_a_cancelled_handler_is_no_failure_but_its_caller_hears_of_it() -> None:
    seen: list[str] = []

    @distbench.distbench
    class Cancelled(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                for other in (False, True):
                    try:
                        await self.peers[N2].work(other)
                    except RemoteError as error:
                        seen.append(error.exception)
            await self.terminate()

        @handler
        async def work(self, src: PeerId, other: bool) -> int:
            task = asyncio.create_task(asyncio.sleep(5)) if other else asyncio.current_task()
            assert task is not None
            asyncio.get_running_loop().call_later(1, task.cancel)
            await (task if other else asyncio.sleep(5))
            return 1

    result = distbench.run(Cancelled, TWO)
    assert seen == ["CancelledError", "CancelledError"]
    assert (result.outcome, result.exit_status) == (Outcome.COMPLETED, 0)


def test_a_reply_that_does_not_fit_fails_the_node_that_gave_it() -> None:
    seen: list[str] = []

    @distbench.distbench
    class Misfits(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                try:
                    await self.peers[N2].ask(1)
                except RemoteError as error:
                    seen.append(error.exception)
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, number: int) -> int:
            return "text"  # type: ignore[return-value]

    result = distbench.run(Misfits, TWO)
    assert (result.ended, result.exit_status) == (Outcome.COMPLETED, 1)
    (failure,) = result.failures
    assert (failure.node, failure.handler) == ("n2", "ask")
    assert failure.exception == f"MessageError: {seen[0].removeprefix('MessageError: ')}"
    for word in ("ask", "returns", "int", "str"):
        assert word in seen[0]


def test_a_message_that_does_not_fit_is_refused_at_its_sender() -> None:
    seen: list[str] = []

    @distbench.distbench
    class Misfits(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                for method in (self.peers[N2].tell, self.peers[N2].ask):
                    with pytest.raises(MessageError, match=r"takes int.*str"):
                        await method("text")
            await self.terminate()

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            seen.append("arrived")

        @handler
        async def ask(self, src: PeerId, number: int) -> int:
            seen.append("arrived")
            return 1

    result = distbench.run(Misfits, TWO)
    assert (seen, result.exit_status, result.deliveries) == ([], 0, 0)
