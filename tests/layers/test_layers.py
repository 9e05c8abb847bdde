"""Layers: to any depth, several children, two of one class, chosen in the config; delivery, reports and life."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import distbench
from distbench import (
    Algorithm,
    ConfigError,
    DefinitionError,
    End,
    MessageError,
    Outcome,
    PeerId,
    RunResult,
    Signed,
    child_algorithm,
    config_field,
    handler,
    message,
)
from tests.layers.links import Chat, Open

N1, N2 = PeerId("n1"), PeerId("n2")
PAIR: dict[str, dict[str, Any]] = {"n1": {}, "n2": {}}


@message
class Text:
    words: str


@message
class Shout(Text):
    volume: int = 1


@message
class Number:
    value: int


life: list[str] = []
"""What the layers did, in order, at n1."""


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    life.clear()
    yield
    life.clear()


class Noting(Algorithm):
    """Notes its life at n1."""

    label: str = config_field(default="?")

    def note(self, what: str) -> None:
        if self.id() == N1:
            life.append(f"{self.label} {what}")

    async def on_start(self) -> None:
        self.note("starts")

    async def on_exit(self) -> None:
        self.note("exits")

    async def report(self) -> dict[str, object]:
        self.note("reports")
        return {"label": self.label}


@distbench.distbench
class Bottom(Noting):
    sent: int = 0

    @handler
    async def say(self, src: PeerId, msg: Text | Number | Signed[Text]) -> Any:
        return await self.deliver_message(src, msg)

    async def broadcast(self, msg: object) -> list[Any]:
        return [await peer.say(msg) for peer in self.peers.values()]


@distbench.distbench
class Middle(Noting):
    bottom: Bottom = child_algorithm(Bottom)

    @handler
    async def say(self, src: PeerId, msg: Text) -> str:
        self.note(f"heard {msg.words} on its own link")
        return "middle"

    @handler(from_child="bottom")
    async def on_say(self, src: PeerId, msg: Text) -> str:
        self.note(f"got {msg.words} from {src}")
        return f"<{await self.deliver_message(src, msg)}>"


@distbench.distbench
class Top(Noting):
    left: Middle = child_algorithm(Middle)
    right: Middle = child_algorithm(Middle)

    @handler
    async def say(self, src: PeerId, msg: Text) -> str:
        self.note(f"heard {msg.words} on its own link")
        return "top"

    @handler(from_child="left")
    async def on_left(self, src: PeerId, msg: Text) -> str:
        self.note(f"left: {msg.words} from {src}")
        return "L"

    @handler(from_child="right")
    async def on_right(self, src: PeerId, msg: Text) -> str:
        self.note(f"right: {msg.words} from {src}")
        return "R"


LABELS: dict[str, Any] = {
    "label": "top",
    "left": {"label": "left", "bottom": {"label": "left.bottom"}},
    "right": {"label": "right", "bottom": {"label": "right.bottom"}},
}


def test_children_start_first_and_exit_and_report_last() -> None:
    distbench.run(Top, {"n1": LABELS, "n2": LABELS})
    assert life == [
        "left.bottom starts",
        "left starts",
        "right.bottom starts",
        "right starts",
        "top starts",
        "top exits",
        "right exits",
        "right.bottom exits",
        "left exits",
        "left.bottom exits",
        "top reports",
        "left reports",
        "left.bottom reports",
        "right reports",
        "right.bottom reports",
    ]


def test_reports_nest_under_the_names_of_the_children() -> None:
    result = distbench.run(Top, {"n1": LABELS, "n2": {}})
    assert result.reports[N1] == {
        "label": "top",
        "left": {"label": "left", "bottom": {"label": "left.bottom"}},
        "right": {"label": "right", "bottom": {"label": "right.bottom"}},
    }
    assert result.reports[N2]["label"] == "?"


def test_layers_of_one_class_with_the_same_handler_names_do_not_mix() -> None:
    @distbench.distbench
    class Speaking(Top):
        async def on_start(self) -> None:
            if self.id() == N2:
                self.replies = [
                    await self.peers[N1].say(Text("a")),
                    await self.left.peers[N1].say(Text("b")),
                    *await self.left.bottom.broadcast(Text("c")),
                    *await self.right.bottom.broadcast(Text("d")),
                ]

    result = distbench.run(Speaking, {"n1": LABELS, "n2": LABELS})
    speaking: Any = result.algorithms[N2]
    assert speaking.replies == ["top", "middle", "<L>", "<R>"]
    assert [line for line in life if "heard" in line or "from n2" in line] == [
        "top heard a on its own link",
        "left heard b on its own link",
        "left got c from n2",
        "top left: c from n2",
        "right got d from n2",
        "top right: d from n2",
    ]
    assert result.nodes[N1].messages_received() == {"left.bottom": 1, "left": 1, "right.bottom": 1, "right": 0, "": 1}
    assert result.nodes[N2].traffic["left.bottom.say"].messages_out == 1


def test_every_layer_has_its_own_peers_and_parent() -> None:
    result = distbench.run(Top, PAIR)
    top: Any = result.algorithms[N1]
    assert top._parent is None
    assert top.left._parent is top
    assert top.left.bottom._parent is top.left
    assert top.left is not top.right
    assert list(top.left.bottom.peers) == ["n2"]
    assert top.left.peers[N2] != top.right.peers[N2]
    assert top.left.community.nodes == ("n1", "n2")


def deep(depth: int) -> Any:
    """A tower of layers; each wraps what the one above returns."""
    below: Any = Bottom
    for level in range(depth):

        async def on_message(self: Any, src: PeerId, msg: Text, level: int = level) -> str:
            return f"{level}{await self.deliver_message(src, msg) if self._parent else ''}"

        body = {
            "__annotations__": {"below": below},
            "__module__": __name__,
            "below": child_algorithm(below),
            "on_message": handler(from_child="below")(on_message),
        }
        below = distbench.distbench(type(f"Level{level}", (Algorithm,), body))
    return below


def test_twenty_layers_stand_on_one_another() -> None:
    tower = deep(20)

    @distbench.distbench
    class Speaking(tower):  # type: ignore[misc,valid-type]
        async def on_start(self) -> None:
            bottom = self
            for _ in range(20):
                bottom = bottom.below
            if self.id() == N1:
                self.replies = await bottom.broadcast(Text("x"))

    result = distbench.run(Speaking, PAIR)
    speaking: Any = result.algorithms[N1]
    assert speaking.replies == ["".join(str(level) for level in range(20))]
    assert ".".join(["below"] * 20) + ".say" in result.nodes[N1].traffic


# ---------------------------------------------------------------- what is delivered


@distbench.distbench
class Lower(Algorithm):
    """Delivers whatever it is told to, and keeps what came back."""

    @handler
    async def take(self, src: PeerId, msg: Any) -> None: ...

    async def up(self, thing: object) -> Any:
        return await self.deliver_message(N2, thing)


def delivered(upper: type[Algorithm], *things: object) -> list[Any]:
    """What the parent's handlers return, or the exception, for each thing delivered at n1."""
    found: list[Any] = []

    class Delivering(upper):  # type: ignore[misc,valid-type]
        async def on_start(self) -> None:
            for thing in things if self.id() == N1 else ():
                try:
                    found.append(await self.lower.up(thing(self) if callable(thing) else thing))
                except Exception as error:
                    found.append(error)

    result = distbench.run(distbench.distbench(Delivering), PAIR)
    assert result.failures == ()
    return found


