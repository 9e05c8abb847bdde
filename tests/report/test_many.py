from __future__ import annotations

from dataclasses import replace
from typing import Any

from distbench.community import PeerId
from distbench.report.many import render_seeds, render_seeds_ending
from distbench.running.result import End, Failure, Outcome
from distbench.running.seeds import SeedRun, SeedsResult
from tests.report.made import node, result

REPLAY = "distbench -c ring:3 -a vote --seed 7"


def seed(number: int, problem: str = "", ended: Outcome | None = Outcome.COMPLETED) -> SeedRun:
    outcome = Outcome.FAILED if ended is None or (problem and ended is Outcome.COMPLETED) else ended
    return SeedRun(number, outcome, ended, number / 100, 0.002, 10, number, None, problem)


def many(*runs: SeedRun, asked: int | None = None, **rest: Any) -> SeedsResult:
    ordered = tuple(sorted(runs, key=lambda run: run.ok))
    values: dict[str, Any] = {"failures": (), "wall_time": 0.5, "processes": 2, **rest}
    return SeedsResult(runs=ordered, asked=len(runs) if asked is None else asked, **values)


def shown(made: SeedsResult, **options: Any) -> list[str]:
    return render_seeds(made, colour=False, replay=None if made.seed is None else REPLAY, **options).splitlines()


def test_seeds_that_pass_show_their_spread_and_one_line() -> None:
    assert shown(many(*map(seed, range(1, 6)))) == [
        "a run's    least  median   most",
        "virtual s  0.010   0.030  0.050",
        "messages       1       3      5",
        "wall ms      2.0     2.0    2.0",
        "",
        "passed: ran 5 seeds (5 completed), 0.500 s wall, 10 runs/s in 2 processes",
    ]


def test_the_first_failing_seed_is_told_with_its_notes_and_its_replay() -> None:
    failure = Failure(PeerId("n1"), "vote", "Vote(True)", 0.003, "ValueError: late", "Traceback\nValueError: late")
    made = many(
        *map(seed, range(5)),
        seed(7, "n1 failed in vote: ValueError: late"),
        asked=1000,
        failures=(result({"n1": node(End.FAILED)}, failures=(failure,), seed=7),),
    )
    lines = shown(made)
    start = lines.index("seed 7 failed:")
    assert lines[start + 1] == "    n1 failed in vote at 0.003000 s: ValueError: late"
    assert "        Traceback" in lines
    assert lines[-4:-2] == ["replay it with", f"    {REPLAY}"]
    assert lines[-1].startswith("failed at seed 7: ran 6 of 1,000 seeds (5 completed, 1 failed), ")


def test_a_seed_whose_process_died_is_told_by_what_is_known() -> None:
    lines = shown(many(seed(7, "its process died: signal 11 (SIGSEGV)", None)))
    assert lines[0] == "seed 7 failed: its process died: signal 11 (SIGSEGV)"


def test_a_seed_that_does_not_fail_alone_is_said_to() -> None:
    made = many(seed(7, "stuck", Outcome.STUCK), replays=False)
    assert "but alone it did not fail: the algorithm keeps something between runs, in a module or a class" in shown(
        made
    )


def test_other_failing_seeds_are_listed_and_very_many_only_counted() -> None:
    made = many(*(seed(number, f"problem {number}") for number in range(7, 207)), seed(300))
    lines = shown(made)
    assert "seed 8 failed: problem 8" in lines
    assert "seed 18 failed: problem 18" not in lines
    (rest,) = [line for line in lines if line.startswith("and ")]
    assert rest.startswith("and 189 more failed: 18, 19, ")
    assert rest.endswith(" and 139 more")
    assert lines[-1].startswith("200 seeds failed: ran 201 seeds (1 completed, 200 failed), ")


def test_interrupted_seeds_are_told_with_those_under_way() -> None:
    made = many(seed(1), seed(2), asked=100, interrupted=True, under_way=(3, 5))
    assert render_seeds_ending(made).startswith("interrupted while 3, 5 ran: ran 2 of 100 seeds (2 completed), ")
    assert made.exit_status == 130
    assert shown(many(asked=100, interrupted=True))[-1].startswith("interrupted: ran 0 of 100 seeds (none), ")


def test_seeds_under_which_nobody_sent_anything_say_so() -> None:
    silent = [replace(seed(number), silent=True) for number in range(3)]
    assert shown(many(*silent), table=False)[0] == "no message was sent in any run"
    assert "no message" not in "".join(shown(many(*silent, seed(3))))
    assert "no message" not in "".join(shown(many(seed(7, "its process died", None))))


def test_dropped_messages_are_summed_over_the_runs_by_reason() -> None:
    runs = [seed(0), seed(1), replace(seed(2), dropped={"bad signature": 5, "no such handler": 1})]
    runs.append(replace(seed(3, "stuck", Outcome.STUCK), dropped={"bad signature": 7}))
    lines = shown(many(*runs))
    assert lines[-5:-1] == [
        "",
        "dropped 12 messages in 2 of 4 runs: bad signature",
        "dropped 1 message in 1 of 4 runs: no such handler",
        "",
    ]


def test_of_very_many_reasons_the_commonest_are_told() -> None:
    lines = shown(many(replace(seed(0), dropped={f"n{number} has ended": number for number in range(1, 9)})))
    assert [line for line in lines if line.startswith("dropped")][0::5] == [
        "dropped 8 messages in 1 of 1 runs: n8 has ended",
        "dropped 6 more for 3 other reasons",
    ]


def test_the_spread_can_be_left_out() -> None:
    assert len(shown(many(seed(1)), table=False)) == 1


def test_colours_are_only_added() -> None:
    made = many(seed(1), seed(7, "stuck", Outcome.STUCK), replays=False)
    assert "\x1b[31m" in render_seeds(made, colour=True, replay=REPLAY)
    assert "\x1b" not in render_seeds(made, colour=False, replay=REPLAY)
