"""What holds in every mode where a link takes no more for a while: 4 MiB or so over TCP, two messages offline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from distbench import Algorithm, PeerId, RunResult, distbench, handler, message
from tests.contract.play import nodes

Run = Callable[..., RunResult]
N1, N2 = PeerId("n1"), PeerId("n2")
LARGE = 2**20
MANY = 32
FULL = {"link_room": 2, "format": "msgpack"}


@message
class Blob:
    number: int
    filling: bytes


def blob(number: int, size: int = LARGE) -> Blob:
    return Blob(number, bytes(size))


@distbench
class Takes(Algorithm):
    """What the nodes below have in common: they take blobs in their order."""

    def __init__(self) -> None:
        self.taken: list[int] = []

    @handler
    async def take(self, src: PeerId, msg: Blob) -> None:
        self.taken.append(msg.number)

    async def report(self) -> dict[str, object]:
        return {"taken": self.taken}


def test_other_tasks_run_while_a_cast_waits_and_may_change_what_was_read_before(run: Run) -> None:
    @distbench
    class Counts(Takes):
        value = 0

        async def on_start(self) -> None:
            if self.id() == N1:
                adding = asyncio.create_task(self.add())
                before = self.value
                for number in range(12):
                    await self.peers[N2].take(blob(number))
                self.value = before + 1
                await adding

        async def add(self) -> None:
            self.value += 1

        async def report(self) -> dict[str, object]:
            return {**await super().report(), "value": self.value}

    result = run(Counts, nodes(2), **FULL)
    assert result.reports[N1] == {"taken": [], "value": 1}  # and not 2: an update is lost
    assert result.reports[N2] == {"taken": list(range(12)), "value": 0}


def test_a_reply_overtakes_the_casts_that_wait_and_no_cast_another(run: Run) -> None:
    @distbench
    class Asks(Takes):
        at_reply = 0

        async def on_start(self) -> None:
            if self.id() == N1:
                await self.peers[N2].ask(MANY)
                self.at_reply = len(self.taken)

        @handler
        async def ask(self, src: PeerId, count: int) -> bool:
            self.tasks = [asyncio.create_task(self.send(number)) for number in range(count)]
            await asyncio.sleep(0)
            return True

        async def send(self, number: int) -> None:
            await self.peers[N1].take(blob(number))

        async def report(self) -> dict[str, object]:
            return {**await super().report(), "overtaken": MANY - self.at_reply}

    result = run(Asks, nodes(2), **FULL)
    assert result.reports[N1]["taken"] == list(range(MANY))
    assert result.reports[N1]["overtaken"] in range(1, MANY)  # in a turn or two, a link takes a part of them
    assert (result.nodes[N1].messages_in, result.nodes[N2].messages_out) == (MANY, MANY)


def test_what_a_sender_gave_up_while_it_waited_was_not_sent(run: Run) -> None:
    @distbench
    class GivesUp(Takes):
        async def on_start(self) -> None:
            if self.id() == N1:
                tasks = [asyncio.create_task(self.send(number)) for number in range(12)]
                tasks.append(asyncio.create_task(self.cancel(tasks[8], tasks[10])))  # in the turn that they begin in
                await asyncio.gather(*tasks, return_exceptions=True)

        async def cancel(self, *tasks: asyncio.Task[None]) -> None:
            for task in tasks:
                task.cancel()

        async def send(self, number: int) -> None:
            await self.peers[N2].take(blob(number))

    result = run(GivesUp, nodes(2), **FULL)
    assert result.reports[N2] == {"taken": [0, 1, 2, 3, 4, 5, 6, 7, 9, 11]}
    assert (result.nodes[N1].messages_out, result.nodes[N2].messages_in) == (10, 10)


def test_many_senders_of_large_and_small_messages_reach_one_receiver_whose_handlers_wait(run: Run) -> None:
    """Its handlers wait for the last message of all: one that waits keeps no room from those behind it."""

    @distbench
    class Gathers(Algorithm):
        def __init__(self) -> None:
            self.taken: dict[PeerId, list[int]] = {}
            self.everything = asyncio.Event()

        async def on_start(self) -> None:
            if self.id() != N1:
                for number in range(16):
                    await self.peers[N1].take(blob(number, (10, LARGE // 2, 70_000)[number % 3]))
                await self.terminate()

        @handler
        async def take(self, src: PeerId, msg: Blob) -> None:
            self.taken.setdefault(src, []).append(msg.number)
            if [len(numbers) for numbers in self.taken.values()] == [16] * 3:
                self.everything.set()
                await self.terminate()
            await self.everything.wait()

        async def report(self) -> dict[str, object]:
            return {"in_order": {node: numbers == list(range(16)) for node, numbers in sorted(self.taken.items())}}

    result = run(Gathers, nodes(4), startup_delay=0.1, **FULL)
    assert result.outcome == "completed"
    assert result.reports[N1] == {"in_order": {"n2": True, "n3": True, "n4": True}}
    assert result.nodes[N1].messages_in == 48


def test_nodes_that_call_each_other_with_large_messages_do_not_starve(run: Run) -> None:
    @distbench
    class Circle(Algorithm):
        got = 0

        async def on_start(self) -> None:
            asks = [peer.ask(blob(number)) for peer in self.peers.values() for number in range(6)]
            for reply in await asyncio.gather(*asks):
                self.got += len(reply.filling)
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, msg: Blob) -> Blob:
            return msg

        async def report(self) -> dict[str, object]:
            return {"got": self.got}

    result = run(Circle, nodes(3), **FULL)
    assert result.outcome == "completed"
    assert [report["got"] for report in result.reports.values()] == [12 * LARGE] * 3
