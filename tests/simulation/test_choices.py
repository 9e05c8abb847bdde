"""Every decision of a run is drawn under its own key, can be recorded, replayed and edited."""

from __future__ import annotations

import asyncio
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distbench import Algorithm, PeerId, RunResult, config_field, distbench, handler
from distbench.config import config_from_mapping
from distbench.definition import define
from distbench.events import Delivered, Drawn, Event, Sent
from distbench.running.offline import run_offline
from distbench.running.options import RunOptions
from distbench.simulation.choices import Choice, Choices, Key

keys = st.lists(st.text(max_size=5) | st.integers(), max_size=4).map(tuple)
options = st.integers(1, 2**40)


@settings(max_examples=30, deadline=None)
@given(st.integers(), keys, options)
def test_a_draw_depends_on_seed_and_key_alone(seed: int, key: Key, options: int) -> None:
    one, other = Choices(seed), Choices(seed)
    for number in range(5):
        other.index(("something else", number), 10)
    drawn = one.index(key, options)
    assert 0 <= drawn < options
    assert other.index(key, options) == drawn == one.index(key, options)


def test_draws_under_different_keys_and_seeds_differ() -> None:
    keys: list[Key] = [("a",), ("b",), ("a", 1), ("a", "1"), ("a\x1f1",), ("a", "", "1"), (), ("",), (1,), ("1",)]
    drawn = {Choices(seed).index(key, 2**64) for seed in range(3) for key in keys}
    assert len(drawn) == 3 * len(keys)


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(1, 2**33), st.integers(1, 50))
def test_a_stream_is_the_same_whether_it_is_heard_or_not(seed: int, options: int, size: int) -> None:
    def draws(choices: Choices) -> list[int]:
        more = choices.stream(("latency", "n1"), options)
        drawn: list[int] = []
        while len(drawn) < size:
            drawn += reversed(more())
        return drawn[:size]

    heard: list[Choice] = []
    plain, listened = draws(Choices(seed)), draws(Choices(seed, listener=heard.append))
    assert plain == listened == [choice.index for choice in heard]
    assert [choice.key for choice in heard] == [("latency", "n1", number) for number in range(size)]
    assert draws(Choices(seed + 1, replay=heard)) == plain
    assert all(0 <= each < options for each in plain)


def test_draws_are_spread_evenly() -> None:
    more = Choices(0).stream(("latency",), 10)
    counts = [0] * 10
    for _ in range(1000):
        for each in more():
            counts[each] += 1
    assert 1450 < min(counts) <= max(counts) < 1750


def test_in_a_replay_a_missing_key_is_zero_and_an_unknown_one_is_reported() -> None:
    record = [Choice(("a",), 10, 7), Choice(("b",), 10, 3), Choice(("c",), 10, 9)]
    choices = Choices(0, replay=record)
    assert choices.index(("a",), 10) == 7
    assert choices.index(("missing",), 10) == 0
    assert choices.index(("c",), 5) == 4  # fewer options than there were
    assert choices.unknown == (record[1],)
    assert Choices(0).unknown == ()


def test_a_secret_is_no_decision() -> None:
    heard: list[Choice] = []
    one, other = Choices(1, listener=heard.append), Choices(1, replay=())
    assert one.secret(("key", "n1"), 40) == other.secret(("key", "n1"), 40)
    assert one.secret(("key", "n1")) != one.secret(("key", "n2"))
    assert len(one.secret(("key", "n1"), 40)) == 40
    assert heard == []


# -------------------------------------------------- in a run


@distbench
class Talks(Algorithm):
    """Every node casts to every other in rounds, and decides things."""

    extra: bool = config_field(default=False)

    async def on_start(self) -> None:
        self.decided = [self.choice("abcdefgh") for _ in range(5)]
        self.drawn = [self.random.random() for _ in range(3)]
        for number in range(4):
            await asyncio.sleep(0.02)
            for peer in self.peers.values():
                await peer.tell(number)
        if self.extra:
            await self.peers[PeerId("n2")].tell(99)

    @handler
    async def tell(self, src: PeerId, number: int) -> None:
        if number == 99:
            await self.peers[src].tell(100)

    async def report(self) -> dict[str, object]:
        return {"decided": self.decided, "drawn": self.drawn}


