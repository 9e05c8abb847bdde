"""Links with room: casts and requests wait for it, replies never do; what TCP may do is found offline."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from heapq import heappop
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import distbench
from distbench import Algorithm, ConfigError, Outcome, PeerDown, PeerId, RunResult, handler
from distbench.config import config_from_mapping
from distbench.definition import define
from distbench.events import Delivered, Drawn, Dropped, Event, Sent
from distbench.node.port import FAULT, NOTHING, REPLY
from distbench.running.offline import run_offline
from distbench.running.options import Latency, LinkRoom, RunOptions
from distbench.simulation.choices import Choice, Choices
from distbench.simulation.loop import SimLoop
from distbench.simulation.network import Network
from distbench.simulation.room import ROOMS, RoomyLink
from distbench.simulation.scheduler import Scheduler
from distbench.testing import render_result

N1, N2, N3 = PeerId("n1"), PeerId("n2"), PeerId("n3")
TWO: Mapping[str, Mapping[str, Any]] = {"n1": {}, "n2": {}}
THREE: Mapping[str, Mapping[str, Any]] = {"n1": {}, "n2": {}, "n3": {}}


def play(
    algorithm: type[Algorithm],
    config: Mapping[str, Mapping[str, Any]] = TWO,
    replay: list[Choice] | None = None,
    **options: Any,
) -> tuple[RunResult, list[Event]]:
    events: list[Event] = []
    made = RunOptions(**options)
    result = run_offline(
        define(algorithm), config_from_mapping(config), made, sink=lambda event: events.append(event), replay=replay
    )
    return result, events


def fixed_latency(milliseconds: float) -> Latency:
    return Latency(milliseconds, milliseconds)


# -------------------------------------------------- a link alone


class End:
    """What a link delivers to; it may break at every message."""

    def __init__(self, link: Alone, broken: bool) -> None:
        self._link = link
        self._broken = broken

    def deliver(self, src: PeerId, handler: int, call: int, payload: bytes, value: Any = NOTHING) -> None:
        before = self._link.taken()
        assert value == payload.decode()
        self._link.delivered.append(int(payload))
        assert self._link.taken() == before  # whoever waits goes on in a step of its own
        if self._broken:
            raise ValueError("broken")

    def peer_down(self, peer: PeerId, reason: str) -> None:
        raise AssertionError

    def drop_unsent(self, dst: PeerId, reason: str) -> None:
        raise AssertionError


class Alone:
    """One link, and all that it does."""

    def __init__(self, room: int | None, seed: int, broken: bool = False) -> None:
        self.scheduler = Scheduler()
        self.room = room
        self.sent: list[int] = []
        self.numbers: list[int] = []
        self.delivered: list[int] = []
        self.rooms: dict[int, asyncio.Future[None] | None] = {}
        self.handlers: list[int] = []
        loop = SimLoop(self.scheduler, lambda context: None)  # type: ignore[abstract]
        network = Network(loop, Choices(seed), 0, 5_000, self._hears, room)
        network.receivers[N2] = End(self, broken)
        self.network = network
        self.link = network.link(N1, N2)

    def _hears(self, event: Event) -> None:
        if isinstance(event, Sent):
            number = int(event.payload)
            if self.room is not None and event.handler >= 0:
                assert len(self.in_transit()) < self.room
            self.sent.append(number)
            self.numbers.append(event.number)

    def in_transit(self) -> list[int]:
        return self.sent[len(self.delivered) :]

    def taken(self) -> set[int]:
        return {number for number, room in self.rooms.items() if room is None or (room.done() and not room.cancelled())}

    def waiting(self) -> list[int]:
        return [number for number, room in self.rooms.items() if room is not None and not room.done()]

    def send(self, handler: int) -> None:
        number = len(self.handlers)
        full = self.room is not None and (len(self.in_transit()) >= self.room or bool(self.waiting()))
        self.handlers.append(handler)
        room = self.link.send(handler, int(handler < 0), str(number).encode(), str(number))
        self.rooms[number] = room
        assert (room is not None) is (full and handler >= 0)
        if room is None:
            assert self.sent[-1] == number

    def step(self) -> None:
        if self.scheduler.heap:
            event = heappop(self.scheduler.heap)
            self.scheduler.now = event[0]
            with contextlib.suppress(ValueError):
                event[2].happen(event)


SENDS = st.tuples(st.just("send"), st.sampled_from([0, 1, 7, REPLY, FAULT]))
ACTS = st.lists(SENDS | st.tuples(st.sampled_from(["step", "cancel"]), st.integers(0, 30)), max_size=60)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([1, 2, 3, 8, None]), st.integers(0, 3), ACTS, st.booleans())
def test_the_law_of_a_link(room: int | None, seed: int, acts: list[tuple[str, int]], broken: bool) -> None:
    link = Alone(room, seed, broken)
    cancelled = set()
    for act, value in acts:
        if act == "send":
            link.send(value)
        elif act == "step":
            link.step()
        elif waiting := link.waiting():
            number = waiting[value % len(waiting)]
            found = link.rooms[number]
            assert found is not None
            found.cancel()
            cancelled.add(number)
        assert link.network.in_transit() == len(link.in_transit())
        assert link.scheduler.heap or not link.waiting()
        assert sum(isinstance(event[2], RoomyLink) for event in link.scheduler.heap) <= 1
    while link.scheduler.heap:
        link.step()
    assert link.delivered == link.sent  # in the order of sending, the overtaking replies as well
    assert link.numbers == list(range(len(link.sent)))
    assert sorted(link.sent) == [number for number in range(len(link.handlers)) if number not in cancelled]
    waits = [number for number in link.sent if link.handlers[number] >= 0]
    replies = [number for number in link.sent if link.handlers[number] < 0]
    assert waits == sorted(waits)  # admitted in the order of calling
    assert replies == sorted(replies)
    assert link.taken() == set(link.sent)


def test_replies_overtake_what_waits_and_take_room() -> None:
    link = Alone(2, 0)
    for number in (0, 0, 0, REPLY, FAULT):
        link.send(number)
    assert link.sent == [0, 1, 3, 4]
    for arrived in (1, 2):
        link.step()
        assert (len(link.delivered), link.waiting()) == (arrived, [2])  # two are still on their way
    link.step()
    assert (link.delivered, link.waiting()) == ([0, 1, 3], [2])
    link.step()
    assert (link.sent, link.waiting()) == ([0, 1, 3, 4, 2], [])


def test_who_comes_while_another_is_woken_waits_behind_it() -> None:
    link = Alone(2, 0)
    for number in (0, 0, 0, 0):
        link.send(number)
    link.step()
    link.send(0)
    assert (link.sent, link.waiting()) == ([0, 1], [2, 3, 4])
    link.step()
    assert (link.sent, link.waiting()) == ([0, 1, 2], [3, 4])


def test_what_is_cancelled_in_front_lets_the_next_have_its_room() -> None:
    link = Alone(1, 0)
    for _ in range(3):
        link.send(0)
    first = link.rooms[1]
    assert first is not None
    first.cancel()
    link.step()
    link.step()
    assert (link.sent, link.waiting()) == ([0, 2], [])


def test_at_the_end_nobody_waits_and_nothing_arrives() -> None:
    link = Alone(1, 0)
    for _ in range(3):
        link.send(0)
    link.step()  # makes room, and is to wake somebody
    link.network.stop()
    assert (link.scheduler.heap, link.sent, link.waiting()) == ([], [0], [])
    rooms = [room for room in link.rooms.values() if room is not None]
    assert [room.cancelled() for room in rooms] == [True, True]


# -------------------------------------------------- a race across an await


@distbench.distbench
class Bank(Algorithm):
    """n1 tells all of each deposit before it writes the balance that it has read: a race, where telling waits."""

    balance: int = 0

    async def on_start(self) -> None:
        if self.id() != N1:
            for _ in range(5):
                await self.peers[N1].deposit(1)

    @handler
    async def deposit(self, src: PeerId, amount: int) -> None:
        before = self.balance
        for peer in self.peers.values():
            await peer.told(before + amount)
        self.balance = before + amount

    @handler
    async def told(self, src: PeerId, balance: int) -> None:
        pass

    async def report(self) -> dict[str, object]:
        return {"right": self.balance == 10}


@distbench.distbench
class Store(Algorithm):
    """n2 announces what it stores at once, so n1 takes it that it has heard of what it reads: a reply overtakes."""

    async def on_start(self) -> None:
        self.value = self.heard = 0
        self.right = True
        self.announcing: set[asyncio.Task[None]] = set()
        if self.id() == N3:
            for value in range(1, 30):
                await self.peers[N2].store(value)
        if self.id() == N1:
            for _ in range(30):
                value = await self.peers[N2].read(0)
                self.right = self.right and value <= self.heard

    @handler
    async def store(self, src: PeerId, value: int) -> None:
        self.value = value
        task = asyncio.create_task(self.announce(value))
        self.announcing.add(task)

    async def announce(self, value: int) -> None:
        for peer in self.peers.values():
            await peer.stored(value)

    @handler
    async def stored(self, src: PeerId, value: int) -> None:
        self.heard = value

    @handler
    async def read(self, src: PeerId, _: int) -> int:
        await asyncio.sleep(0)
        return self.value

    async def report(self) -> dict[str, object]:
        return {"right": self.right}


@pytest.mark.parametrize("algorithm", [Bank, Store])
def test_a_race_across_an_await_is_found_within_200_seeds_where_links_have_room(algorithm: type[Algorithm]) -> None:
    def right(result: RunResult) -> bool:
        return result.reports[N1]["right"] is True

    found = [seed for seed in range(200) if not right(distbench.run(algorithm, THREE, seed=seed))]
    assert found
    assert all(right(distbench.run(algorithm, THREE, seed=seed, link_room="none")) for seed in found)
    assert not right(distbench.run(algorithm, THREE, seed=0, link_room=2))


# -------------------------------------------------- the draw


def rooms(events: list[Event]) -> list[tuple[int, int]]:
    return [(event.options, event.index) for event in events if isinstance(event, Drawn) and event.key == ("room",)]


def test_each_room_is_drawn_and_the_result_names_it() -> None:
    found = set()
    for seed in range(1, 40):
        result, events = play(Bank, seed=seed)
        assert len(rooms(events)) == 1
        options, index = rooms(events)[0]
        assert (options, result.link_room) == (5, ROOMS[index])
        found.add(result.link_room)
    assert found == {None, 512, 64, 8, 2}


def test_seed_0_has_room_for_all_unless_a_record_says_otherwise() -> None:
    result, events = play(Bank)
    assert (rooms(events), result.link_room) == ([(5, 0)], None)
    other, heard = play(Bank, replay=[Choice(("room",), 5, 4)])
    assert (rooms(heard), other.link_room) == ([(5, 4)], 2)


@pytest.mark.parametrize("room, wanted", [("none", None), (1, 1), (64, 64)])
@pytest.mark.parametrize("seed", [0, 3])
def test_where_the_room_is_given_nothing_is_drawn(room: LinkRoom, wanted: int | None, seed: int) -> None:
    result, events = play(Bank, link_room=room, seed=seed)
    assert (rooms(events), result.link_room) == ([], wanted)


@pytest.mark.parametrize("room", [0, -1, 2.5, True, "two", "8", ""])
def test_a_room_that_cannot_be_is_refused(room: Any) -> None:
    with pytest.raises(ConfigError, match=r"link_room .* cannot be used: it must be a number, at least 1, or 'none'"):
        distbench.run(Bank, TWO, link_room=room)


def test_a_room_for_more_than_is_sent_changes_nothing() -> None:
    wide, _ = play(Bank, link_room=10_000, digest=True, seed=3)
    none, _ = play(Bank, link_room="none", digest=True, seed=3)
    assert wide.digest == none.digest


def test_one_seed_gives_one_digest_with_room_and_a_sink_changes_nothing() -> None:
    for room in (1, 2, 8):
        first, _ = play(Bank, THREE, link_room=room, digest=True, seed=5)
        second = distbench.run(Bank, THREE, link_room=room, digest=True, seed=5)
        plain = distbench.run(Bank, THREE, link_room=room, seed=5)
        assert first.digest == second.digest
        assert plain.reports == first.reports
        assert (plain.virtual_time, plain.deliveries) == (first.virtual_time, first.deliveries)


def test_the_room_of_a_failing_run_is_told() -> None:
    @distbench.distbench
    class Fails(Algorithm):
        async def on_start(self) -> None:
            raise ValueError

    def told(**options: Any) -> str:
        return render_result(distbench.run(Fails, TWO, **options))

    assert "each link had room for 2 messages (--link-room)" in told(link_room=2)
    assert "had room" not in told(link_room="none")
    assert "had room" not in render_result(distbench.run(Bank, TWO, link_room=2))


# -------------------------------------------------- in a run


def sends(events: list[Event], src: PeerId = N1) -> list[int]:
    return [json.loads(event.payload) for event in events if isinstance(event, Sent) and event.src == src]


def test_a_sender_that_waits_goes_on_in_its_own_task_when_its_message_is_on_the_way() -> None:
    seen: list[tuple[str, float]] = []

    @distbench.distbench
    class Waits(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                task = asyncio.current_task()
                for number in range(3):
                    await self.peers[N2].tell(number)
                    assert asyncio.current_task() == task
                    seen.append(("sent", self.now()))

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            seen.append(("heard", self.now()))

    result, events = play(Waits, link_room=1, latency=fixed_latency(5))
    assert result.outcome is Outcome.QUIESCENT
    sent = [event.at for event in events if isinstance(event, Sent)]
    heard = [event.at for event in events if isinstance(event, Delivered)]
    assert sent == [0, *heard[:2]]
    assert [what for what, _ in seen] == ["sent", "heard", "sent", "heard", "sent", "heard"]
    assert [round(at * 1e9) for what, at in seen if what == "sent"] == sent


@pytest.mark.parametrize("what", ["raises", "misfits", "waits", "crashed"])
def test_room_frees_at_arrival_whatever_happens_there(what: str) -> None:
    @distbench.distbench
    class Without(Algorithm):
        pass

    @distbench.distbench
    class Other(Algorithm):
        async def on_start(self) -> None:
            if what == "crashed":
                raise ValueError

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            if what == "raises":
                raise ValueError
            if what == "waits":
                await asyncio.Event().wait()

    @distbench.distbench
    class Tells(Algorithm):
        async def on_start(self) -> None:
            for number in range(5):
                await self.peers[N2].tell(number)
            self.sent = True

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            pass

        async def report(self) -> dict[str, object]:
            return {"sent": self.sent}

    classes: dict[str, type] = {"other": Without if what == "misfits" else Other}
    config = config_from_mapping({"n1": {}, "n2": {"algorithm": "other"}})
    options = RunOptions(link_room=1, latency=fixed_latency(0))
    events: list[Event] = []
    result = run_offline(define(Tells), config, options, classes.__getitem__, sink=lambda event: events.append(event))
    assert result.reports[N1] == {"sent": True}
    assert result.in_transit == 0
    assert len([event for event in events if isinstance(event, Sent | Dropped) and event.src == N1]) >= 5


@distbench.distbench
class Feeds(Algorithm):
    """n2 crashes at 1 s; n1 casts and calls more than there is room for."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.ended = 0

    async def on_start(self) -> None:
        if self.id() == N2:
            await asyncio.sleep(1)
            raise ValueError("broken")
        if self.id() == N1:
            await asyncio.sleep(0.9995)
            async with asyncio.TaskGroup() as group:
                for number in range(4):
                    group.create_task(self.cast(number))
                group.create_task(self.call())
            self.seen.append("all")

    async def cast(self, number: int) -> None:
        await self.peers[N2].tell(number)
        self.ended += 1

    async def call(self) -> None:
        try:
            await self.peers[N2].ask(9)
        except PeerDown as error:
            self.seen.append(error.reason)

    @handler
    async def tell(self, src: PeerId, number: int) -> None:
        pass

    @handler
    async def ask(self, src: PeerId, number: int) -> int:
        return number

    async def report(self) -> dict[str, object]:
        return {"seen": self.seen, "ended": self.ended}


