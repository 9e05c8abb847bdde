"""What a node counts of what it sends and is sent, and what it refuses to send, seen at its links."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distbench import Algorithm, MessageError, PeerId, distbench, handler
from distbench.node.port import FAULT, MAX_PAYLOAD, NOTHING, REPLY
from tests.node.alone import KINDS, N2, N3, Alone


@distbench
class Talks(Algorithm):
    def __init__(self) -> None:
        self.heard: list[object] = []

    @handler
    async def tell(self, src: PeerId, text: str) -> None:
        self.heard.append((src, len(text)))

    @handler
    async def ask(self, src: PeerId, text: str) -> str:
        self.heard.append((src, len(text)))
        return text

    @handler
    async def long(self, src: PeerId, length: int) -> str:
        return "x" * length


HANDLERS = ("tell", "ask", "long")
FATES = ("taken", "waits, then taken", "waits, then cancelled", "waits, then the link ends", "waits")


def traffic(world: Alone, handler: str) -> tuple[int, int, int, int]:
    route = world.route(handler)
    return route.messages_in, route.bytes_in, route.messages_out, route.bytes_out


sends = st.tuples(st.sampled_from(("tell", "ask")), st.integers(0, 100), st.sampled_from(FATES))


@given(st.sampled_from(sorted(KINDS)), st.lists(sends, max_size=8))
def test_what_the_link_has_taken_counts_as_sent_with_its_bytes(kind: str, plan: list[tuple[str, int, str]]) -> None:
    async def main(world: Alone) -> None:
        world.start()
        link = world.link()
        expected = {"tell": [0, 0], "ask": [0, 0]}
        tasks = []
        for name, length, fate in plan:
            link.full = fate != "taken"
            task = asyncio.ensure_future(getattr(world.algorithm.peers[N2], name)("x" * length))
            tasks.append(task)
            await asyncio.sleep(0)
            if fate != "waits":
                if fate == "waits, then taken":
                    link.given[-1].room.set_result(None)  # type: ignore[union-attr]
                elif fate == "waits, then cancelled":
                    task.cancel()
                elif fate == "waits, then the link ends":
                    link.given[-1].room.cancel()  # type: ignore[union-attr]
            if "taken" in fate:
                expected[name][0] += 1
                expected[name][1] += length + 2
            await world.turn()
            assert {each: list(traffic(world, each)[2:]) for each in expected} == expected
            assert task.done() == (fate == "waits, then cancelled" or (name == "tell" and fate != "waits"))
            assert not task.done() or task.cancelled() == (fate == "waits, then cancelled")
        for task in tasks:
            task.cancel()
        await world.turn()
        assert {each: list(traffic(world, each)[2:]) for each in expected} == expected

    KINDS[kind](Talks, main)


@given(st.sampled_from(sorted(KINDS)), st.lists(st.tuples(st.sampled_from(("tell", "ask")), st.integers(0, 50))))
def test_what_a_handler_takes_counts_with_its_bytes_and_replies_do_not(kind: str, plan: list[tuple[str, int]]) -> None:
    async def main(world: Alone) -> None:
        world.start()
        numbers = world.table.numbers
        for call, (name, length) in enumerate(plan, 1):
            world._deliver(N3, numbers["", name], call if name == "ask" else 0, b'"%s"' % (b"x" * length))
        assert world.algorithm.heard == [(N3, length) for _, length in plan]
        for name in ("tell", "ask"):
            lengths = [length + 2 for each, length in plan if each == name]
            assert traffic(world, name) == (len(lengths), sum(lengths), 0, 0)
        assert [sent[:3] for sent in world.link(N3).given] == [
            (REPLY, call, b'"%s"' % (b"x" * length)) for call, (name, length) in enumerate(plan, 1) if name == "ask"
        ]
        assert (world.node.messages_in, world.node.deliveries) == (len(plan), len(plan))

    KINDS[kind](Talks, main)


@pytest.mark.parametrize("name", ["tell", "ask"])
def test_the_largest_message_is_sent_and_a_larger_one_leaves_nothing_behind(name: str) -> None:
    async def main(world: Alone) -> None:
        world.start()
        route = world.route(name)
        send: Callable[[PeerId, Any], Awaitable[Any] | None] = route.cast if name == "tell" else route.call
        with pytest.raises(MessageError, match=f"^{name}: a message of 67,108,865 bytes; the most that a link takes"):
            send(N2, "x" * (MAX_PAYLOAD - 1))
        assert (traffic(world, name), world.node.calls.waiting, world.link().given) == ((0, 0, 0, 0), {}, [])
        send(N2, "x" * (MAX_PAYLOAD - 2))
        assert traffic(world, name) == (0, 0, 1, MAX_PAYLOAD)

    KINDS["real"](Talks, main)


def test_the_largest_reply_is_sent_and_for_a_larger_one_the_caller_hears_why() -> None:
    async def main(world: Alone) -> None:
        world.start()
        number = world.table.numbers["", "long"]
        world._deliver(N3, number, 1, b"%d" % (MAX_PAYLOAD - 2))
        assert world.failures == []
        world._deliver(N3, number, 2, b"%d" % (MAX_PAYLOAD - 1))
        assert [(sent.handler, sent.call) for sent in world.link(N3).given] == [(REPLY, 1), (FAULT, 2)]
        (failure,) = world.failures
        assert failure.exception.startswith("MessageError: long: a message of 67,108,865 bytes")

    KINDS["real"](Talks, main)


def test_a_value_that_does_not_fit_leaves_nothing_behind() -> None:
    async def main(world: Alone) -> None:
        world.start()
        for name in ("tell", "ask"):
            with pytest.raises(MessageError, match=name):
                await getattr(world.algorithm.peers[N2], name)(object())
            assert traffic(world, name) == (0, 0, 0, 0)
        assert (world.node.calls.waiting, world.link().given) == ({}, [])

    KINDS["simulated"](Talks, main)


def test_calls_whose_callers_gave_up_are_forgotten_in_time_and_those_that_wait_are_not() -> None:
    async def main(world: Alone) -> None:
        world.start()
        peer = world.algorithm.peers[N2]
        waits = asyncio.ensure_future(peer.ask("first"))
        await asyncio.sleep(0)
        most = 0
        for _ in range(3000):
            gives_up = asyncio.ensure_future(peer.ask(""))
            await asyncio.sleep(0)
            gives_up.cancel()
            most = max(most, len(world.node.calls.waiting))
        assert 1000 < most <= 1026  # each look at all of them costs, so it is seldom taken
        world.answer(1, b'"it comes late"')
        assert await waits == "it comes late"
        assert [sent.call for sent in world.link().given] == list(range(1, 3002))

    KINDS["real"](Talks, main)


@pytest.mark.parametrize("kind", KINDS)
def test_casts_to_a_node_that_is_gone_are_dropped_and_a_loop_of_them_lets_others_run(kind: str) -> None:
    async def main(world: Alone) -> None:
        world.start()
        world.node.peer_down(N2, "is gone")
        route = world.route("tell")
        pauses: list[Any] = [route.cast(N2, "x") for _ in range(1000)]
        assert [pause is None for pause in pauses] == [True] * 999 + [False]
        pauses[-1].close()
        assert world.dropped == [("n1", N2, "n2 is gone")] * 1000
        assert world.node.drops.reasons == {"n2 is gone": 1000}
        assert traffic(world, "tell") == (0, 0, 0, 0)

    KINDS[kind](Talks, main)


@pytest.mark.parametrize("kind", KINDS)
def test_a_reply_to_a_node_that_is_gone_is_dropped_on_its_way_there(kind: str) -> None:
    async def main(world: Alone) -> None:
        world.start()
        world.node.peer_down(N3, "is gone")
        world._deliver(N3, world.table.numbers["", "ask"], 1, b'"what?"')
        assert world.dropped == [("n1", N3, "n3 is gone")]
        assert world.node.links[N3].send(REPLY, 1, b"", NOTHING) is not None

    KINDS[kind](Talks, main)


@pytest.mark.parametrize("kind", KINDS)
def test_when_a_run_is_over_what_a_node_says_is_cut_off_and_a_notice_changes_nothing(kind: str) -> None:
    async def main(world: Alone) -> None:
        world.start()
        world.node.close()
        world.node.peer_down(N2, "is gone")
        await world.algorithm.peers[N2].tell("goodbye")
        assert (world.dropped, world.node.drops.reasons, traffic(world, "tell")) == ([], {}, (0, 0, 0, 0))
        with pytest.raises(Exception, match="n2 has ended"):
            await world.algorithm.peers[N2].ask("are you there?")
        assert world.node.calls.waiting == {}

    KINDS[kind](Talks, main)


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_for_a_handler_that_does_not_exist_is_dropped(kind: str) -> None:
    async def main(world: Alone) -> None:
        world.start()
        for number in (len(HANDLERS), 1000):
            world._deliver(N3, number, 0, b'"x"')
        assert world.dropped == [(N3, "n1", "no such handler")] * 2
        assert world.node.messages_in == 0

    KINDS[kind](Talks, main)
