"""What does not fit its handler is refused at the sender, by handler, field, expected and found type."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pytest

import distbench
from distbench import Algorithm, End, MessageError, PeerId, RemoteError, Signed, child_algorithm, handler
from distbench.formats import Format
from tests.messages.kinds import FORMATS, Ballot, Box, Colour, Envelope, Point, Tally, Tree, Vote
from tests.messages.sending import send


class Unmarked(Vote):
    more: int = 0


@dataclass
class PlainVote:
    value: bool = True


class Thing:
    pass


def loop() -> Tree:
    tree = Tree("root")
    tree.children.append(tree)
    return tree


BIG = 2**63
WRONG: list[tuple[Any, object, str]] = [
    (Vote, Ballot(True), "expected Vote, found Ballot"),
    (Vote, Vote(1), "value: expected bool, found int"),  # type: ignore[arg-type]
    (Vote, Vote(True, 3), "comment: expected str, found int"),  # type: ignore[arg-type]
    (Vote, "yes", "expected Vote, found str"),
    (Vote, None, "expected Vote, found None"),
    (Vote, {"value": True}, "expected Vote, found dict"),
    (Vote, Vote, "the class Vote cannot be sent"),
    (Vote, PlainVote(), "expected Vote, found PlainVote, which has no @message"),
    (Vote, Unmarked(True), "expected Vote, found Unmarked, which has no @message"),
    (Vote, Thing(), "a Thing cannot be sent"),
    (Tally, Tally([Vote(True), Ballot(True)]), r"votes\[1\]: expected Vote, found Ballot"),  # type: ignore[list-item]
    (Tally, Tally([Vote(3)]), r"votes\[0\].value: expected bool, found int"),  # type: ignore[arg-type]
    (Tally, Tally(by_node={PeerId("a"): 3}), r"by_node\[...\]: expected Vote, found int"),  # type: ignore[dict-item]
    (Tally, Tally(by_node={1: Vote(True)}), "a key of by_node: expected str, found int"),  # type: ignore[dict-item]
    (Tally, Tally(best=Point(1)), r"best: expected Vote \| None, found Point"),  # type: ignore[arg-type]
    (Tally, Tally(seen={1}), r"seen\[0\]: expected PeerId, found int"),  # type: ignore[arg-type]
    (Tally, Tally([Vote(True, Thing())]), r"votes\[0\].comment: a Thing cannot be sent"),  # type: ignore[arg-type]
    (Vote | Point, Ballot(True), r"expected Vote \| Point, found Ballot"),
    (Vote | list[int] | None, Ballot(True), r"expected Vote \| list\[int\] \| None, found Ballot"),
    (Vote | list[int], ["x"], r"\[0\]: expected int, found str"),
    (Box[Vote], Box[Any](Vote(True), [Ballot(True)]), r"more\[0\]: expected Vote, found Ballot"),
    (bool, 1, "expected bool, found int"),
    (int, True, "expected int, found bool"),
    (int, 1.0, "expected int, found float"),
    (int, "1", "expected int, found str"),
    (int, BIG, "expected an int of 64 bits, found 9223372036854775808"),
    (int, -BIG - 1, "expected an int of 64 bits"),
    (int, 2**70, "expected an int of 64 bits"),
    (Point, Point(1, 2**70), "y: expected an int of 64 bits"),
    (float, float("nan"), "expected a finite float, found nan"),
    (float, float("-inf"), "expected a finite float, found -inf"),
    (float | None, float("nan"), "expected a finite float"),
    (list[float | None], [1.0, float("inf")], r"\[1\]: expected a finite float"),
    (str, 1, "expected str, found int"),
    (str, "\ud800", "surrogates not allowed"),
    (None, 1, "expected None, found int"),
    (list[int], {"a": 1}, r"expected list\[int\], found dict"),
    (list[int], range(3), "a range cannot be sent"),
    (dict[int, int], {"5": 1}, "a key of the dict: expected int, found str"),
    (dict[str, int], {5: 1}, "a key of the dict: expected str, found int"),
    (dict[PeerId, list[dict[int, int]]], {"a": [{"5": 1}]}, "a key of"),
    (dict[int, int], {BIG: 1}, "9223372036854775807"),
    (tuple[int, str], (1,), "of length 2"),
    (tuple[int, str], (1, 2), r"\[1\]: expected str, found int"),
    (Colour, "green", "expected Colour, found str"),
    (Literal["a", "b"], "c", r"expected Literal\['a', 'b'\], found str 'c'"),
    (datetime.datetime, "now", "expected datetime, found str"),
    (Any, BIG, "expected int of 64 bits"),
    (Any, float("nan"), "finite float"),
    (Any, {1: 2}, "expected str as key inside Any, found int"),
    (Any, [1, {"a": b"x"}], "expected plain data or a message inside Any, found bytes"),
    (Any, Colour.RED, "inside Any, found Colour"),
    (Any, uuid.UUID(int=1), "inside Any, found UUID"),
    (Envelope, Envelope(Thing()), "found Thing"),
    (Signed[Vote], Vote(True), r"expected Signed\[Vote\], found Vote"),
    (Signed[Vote] | None, Vote(True), r"expected Signed\[Vote\] \| None, found Vote"),
    (Tree, loop(), "contains itself"),
]


@pytest.mark.parametrize("format", FORMATS)
def test_what_does_not_fit_is_refused_by_name(format: Format) -> None:
    for annotation, value, text in WRONG:
        sent = send(annotation, lambda _, value=value: value, format=format)  # type: ignore[misc]
        assert isinstance(sent.error, MessageError), f"{value!r} as {annotation} arrived as {sent.received}"
        assert sent.received == []
        with pytest.raises(MessageError, match=f"^take takes .*: .*({text})"):
            raise sent.error


WRONGLY_SIGNED: list[tuple[Any, Callable[[Algorithm], object], str]] = [
    (Signed[Vote], lambda node: node.sign(Ballot(True)), r"expected Signed\[Vote\], found Signed\[Ballot\]"),
    (Signed[Vote] | Signed[Point], lambda node: node.sign(Ballot(True)), r"found Signed\[Ballot\]"),
    (Vote, lambda node: node.sign(Vote(True)), r"expected Vote, found Signed\[Vote\]"),
    (
        list[Signed[Vote]],
        lambda node: [node.sign(Vote(True)), Vote(True)],
        r"\[1\]: expected Signed\[Vote\], found Vote",
    ),
]


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_signed_and_does_not_fit_is_refused_by_name(format: Format) -> None:
    for annotation, make, text in WRONGLY_SIGNED:
        sent = send(annotation, make, format=format)
        assert isinstance(sent.error, MessageError), annotation
        with pytest.raises(MessageError, match=text):
            raise sent.error


@pytest.mark.parametrize("format", FORMATS)
def test_what_cannot_be_signed_is_refused_by_name(format: Format) -> None:
    sent = send(Signed[Vote], lambda node: node.sign(Vote(3)), format=format)  # type: ignore[arg-type]
    assert isinstance(sent.error, MessageError)
    assert "sign: value: expected bool, found int" in str(sent.error)


def test_a_refused_message_is_a_type_error_too() -> None:
    assert isinstance(send(int, lambda _: "x").error, TypeError)


def test_an_int_does_for_a_float() -> None:
    for format in FORMATS:
        (received,) = send(float, lambda _: 3, format=format).received
        assert (received, type(received)) == (3.0, float)


def test_the_handler_of_a_child_is_named_by_its_path() -> None:
    @distbench.distbench
    class Lower(Algorithm):
        @handler
        async def take(self, src: PeerId, msg: Vote) -> None: ...

    @distbench.distbench
    class Upper(Algorithm):
        links: Lower = child_algorithm(Lower)

        async def on_start(self) -> None:
            for peer in self.links.peers.values():
                await peer.take(Ballot(True))

    result = distbench.run(Upper, {"n1": {}, "n2": {}})
    assert result.exit_status == 1
    assert "links.take takes Vote: expected Vote, found Ballot" in result.failures[0].exception


@pytest.mark.parametrize("format", FORMATS)
def test_a_reply_that_does_not_fit_fails_its_handler_and_the_call(format: Format) -> None:
    sent = send(Any, lambda _: 5, format=format, returns=str)
    assert isinstance(sent.error, RemoteError)
    assert "take returns str: expected str, found int" in str(sent.error)
    assert sent.result.exit_status == 1
    assert sent.result.nodes[PeerId("n2")].end is End.FAILED


@pytest.mark.parametrize("format", FORMATS)
def test_replies_come_back_as_what_they_were(format: Format) -> None:
    for annotation, value in (
        (Tally, Tally([Vote(True)], {PeerId("n1")})),
        (Vote | None, None),
        (Any, [Vote(True), 1]),
        (dict[int, Point], {3: Point(1)}),
        (str, "yes"),
    ):
        sent = send(annotation, lambda _, value=value: value, format=format, returns=annotation)  # type: ignore[misc]
        assert sent.received == sent.replies == [value]


def test_nothing_is_shared_between_sender_receiver_and_caller() -> None:
    values: list[Any] = [Tally([Vote(True)]), Envelope([Vote(True)]), Box(Vote(True))]
    for value in values:
        for returns in (type(value), Any):
            sent = send(type(value), lambda _, value=value: value, returns=returns)  # type: ignore[misc]
            (received,), (replied,) = sent.received, sent.replies
            assert received == value == replied
            inner = [getattr(each, type(each).__struct_fields__[0]) for each in (value, received, replied)]
            assert len({id(each) for each in (value, received, replied)}) == 3
            assert len({id(each) for each in inner}) == 3
