"""Slips that can be told: in a hook's name, a peer where its name belongs, a method in place of what it returns."""

from __future__ import annotations

import pytest

import distbench
from distbench import Algorithm, DefinitionError, PeerId, child_algorithm, handler
from distbench.definition import define
from distbench.likeness import meant_hook
from distbench.peer import Peer
from distbench.report.summary import render_summary

HOOKS = ("on_start", "on_exit", "report")


@pytest.mark.parametrize(
    "name, meant",
    [
        *(
            (name, "on_start")
            for name in ("on_strat", "on_satrt", "onstart", "onStart", "On_Start", "on_stat", "no_start")
        ),
        *((name, "on_exit") for name in ("on_exti", "on_eixt", "on_exitt", "on_exist", "onExit", "on_xit")),
        *((name, "report") for name in ("reprot", "repotr", "Report", "repport", "re_port", "repor")),
    ],
)
def test_a_slip_is_told(name: str, meant: str) -> None:
    assert meant_hook(name, HOOKS) == meant


@pytest.mark.parametrize(
    "name",
    [
        *HOOKS,
        *("on_state", "on_stop", "on_edit", "on_emit", "on_quit", "on_next", "on_text", "on_smart", "on_stark"),
        *("reports", "resort", "export", "deport", "import_", "start", "exit", "stop", "on_restart", "on_started"),
        *("_on_start", "_report", "__report", "on_vote", "on_request", "on_reply", "send_report", "x", ""),
    ],
)
def test_a_good_name_is_none(name: str) -> None:
    assert meant_hook(name, HOOKS) is None


@distbench.distbench
class Slipping(Algorithm):
    async def on_strat(self) -> None:
        await self.terminate()

    async def on_state(self) -> None:
        pass

    @handler
    async def reprot(self, src: PeerId, text: str) -> None:
        pass


@distbench.distbench
class Over(Algorithm):
    inner: Slipping = child_algorithm(Slipping)

    async def on_start(self) -> None:
        await self.terminate()


@pytest.mark.parametrize("cls", [Slipping, Over])
def test_a_slip_is_a_remark_of_the_summary_and_fails_nothing(cls: type[Algorithm]) -> None:
    result = distbench.run(cls, {"n1": {}})
    assert result.exit_status == 0
    text = render_summary(result, width=None, colour=False)
    assert text.count("is on_start meant?") == 1
    assert "Slipping.on_strat (test_slips.py:" in text
    assert "is report meant" not in text


def test_the_sender_is_no_peer() -> None:
    @distbench.distbench
    class Wrong(Algorithm):
        @handler
        async def vote(self, src: Peer, text: str) -> None:
            pass

    with pytest.raises(DefinitionError, match=r"'src' is the sender's name .* write 'src: PeerId'; the peer is self"):
        define(Wrong)


@pytest.mark.parametrize("annotation", [int, bytes, list[str], int | bytes])
def test_the_sender_is_a_text(annotation: object) -> None:
    async def vote(self: Algorithm, src: object, text: str) -> None:
        pass

    vote.__annotations__["src"] = annotation
    wrong = distbench.distbench(type("Wrong", (Algorithm,), {"vote": handler(vote)}))
    with pytest.raises(DefinitionError, match="write 'src: PeerId'"):
        define(wrong)


@pytest.mark.parametrize("annotation", [PeerId, str, object, "PeerId", str | None])
def test_what_takes_a_text_is_good(annotation: object) -> None:
    async def vote(self: Algorithm, src: object, text: str) -> None:
        pass

    vote.__annotations__["src"] = annotation
    define(distbench.distbench(type("Right", (Algorithm,), {"vote": handler(vote)})))


@distbench.distbench
class Delivering(Algorithm):
    async def on_start(self) -> None:
        await self.deliver_message(self.id, "text")  # type: ignore[arg-type]


@distbench.distbench
class Parent(Algorithm):
    below: Delivering = child_algorithm(Delivering)

    @handler(from_child="below")
    async def taken(self, src: PeerId, text: str) -> None:
        raise AssertionError(f"{src} is not refused")

    async def on_start(self) -> None:
        await self.terminate()


def test_a_method_is_no_sender() -> None:
    (failure,) = distbench.run(Parent, {"n1": {}}).failures
    assert "deliver_message(src, message): src is" in failure.exception
    assert failure.exception.endswith("write self.id()")


def test_a_method_is_no_peer() -> None:
    @distbench.distbench
    class Indexing(Algorithm):
        async def on_start(self) -> None:
            self.peers[self.id]  # type: ignore[index]

    (failure,) = distbench.run(Indexing, {"n1": {}}).failures
    assert "call it, as in self.peers[self.id()]" in failure.exception
