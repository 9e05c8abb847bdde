"""``on_exit`` and ``report``, and what becomes of all that still waits when the run is over."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging

import pytest

import distbench
from distbench import (
    Algorithm,
    Outcome,
    PeerDown,
    PeerId,
    handler,
)

ONE: dict[str, dict[str, object]] = {"n1": {}}
TWO: dict[str, dict[str, object]] = {"n1": {}, "n2": {}}
N1, N2 = PeerId("n1"), PeerId("n2")


def failures(result: distbench.RunResult) -> list[tuple[str, str, str]]:
    return [(each.node, each.handler, each.exception) for each in result.failures]


def test_on_exit_and_report_run_once_the_parent_first() -> None:
    seen: list[str] = []

    @distbench.distbench
    class Child(Algorithm):
        async def on_exit(self) -> None:
            seen.append(f"{self.id()} child on_exit")

        async def report(self) -> dict[str, object]:
            seen.append(f"{self.id()} child report")
            return {"inner": 1}

    @distbench.distbench
    class Parent(Algorithm):
        child: Child = distbench.child_algorithm(Child)

        async def on_start(self) -> None:
            await self.terminate()
            await self.terminate()

        async def on_exit(self) -> None:
            seen.append(f"{self.id()} on_exit")
            await asyncio.sleep(1)

        async def report(self) -> dict[str, object]:
            seen.append(f"{self.id()} report")
            return {"outer": 2}

    result = distbench.run(Parent, TWO)
    assert result.reports == {node: {"outer": 2, "child": {"inner": 1}} for node in ("n1", "n2")}
    for node in ("n1", "n2"):
        steps = [f"{node} on_exit", f"{node} child on_exit", f"{node} report", f"{node} child report"]
        assert [each for each in seen if each.startswith(node)] == steps
    assert result.virtual_time == 0.0


@pytest.mark.parametrize("hook", ["on_exit", "report"])
@pytest.mark.parametrize("exception", [ValueError, SystemExit])
def test_an_exception_in_on_exit_or_report_fails_the_node(hook: str, exception: type[BaseException]) -> None:
    @distbench.distbench
    class Fails(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        async def on_exit(self) -> None:
            if hook == "on_exit" and self.id() == N1:
                raise exception("late")

        async def report(self) -> dict[str, object]:
            if hook == "report" and self.id() == N1:
                raise exception("late")
            return {"here": True}

    result = distbench.run(Fails, TWO)
    assert failures(result) == [("n1", hook, f"{exception.__name__}: late")]
    assert (result.ended, result.exit_status) == (Outcome.COMPLETED, 1)
    assert result.reports[N2] == {"here": True}
    assert result.reports[N1] == ({"here": True} if hook == "on_exit" else {})


def test_a_report_that_is_no_dictionary_fails_the_node() -> None:
    @distbench.distbench
    class Lists(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        async def report(self) -> dict[str, object]:
            return [1]  # type: ignore[return-value]

    (failure,) = distbench.run(Lists, ONE).failures
    assert (failure.handler, failure.exception) == ("report", "TypeError: report() returns a dictionary, not list")


def test_the_keys_of_a_report_may_be_anything() -> None:
    class Key:
        def __str__(self) -> str:
            return "a key"

    @distbench.distbench
    class Counts(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        async def report(self) -> dict[str, object]:
            votes: dict[object, int] = {("n1", 1): 1, None: 2, True: 3, 4: 4, N1: 5, frozenset([6]): 6, Key(): 7}
            return {"votes": [votes]}

    result = distbench.run(Counts, ONE)
    assert result.exit_status == 0
    keys = ["('n1', 1)", "None", "True", "4", "n1", "frozenset({6})", "a key"]
    assert result.reports[N1] == {"votes": [dict(zip(keys, range(1, 8), strict=True))]}


@pytest.mark.parametrize("how", ["no end", "no text"])
def test_a_report_that_cannot_be_shown_fails_the_node_with_the_reason(how: str) -> None:
    class Mute:
        def __str__(self) -> str:
            raise ValueError("no words")

    @distbench.distbench
    class Ties(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        async def report(self) -> dict[str, object]:
            knot: dict[str, object] = {}
            knot["again"] = knot
            return {"x": knot if how == "no end" else Mute()}

    result = distbench.run(Ties, ONE)
    (failure,) = result.failures
    assert failure.handler == "report"
    assert failure.exception.startswith(
        "TypeError: report() returns values that contain themselves" if how == "no end" else "ValueError: no words"
    )
    assert result.ended is Outcome.COMPLETED


def test_on_exit_may_await_a_task_that_it_has_cancelled() -> None:
    @distbench.distbench
    class Cancels(Algorithm):
        async def on_start(self) -> None:
            self.task = asyncio.create_task(asyncio.sleep(100))
            await self.terminate()

        async def on_exit(self) -> None:
            self.task.cancel()
            await self.task

        async def report(self) -> dict[str, object]:
            return {"cancelled": self.task.cancelled()}

    result = distbench.run(Cancels, ONE)
    assert (result.reports, result.exit_status) == ({"n1": {"cancelled": True}}, 0)


def test_on_exit_that_cancels_itself_is_told() -> None:
    @distbench.distbench
    class Cancels(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        async def on_exit(self) -> None:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)

    (failure,) = distbench.run(Cancels, ONE).failures
    assert failure.handler == "on_exit"


@pytest.mark.parametrize("how", ["forever", "sleeping", "spinning", "catching"])
def test_an_endless_on_exit_is_told_and_stops_nobody_else(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distbench.running.offline._EXIT_LIMIT", 20_000)

    @distbench.distbench
    class Endless(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        async def on_exit(self) -> None:
            while self.id() == N1:
                match how:
                    case "forever":
                        await asyncio.Event().wait()
                    case "sleeping":
                        await asyncio.sleep(1)
                    case "spinning":
                        await asyncio.sleep(0)
                    case "catching":
                        with contextlib.suppress(asyncio.CancelledError):
                            await asyncio.sleep(1)
            await asyncio.sleep(2)

        async def report(self) -> dict[str, object]:
            return {"now": self.now()}

    result = distbench.run(Endless, TWO)
    (failure,) = result.failures
    assert (failure.node, failure.handler) == ("n1", "on_exit")
    assert "never returned" in failure.exception
    assert "test_leaving.py" in failure.exception
    assert (result.ended, result.exit_status) == (Outcome.COMPLETED, 1)
    assert list(result.reports) == ["n2"]


def test_nothing_is_delivered_or_sent_while_nodes_leave() -> None:
    seen: list[object] = []

    @distbench.distbench
    class Leaves(Algorithm):
        async def on_start(self) -> None:
            for peer in self.peers.values():
                await peer.tell("in transit")
            await self.terminate()

        async def on_exit(self) -> None:
            for peer in self.peers.values():
                await peer.tell("too late")
                with pytest.raises(PeerDown):
                    await peer.ask(1)
            await asyncio.sleep(5)

        @handler
        async def tell(self, src: PeerId, text: str) -> None:
            seen.append(text)

        @handler
        async def ask(self, src: PeerId, number: int) -> int:
            return number

    result = distbench.run(Leaves, TWO)
    assert (seen, result.in_transit, result.deliveries) == ([], 2, 0)
    assert (result.outcome, result.exit_status) == (Outcome.COMPLETED, 0)


@pytest.mark.parametrize("how", ["handler", "task", "group"])
def test_a_call_that_the_end_of_the_run_cuts_off_is_no_failure(how: str) -> None:
    seen: list[str] = []

    @distbench.distbench
    class Asks(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N2:
                if how == "handler":
                    await self.peers[N1].go(1)
                elif how == "task":
                    self.task = asyncio.create_task(self.asks())
                else:
                    self.task = asyncio.create_task(self.asks_in_a_group())
            await asyncio.sleep(5)
            await self.terminate()

        @handler
        async def go(self, src: PeerId, number: int) -> None:
            await self.asks()

        async def asks_in_a_group(self) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.asks())

        async def asks(self) -> None:
            try:
                while True:
                    for peer in self.peers.values():
                        await peer.ask(1)
                    await asyncio.sleep(1)
            except PeerDown as error:
                seen.append(error.reason)
                raise

        @handler
        async def ask(self, src: PeerId, number: int) -> int:
            return number

        async def on_exit(self) -> None:
            await asyncio.sleep(10)

    result = distbench.run(Asks, TWO)
    assert seen == ["has ended"]
    assert (result.failures, result.exit_status) == ((), 0)


# -------------------------------------------------- the very end


def test_a_handler_that_waits_at_the_end_is_cancelled_and_may_clean_up(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []

    @distbench.distbench
    class Waits(Algorithm):
        async def on_start(self) -> None:
            self.task = asyncio.create_task(self.background())
            if self.id() == N1:
                await self.peers[N2].work(1)
            await asyncio.sleep(1)
            await self.terminate()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(1)
                seen.append(f"{self.id()} on_start")

        async def background(self) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(1)
                seen.append(f"{self.id()} background")
                raise ValueError("at the end")

        @handler
        async def work(self, src: PeerId, number: int) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                seen.append(f"{self.id()} work")
                raise ValueError("in the end")

    with caplog.at_level(logging.WARNING):
        result = distbench.run(Waits, TWO)
    assert sorted(seen) == ["n1 background", "n1 on_start", "n2 background", "n2 on_start", "n2 work"]
    assert (result.outcome, result.exit_status) == (Outcome.COMPLETED, 0)
    told = [record.getMessage() for record in caplog.records]
    assert any("work raised ValueError: in the end" in each for each in told)
    assert sum("background raised ValueError: at the end" in each for each in told) == 2


def test_a_task_that_nobody_holds_does_not_vanish() -> None:
    seen: list[str] = []

    @distbench.distbench
    class Forgets(Algorithm):
        async def on_start(self) -> None:
            asyncio.create_task(self.listens())  # noqa: RUF006 - that is the point
            await asyncio.sleep(1)
            gc.collect()
            await self.terminate()

        async def listens(self) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append("cancelled at the end")
                raise

    result = distbench.run(Forgets, ONE)
    assert (seen, [each.background for each in result.suspended]) == (["cancelled at the end"], [True])


def test_thousands_of_waiting_handlers_all_clean_up() -> None:
    seen: list[int] = []

    @distbench.distbench
    class Waits(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                for number in range(3000):
                    await self.peers[N2].work(number)

        @handler
        async def work(self, src: PeerId, number: int) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                seen.append(number)

    result = distbench.run(Waits, TWO)
    assert (sorted(seen), result.outcome) == (list(range(3000)), Outcome.STUCK)


@pytest.mark.parametrize("spins", [False, True])
def test_a_task_that_refuses_to_end_is_left_behind_quietly(spins: bool) -> None:
    @distbench.distbench
    class Refuses(Algorithm):
        async def on_start(self) -> None:
            self.task = asyncio.create_task(self.stubborn())
            await asyncio.sleep(0)
            await self.terminate()

        async def stubborn(self) -> None:
            while True:
                try:
                    await asyncio.sleep(0 if spins and self.now() else 1)
                except asyncio.CancelledError:
                    continue

    result = distbench.run(Refuses, ONE)
    assert (result.outcome, result.exit_status) == (Outcome.COMPLETED, 0)
