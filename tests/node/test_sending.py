"""In a whole run: what is counted as sent, casts by the step, and calls whose peer may be gone."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import distbench
from distbench import Algorithm, Outcome, PeerDown, PeerId, RunResult, handler
from distbench.config.parsing import config_from_mapping
from distbench.definition import define
from distbench.events import Dropped, Event
from distbench.node.node import Node
from distbench.node.port import NOTHING, REPLY
from distbench.running.offline import run_offline
from distbench.running.options import RunOptions

N1, N2, N3 = PeerId("n1"), PeerId("n2"), PeerId("n3")
TWO: dict[str, dict[str, object]] = {"n1": {}, "n2": {}}
THREE: dict[str, dict[str, object]] = {**TWO, "n3": {}}


def node_of(algorithm: Any) -> Node:
    """The node beneath an instance."""
    found: Node = algorithm._distbench.node
    return found


class Asked(Algorithm):
    """Answers after ten milliseconds."""

    @handler
    async def ask(self, src: PeerId, number: int) -> int:
        await asyncio.sleep(0.01)
        return number

    @handler
    async def tell(self, src: PeerId, number: int) -> None: ...


class FullLink:
    """Takes nothing by itself: who sends waits for ``room``."""

    def __init__(self) -> None:
        self.room = asyncio.get_running_loop().create_future()
        self.sent: list[tuple[int, int]] = []

    def send(self, handler: int, call: int, payload: bytes, value: Any) -> asyncio.Future[None]:
        self.sent.append((handler, call))
        return self.room

    def admit(self) -> None:
        if not self.room.done():
            self.room.set_result(None)


# -------------------------------------------------- the failure notice

moments = st.integers(0, 40)


@given(
    begins=moments,
    notices=st.lists(moments, max_size=3),
    cancelled=st.none() | moments,
    full=st.booleans(),
    room=moments,
)
def test_a_failure_notice_fails_no_node_whenever_it_comes_and_however_often(
    begins: int, notices: list[int], cancelled: int | None, full: bool, room: int
) -> None:
    """Times are milliseconds; the request takes some, and the answer too."""
    ends: list[object] = []

    @distbench.distbench
    class Calls(Asked):
        async def on_start(self) -> None:
            if self.id() != N1:
                return
            node, loop = node_of(self), asyncio.get_running_loop()
            link = FullLink()
            if full:
                node.links[N2] = link
                loop.call_later(room / 1000, link.admit)
            for moment in notices:
                loop.call_later(moment / 1000, node.peer_down, N2, "is gone")
            await asyncio.sleep(begins / 1000)
            call = asyncio.create_task(self.call())
            if cancelled is not None:
                loop.call_later(cancelled / 1000, call.cancel)
            await asyncio.wait([call])
            ends.append("cancelled" if call.cancelled() else call.result())
            assert not [each for each in node.calls.waiting.values() if not each[2].done()]

        async def call(self) -> object:
            try:
                async with asyncio.timeout(1):
                    return await self.peers[N2].ask(7)
            except PeerDown as error:
                return error.reason
            except TimeoutError:
                return "late"

    result = distbench.run(Calls, TWO)
    assert result.failures == ()
    assert result.exit_status == 0
    [end] = ends
    assert end in {7, "is gone", "cancelled", "late"}
    if notices and min(notices) < begins:
        assert end == "is gone"
    if cancelled is None and not full and not notices:
        assert end == 7


def test_a_call_that_is_refused_leaves_nothing_behind() -> None:
    @distbench.distbench
    class Refused(Asked):
        async def on_start(self) -> None:
            if self.id() == N1:
                node = node_of(self)
                node.peer_down(N2, "is gone")
                with pytest.raises(PeerDown):
                    await self.peers[N2].ask(1)
                assert node.calls.waiting == {}
                node.peer_down(N2, "is gone, once more")
                with pytest.raises(PeerDown, match=r"^n2 is gone$"):
                    await self.peers[N2].ask(1)

    result = distbench.run(Refused, TWO)
    assert (result.outcome, result.failures) == (Outcome.QUIESCENT, ())
    assert result.nodes[N1].messages_out == 0


def test_only_the_node_that_was_asked_can_answer() -> None:
    answers: list[object] = []

    @distbench.distbench
    class Guessed(Asked):
        async def on_start(self) -> None:
            if self.id() == N1:
                answers.append(await self.peers[N2].ask(7))
            if self.id() == N3:
                node = node_of(self)
                node.open(N1).send(REPLY, 1, b"666", NOTHING)

    result = distbench.run(Guessed, THREE)
    assert answers == [7]
    assert result.exit_status == 0
    assert result.nodes[N1].dropped == {"a reply to another node's question": 1}


# -------------------------------------------------- what is counted


@pytest.mark.parametrize("name", ["tell", "ask"])
@pytest.mark.parametrize(
    "fate, sent",
    [("taken", 1), ("cancelled", 0), ("taken, and its sender cancelled", 1), ("the link ended", 0)],
)
def test_what_waited_for_room_counts_as_sent_once_the_link_has_taken_it(name: str, fate: str, sent: int) -> None:
    @distbench.distbench
    class Waits(Asked):
        async def on_start(self) -> None:
            if self.id() != N1:
                return
            node = node_of(self)
            link = node.links[N2] = FullLink()
            task = asyncio.create_task(self.send())
            await asyncio.sleep(0)
            assert len(link.sent) == 1
            if fate == "the link ended":
                node.peer_down(N2, "is gone")
                link.room.cancel()
            elif fate != "cancelled":
                link.room.set_result(None)
            if "cancelled" in fate:
                task.cancel()
            await asyncio.sleep(0.1)
            task.cancel()
            await asyncio.wait([task])

        async def send(self) -> None:
            with contextlib.suppress(PeerDown):
                await getattr(self.peers[N2], name)(12)

    result = distbench.run(Waits, TWO)
    assert result.failures == ()
    [traffic] = [each for handler, each in result.nodes[N1].traffic.items() if handler == name]
    assert (traffic.messages_out, traffic.bytes_out) == (sent, 2 * sent)


def test_what_came_before_a_node_that_never_started_is_counted() -> None:
    @distbench.distbench
    class Early(Asked):
        async def on_start(self) -> None:
            if self.id() == N1:
                for number in range(3):
                    node_of(self).deliver(N2, 1, 0, b"%d" % number)
                raise ValueError("broken")

    result = distbench.run(Early, TWO)
    assert result.nodes[N1].dropped == {"the node had crashed": 3}
    assert result.nodes[N1].messages_in == 0


def test_a_cast_to_a_node_that_is_gone_is_dropped_on_the_way_from_its_sender() -> None:
    @distbench.distbench
    class Gone(Asked):
        async def on_start(self) -> None:
            if self.id() == N1:
                raise ValueError("broken")
            await asyncio.sleep(1)
            await self.peers[N1].tell(1)

    events: list[Event] = []

    def hear(event: Event) -> None:
        events.append(event)

    run_offline(define(Gone), config_from_mapping(TWO), RunOptions(), sink=hear)
    [dropped] = [each for each in events if isinstance(each, Dropped)]
    assert (dropped.src, dropped.dst) == (N2, N1)


# -------------------------------------------------- a thousand casts in one step


def steps(plan: list[tuple[str, int]]) -> tuple[list[bool], RunResult]:
    """In which steps of this plan, each of a kind and with so many casts, time passed between the first and last."""
    passed: list[bool] = []

    @distbench.distbench
    class Casts(Asked):
        async def on_start(self) -> None:
            if self.id() != N1:
                return
            for kind, count in plan:
                match kind:
                    case "timer":
                        await asyncio.sleep(0.5)
                        await self.casts(count)
                    case "task":
                        await asyncio.create_task(self.casts(count))
                    case "reply":
                        await self.peers[N2].ask(1)
                        await self.casts(count)

        async def casts(self, count: int) -> None:
            began = self.now()
            for number in range(count):
                await self.peers[N2].tell(number)
            passed.append(self.now() > began)

    return passed, distbench.run(Casts, TWO)


@given(st.lists(st.tuples(st.sampled_from(("timer", "task", "reply")), st.sampled_from((400, 999, 1000))), max_size=5))
def test_a_thousand_casts_yield_only_where_one_step_makes_them(plan: list[tuple[str, int]]) -> None:
    passed, result = steps(plan)
    assert passed == [count == 1000 for _, count in plan]
    assert result.exit_status == 0
