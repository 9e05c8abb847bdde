from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import distbench
from distbench import Outcome, PeerId, RunResult, Signed, config_field
from distbench.algorithms.message_chain import Link, MessageChain, check
from tests.algorithms.runs import CONFIGS, LATENCIES, Config, Edge, connected, network, runs, sent


def assert_spread(result: RunResult, origin: str, content: str) -> None:
    """Everyone accepted, along a path of neighbours from the origin, and sent once to whoever had not signed."""
    assert result.outcome is Outcome.COMPLETED
    expected = 0
    for node, algorithm in result.algorithms.items():
        assert isinstance(algorithm, MessageChain)
        assert algorithm.accepted == content
        assert (algorithm.path[0], algorithm.path[-1]) == (origin, node)
        for one, other in zip(algorithm.path, algorithm.path[1:], strict=False):
            assert other in result.algorithms[one].community.neighbours
        expected += len(set(algorithm.peers) - set(algorithm.path))
    assert sum(node.messages_out for node in result.nodes.values()) == expected
    check(result)


@pytest.mark.parametrize(
    "seeds", [range(40), pytest.param(range(40, 250), marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.parametrize("latency", LATENCIES)
def test_every_node_accepts_along_a_path_under_every_schedule(latency: str | None, seeds: range) -> None:
    paths = set()
    for result in runs(MessageChain, CONFIGS / "message_chain.yaml", latency, seeds):
        assert_spread(result, "n1", "attack at dawn")
        assert sum(node.messages_out for node in result.nodes.values()) <= 2 * 5 - 3
        paths.add(result.reports[PeerId("n3")]["path"])
    if latency != "5":
        assert len(paths) > 1, "different schedules let different chains arrive first"


@given(connected(), st.data())
def test_no_connected_network_is_flooded(graph: tuple[int, list[Edge]], data: st.DataObject) -> None:
    size, edges = graph
    config = network(size, edges)
    origin = f"n{data.draw(st.integers(1, size))}"
    config[origin] |= {"start_node": True, "content": "now"}
    result = distbench.run(MessageChain, config, seed=data.draw(st.integers(0, 99)))
    assert_spread(result, origin, "now")
    assert sum(node.messages_out for node in result.nodes.values()) <= 2 * len(edges) - (size - 1)


@distbench.distbench
class Liar(MessageChain):
    """Where ``lie`` is set, the chain that this node passes on has been tampered with."""

    lie: str = config_field(default="")

    async def accept(self, content: str, after: PeerId, chain: list[Signed[Link]]) -> None:
        if self.lie and after != self.id():
            mine = self.sign(Link(content=content, after=after))
            forged = self.sign(Link(content="retreat", after=after))
            longer = {
                "other content": [*chain, forged],
                "cut out": [*chain[:-1], mine],
                "other path": [*chain, self.sign(Link(content=content, after=self.id()))],
                "twice": [*chain, mine, mine],
                "unsigned by me": chain,
                "empty": [],
            }[self.lie]
            await self.peers[PeerId("n4")].relay(longer)
        else:
            await super().accept(content, after, chain)


@pytest.mark.parametrize("lie", ["other content", "cut out", "other path", "twice", "unsigned by me", "empty"])
def test_a_chain_that_was_tampered_with_is_not_accepted(lie: str) -> None:
    line: Config = network(4, [(1, 2), (2, 3), (3, 4)])
    line["n1"]["start_node"] = True
    honest = distbench.run(Liar, line)
    assert honest.reports[PeerId("n4")]["accepted"] == "attack at dawn"
    line["n3"]["lie"] = lie
    result = distbench.run(Liar, line)
    assert result.nodes[PeerId("n4")].messages_in == 1
    assert result.reports[PeerId("n4")]["accepted"] is None
    assert not result.failures


def test_without_an_origin_nothing_happens() -> None:
    result = distbench.run(MessageChain, {"n1": {}, "n2": {}})
    assert (result.outcome, sent(result)) == (Outcome.QUIESCENT, 0)


def test_the_check_finds_a_node_that_changes_the_content() -> None:
    @distbench.distbench
    class Whisperer(MessageChain):
        async def accept(self, content: str, after: PeerId, chain: list[Signed[Link]]) -> None:
            await super().accept(content, after, chain)
            if chain:
                self.accepted = "a tack at dawn"

    result = distbench.run(Whisperer, CONFIGS / "message_chain.yaml")
    with pytest.raises(AssertionError, match="different contents"):
        check(result)
