"""Messages arrive in order, handlers are atomic between awaits, calls do not block one another."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

import distbench
from distbench import Algorithm, Outcome, PeerId, handler, message

TWO: dict[str, dict[str, object]] = {"n1": {}, "n2": {}}
N1, N2 = PeerId("n1"), PeerId("n2")


def test_what_stands_between_two_awaits_is_atomic() -> None:
    torn: list[int] = []

    @distbench.distbench
    class Counter(Algorithm):
        value: int = 0

        async def on_start(self) -> None:
            for _ in range(50):
                for peer in self.peers.values():
                    await peer.add(1)

        @handler
        async def add(self, src: PeerId, number: int) -> None:
            before = self.value
            for peer in self.peers.values():
                await peer.note(number)  # a cast does not really wait
            if self.value != before:
                torn.append(self.value)
            self.value = before + number

        @handler
        async def note(self, src: PeerId, number: int) -> None:
            pass

    result = distbench.run(Counter, {f"n{number}": {} for number in range(1, 5)}, latency="0-1")
    assert torn == []
    assert {node: getattr(each, "value") for node, each in result.algorithms.items()} == dict.fromkeys(  # noqa: B009
        result.nodes, 150
    )


Arrivals = list[tuple[str, str, int]]


def fifo_run(plan: list[tuple[int, int, float]], latency: str, seed: int) -> tuple[Arrivals, Arrivals]:
    """What nodes sent by this plan (sender, receiver, pause), and what arrived."""
    sent: Arrivals = []
    arrived: Arrivals = []

    @distbench.distbench
    class Sends(Algorithm):
        async def on_start(self) -> None:
            for number, (src, dst, pause) in enumerate(plan):
                if self.id() == f"n{src}":
                    if pause:
                        await asyncio.sleep(pause)
                    sent.append((f"n{src}", f"n{dst}", number))
                    await self.peers[PeerId(f"n{dst}")].take(number)

        @handler
        async def take(self, src: PeerId, number: int) -> None:
            arrived.append((src, self.id(), number))

    result = distbench.run(Sends, {"n0": {}, "n1": {}, "n2": {}}, latency=latency, seed=seed)
    assert result.outcome is Outcome.QUIESCENT
    return sent, arrived


steps = st.tuples(st.integers(0, 2), st.integers(1, 2), st.sampled_from([0.0, 0.001, 0.02]))


@settings(max_examples=60, deadline=None)
@given(st.lists(steps, max_size=30), st.sampled_from(["0", "5", "0-100", "10-50"]), st.integers(0, 10**6))
def test_every_link_keeps_the_order_of_sending(steps: list[tuple[int, int, float]], latency: str, seed: int) -> None:
    plan = [(src, (src + step) % 3, pause) for src, step, pause in steps]
    sent, arrived = fifo_run(plan, latency, seed)
    assert len(arrived) == len(sent) == len(plan)
    for src in ("n0", "n1", "n2"):
        for dst in ("n0", "n1", "n2"):
            assert [a for a in arrived if a[:2] == (src, dst)] == [s for s in sent if s[:2] == (src, dst)]


def test_different_links_overtake_one_another() -> None:
    plan = [(0, 1, 0.0), (0, 2, 0.0), (1, 2, 0.0), (2, 1, 0.0)]
    orders = {tuple(number for _, _, number in fifo_run(plan, "1-10", seed)[1]) for seed in range(40)}
    assert len(orders) > 5


def test_at_a_constant_latency_the_seed_breaks_the_ties() -> None:
    plan = [(0, 2, 0.0), (1, 2, 0.0)]
    orders = {tuple(number for _, _, number in fifo_run(plan, "5", seed)[1]) for seed in range(20)}
    assert orders == {(0, 1), (1, 0)}


def test_a_request_and_a_cast_on_one_link_keep_their_order() -> None:
    seen: list[object] = []

    @distbench.distbench
    class Mixed(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                first = asyncio.ensure_future(self.peers[N2].ask(0))
                await asyncio.sleep(0)
                await self.peers[N2].tell(1)
                await first

        @handler
        async def ask(self, src: PeerId, number: int) -> int:
            seen.append(number)
            await self.peers[src].told(number)
            return number

        @handler
        async def tell(self, src: PeerId, number: int) -> None:
            seen.append(number)

        @handler
        async def told(self, src: PeerId, number: int) -> None:
            seen.append("told before the reply")

    for seed in range(20):
        seen.clear()
        distbench.run(Mixed, TWO, seed=seed, latency="1-100")
        assert [each for each in seen if isinstance(each, int)] == [0, 1]
        assert "told before the reply" in seen


def test_deliveries_wait_until_every_on_start_has_first_waited() -> None:
    seen: list[str] = []

    @distbench.distbench
    class Child(Algorithm):
        async def on_start(self) -> None:
            seen.append(f"child {self.id()}")
            for peer in self.peers.values():
                await peer.hello(1)
            seen.append(f"child {self.id()} sent")
            await asyncio.sleep(1)
            seen.append(f"child {self.id()} woke")

        @handler
        async def hello(self, src: PeerId, number: int) -> None:
            seen.append(f"{self.id()} heard")

    @distbench.distbench
    class Parent(Algorithm):
        child: Child = distbench.child_algorithm(Child)

        async def on_start(self) -> None:
            seen.append(f"parent {self.id()}")

    distbench.run(Parent, TWO, latency="0")
    assert seen[:6] == ["child n1", "child n1 sent", "parent n1", "child n2", "child n2 sent", "parent n2"]
    assert sorted(seen[6:8]) == ["n1 heard", "n2 heard"]
    assert sorted(seen[8:]) == ["child n1 woke", "child n2 woke"]


# -------------------------------------------------- calls


def test_two_nodes_that_call_each_other_at_once_do_not_deadlock() -> None:
    @distbench.distbench
    class Mutual(Algorithm):
        async def on_start(self) -> None:
            (peer,) = self.peers.values()
            assert await peer.ask(3) == 3
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, depth: int) -> int:
            """Calls back before it answers."""
            return 0 if depth == 0 else 1 + int(await self.peers[src].ask(depth - 1))

    for seed in range(20):
        assert distbench.run(Mutual, TWO, seed=seed).outcome is Outcome.COMPLETED


def test_a_thousand_calls_at_once_each_get_their_own_reply() -> None:
    @distbench.distbench
    class Many(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                peers = list(self.peers.values())
                calls = [peers[number % len(peers)].double(number) for number in range(1000)]
                assert await asyncio.gather(*calls) == [2 * number for number in range(1000)]
            await self.terminate()

        @handler
        async def double(self, src: PeerId, number: int) -> int:
            if number % 3:
                await asyncio.sleep(1 / number)
            return 2 * number

    result = distbench.run(Many, {f"n{number}": {} for number in range(1, 5)}, latency="1-1000")
    assert (result.outcome, result.failures) == (Outcome.COMPLETED, ())
    assert result.deliveries == 2000


def test_a_late_reply_is_ignored() -> None:
    seen: list[object] = []

    @distbench.distbench
    class Late(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                for number in range(3):
                    try:
                        async with asyncio.timeout(0.5):
                            seen.append(await self.peers[N2].ask(number))
                    except TimeoutError:
                        seen.append("timeout")
                await asyncio.sleep(5)
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, number: int) -> str:
            await asyncio.sleep(0 if number == 2 else 1)
            if number == 1:
                raise ValueError("late and wrong")
            return f"reply {number}"

    result = distbench.run(Late, TWO)
    assert seen == ["timeout", "timeout", "reply 2"]
    assert result.ended is Outcome.COMPLETED
    assert [failure.node for failure in result.failures] == [N2]


def test_a_cancelled_call_leaves_nothing_to_wait_for() -> None:
    @distbench.distbench
    class Cancels(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                task = asyncio.ensure_future(self.peers[N2].never(1))
                await asyncio.sleep(1)
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled()

        @handler
        async def never(self, src: PeerId, number: int) -> int:
            await asyncio.Event().wait()
            return number

    result = distbench.run(Cancels, TWO)
    assert [(each.node, each.name) for each in result.suspended] == [(N2, "never")]


def test_a_call_does_not_share_objects_with_the_receiver() -> None:
    kept: list[list[int]] = []

    @distbench.distbench
    class Shares(Algorithm):
        async def on_start(self) -> None:
            if self.id() == N1:
                mine = [1, 2]
                theirs = await self.peers[N2].grow(mine)
                assert (mine, theirs) == ([1, 2], [1, 2, 3])
                theirs.append(4)
                assert kept == [[1, 2, 3]]
            await self.terminate()

        @handler
        async def grow(self, src: PeerId, numbers: list[int]) -> list[int]:
            numbers.append(3)
            kept.append(numbers)
            return numbers

    assert distbench.run(Shares, TWO).exit_status == 0


def test_a_cast_yields_after_a_thousand_in_one_step() -> None:
    seen: list[int] = []

    @distbench.distbench
    class Flood(Algorithm):
        sent: int = 0

        async def on_start(self) -> None:
            if self.id() == N1:
                asyncio.get_running_loop().call_soon(lambda: seen.append(self.sent))
                for number in range(2500):
                    await self.peers[N2].take(number)
                    self.sent += 1

        @handler
        async def take(self, src: PeerId, number: int) -> None:
            pass

    result = distbench.run(Flood, TWO)
    assert seen == [999]
    assert result.deliveries == 2500


def test_a_loop_of_casts_hears_the_answer_that_ends_it() -> None:
    @distbench.distbench
    class Insists(Algorithm):
        heard: bool = False
        sent: int = 0

        async def on_start(self) -> None:
            if self.id() == N1:
                while not self.heard:
                    await self.peers[N2].knock(1)
                    self.sent += 1
            await self.terminate()

        @handler
        async def knock(self, src: PeerId, number: int) -> None:
            await self.peers[src].answer(1)

        @handler
        async def answer(self, src: PeerId, number: int) -> None:
            self.heard = True

    result = distbench.run(Insists, TWO)
    assert result.outcome is Outcome.COMPLETED
    assert result.nodes[N1].messages_out < 1_000_000


@message
class Box:
    """A message with a field."""

    value: int


def test_a_message_is_handed_over_as_its_class() -> None:
    seen: list[object] = []

    @distbench.distbench
    class Boxes(Algorithm):
        async def on_start(self) -> None:
            for peer in self.peers.values():
                seen.append(await peer.take(Box(1)))
            await self.terminate()

        @handler
        async def take(self, src: PeerId, box: Box) -> Box:
            seen.append(box)
            return Box(box.value + 1)

    distbench.run(Boxes, TWO)
    assert sorted(box.value for box in seen if isinstance(box, Box)) == [1, 1, 2, 2]