@distbench.distbench
class Takes(Algorithm):
    lower: Lower = child_algorithm(Lower)

    @handler(from_child="lower")
    async def on_text(self, src: PeerId, msg: Text) -> tuple[str, object]:
        return "text", msg

    @handler(from_child="lower")
    async def on_number(self, src: PeerId, msg: Number | int) -> str:
        return "number"

    @handler(from_child="lower")
    async def on_signed(self, src: PeerId, msg: Signed[Text]) -> str:
        return f"signed by {msg.signer}"

    @handler(from_child="lower")
    async def on_list(self, src: PeerId, msg: list[Signed[Text]]) -> str:
        return f"{len(msg)} of a list"

    @handler(from_child="lower")
    async def on_name(self, src: PeerId, msg: PeerId) -> str:
        return "name"

    @handler(from_child="lower")
    async def on_nothing(self, src: PeerId, msg: None) -> None: ...


def test_the_object_itself_goes_to_the_handler_of_its_type() -> None:
    text, shout = Text("a"), Shout("b")
    found = delivered(
        Takes, text, shout, Number(1), 3, True, "n9", None, [], lambda self: self.sign(text), lambda s: s.sign(shout)
    )
    assert found == [
        ("text", text),
        ("text", shout),
        "number",
        "number",
        "number",
        "name",
        None,
        "0 of a list",
        "signed by n1",
        "signed by n1",
    ]
    assert found[0][1] is text


