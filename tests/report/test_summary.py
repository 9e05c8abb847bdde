from __future__ import annotations

import pytest

from distbench.community import PeerId
from distbench.report.notes import notes
from distbench.report.summary import render_ending, render_summary
from distbench.running.result import End, Failure, NodeResult, Outcome, RunResult, Suspended, Traffic
from tests.report.made import node, result

TRACE = 'Traceback (most recent call last):\n  File "vote.py", line 3, in vote\nValueError: too late'


def failure(name: str, *, at: float = 0.003, handler: str = "vote", message: str = "Vote(True)") -> Failure:
    return Failure(PeerId(name), handler, message, at, "ValueError: too late", TRACE)


def told(made: RunResult) -> str:
    return "\n".join(note.text for note in notes(made))


def test_the_last_line_says_outcome_times_and_rate() -> None:
    text = render_summary(result({"n1": node()}), width=80, colour=False)
    assert text.endswith("\ncompleted: 0.250 s virtual, 0.500 s wall, 2 messages, 4 messages/s\n")


def test_a_real_mode_has_no_virtual_time() -> None:
    assert render_ending(result({"n1": node()}, mode="local")).startswith("completed: 0.500 s wall, 2 messages")


def test_messages_are_those_that_the_table_sums_without_replies() -> None:
    one = node(traffic={"vote": Traffic(messages_in=1, messages_out=3)})
    ending = render_ending(result({"n1": one, "n2": node(traffic={})}, deliveries=100, in_transit=2))
    assert ending.endswith(" s wall, 1 message, 2 messages/s")


def test_a_run_that_sent_no_message_says_so() -> None:
    silent = node(traffic={"vote": Traffic()})
    assert render_ending(result({"n1": silent}, deliveries=0)).endswith("no message was sent")


def test_a_node_of_a_network_that_only_took_messages_does_not_say_so() -> None:
    taking = node(traffic={"vote": Traffic(messages_in=2)})
    assert render_ending(result({"n1": taking}, mode="network")).endswith(" s wall, 2 messages, 4 messages/s")


def test_failed_nodes_show_in_the_last_line() -> None:
    made = result({"n1": node(End.FAILED), "n2": node(End.CRASHED), "n3": node()})
    assert render_ending(made).startswith("completed, but 2 nodes failed: ")


def test_a_fine_run_has_no_notes() -> None:
    assert notes(result({"n1": node(), "n2": node()})) == []


def test_a_failure_shows_node_handler_message_time_and_traceback() -> None:
    text = told(result({"n1": node(End.FAILED)}, failures=(failure("n1"),)))
    assert text.startswith("n1 failed in vote at 0.003000 s: ValueError: too late\n    message: Vote(True)\n")
    assert 'File "vote.py", line 3, in vote' in text


def test_without_tracebacks_a_failure_is_one_line() -> None:
    made = result({"n1": node(End.FAILED)}, failures=(failure("n1"), failure("n2")))
    assert notes(made, tracebacks=False)[0].text.splitlines() == [
        "n1 failed in vote on Vote(True) at 0.003000 s: ValueError: too late",
        "    the same at n2 (0.003000 s)",
    ]
    text = render_summary(made, width=80, colour=False, tracebacks=False)
    assert "Traceback" not in text
    assert "n1 failed in vote on Vote(True)" in text


def test_a_failing_check_is_told_and_stands_in_the_last_line() -> None:
    made = result({"n1": node()}, check_error="two leaders (vote.py:9)")
    assert told(made) == "the check failed: two leaders (vote.py:9)"
    assert render_ending(made).startswith("completed, but the check failed: ")
    both = result({"n1": node(End.FAILED)}, check_error="two leaders", ended=Outcome.STUCK)
    assert render_ending(both).startswith("stuck, 1 node failed and the check failed: ")
    assert made.exit_status == 1


def test_the_table_can_be_left_out() -> None:
    text = render_summary(result({"n1": node()}), width=80, colour=False, table=False)
    assert text.splitlines() == ["completed: 0.250 s virtual, 0.500 s wall, 2 messages, 4 messages/s"]