def test_what_waits_for_a_peer_that_is_noticed_down_is_dropped_and_counted() -> None:
    """The message to n2 takes 10 ms, the notice at least as long, so that only one is taken before it."""
    for seed in range(20):
        result, events = play(Feeds, seed=seed, link_room=1, latency=fixed_latency(10))
        assert result.reports[N1] == {"seen": ["has crashed", "all"], "ended": 4}
        unsent = [event for event in events if isinstance(event, Dropped) and event.src == N1 and event.dst == N2]
        sent = sends(events)
        assert sent == list(range(len(sent)))  # the call waited behind all casts
        dropped_here = [event for event in unsent if event.reason == "n2 has crashed"]
        assert len(sent) + len(dropped_here) == 4
        assert dropped_here
        assert result.nodes[N1].dropped == {"n2 has crashed": len(dropped_here)}


def test_who_crashes_sends_nothing_of_what_waits() -> None:
    @distbench.distbench
    class Crashes(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                self.tasks = [asyncio.create_task(self.tell_other(number)) for number in range(5)]
                await asyncio.sleep(0)
                self.driven = cast("Any", self.peers[N2].tell(5))
                self.driven.send(None)  # which no task holds that would be cancelled
                await asyncio.sleep(0.0001)
                raise ValueError

        async def tell_other(self, number: int) -> None:
            try:
                await self.peers[N2].tell(number)
            except asyncio.CancelledError:
                await self.peers[N2].tell(-1)

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            pass

    result, events = play(Crashes, link_room=2)
    assert sends(events) == [0, 1]
    assert result.in_transit == 0
    assert result.nodes[N1].messages_out == 2


def test_at_the_end_of_a_run_what_waits_is_not_sent_and_its_sender_goes_on() -> None:
    went_on: list[int] = []

    @distbench.distbench
    class Ends(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                for number in range(5):
                    await self.peers[N2].tell(number)
                    went_on.append(number)

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            pass

    result, events = play(Ends, link_room=2, latency=fixed_latency(10), duration=0.005)
    assert result.outcome is Outcome.COMPLETED
    assert (sends(events), result.in_transit, result.nodes[N1].messages_out) == ([0, 1], 2, 2)
    assert went_on[:3] == [0, 1, 2]
    assert [one.node for one in result.suspended] == [N1]


def test_a_sender_that_gives_up_takes_its_message_with_it() -> None:
    @distbench.distbench
    class GivesUp(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                for number in range(4):
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.004):
                            await self.peers[N2].tell(number)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.001):
                        await self.peers[N2].ask(9)

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            pass

        @handler
        async def ask(self, src: PeerId, number: int) -> int:
            return number

    result, events = play(GivesUp, link_room=1, latency=fixed_latency(10))
    assert sends(events) == [0, 3]
    assert [event.number for event in events if isinstance(event, Sent)] == [0, 1]
    assert result.nodes[N1].messages_out == 2


def test_nodes_that_call_each_other_over_the_narrowest_links_never_starve() -> None:
    @distbench.distbench
    class Circle(Algorithm):
        async def on_start(self) -> None:
            await asyncio.gather(*(peer.ask(2) for peer in self.peers.values() for _ in range(4)))
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, depth: int) -> int:
            return depth and sum(await asyncio.gather(*(peer.ask(depth - 1) for peer in self.peers.values())))

    for seed in range(10):
        assert distbench.run(Circle, THREE, seed=seed, link_room=1).outcome is Outcome.COMPLETED


def test_a_loop_of_casts_is_ended_by_the_answer_it_waits_for() -> None:
    @distbench.distbench
    class Floods(Algorithm):
        async def on_start(self) -> None:
            self.stopped = False
            while self.id() == N1 and not self.stopped:
                await self.peers[N2].tell(1)

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            await self.peers[src].stop(1)

        @handler
        async def stop(self, src: PeerId, number: int) -> None:
            self.stopped = True

    result = distbench.run(Floods, TWO, link_room=8)
    assert result.outcome is Outcome.QUIESCENT
    assert result.nodes[N1].messages_out < 100
