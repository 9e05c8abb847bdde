"""What holds for messages in every mode."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from distbench import (
    Algorithm,
    MessageError,
    PeerId,
    RemoteError,
    RunResult,
    Signed,
    child_algorithm,
    config_field,
    distbench,
    handler,
    message,
)
from distbench.running.preparing import load_class, read_config
from tests.contract.play import nodes

Run = Callable[..., RunResult]
N1, N2, N3 = (PeerId(f"n{number}") for number in (1, 2, 3))
MIB = 2**20
CONFIGS = Path(__file__).resolve().parent.parent.parent / "configs"


@message
class Numbered:
    number: int


@message
class Nothing:
    pass


@message
class Blob:
    data: bytes


@distbench
class Counts(Algorithm):
    """Everybody sends numbers to everybody, and ends when all have arrived."""

    many: int = config_field(default=200)

    def __init__(self) -> None:
        self.seen: dict[PeerId, list[int]] = {peer: [] for peer in self.peers}

    async def on_start(self) -> None:
        for number in range(self.many):
            for peer in self.peers.values():
                await peer.number(Numbered(number))

    @handler
    async def number(self, src: PeerId, msg: Numbered) -> None:
        self.seen[src].append(msg.number)
        if all(len(numbers) == self.many for numbers in self.seen.values()):
            await self.terminate()

    async def report(self) -> dict[str, object]:
        return {"in_order": all(numbers == list(range(self.many)) for numbers in self.seen.values())}


@pytest.mark.parametrize("format", ["json", "msgpack"])
def test_a_link_delivers_once_and_in_order(run: Run, format: str) -> None:
    result = run(Counts, nodes(3), format=format)
    assert result.outcome == "completed"
    assert [report["in_order"] for report in result.reports.values()] == [True] * 3
    assert [node.messages_in for node in result.nodes.values()] == [400] * 3


def test_latency_keeps_the_order(run: Run) -> None:
    result = run(Counts, nodes(2, many=100), latency="0-20")
    assert [report["in_order"] for report in result.reports.values()] == [True] * 2


@distbench
class Crowd(Algorithm):
    """Ever more tasks of n1 send, more than a link keeps, while n2 is too slow to take it."""

    sends: bool = config_field(default=False)

    def __init__(self) -> None:
        self.sent = 0
        self.seen: list[int] = []

    async def on_start(self) -> None:
        if self.sends:
            (peer,) = self.peers.values()

            async def send(size: int) -> None:
                self.sent += 1
                await peer.take({"number": self.sent, "filling": "x" * size})

            tasks = []
            for number in range(120):
                tasks.append(asyncio.create_task(send((100, 300_000)[number % 2])))
                await asyncio.sleep(0.003)
            await asyncio.gather(*tasks)
            await peer.end(self.sent)
            await self.terminate()

    @handler
    async def take(self, src: PeerId, value: dict[str, Any]) -> None:
        self.seen.append(value["number"])
        sum(range(len(value["filling"]) * 3))  # reads nothing meanwhile

    @handler
    async def end(self, src: PeerId, number: int) -> None:
        self.in_order = self.seen == list(range(1, number + 1))
        await self.terminate()

    async def report(self) -> dict[str, object]:
        return {} if self.sends else {"in_order": self.in_order}


def test_a_full_link_keeps_the_order_of_all_its_senders(run: Run) -> None:
    result = run(Crowd, {"n1": {"sends": True}, "n2": {}}, latency="0-5")
    assert result.outcome == "completed"
    assert result.reports[N2] == {"in_order": True}
    assert result.nodes[N2].messages_in == 121


@pytest.mark.parametrize("format", ["json", "msgpack"])
def test_counts_of_messages_and_bytes_are_those_of_the_simulation(run: Run, offline: Run, format: str) -> None:
    assert run(Counts, nodes(3), format=format).nodes[N2].traffic == (
        offline(Counts, nodes(3), format=format).nodes[N2].traffic
    )


def test_two_nodes_call_each_other_at_once_and_from_within_calls(run: Run) -> None:
    @distbench
    class BothWays(Algorithm):
        async def on_start(self) -> None:
            (peer,) = self.peers.values()
            self.got = await peer.down(Numbered(20))
            await self.terminate()

        @handler
        async def down(self, src: PeerId, msg: Numbered) -> int:
            return 0 if msg.number == 0 else 1 + await self.peers[src].down(Numbered(msg.number - 1))

        async def report(self) -> dict[str, object]:
            return {"got": self.got}

    result = run(BothWays, nodes(2))
    assert result.outcome == "completed"
    assert [report["got"] for report in result.reports.values()] == [20, 20]


def test_a_thousand_calls_at_once_get_each_its_own_reply(run: Run) -> None:
    @distbench
    class Asks(Algorithm):
        good = False

        async def on_start(self) -> None:
            if self.id() == "n1":
                peer = self.peers[N2]
                replies = await asyncio.gather(*(peer.double(Numbered(number)) for number in range(1000)))
                self.good = replies == [2 * number for number in range(1000)]
            await self.terminate()

        @handler
        async def double(self, src: PeerId, msg: Numbered) -> int:
            for _ in range(msg.number % 7):
                await asyncio.sleep(0)
            return 2 * msg.number

        async def report(self) -> dict[str, object]:
            return {"good": self.good}

    assert run(Asks, nodes(2)).reports[N1] == {"good": True}


@message
class Text:
    text: str
    more: list[str]


@pytest.mark.parametrize("format", ["json", "msgpack"])
def test_what_is_sent_is_what_arrives(run: Run, format: str) -> None:
    texts = ["", "a", "Grüße, 世界 🎉", "\x00\x7f\u2028\U0010ffff", "x" * MIB]

    @distbench
    class Mirrors(Algorithm):
        same: tuple[bool, ...] = ()

        async def on_start(self) -> None:
            if self.id() == "n1":
                peer = self.peers[N2]
                self.same = (
                    *[await peer.mirror(Text(text, [text, text])) == Text(text, [text, text]) for text in texts],
                    await peer.empty(Nothing()) == Nothing(),
                    await peer.nothing(None) is None,
                    await peer.plain([]) == [],
                    await peer.plain([2**63 - 1, -(2**63)]) == [2**63 - 1, -(2**63)],
                    await peer.blob(Blob(b"")) == Blob(b""),
                    await peer.blob(Blob(bytes(range(256)))) == Blob(bytes(range(256))),
                )
            await self.terminate()

        @handler
        async def mirror(self, src: PeerId, msg: Text) -> Text:
            return msg

        @handler
        async def empty(self, src: PeerId, msg: Nothing) -> Nothing:
            return msg

        @handler
        async def nothing(self, src: PeerId, msg: None) -> int | None:
            return msg

        @handler
        async def plain(self, src: PeerId, msg: list[int]) -> list[int]:
            return msg

        @handler
        async def blob(self, src: PeerId, msg: Blob) -> Blob:
            return msg

        async def report(self) -> dict[str, object]:
            return {"same": list(self.same)}

    assert run(Mirrors, nodes(2), format=format).reports[N1] == {"same": [True] * 11}


def test_what_is_larger_than_a_link_takes_is_refused_at_the_sender(run: Run) -> None:
    @distbench
    class Huge(Algorithm):
        def __init__(self) -> None:
            self.errors: list[str] = []

        async def on_start(self) -> None:
            if self.id() == "n1":
                peer = self.peers[N2]
                for send in (peer.cast, peer.call):
                    try:
                        await send("x" * (64 * MIB))
                    except MessageError as error:
                        self.errors.append(str(error))
                try:
                    await peer.ask(64 * MIB)
                except RemoteError as error:
                    self.errors.append(error.exception)
                await peer.cast("small")
            else:
                await self.terminate()

        @handler
        async def cast(self, src: PeerId, msg: str) -> None:
            await self.peers[src].ready("got it")

        @handler
        async def call(self, src: PeerId, msg: str) -> str:
            return "?"

        @handler
        async def ask(self, src: PeerId, size: int) -> str:
            return "x" * size

        @handler
        async def ready(self, src: PeerId, msg: str) -> None:
            await self.terminate()

        async def report(self) -> dict[str, object]:
            return {"errors": self.errors}

    result = run(Huge, nodes(2))
    says = "a message of 67,108,866 bytes; the most that a link takes is 67,108,864"
    assert result.reports[N1] == {"errors": [f"cast: {says}", f"call: {says}", f"MessageError: ask: {says}"]}
    assert result.ended == "completed"
    assert [failure.handler for failure in result.failures] == ["ask"]  # nobody else could have seen that one
    assert result.nodes[N1].traffic["cast"].messages_out == 1


def test_layers_have_their_own_handlers_config_and_report(run: Run) -> None:
    @distbench
    class Lower(Algorithm):
        times: int = config_field(default=1)
        told = 0

        @handler
        async def tell(self, src: PeerId, msg: Numbered) -> None:
            self.told += 1
            assert self._parent is not None
            await self.deliver_message(src, Numbered(msg.number * self.times))

        async def report(self) -> dict[str, object]:
            return {"told": self.told}

    @distbench
    class Upper(Algorithm):
        left: Lower = child_algorithm(Lower)
        right: Lower = child_algorithm(Lower)

        def __init__(self) -> None:
            self.heard: list[tuple[str, int]] = []

        async def on_start(self) -> None:
            for peer in self.left.peers.values():
                await peer.tell(Numbered(1))
            for peer in self.right.peers.values():
                await peer.tell(Numbered(2))
            for peer in self.peers.values():
                await peer.tell(Numbered(3))

        async def note(self, side: str, number: int) -> None:
            self.heard.append((side, number))
            if len(self.heard) == 3:
                await self.terminate()

        @handler
        async def tell(self, src: PeerId, msg: Numbered) -> None:
            await self.note("top", msg.number)

        @handler(from_child="left")
        async def from_left(self, src: PeerId, msg: Numbered) -> None:
            await self.note("left", msg.number)

        @handler(from_child="right")
        async def from_right(self, src: PeerId, msg: Numbered) -> None:
            await self.note("right", msg.number)

        async def report(self) -> dict[str, object]:
            return {"heard": self.heard}

    result = run(Upper, nodes(2, right={"times": 10}))
    assert result.outcome == "completed"
    for report in result.reports.values():
        assert [list(pair) for pair in report["heard"]] == [["left", 1], ["right", 20], ["top", 3]]  # type: ignore[attr-defined]
        assert report["left"] == report["right"] == {"told": 1}
    assert result.nodes[N1].messages_received() == {"": 1, "left": 1, "right": 1}


def test_signatures_are_checked_before_a_handler_runs(run: Run) -> None:
    @message
    class Chain:
        links: list[Signed[Numbered]]

    @distbench
    class Signs(Algorithm):
        def __init__(self) -> None:
            self.heard: list[Any] = []

        async def on_start(self) -> None:
            if self.id() == "n1":
                await self.peers[N2].vote(self.sign(Numbered(1)))

        @handler
        async def vote(self, src: PeerId, msg: Signed[Numbered]) -> None:
            self.heard.append([msg.signer, msg.number])
            n3 = self.peers[N3]
            await n3.vote(msg)  # signed by n1, not by n2 that sends it: dropped
            await n3.chain(Chain([msg, self.sign(Numbered(2))]))
            await self.terminate()

        @handler
        async def chain(self, src: PeerId, msg: Chain) -> None:
            self.heard.append([[link.signer, link.number] for link in msg.links])
            await self.peers[N1].over(None)
            await self.terminate()

        @handler
        async def over(self, src: PeerId, msg: None) -> None:
            await self.terminate()

        async def report(self) -> dict[str, object]:
            return {"heard": self.heard}

    result = run(Signs, nodes(3))
    assert result.outcome == "completed"
    assert result.exit_status == 0
    assert result.reports[N2] == {"heard": [["n1", 1]]}
    assert result.reports[N3] == {"heard": [[["n1", 1], ["n2", 2]]]}
    assert result.nodes[N3].dropped == {"the signature of another node": 1}


def test_the_streams_of_random_are_those_of_the_simulation(run: Run, offline: Run) -> None:
    @distbench
    class Draws(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        async def report(self) -> dict[str, object]:
            return {"random": [self.random.random() for _ in range(3)], "choice": self.choice(range(1000))}

    result = run(Draws, nodes(2), seed=7)
    assert result.reports == offline(Draws, nodes(2), seed=7).reports
    assert result.reports[N1] != result.reports[N2]


def test_nodes_do_not_draw_alike_from_the_random_of_python(run: Run) -> None:
    @distbench
    class Draws(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        async def report(self) -> dict[str, object]:
            import random
            import uuid

            return {"drawn": [random.getrandbits(64), str(uuid.uuid4())]}

    reports = run(Draws, nodes(3)).reports.values()
    assert len({report["drawn"][0] for report in reports}) == 3  # type: ignore[index]
    assert len({report["drawn"][1] for report in reports}) == 3  # type: ignore[index]


def test_the_community_is_the_same_in_every_mode(run: Run) -> None:
    @distbench
    class Looks(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

        @handler
        async def hear(self, src: PeerId, msg: None) -> None:
            pass

        async def report(self) -> dict[str, object]:
            community = self.community
            return {"all": [self.N(), *community.order], "peers": [*self.peers], "mine": [*community.neighbours]}

    config = {"n10": {"neighbours": ["n9"]}, "n9": {}, "n1": {"neighbours": "none"}}
    result = run(Looks, config)
    assert result.reports == {
        "n10": {"all": [3, "n1", "n9", "n10"], "peers": ["n9"], "mine": ["n9"]},
        "n9": {"all": [3, "n1", "n9", "n10"], "peers": ["n10", "n1"], "mine": ["n10", "n1"]},
        "n1": {"all": [3, "n1", "n9", "n10"], "peers": [], "mine": []},
    }


def test_one_node_alone_runs(run: Run) -> None:
    @distbench
    class Alone(Algorithm):
        async def on_start(self) -> None:
            await asyncio.sleep(0.01)
            await self.terminate()

    result = run(Alone, nodes(1))
    assert (result.outcome, result.exit_status) == ("completed", 0)


def test_the_current_task_is_a_task_before_and_after_a_handler_first_waits(run: Run) -> None:
    @distbench
    class Looks(Algorithm):
        def __init__(self) -> None:
            self.seen: list[object] = []

        def look(self) -> None:
            task = asyncio.current_task()
            self.seen += [isinstance(task, asyncio.Task), isinstance(task, asyncio.Future)]

        async def on_start(self) -> None:
            self.look()
            await asyncio.sleep(0.01)
            self.look()
            await self.terminate()

        async def report(self) -> dict[str, object]:
            return {"seen": self.seen}

    assert run(Looks, nodes(1)).reports == {N1: {"seen": [True] * 4}}


@pytest.mark.parametrize(
    "algorithm, config",
    [
        ("chang_roberts", "ring:5"),
        ("pingpong", str(CONFIGS / "pingpong.yaml")),
        ("simple_broadcast", str(CONFIGS / "simple_broadcast.yaml")),
    ],
)
def test_shipped_algorithms_send_the_same_in_every_mode(run: Run, offline: Run, algorithm: str, config: str) -> None:
    result, simulated = (each(load_class(algorithm), blocks(config)) for each in (run, offline))
    assert (result.outcome, result.exit_status) == (simulated.outcome, 0)
    assert result.reports == simulated.reports
    for node, one in result.nodes.items():
        assert one.traffic == simulated.nodes[node].traffic
        assert one.end == simulated.nodes[node].end
    assert result.deliveries == simulated.deliveries


def blocks(source: str) -> dict[str, dict[str, Any]]:
    """The nodes of a config, without addresses."""
    config = read_config(source)
    return {node: {"neighbours": list(one.neighbours), **one.fields} for node, one in config.nodes.items()}