def test_the_same_failure_at_other_nodes_is_shown_once_and_names_them() -> None:
    text = told(result({}, failures=(failure("n1"), failure("n2", at=0.004), failure("n3", handler="done"))))
    assert text.count("Traceback") == 2
    assert "the same at n2 (0.004000 s)" in text
    assert "n3 failed in done" in text


def test_very_many_failures_are_counted_by_handler_and_node() -> None:
    failures = tuple(failure("n1", message=f"Vote({number})") for number in range(1000))
    assert "and 1 more failure: vote at n1" in told(result({"n1": node(End.FAILED)}, failures=failures[:11]))
    text = told(result({"n1": node(End.FAILED)}, failures=failures))
    assert text.count("Traceback") == 10
    assert "and 990 more failures: vote at n1 (990)" in text


def test_a_bad_end_without_an_exception_is_named() -> None:
    assert told(result({"n1": node(End.CRASHED), "n2": node()})) == "crashed: n1"


@pytest.mark.parametrize("outcome", [Outcome.QUIESCENT, Outcome.STUCK, Outcome.TIMEOUT])
def test_nodes_that_never_terminated_are_named(outcome: Outcome) -> None:
    made = result({"n1": node(), "n2": node(End.RUNNING), "n3": node(End.RUNNING)}, ended=outcome)
    assert "never terminated: n2, n3" in told(made)


def test_the_end_of_an_endless_algorithm_is_no_news() -> None:
    assert notes(result({"n1": node(End.RUNNING), "n2": node(End.RUNNING)}, ended=Outcome.COMPLETED)) == []


def test_what_waits_is_named_with_its_line_and_alike_ones_share_one() -> None:
    suspended = (
        Suspended(PeerId("n1"), "tick", "raft.py:9", "await self.tick.wait()", background=True),
        Suspended(PeerId("n1"), "on_start", "raft.py:41", "the reply of n2 to vote"),
        Suspended(PeerId("n3"), "on_start", "raft.py:41", "the reply of n2 to vote"),
    )
    assert told(result({}, ended=Outcome.STUCK, suspended=suspended)).splitlines() == [
        "n1, n3: on_start waits at raft.py:41 for the reply of n2 to vote",
        "n1: background task tick waits at raft.py:9 for await self.tick.wait()",
    ]


def test_drops_are_told_by_reason_with_the_nodes() -> None:
    def dropping(**dropped: int) -> NodeResult:
        return node(dropped={reason.replace("_", " "): count for reason, count in dropped.items()})

    made = result({"n1": dropping(bad_signature=1, too_late=1), "n2": dropping(bad_signature=4)})
    assert told(made).splitlines() == [
        "dropped 5 messages: bad signature (at n2: 4, n1: 1)",
        "dropped 1 message: too late (at n1: 1)",
    ]


def test_refused_connections_are_counted_by_cause() -> None:
    nodes = {"n1": node(refused={"malformed": 3000}), "n2": node(refused={"malformed": 4, "wrong key": 1})}
    assert [note.text for note in notes(result(nodes))] == [
        "refused 3,004 connections: malformed (at n1: 3,000, n2: 4)",
        "refused 1 connection: wrong key (at n2: 1)",
    ]


def test_messages_in_transit_and_the_limit_that_was_reached_are_told() -> None:
    made = result({"n1": node()}, ended=Outcome.TIMEOUT, in_transit=3, reason="30 s of wall time")
    assert told(made).splitlines() == [
        "3 messages in transit when the run ended, counted and not delivered",
        "timeout: 30 s of wall time",
    ]


def test_ten_thousand_nodes_that_never_terminate_take_one_line() -> None:
    made = result({f"n{i}": node(End.RUNNING) for i in range(10_000)}, ended=Outcome.QUIESCENT)
    assert told(made) == "never terminated: all nodes"


def test_the_digest_stands_before_the_last_line_with_its_seeds() -> None:
    lines = render_summary(result({"n1": node()}, digest="ab12", seed=7), width=80, colour=False).splitlines()
    assert lines[-2] == "digest ab12 (seed 7)"
    unpinned = render_summary(result({"n1": node()}, digest="ab12", hash_seed="random"), width=80, colour=False)
    assert "digest ab12 (seed 0, PYTHONHASHSEED random)" in unpinned
