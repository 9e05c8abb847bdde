"""A call's life, and whatever comes between: every caller gets its reply or ``PeerDown``, and no node fails for it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import distbench
from distbench import Algorithm, PeerDown, PeerId, handler
from tests.node.alone import KINDS, N1, N2, N3, Alone

DOWN = "down: is gone 1"
"""How a call ends once the first notice has come."""


@distbench.distbench
class Caller(Algorithm):
    """Calls n2 whenever it is told to, and notes how each call ended."""

    def __init__(self) -> None:
        self.ended: dict[int, str] = {}
        self.in_its_step: Callable[[], None] | None = None

    @handler
    async def go(self, src: PeerId, number: int) -> None:
        call: Awaitable[Any]
        in_this_step = self.in_its_step
        try:
            if in_this_step is not None:
                call = asyncio.ensure_future(self.peers[N2].double(number))
                call.add_done_callback(lambda call: call.cancelled() or call.exception())  # a task of its own
                await asyncio.sleep(0)
                in_this_step()
            else:
                call = self.peers[N2].double(number)
            self.ended[number] = f"reply: {await call}"
        except PeerDown as error:
            self.ended[number] = f"down: {error.reason}"
        except asyncio.CancelledError:
            self.ended[number] = "cancelled"
            raise

    @handler
    async def step_by_hand(self, src: PeerId, number: int) -> None:
        self.by_hand = self.peers[N2].double(number)
        self.by_hand.send(None)  # type: ignore[attr-defined]

    @handler
    async def double(self, src: PeerId, number: int) -> int:
        return 2 * number

    @handler
    async def tell(self, src: PeerId, number: int) -> None:
        await self.peers[N2].told(number)
        self.ended[number] = "told"

    @handler
    async def told(self, src: PeerId, number: int) -> None: ...


class Life:
    """What may happen to the calls of one node, in any order."""

    def __init__(self, world: Alone) -> None:
        self.world = world
        self.calls = 0
        self.notices = 0
        self.answered: set[int] = set()
        world.start()

    @property
    def callers(self) -> list[asyncio.Task[object]]:
        return [task for task in self.world.node.running if not task.done()]

    # -------------------------------------------------- what may happen

    def call(self) -> None:
        self.world.algorithm.in_its_step = None
        self.call_as_it_is()

    def call_as_it_is(self) -> None:
        self.calls += 1
        self.world.arrive("go", b"%d" % self.calls)

    def call_and_hear_of_it(self) -> None:
        """The notice comes in the step of a caller, which has not yet awaited its call."""
        self.world.algorithm.in_its_step = self.notice
        self.call_as_it_is()

    def fill(self) -> None:
        self.world.link().full = True

    def make_room(self) -> None:
        self.world.link().full = False
        self.world.link().admit()

    def answer(self) -> None:
        """n2 answers the oldest request that it has and has not answered."""
        for sent in self.world.link().taken:
            if sent.call not in self.answered:
                self.answered.add(sent.call)
                self.world.answer(sent.call, b"%d" % (2 * int(sent.payload)))
                break

    def answer_again(self) -> None:
        for call in self.answered:
            self.world.answer(call, b"0")

    def cancel_first(self) -> None:
        for task in self.callers[:1]:
            task.cancel()

    def cancel_last(self) -> None:
        for task in self.callers[-1:]:
            task.cancel()

    def notice(self) -> None:
        """A node that sees for itself that a peer is gone: its link ends, and it hears of it."""
        self.notices += 1
        self.world.link().end()
        self.world.node.peer_down(N2, f"is gone {self.notices}")

    def notice_first(self) -> None:
        """The coordinator says so: the node hears of it, and then its link ends."""
        self.notices += 1
        self.world.node.peer_down(N2, f"is gone {self.notices}")
        self.world.link().end()

    def notice_twice(self) -> None:
        self.notice()
        self.notice_first()

    def turn(self) -> Coroutine[Any, Any, None]:
        return self.world.turn()


Event = Callable[[Life], Coroutine[Any, Any, None] | None]
HAPPENS: tuple[Event, ...] = (
    Life.call, Life.call, Life.call_and_hear_of_it, Life.fill, Life.make_room, Life.answer, Life.answer_again,
    Life.cancel_first, Life.cancel_last, Life.notice, Life.notice_first, Life.notice_twice, Life.turn, Life.turn,
)  # fmt: skip


def live(kind: str, events: list[Event]) -> dict[int, str]:
    """How each call ended when all that has happened and n2 was gone; and what holds whatever happened."""
    ended: dict[int, str] = {}

    async def main(world: Alone) -> None:
        life = Life(world)
        for event in (*events, Life.turn, Life.notice, Life.turn):
            if (turns := event(life)) is not None:
                await turns
        node, route, taken = world.node, world.route("double"), world.link().taken
        ended.update(world.algorithm.ended)
        assert sorted(ended) == list(range(1, life.calls + 1))
        assert all(how in (DOWN, "cancelled", f"reply: {2 * number}") for number, how in ended.items())
        assert (node.calls.waiting, node.running, node.drops.reasons) == ({}, {}, {})
        assert (route.messages_out, route.bytes_out) == (len(taken), sum(len(sent.payload) for sent in taken))
        gc.collect(1)  # an exception that nobody has looked at is told only now
        assert (world.failures, node.failed, world.told) == ([], False, [])

    KINDS[kind](Caller, main)
    return ended


@settings(max_examples=200)
@given(st.sampled_from(sorted(KINDS)), st.lists(st.sampled_from(HAPPENS), max_size=15))
def test_notices_at_any_moment_of_a_calls_life_fail_nobody(kind: str, events: list[Event]) -> None:
    live(kind, events)


CALL, TURN, NOTICE, TWICE = Life.call, Life.turn, Life.notice, Life.notice_twice
MOMENTS: dict[str, tuple[list[Event], str]] = {
    "before it": ([NOTICE, CALL], DOWN),
    "before it, twice": ([TWICE, CALL], DOWN),
    "before and after it": ([NOTICE, CALL, TURN, NOTICE], DOWN),
    "while the request waits for room": ([Life.fill, CALL, TURN, NOTICE], DOWN),
    "while the request waits for room, twice": ([Life.fill, CALL, TURN, TWICE], DOWN),
    "when there is room": ([Life.fill, CALL, TURN, Life.make_room, TWICE], DOWN),
    "while the reply is awaited": ([CALL, TURN, NOTICE], DOWN),
    "while the reply is awaited, twice": ([CALL, TURN, NOTICE, TURN, NOTICE], DOWN),
    "before the caller's task has begun": ([CALL, TWICE], DOWN),
    "after the reply": ([CALL, TURN, Life.answer, TURN, TWICE], "reply: 2"),
    "after the reply, before the caller sees it": ([CALL, TURN, Life.answer, TWICE], "reply: 2"),
    "before the reply": ([CALL, TURN, TWICE, Life.answer], DOWN),
    "after the caller was cancelled": ([CALL, TURN, Life.cancel_first, TURN, TWICE], "cancelled"),
    "just after the caller was cancelled": ([CALL, TURN, Life.cancel_first, TWICE], "cancelled"),
    "just before the caller is cancelled": ([CALL, TURN, TWICE, Life.cancel_first], "cancelled"),
    "while the request waits for room, as the caller is cancelled": (
        [Life.fill, CALL, TURN, NOTICE, Life.cancel_first],
        "cancelled",
    ),
    "after the caller was cancelled and the reply came": (
        [CALL, TURN, Life.cancel_first, TURN, Life.answer, TWICE],
        "cancelled",
    ),
    "after the caller was cancelled, which waited for room": (
        [Life.fill, CALL, TURN, Life.cancel_first, TURN, Life.make_room, NOTICE],
        "cancelled",
    ),
    "in the caller's own step": ([Life.call_and_hear_of_it], DOWN),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_notice_ends_a_call_and_fails_nobody(kind: str, moment: str) -> None:
    events, ended = MOMENTS[moment]
    assert live(kind, events) == {1: ended}


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_to_a_node_that_is_gone_sends_nothing_and_waits_for_nothing(kind: str) -> None:
    async def main(world: Alone) -> None:
        world.start()
        world.node.peer_down(N2, "is gone")
        for number in range(3):
            world.arrive("go", b"%d" % number)
            assert world.node.calls.waiting == {}
        await world.turn()
        assert world.algorithm.ended == dict.fromkeys(range(3), "down: is gone")
        assert (world.link().given, world.failures) == ([], [])

    KINDS[kind](Caller, main)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("full", [False, True])
def test_a_call_whose_caller_has_given_up_is_forgotten(kind: str, full: bool) -> None:
    async def main(world: Alone) -> None:
        world.start()
        world.link().full = full
        world.arrive("go", b"7")
        await world.turn()
        (task,) = world.node.running
        task.cancel()
        await world.turn()
        world.node.calls.sweep()
        assert world.node.calls.waiting == {}

    KINDS[kind](Caller, main)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("how", ["notice", "fault"])
def test_nobody_is_blamed_for_a_call_that_failed_when_its_caller_was_closed(kind: str, full: bool, how: str) -> None:
    async def main(world: Alone) -> None:
        world.start()
        world.link().full = full
        world.arrive("step_by_hand", b"7")
        if how == "notice":
            world.node.peer_down(N2, "is gone")
        else:
            world.fault(world.link().given[0].call)
        world.algorithm.by_hand.close()
        world.algorithm.by_hand = None
        await world.turn()
        gc.collect()
        assert (world.failures, world.told) == ([], [])

    KINDS[kind](Caller, main)


@pytest.mark.parametrize("kind", KINDS)
def test_a_reply_of_a_node_that_was_not_asked_is_dropped_and_the_right_one_still_comes(kind: str) -> None:
    async def main(world: Alone) -> None:
        world.start()
        world.arrive("go", b"7")
        await world.turn()
        (sent,) = world.link().given
        world.answer(sent.call, b"666", src=N3)
        world.fault(sent.call, src=N3)
        await world.turn()
        assert world.algorithm.ended == {}
        assert world.dropped == [(N3, N1, "a reply to another node's question")] * 2
        assert world.node.replies_in == 0
        world.answer(sent.call, b"14")
        await world.turn()
        assert world.algorithm.ended == {7: "reply: 14"}
        assert (world.node.calls.waiting, world.node.replies_in, world.failures) == ({}, 1, [])

    KINDS[kind](Caller, main)


def test_a_reply_that_a_node_made_up_reaches_no_caller_of_another() -> None:
    @distbench.distbench
    class Guesses(Caller):
        async def on_start(self) -> None:
            if self.id() == N1:
                self.ended[1] = str(await self.peers[N2].double(1))
            if self.id() == N3:
                host = self._distbench
                for call in range(1, 4):
                    host.node.open(N1).send(-1, call, b"666", 666)  # type: ignore[attr-defined]

        @handler
        async def double(self, src: PeerId, number: int) -> int:
            await asyncio.sleep(1)
            return 2 * number

    result = distbench.run(Guesses, {"n1": {}, "n2": {}, "n3": {}})
    asked = result.algorithms[N1]
    assert isinstance(asked, Guesses)
    assert asked.ended == {1: "2"}
    assert result.nodes[N1].dropped == {"a reply to another node's question": 1}
    assert result.exit_status == 0


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_the_other_side_that_comes_as_the_caller_is_cancelled_fails_nobody(kind: str) -> None:
    async def main(world: Alone) -> None:
        world.start()
        world.arrive("go", b"7")
        await world.turn()
        (sent,) = world.link().given
        (task,) = world.node.running
        world.fault(sent.call)
        task.cancel()
        del task
        await world.turn()
        gc.collect()
        assert (world.algorithm.ended, world.failures, world.told) == ({7: "cancelled"}, [], [])

    KINDS[kind](Caller, main)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how, name", [("go", "double"), ("tell", "told")])
@pytest.mark.parametrize("end", ["admitted", "admitted and gone", "cancelled", "the link ends", "gone"])
def test_what_waited_for_room_counts_as_sent_once_it_was_taken(kind: str, how: str, name: str, end: str) -> None:
    async def main(world: Alone) -> None:
        world.start()
        link, route = world.link(), world.route(name)
        link.full = True
        world.arrive(how, b"1234")
        await world.turn()
        (task,) = world.node.running
        assert (route.messages_out, route.bytes_out, len(link.waiting)) == (0, 0, 1)
        if end.startswith("admitted"):
            link.admit()
        if end.endswith("gone"):
            world.node.peer_down(N2, "is gone")
        if end == "cancelled":
            task.cancel()
        elif end != "admitted":
            link.end()
        await world.turn()
        link.full = False
        link.admit()  # which finds nobody
        await world.turn()
        taken = [sent.payload for sent in link.taken]
        assert taken == ([b"1234"] if end.startswith("admitted") else [])
        assert (route.messages_out, route.bytes_out) == (len(taken), 4 * len(taken))
        if how == "tell":
            assert world.algorithm.ended == ({} if end == "cancelled" else {1234: "told"})
        assert (world.failures, world.told) == ([], [])
        task.cancel()

    KINDS[kind](Caller, main)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how, name", [("go", "double"), ("tell", "told")])
def test_what_is_taken_at_once_counts_as_sent(kind: str, how: str, name: str) -> None:
    async def main(world: Alone) -> None:
        world.start()
        world.arrive(how, b"1234")
        world.arrive(how, b"5")
        await world.turn()
        assert (world.route(name).messages_out, world.route(name).bytes_out) == (2, 5)
        world.node.peer_down(N2, "is gone")
        world.arrive(how, b"6")
        await world.turn()
        assert (world.route(name).messages_out, world.route(name).bytes_out) == (2, 5)
        assert world.node.drops.reasons == ({} if how == "go" else {"n2 is gone": 1})

    KINDS[kind](Caller, main)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cast_to_a_node_that_is_gone_is_dropped_on_its_way_from_here_to_there(kind: str) -> None:
    async def main(world: Alone) -> None:
        world.start()
        world.node.peer_down(N2, "is gone")
        world.arrive("tell", b"1")
        assert world.algorithm.ended == {1: "told"}
        assert world.dropped == [(N1, N2, "n2 is gone")]

    KINDS[kind](Caller, main)