def test_the_nearest_class_is_taken_and_any_takes_the_rest() -> None:
    @distbench.distbench
    class Sorting(Algorithm):
        lower: Lower = child_algorithm(Lower)

        @handler(from_child="lower")
        async def on_any(self, src: PeerId, msg: Any) -> str:
            return "any"

        @handler(from_child="lower")
        async def on_text(self, src: PeerId, msg: Text) -> str:
            return "text"

        @handler(from_child="lower")
        async def on_shout(self, src: PeerId, msg: Shout) -> str:
            return "shout"

        @handler(from_child="lower")
        async def on_signed(self, src: PeerId, msg: Signed[Any]) -> str:
            return "signed"

    things = (Shout("a"), Text("b"), Number(1), {"a": 1}, object(), lambda self: self.sign(Text("a")))
    assert delivered(Sorting, *things) == ["shout", "text", "any", "any", "any", "signed"]


def test_what_nobody_takes_is_a_message_error_that_names_what_is_taken() -> None:
    found = delivered(Takes, 1.5, object(), lambda self: self.sign(Number(1)))
    assert all(isinstance(each, MessageError) for each in found)
    assert "has no @handler(from_child='lower') for float; it takes Text, Number, int, Signed[Text], list" in str(
        found[0]
    )
    assert "for Signed[Number]" in str(found[2])


def test_a_parent_without_a_handler_says_so() -> None:
    @distbench.distbench
    class Deaf(Algorithm):
        lower: Lower = child_algorithm(Lower)

    (found,) = delivered(Deaf, Text("a"))
    assert "has no @handler(from_child='lower') for Text; it takes nothing" in str(found)


def test_an_exception_of_the_parent_reaches_the_child() -> None:
    @distbench.distbench
    class Raising(Algorithm):
        lower: Lower = child_algorithm(Lower)

        @handler(from_child="lower")
        async def on_text(self, src: PeerId, msg: Text) -> None:
            raise LookupError("not here")

    (found,) = delivered(Raising, Text("a"))
    assert repr(found) == "LookupError('not here')"


def test_an_exception_that_the_child_lets_pass_fails_the_node_under_the_childs_handler() -> None:
    @distbench.distbench
    class Raising(Algorithm):
        bottom: Bottom = child_algorithm(Bottom)

        async def on_start(self) -> None:
            if self.id() == N1:
                self.bottom.sent = 1
                try:
                    await self.bottom.broadcast(Text("a"))
                except distbench.RemoteError as error:
                    self.error = error

        @handler(from_child="bottom")
        async def on_text(self, src: PeerId, msg: Text) -> None:
            raise LookupError("not here")

    result = distbench.run(Raising, PAIR)
    raising: Any = result.algorithms[N1]
    assert "LookupError: not here" in str(raising.error)
    (failure,) = result.failures
    assert (failure.node, failure.handler) == ("n2", "bottom.say")
    assert "on_text" in failure.traceback
    assert "layer.py" not in failure.traceback
    assert result.nodes[N2].end is End.FAILED


def test_without_a_parent_nothing_can_be_delivered() -> None:
    @distbench.distbench
    class Alone(Lower):
        async def on_start(self) -> None:
            assert self._parent is None
            with pytest.raises(
                distbench.DistbenchError, match=r"Alone has no parent to deliver to; check self\._parent"
            ):
                await self.up(Text("a"))

    assert distbench.run(Alone, PAIR).failures == ()


def test_a_lower_layer_carries_any_message_of_the_layer_above() -> None:
    @distbench.distbench
    class Carrier(Algorithm):
        @handler
        async def carry(self, src: PeerId, msg: Any) -> None:
            await self.deliver_message(src, msg)

    @distbench.distbench
    class Above(Algorithm):
        links: Carrier = child_algorithm(Carrier)

        def __init__(self) -> None:
            self.got: list[object] = []

        async def on_start(self) -> None:
            if self.id() == N1:
                for thing in (Text("a"), self.sign(Shout("b")), "plain"):
                    await self.links.peers[N2].carry(thing)

        @handler(from_child="links")
        async def on_text(self, src: PeerId, msg: Text | Signed[Shout]) -> None:
            self.got.append((src, msg))

        @handler(from_child="links")
        async def on_rest(self, src: PeerId, msg: Any) -> None:
            self.got.append((src, msg))

    for format in ("json", "msgpack"):
        above: Any = distbench.run(Above, PAIR, format=format).algorithms[N2]
        assert [str(each) for _, each in above.got] == [
            "Text(words='a')",
            "Shout(words='b', volume=1) (signed by n1)",
            "plain",
        ]


