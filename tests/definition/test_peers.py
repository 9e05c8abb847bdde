"""``self.peers`` and ``self.community``: whom a node knows, and what it can send."""

from __future__ import annotations

import inspect
import pydoc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import distbench
from distbench import Algorithm, Community, PeerId, handler, message
from distbench.community import natural_key


@message
class Ping:
    number: int


@distbench.distbench
class Pinging(Algorithm):
    def __init__(self) -> None:
        self.heard: list[tuple[PeerId, int]] = []

    @handler
    async def ping(self, src: PeerId, msg: Ping) -> str:
        """Answer a ping."""
        self.heard.append((src, msg.number))
        return f"pong {msg.number}"

    @handler
    async def tell(self, src: PeerId, waits: int) -> None:
        """Take a number."""
        self.heard.append((src, waits))

    @handler
    async def quiet(self, src: PeerId, message: int, /) -> None:
        self.heard.append((src, message))


def act(config: dict[str, dict[str, Any]], node: str, action: Callable[[Any], Any]) -> Any:
    """Run ``action`` at one node; what it returns."""
    found: list[Any] = []

    @distbench.distbench
    class Acting(Pinging):
        async def on_start(self) -> None:
            if self.id() == node:
                found.append(await action(self))

    result = distbench.run(Acting, config)
    assert result.failures == ()
    return found[0]


LINE: dict[str, dict[str, Any]] = {
    "n10": {"neighbours": ["n2", "n1"]},
    "n1": {"neighbours": ["n2"]},
    "n2": {"neighbours": "none"},
    "n3": {"neighbours": "none"},
}


def test_peers_are_those_that_a_node_lists_in_that_order() -> None:
    async def listed(self: Any) -> list[Any]:
        return [list(self.peers), [peer.peer_id for peer in self.peers.values()], len(self.peers), bool(self.peers)]

    assert act(LINE, "n10", listed) == [["n2", "n1"], ["n2", "n1"], 2, True]
    assert act(LINE, "n3", listed) == [[], [], 0, False]
    assert act({"n1": {}, "n2": {"neighbours": []}, "n3": {}}, "n2", listed)[0] == ["n1", "n3"]


def test_a_node_that_lists_this_one_can_be_answered() -> None:
    async def answer(self: Any) -> list[Any]:
        peer = self.peers[PeerId("n10")]
        return [
            peer.peer_id,
            await peer.ping(Ping(3)),
            PeerId("n10") in self.peers,
            self.peers.get("n10"),
            len(self.peers),
        ]

    assert act(LINE, "n1", answer) == ["n10", "pong 3", False, None, 1]


def test_an_unknown_node_is_a_key_error_that_names_the_neighbours() -> None:
    async def ask(self: Any) -> list[str]:
        texts = []
        for name in ("n3", "n1x", "zzz", self.id(), 7, None):
            with pytest.raises(KeyError) as caught:
                self.peers[name]
            texts.append(caught.value.args[0])
        return texts

    assert act(LINE, "n10", ask) == [
        "'n3' is no neighbour of this node; it has n2, n1",
        "'n1x' is no neighbour of this node; did you mean 'n1'?",
        "'zzz' is no neighbour of this node; it has n2, n1",
        "'n10' is this node itself; call the method directly, on self",
        "7 is no neighbour of this node; it has n2, n1",
        "None is no neighbour of this node; it has n2, n1",
    ]
    many: dict[str, dict[str, Any]] = {f"n{number}": {} for number in range(1, 14)}

    async def far(self: Any) -> Any:
        with pytest.raises(KeyError, match=r"it has n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, \.\.\."):
            self.peers["zzz"]

    act(many, "n1", far)


@pytest.mark.parametrize(
    "name, hint",
    [("pong", "did you mean 'ping'"), ("zzz", "there is ping, tell, quiet"), ("Ping", "did you mean 'ping'")],
)
def test_an_unknown_handler_is_an_attribute_error_with_a_hint(name: str, hint: str) -> None:
    @distbench.distbench
    class Wrong(Pinging):
        async def on_start(self) -> None:
            for peer in self.peers.values():
                await getattr(peer, name)(1)

    result = distbench.run(Wrong, {"n1": {}, "n2": {}})
    assert result.exit_status == 1
    assert result.failures[0].exception.startswith("AttributeError")
    assert f"no handler is called '{name}'; {hint}" in result.failures[0].traceback


@distbench.distbench
class Lower(Algorithm):
    @handler
    async def low(self, src: PeerId, word: str) -> None: ...