def play(
    extra: bool = False, seed: int = 4, replay: list[Choice] | None = None
) -> tuple[RunResult, list[Event], list[Choice]]:
    events: list[Event] = []

    def hears(event: Event) -> None:
        events.append(event)

    config = config_from_mapping({"n1": {"extra": extra}, "n2": {}, "n3": {}})
    result = run_offline(define(Talks), config, RunOptions(seed=seed, digest=True), sink=hears, replay=replay)
    return result, events, [Choice(e.key, e.options, e.index) for e in events if isinstance(e, Drawn)]


def delays(events: list[Event]) -> dict[tuple[str, str, int], int]:
    """How long each message took, by link and number on the link."""
    sent: dict[tuple[str, str, int], int] = {(e.src, e.dst, e.number): e.at for e in events if isinstance(e, Sent)}
    arrived: dict[tuple[str, str, int], int] = {}
    counts: dict[tuple[str, str], int] = {}
    for event in events:
        if isinstance(event, Delivered):
            link = (event.src, event.dst)
            arrived[*link, counts.get(link, 0)] = event.at
            counts[link] = counts.get(link, 0) + 1
    return {key: at - sent[key] for key, at in arrived.items()}


def test_one_message_more_moves_no_other_draw() -> None:
    plain, plain_events, _ = play()
    more, more_events, _ = play(extra=True)
    assert plain.digest != more.digest
    assert plain.reports == more.reports
    before, after = delays(plain_events), delays(more_events)
    assert set(after) - set(before) == {("n1", "n2", 4), ("n2", "n1", 4)}
    assert {key: after[key] for key in before} == before
    assert len(set(before.values())) == len(before)


def test_what_a_run_drew_replays_to_the_same_digest() -> None:
    result, _, record = play()
    again, _, replayed = play(replay=record)
    assert again.digest == result.digest
    assert replayed == record
    shuffled, _, _ = play(replay=record[::-1])
    assert shuffled.digest == result.digest


def test_an_edited_record_changes_what_it_names_and_nothing_else() -> None:
    result, _, record = play()
    key = ("choice", "n2", "", 3)
    edited = [Choice(c.key, c.options, (c.index + 1) % c.options) if c.key == key else c for c in record]
    assert edited != record
    again, _, _ = play(replay=edited)
    before, after = result.reports[PeerId("n2")], again.reports[PeerId("n2")]
    assert before["drawn"] == after["drawn"]
    differ = [number for number in range(5) if before["decided"][number] != after["decided"][number]]  # type: ignore[index]
    assert differ == [3]
    assert {node: result.reports[PeerId(node)] for node in ("n1", "n3")} == {
        node: again.reports[PeerId(node)] for node in ("n1", "n3")
    }


def test_an_empty_record_takes_the_dull_choice_everywhere(caplog: pytest.LogCaptureFixture) -> None:
    result, events, drawn = play(replay=[])
    assert {choice.index for choice in drawn} == {0}
    assert set(delays(events).values()) == {1_000_000}
    assert result.reports[PeerId("n1")]["decided"] == ["a"] * 5
    arrivals = [e.src for e in events if isinstance(e, Delivered) and e.dst == "n3"]
    assert arrivals == ["n1", "n2"] * 4  # the order of sending


def test_choices_that_nobody_asked_for_are_told(caplog: pytest.LogCaptureFixture) -> None:
    _, _, record = play()
    with caplog.at_level(logging.WARNING):
        play(replay=[*record, Choice(("choice", "n9", "", 0), 3, 1)])
    assert "1 replayed choices were asked for by nobody: choice n9  0" in caplog.text


def test_an_observed_run_draws_what_an_unobserved_one_draws() -> None:
    config = config_from_mapping({"n1": {}, "n2": {}, "n3": {}})
    plain = run_offline(define(Talks), config, RunOptions(seed=4))
    observed, _, _ = play()
    assert plain.reports == observed.reports
    assert plain.virtual_time == observed.virtual_time
