"""What a lying node can do with signatures in a run: nothing that a handler would see."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

import distbench
from distbench import Algorithm, Outcome, PeerId, RunResult, SignatureError, Signed, handler, message
from distbench.formats import Format
from distbench.report.logs import LineFormatter
from distbench.signing import wire_parts
from tests.messages.kinds import FORMATS


@message
class Vote:
    value: bool


@message
class Ballot:
    value: bool


@message
class Box:
    proof: Signed[Vote]


N1, N2, N3 = PeerId("n1"), PeerId("n2"), PeerId("n3")
THREE: dict[str, dict[str, object]] = {"n1": {}, "n2": {}, "n3": {}}


class Listener(Algorithm):
    """Takes signed messages in every place where one may stand."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.errors: list[str] = []

    @handler
    async def vote(self, src: PeerId, msg: Signed[Vote]) -> None:
        self.heard.append(msg)

    @handler
    async def maybe(self, src: PeerId, msg: Signed[Vote] | None) -> None:
        self.heard.append(msg)

    @handler
    async def either(self, src: PeerId, msg: Signed[Vote] | Signed[Ballot] | Vote) -> None:
        self.heard.append(msg)

    @handler
    async def chain(self, src: PeerId, msg: list[Signed[Vote]]) -> None:
        self.heard.append(msg)

    @handler
    async def boxed(self, src: PeerId, msg: Box) -> None:
        self.heard.append(msg)

    @handler
    async def anything(self, src: PeerId, msg: Any) -> None:
        self.heard.append(msg)

    @handler
    async def ask(self, src: PeerId, msg: str) -> Signed[Vote]:
        return self.sign(Vote(msg == "yes"))

    @handler
    async def please_sign(self, src: PeerId, msg: bool) -> Signed[Vote]:
        return self.sign(Vote(msg))


def by_hand(signed: Signed[Any], **changes: Any) -> Signed[Any]:
    signer, signature, payload = wire_parts(signed)
    return Signed(signed.unwrap(), **{"signer": signer, "signature": signature, "payload": payload, **changes})


def lie(act: Callable[[Any], Any], format: Format) -> tuple[list[object], RunResult]:
    """``act`` at n3; what n2 heard, and the run."""

    @distbench.distbench
    class Lying(Listener):
        async def on_start(self) -> None:
            if self.id() == N3:
                await act(self)

    result = distbench.run(Lying, THREE, format=format)
    listener = result.algorithms[N2]
    assert isinstance(listener, Listener)
    return listener.heard, result


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_signed_by_its_sender_is_heard(format: Format) -> None:
    async def act(self: Any) -> None:
        peer, signed = self.peers[N2], self.sign(Vote(True))
        await peer.vote(signed)
        await peer.maybe(signed)
        await peer.maybe(None)
        await peer.either(signed)
        await peer.either(self.sign(Ballot(False)))
        await peer.either(Vote(False))
        await peer.chain([signed, signed])
        await peer.boxed(Box(signed))
        await peer.anything({"a": signed})

    heard, result = lie(act, format)
    assert [str(each) for each in heard] == [
        "Vote(value=True) (signed by n3)",
        "Vote(value=True) (signed by n3)",
        "None",
        "Vote(value=True) (signed by n3)",
        "Ballot(value=False) (signed by n3)",
        "Vote(value=False)",
        "[Vote(value=True) (signed by n3), Vote(value=True) (signed by n3)]",
        "Box(proof=Vote(value=True) (signed by n3))",
        "{'a': Vote(value=True) (signed by n3)}",
    ]
    assert result.outcome is Outcome.QUIESCENT
    assert result.nodes[N2].dropped == {}


@pytest.mark.parametrize("format", FORMATS)
def test_forgeries_are_dropped_counted_and_logged_and_fail_nothing(
    format: Format, caplog: pytest.LogCaptureFixture
) -> None:
    async def act(self: Any) -> None:
        peer, own = self.peers[N2], self.sign(Vote(True))
        foreign = await self.peers[N1].please_sign(True)
        forgeries = [
            by_hand(own, signature=bytes(64)),  # nobody's
            by_hand(own, signer=N1),  # signed with this node's own key in the name of another
            by_hand(own, signer=PeerId("n9")),  # of a node that is not there
            by_hand(foreign, payload=wire_parts(foreign)[2].replace(b"true", b"false").replace(b"\xc3", b"\xc2")),
        ]
        for forged in forgeries:
            await peer.vote(forged)
            await peer.maybe(forged)
            await peer.either(forged)
            await peer.chain([own, forged])
            await peer.boxed(Box(forged))
            await peer.anything(["x", forged])

    with caplog.at_level(logging.WARNING, logger="distbench"):
        heard, result = lie(act, format)
    assert heard == []
    assert result.nodes[N2].dropped == {"bad signature": 24}
    assert (result.outcome, result.exit_status, result.failures) == (Outcome.QUIESCENT, 0, ())
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 24
    assert all("dropped from n3" in text for text in warnings)
    assert any("signature of n1 does not verify" in text for text in warnings)
    assert any("'n9', who is not in this run" in text for text in warnings)