def test_what_a_child_delivers_may_be_signed_by_anyone() -> None:
    """A reliable broadcast hands up what another node than the last sender has signed."""

    @distbench.distbench
    class Relay(Algorithm):
        @handler
        async def relay(self, src: PeerId, msg: list[Signed[Text]]) -> None:
            await self.deliver_message(src, msg[0])

        @handler
        async def please(self, src: PeerId, msg: str) -> Signed[Text]:
            return self.sign(Text(msg))

    @distbench.distbench
    class Above(Algorithm):
        links: Relay = child_algorithm(Relay)
        got: str = ""

        async def on_start(self) -> None:
            if self.id() == N1:
                foreign = await self.links.peers[PeerId("n3")].please("x")
                await self.links.peers[N2].relay([foreign])

        @handler(from_child="links")
        async def on_text(self, src: PeerId, msg: Signed[Text]) -> None:
            self.got = f"{msg.signer} by {src}"

    above: Any = distbench.run(Above, {"n1": {}, "n2": {}, "n3": {}}).algorithms[N2]
    assert above.got == "n3 by n1"


# ---------------------------------------------------------------- the end of a layer


def test_terminate_of_a_child_ends_only_its_layer() -> None:
    @distbench.distbench
    class Ends(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()
            await self.terminate()

        @handler
        async def ping(self, src: PeerId, msg: int) -> int:
            return msg

    @distbench.distbench
    class Above(Algorithm):
        child: Ends = child_algorithm(Ends)
        answer: int = 0

        async def on_start(self) -> None:
            for peer in self.child.peers.values():
                self.answer = await peer.ping(3)

    @distbench.distbench
    class AboveEnds(Above):
        async def on_start(self) -> None:
            await super().on_start()
            await self.terminate()

    result = distbench.run(Above, PAIR)
    assert result.outcome is Outcome.QUIESCENT
    assert result.never_terminated == ("n1", "n2")
    ended = distbench.run(AboveEnds, PAIR)
    assert ended.outcome is Outcome.COMPLETED
    assert [getattr(node, "answer") for node in ended.algorithms.values()] == [3, 3]  # noqa: B009


# ---------------------------------------------------------------- chosen in the config


def heard(result: RunResult) -> dict[str, list[str]]:
    return {node: chat.heard for node, chat in result.algorithms.items() if isinstance(chat, Chat)}


def choosing(name: str, **values: object) -> dict[str, dict[str, Any]]:
    return {"n1": {"links": {"algorithm": f"tests.layers.links:{name}", **values}}, "n2": {}}


def test_the_config_chooses_a_child_and_gives_it_its_values() -> None:
    assert heard(distbench.run(Chat, PAIR)) == {"n1": ["from n2"], "n2": ["from n1"]}
    result = distbench.run(Chat, choosing("Repeating", times=3))
    assert heard(result) == {"n1": ["from n2"], "n2": ["from n1"] * 3}
    assert heard(distbench.run(Chat, choosing("Repeating")))["n2"] == ["from n1"] * 2


def test_what_does_not_fit_the_annotation_or_the_chosen_one_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"n1.links: .*'tests.layers.links:NoLinks' is NoLinks, which is no Links"):
        distbench.run(Chat, choosing("NoLinks"))
    with pytest.raises(ConfigError, match=r"n1.links.*Repeatin"):
        distbench.run(Chat, choosing("Repeatin"))
    with pytest.raises(ConfigError, match=r"n1.links.times must be int, not 'x'"):
        distbench.run(Chat, choosing("Repeating", times="x"))


def test_an_unknown_value_of_the_chosen_one_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    distbench.run(Chat, choosing("Repeating", tims=1))
    assert "n1.links.tims is no field of Repeating and is ignored; did you mean 'times'?" in caplog.text


def test_an_abstract_child_must_be_chosen() -> None:
    with pytest.raises(DefinitionError, match=r"Links is abstract, it lacks send; choose .*'links: {algorithm: ...}'"):
        distbench.run(Open, PAIR)
    both = {node: choosing("Plain")["n1"] for node in ("n1", "n2")}
    assert heard(distbench.run(Open, both)) == {"n1": ["from n2"], "n2": ["from n1"]}
