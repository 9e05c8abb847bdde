"""A message that does not fit the node it comes to: a failure where nobody misbehaves on purpose."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import distbench
from distbench import Algorithm, PeerId, RemoteError, RunResult, Signed, child_algorithm, config_field, handler, message
from distbench.config import config_from_mapping
from distbench.node.port import NOTHING
from distbench.running.options import RunOptions
from distbench.running.outcomes import drop_fails
from distbench.running.result import Misfit
from distbench.testing import render_result
from tests.contract.play import nodes, play

Run = Callable[..., RunResult]
N1, N2, N3 = (PeerId(f"n{number}") for number in (1, 2, 3))
TALKS, QUIET, LISTENS = (f"tests.contract.test_drops:{name}" for name in ("Talks", "Quiet", "Listens"))


@distbench.distbench
class Base(Algorithm):
    """A lower layer."""


@distbench.distbench
class Talks(Base):
    """Sends what the other layers here do not take."""

    asks: bool = config_field(default=False)

    async def on_start(self) -> None:
        for peer in self.peers.values():
            await peer.hear("one")
            await peer.hear("two")
            if self.asks:
                await peer.answer("three")

    @handler
    async def hear(self, src: PeerId, msg: str) -> None: ...

    @handler
    async def answer(self, src: PeerId, msg: str) -> str:
        return msg


@distbench.distbench
class Quiet(Base):
    """Hears nothing."""


@distbench.distbench
class Stacked(Algorithm):
    """Stands on a layer that the config chooses."""

    layer: Base = child_algorithm(Base)


def stacked(**talker: Any) -> dict[str, dict[str, Any]]:
    return {"n1": {"layer": {"algorithm": TALKS, **talker}}, "n2": {"layer": {"algorithm": QUIET}}}


@distbench.distbench
class Careless(Algorithm):
    """n1 sends what does not fit, where nothing checks that before it is sent; n2 answers so."""

    async def on_start(self) -> None:
        if self.id() == N1:
            wrong: Any = "not a number"
            await self.peers[N2].count(wrong)
            with suppress(RemoteError):
                await self.peers[N2].ask(1)
            await self.peers[N2].end(None)
            await self.terminate()

    @handler
    async def count(self, src: PeerId, number: int) -> None: ...

    @handler
    async def ask(self, src: PeerId, number: int) -> int:
        answer: Any = "none"
        return answer  # type: ignore[no-any-return]

    @handler
    async def end(self, src: PeerId, msg: None) -> None:
        await self.terminate()


def dropped(result: RunResult) -> list[tuple[str, str, str, str, str, int, bool]]:
    return [
        (node, one.src, one.kind, one.handler, one.reason, one.count, one.fails)
        for node, each in result.nodes.items()
        for one in each.misfits
    ]


def test_messages_for_which_a_layer_has_no_handler_fail_the_run(run: Run) -> None:
    result = run(Stacked, stacked())
    assert dropped(result) == [(N2, N1, "message", "layer.hear", "no such handler", 2, True)]
    assert (result.outcome, result.ended, result.exit_status) == ("failed", "quiescent", 1)
    shown = render_result(result)
    assert "dropped 2 messages to layer.hear: no such handler (at n2 from n1: 2)\n" in shown
    assert "--allow-drops" in shown
    assert "quiescent, but 2 messages did not fit: " in shown


def test_drops_may_be_allowed(run: Run) -> None:
    result = run(Stacked, stacked(), allow_drops=True)
    assert dropped(result) == [(N2, N1, "message", "layer.hear", "no such handler", 2, False)]
    assert result.raise_if_failed().outcome == "quiescent"
    assert "dropped 2 messages: no such handler (at n2: 2)\n" in render_result(result)


def test_a_request_that_nobody_takes_fails_the_run_and_its_caller_is_named(run: Run) -> None:
    result = run(Stacked, stacked(asks=True))
    assert (N2, N1, "request", "layer.answer", "no such handler", 1, True) in dropped(result)
    assert (result.outcome, result.ended) == ("failed", "stuck")
    assert [(one.node, one.waits_for) for one in result.suspended] == [(N1, "the reply of n2 to layer.answer")]
    assert "dropped 1 request to layer.answer: no such handler (at n2 from n1: 1)" in render_result(result)


@pytest.mark.parametrize("different", ["n1", "n2"])
def test_a_node_that_says_it_differs_may_send_and_drop_what_it_wants(run: Run, different: str) -> None:
    config: dict[str, dict[str, Any]] = {"n1": {}, "n2": {}}
    config[different] = {"algorithm": TALKS if different == "n1" else LISTENS}
    result = run(Listens if different == "n1" else TalksAndEnds, config)
    assert [one[-1] for one in dropped(result)] == [False]
    assert result.raise_if_failed().nodes[N2].dropped == {"no such handler": 2}


@distbench.distbench
class Listens(Algorithm):
    """Takes nothing of what ``Talks`` sends."""


@distbench.distbench
class TalksAndEnds(Talks):
    """Another class than any that a block names."""


@pytest.mark.real_modes
def test_values_that_do_not_fit_fail_the_run_where_they_arrive(run: Run) -> None:
    result = run(Careless, nodes(2))
    assert dropped(result) == [
        (N1, N2, "reply", "ask", "does not fit the handler", 1, True),
        (N2, N1, "message", "count", "does not fit the handler", 1, True),
    ]
    assert (result.outcome, result.ended) == ("failed", "completed")
    (why,) = [one.why for one in result.nodes[N2].misfits]
    assert "expected int, found str" in why
    shown = render_result(result)
    assert "dropped 1 message in reply to ask: does not fit the handler: " in shown
    assert f"dropped 1 message to count: does not fit the handler: {why} (at n2 from n1: 1)\n" in shown
    assert run(Careless, nodes(2), allow_drops=True).ok


@given(st.booleans(), st.sets(st.sampled_from([N1, N2, N3])), st.tuples(st.sampled_from([N1, N2]), st.just(N3)))
def test_a_drop_fails_unless_it_is_allowed_or_one_of_the_two_differs(
    allow: bool, different: set[PeerId], pair: tuple[PeerId, PeerId]
) -> None:
    config = config_from_mapping({node: {"algorithm": "x"} if node in different else {} for node in (N1, N2, N3)})
    src, dst = pair
    fails = drop_fails(config, RunOptions(allow_drops=allow), src, dst)
    assert fails is not (allow or src in different or dst in different)


def test_seeds_and_their_summary_name_a_drop_that_fails() -> None:
    many = distbench.run(Stacked, stacked(), seeds=range(4), keep_going=True)
    assert many.outcomes == {"failed": 4}
    assert many.runs[0].problem == ("n2 dropped a message from n1 for layer.hear: no such handler (and 1 more message)")
    assert distbench.run(Stacked, stacked(), seeds=range(4), allow_drops=True).ok


def test_many_pairs_are_one_note() -> None:
    config = {f"n{number}": {"layer": {"algorithm": TALKS if number == 1 else QUIET}} for number in range(1, 10)}
    result = play("offline", Stacked, config)
    lines = [line for line in render_result(result).splitlines() if line.startswith("dropped ")]
    assert len(lines) == 1
    assert lines[0].startswith("dropped 16 messages to layer.hear: no such handler (at n2 from n1: 2, ")
    assert lines[0].endswith(" and 3 more)")


def test_some_drops_may_fail_and_others_not() -> None:
    result = play("offline", Stacked, stacked())
    one = Misfit(N3, "message", "layer.hear", "no such handler", "", 5, False)
    two = result.nodes[N2]
    mixed = replace(two, misfits=(*two.misfits, one), dropped={"no such handler": 7, "bad signature": 1})
    shown = render_result(replace(result, nodes={**result.nodes, N2: mixed}))
    assert "dropped 2 messages to layer.hear: no such handler (at n2 from n1: 2)\n" in shown
    assert "dropped 5 messages: no such handler (at n2: 5)\n" in shown
    assert "dropped 1 message: bad signature (at n2: 1)\n" in shown


@distbench.distbench
class Babbles(Algorithm):
    """n1 sends under numbers that no handler of the run has; n2 counts what reaches it."""

    async def on_start(self) -> None:
        if self.id() == N1:
            host: Any = self._distbench
            for number in range(1000):
                host.node.open(N2).send(1000 + number, number % 2, b"1", NOTHING)


def test_handlers_that_do_not_exist_are_one_kind_however_many_are_made_up(run: Run) -> None:
    result = run(Babbles, nodes(2))
    assert dropped(result) == [
        (N2, N1, "message", "an unknown handler", "no such handler", 500, True),
        (N2, N1, "request", "an unknown handler", "no such handler", 500, True),
    ]


@message
class Letter:
    text: str


@distbench.distbench
class Shuns(Algorithm):
    """Sends what is signed by another, and a message to a node that has crashed."""

    async def on_start(self) -> None:
        if self.id() == N3:
            raise ValueError("no")
        if self.id() == N1:
            await self.peers[N2].take(self.sign(Letter("from n1")))

    @handler
    async def take(self, src: PeerId, letter: Signed[Letter]) -> None:
        if src == N1:
            await self.peers[N1].take(letter)  # which n1 has signed, not n2
            await self.peers[N3].take(letter)


def test_signatures_and_nodes_that_are_gone_fail_nothing() -> None:
    result = play("offline", Shuns, nodes(3))
    assert result.nodes[N1].dropped == {"the signature of another node": 1}
    assert sum(sum(node.dropped.values()) for node in result.nodes.values()) == 2
    assert not any(result.failing_drops())
    assert replace(result, failures=(), nodes={node: result.nodes[node] for node in (N1, N2)}).ok