def test_a_warning_of_what_is_dropped_is_the_nodes_own() -> None:
    lines: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(LineFormatter(colour=False).format(record))

    async def act(self: Any) -> None:
        await self.peers[N2].vote(by_hand(self.sign(Vote(True)), signature=bytes(64)))

    logger, shown = logging.getLogger("distbench"), Lines()
    logger.addHandler(shown)
    try:
        lie(act, "json")
    finally:
        logger.removeHandler(shown)
    assert [line.split()[1:3] for line in lines] == [["n2", "WARNING"]]


@pytest.mark.parametrize("format", FORMATS)
def test_only_nested_ones_may_have_been_signed_by_another(format: Format) -> None:
    async def act(self: Any) -> None:
        peer, foreign = self.peers[N2], await self.peers[N1].please_sign(True)
        await peer.vote(foreign)
        await peer.maybe(foreign)
        await peer.either(foreign)
        await peer.chain([foreign, self.sign(Vote(False))])
        await peer.boxed(Box(foreign))
        await peer.anything(foreign)

    heard, result = lie(act, format)
    assert [str(each) for each in heard] == [
        "[Vote(value=True) (signed by n1), Vote(value=False) (signed by n3)]",
        "Box(proof=Vote(value=True) (signed by n1))",
        "Vote(value=True) (signed by n1)",
    ]
    assert result.nodes[N2].dropped == {"the signature of another node": 3}
    assert result.exit_status == 0


@pytest.mark.parametrize("format", FORMATS)
def test_a_forgery_that_cannot_even_be_read_does_not_leave_the_liar(format: Format) -> None:
    async def act(self: Any) -> None:
        own = self.sign(Vote(True))
        for payload in (b"", b"rubbish", wire_parts(self.sign(Ballot(True)))[2]):
            with pytest.raises(distbench.MessageError):
                await self.peers[N2].vote(by_hand(own, payload=payload))

    heard, result = lie(act, format)
    assert heard == []
    assert result.exit_status == 0


@pytest.mark.parametrize("format", FORMATS)
def test_a_signature_of_an_earlier_run_is_worth_nothing(format: Format) -> None:
    kept: list[Signed[Vote]] = []

    async def keep(self: Any) -> None:
        kept.append(self.sign(Vote(True)))

    async def replay(self: Any) -> None:
        await self.peers[N2].vote(kept[0])

    lie(keep, format)
    heard, _ = lie(replay, format)  # with one seed the two runs have the same id, and so the same signatures
    assert heard == kept

    @distbench.distbench
    class Other(Listener):
        async def on_start(self) -> None:
            if self.id() == N3:
                await replay(self)

    result = distbench.run(Other, THREE, format=format, seed=1)
    assert result.nodes[N2].dropped == {"bad signature": 1}


@pytest.mark.parametrize("format", FORMATS)
def test_signed_replies_are_verified(format: Format) -> None:
    @distbench.distbench
    class Asking(Listener):
        async def on_start(self) -> None:
            if self.id() == N2:
                self.heard.append(await self.peers[N1].ask("yes"))
                try:
                    await self.peers[N3].ask("yes")
                except SignatureError as error:
                    self.errors.append(str(error))
            await self.terminate()

        @handler
        async def ask(self, src: PeerId, msg: str) -> Signed[Vote]:
            signed = self.sign(Vote(msg == "yes"))
            return by_hand(signed, signer=N1) if self.id() == N3 else signed

    result = distbench.run(Asking, THREE, format=format)
    asking = result.algorithms[N2]
    assert isinstance(asking, Asking)
    assert [str(each) for each in asking.heard] == ["Vote(value=True) (signed by n1)"]
    assert len(asking.errors) == 1
    assert "the reply of n3 to ask" in asking.errors[0]
    assert result.nodes[N2].dropped == {"bad signature": 1}
    assert result.exit_status == 0


def test_changing_the_message_inside_changes_nothing_that_is_sent() -> None:
    async def act(self: Any) -> None:
        signed = self.sign(Vote(True))
        signed.unwrap().value = False
        await self.peers[N2].vote(signed)

    heard, _ = lie(act, "json")
    assert [str(each) for each in heard] == ["Vote(value=True) (signed by n3)"]


def test_receivers_share_nothing_of_a_signed_message() -> None:
    async def act(self: Any) -> None:
        signed = self.sign(Vote(True))
        await self.peers[N2].vote(signed)
        await self.peers[N2].vote(signed)
        await self.peers[N1].vote(signed)

    heard, result = lie(act, "json")
    first = result.algorithms[N1]
    assert isinstance(first, Listener)
    everything: list[Any] = [*heard, *first.heard]
    assert len({id(each.unwrap()) for each in everything}) == 3
