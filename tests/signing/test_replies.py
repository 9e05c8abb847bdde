"""Who must have signed a reply: the node that was asked, where the reply itself is signed."""

from __future__ import annotations

import logging
from typing import Any

import pytest

import distbench
from distbench import Algorithm, PeerId, SignatureError, Signed, handler, message
from distbench.formats import Format
from tests.contract.play import play
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
KINDS = ("plain", "maybe", "either", "chain", "boxed", "anything")
ITSELF_SIGNED = ("plain", "maybe", "either")


@distbench.distbench
class Asks(Algorithm):
    """n3 asks n2, which answers with what it has signed itself, or with what n1 has signed for it."""

    def __init__(self) -> None:
        self.heard: dict[str, str] = {}
        self.refused: dict[str, str] = {}

    async def on_start(self) -> None:
        if self.id() == N3:
            for foreign in (False, True):
                for kind in KINDS:
                    await self.ask(kind, foreign)
            for end in self.peers.values():
                await end.end(None)
            await self.terminate()

    async def ask(self, kind: str, foreign: bool) -> None:
        name = f"{kind}, {'foreign' if foreign else 'own'}"
        try:
            self.heard[name] = str(await getattr(self.peers[N2], kind)(foreign))
        except SignatureError as error:
            self.refused[name] = str(error)

    async def answer(self, foreign: bool) -> Signed[Vote]:
        found: Signed[Vote] = await self.peers[N1].please_sign(None) if foreign else self.sign(Vote(True))
        return found

    @handler
    async def please_sign(self, src: PeerId, msg: None) -> Signed[Vote]:
        return self.sign(Vote(True))

    @handler
    async def plain(self, src: PeerId, foreign: bool) -> Signed[Vote]:
        return await self.answer(foreign)

    @handler
    async def maybe(self, src: PeerId, foreign: bool) -> Signed[Vote] | None:
        return await self.answer(foreign)

    @handler
    async def either(self, src: PeerId, foreign: bool) -> Ballot | Signed[Ballot] | Signed[Vote]:
        return await self.answer(foreign)

    @handler
    async def chain(self, src: PeerId, foreign: bool) -> list[Signed[Vote]]:
        return [await self.answer(foreign), self.sign(Vote(False))]

    @handler
    async def boxed(self, src: PeerId, foreign: bool) -> Box:
        return Box(await self.answer(foreign))

    @handler
    async def anything(self, src: PeerId, foreign: bool) -> Any:
        return await self.answer(foreign)

    @handler
    async def end(self, src: PeerId, msg: None) -> None:
        await self.terminate()

    async def report(self) -> dict[str, object]:
        return {"heard": self.heard, "refused": self.refused}


def check(result: distbench.RunResult) -> None:
    """All signatures are good; only the replies that are themselves signed must be so by n2."""
    report: Any = result.reports[N3]
    own = {f"{kind}, own" for kind in KINDS}
    assert set(report["heard"]) == own | {f"{kind}, foreign" for kind in KINDS if kind not in ITSELF_SIGNED}
    assert report["heard"]["plain, own"] == "Vote(value=True) (signed by n2)"
    assert report["heard"]["boxed, foreign"] == "Box(proof=Vote(value=True) (signed by n1))"
    assert report["refused"] == {
        f"{kind}, foreign": f"the reply of n2 to {kind}: it is signed by n1, not by the node that was asked"
        for kind in ITSELF_SIGNED
    }
    assert {node: each.dropped for node, each in result.nodes.items()} == {
        N1: {},
        N2: {},
        N3: {"the signature of another node": len(ITSELF_SIGNED)},
    }
    assert (result.outcome, result.exit_status, result.failures) == ("completed", 0, ())


@pytest.mark.parametrize("format", FORMATS)
def test_a_reply_that_is_itself_signed_must_be_so_by_the_node_that_was_asked(format: Format) -> None:
    check(play("offline", Asks, THREE, format=format))


def test_a_reply_signed_by_another_is_refused_in_local_mode_too() -> None:
    check(play("local", Asks, THREE))


def test_a_refused_reply_is_logged_with_both_names(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="distbench"):
        play("offline", Asks, THREE)
    assert [record.getMessage() for record in caplog.records] == [
        f"a reply to {kind} dropped from n2: it is signed by n1, not by the node that was asked"
        for kind in ITSELF_SIGNED
    ]


def test_a_refused_reply_that_nobody_catches_fails_the_node_that_asked() -> None:
    @distbench.distbench
    class Trusts(Asks):
        async def on_start(self) -> None:
            if self.id() == N3:
                await self.peers[N2].plain(True)

    (failure,) = play("offline", Trusts, THREE).failures
    assert (failure.node, failure.handler) == (N3, "on_start")
    assert failure.exception.startswith("SignatureError: the reply of n2 to plain: it is signed by n1")