@distbench.distbench
class Unmarked(Pinging):
    """What it calls at its peers is no handler there."""

    lower: Lower = distbench.child_algorithm(Lower)
    wrong: str = distbench.config_field(required=True)

    async def on_start(self) -> None:
        for peer in self.peers.values():
            await getattr(peer, self.wrong)("hi")

    async def hello(self, src: PeerId, word: str) -> None: ...

    @handler(from_child="lower")
    async def on_word(self, src: PeerId, word: str) -> None: ...


@pytest.mark.parametrize(
    "name, hint",
    [
        ("hello", "'hello' is a method without @handler; write @handler above it"),
        ("low", "'low' is a handler of the child 'lower'; call a method of self.lower instead"),
        ("on_word", "'on_word' takes what the child 'lower' delivers at its own node; a peer has no such handler"),
        ("on_start", "no handler is called 'on_start'; there is ping, tell, quiet"),
        ("lower", "no handler is called 'lower'; there is ping, tell, quiet"),
    ],
)
def test_a_name_that_is_no_handler_but_something_else_is_told_as_that(name: str, hint: str) -> None:
    result = distbench.run(Unmarked, {"n1": {"wrong": name}, "n2": {"wrong": name}})
    assert hint in result.failures[0].traceback


def test_the_parameter_may_be_named_as_the_handler_names_it() -> None:
    async def by_name(self: Any) -> Any:
        peer = self.peers["n2"]
        await peer.tell(waits=5)
        await peer.tell(6)
        with pytest.raises(TypeError):
            await peer.ping(message=Ping(1))
        with pytest.raises(TypeError):
            await peer.ping()
        with pytest.raises(TypeError):
            await peer.ping(Ping(1), Ping(2))
        return await peer.ping(msg=Ping(4))

    assert act(LINE, "n1", by_name) == "pong 4"


def test_help_shows_signature_and_docstring() -> None:
    async def look(self: Any) -> Any:
        peer = self.peers["n2"]
        return [
            str(inspect.signature(peer.ping)),
            inspect.getdoc(peer.ping),
            pydoc.plain(pydoc.render_doc(peer.ping)),
            [name for name in dir(peer) if not name.startswith("_")],
            repr(peer),
            peer.ping.__name__,
            inspect.iscoroutinefunction(type(peer).ping),
        ]

    signature, docstring, shown, names, text, name, is_async = act(LINE, "n1", look)
    assert signature == "(msg: 'Ping') -> 'str'"
    assert docstring == "Answer a ping."
    assert "ping(msg: 'Ping') -> 'str'" in shown
    assert "Answer a ping." in shown
    assert names == ["peer_id", "ping", "quiet", "tell"]
    assert (text, name, is_async) == ("<peer n2>", "ping", True)


def test_peers_of_one_node_are_equal_and_can_be_keys() -> None:
    async def compare(self: Any) -> Any:
        one, again, other = self.peers["n2"], self.peers["n2"], self.peers["n10"]
        outside = self.peers["n10"]
        return [one == again, one == other, other == outside, len({one, again, other, outside}), one == "n2"]

    assert act(LINE, "n1", compare) == [True, False, True, 2, False]


def test_casts_in_a_loop_keep_their_order() -> None:
    @distbench.distbench
    class Counting(Pinging):
        async def on_start(self) -> None:
            for number in range(50):
                for peer in self.peers.values():
                    await peer.tell(number)

    for seed in range(5):
        for node in distbench.run(Counting, {"n1": {}, "n2": {}}, seed=seed, latency="0-100").algorithms.values():
            assert isinstance(node, Counting)
            assert [number for _, number in node.heard] == list(range(50))


# ---------------------------------------------------------------- the community


def test_the_community_shows_all_nodes_and_this_nodes_neighbours() -> None:
    async def look(self: Any) -> Any:
        community: Community = self.community
        return [community.nodes, community.neighbours, community.order, repr(community)]

    nodes, neighbours, order, shown = act(LINE, "n10", look)
    assert nodes == ("n10", "n1", "n2", "n3")
    assert neighbours == ("n2", "n1")
    assert order == ("n1", "n2", "n3", "n10")
    assert shown == "Community(nodes=['n10', 'n1', 'n2', 'n3'], neighbours=['n2', 'n1'])"


@given(st.lists(st.integers(0, 2000), unique=True))
def test_nodes_are_ordered_naturally(numbers: list[int]) -> None:
    names = [PeerId(f"node{number}") for number in numbers]
    assert Community(names, ()).order == tuple(f"node{number}" for number in sorted(numbers))


@given(st.lists(st.text(max_size=5), unique=True))
def test_any_names_can_be_ordered(names: list[str]) -> None:
    keys = sorted(natural_key(name) for name in names)
    assert len(keys) == len(names)
