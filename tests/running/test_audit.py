"""An audit finds what makes a run another one in another process, names it, and lets clean programs pass."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest

import distbench
from distbench import Algorithm, ConfigError, Outcome, PeerId, RunFailed, handler
from distbench import distbench as algorithm
from distbench.report.audit import render_audits
from distbench.running.audit.engine import sample
from distbench.running.audit.verdict import Audit, Difference
from tests.running.leaks import write_program

SET = "class T:\n    def __init__(self, n): self.n = n\n"
ADDRESSES = "the addresses of objects"
PAST = "what an earlier run left in a module or a class"


def audited(program: Path | type[Algorithm], config: str = "complete:3", seed: int = 0, **options: object) -> Audit:
    arguments = {"audit": True, "seed": seed, **options}
    result = distbench.run(program if isinstance(program, type) else str(program), config, **arguments)  # type: ignore[call-overload]
    assert isinstance(result.audit, Audit)
    return result.audit


def line_of(program: Path) -> int:
    """The line that sends."""
    lines = program.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if "await peer.say" in line)


def difference(program: Path | type[Algorithm], config: str = "complete:3") -> Difference:
    audit = audited(program, config)
    assert not audit.repeatable
    assert audit.exit_status == 1
    assert audit.difference is not None
    return audit.difference


@pytest.mark.parametrize("name", ["echo", "chang_roberts", "message_chain", "pingpong", "simple_broadcast"])
def test_the_shipped_algorithms_are_repeatable(name: str) -> None:
    assign = "node_id=shuffled" if name == "chang_roberts" else ()
    audit = audited(Path(name), "ring:4", assign=assign)
    assert audit.repeatable
    assert audit.exit_status == 0
    assert audit.events > 0
    assert audit.difference is None
    assert not audit.noticed


@algorithm
class Busy(Algorithm):
    """Clocks, entropy, timers, tasks, calls, sets of texts and of messages: all that is under control."""

    async def on_start(self) -> None:
        tasks = {asyncio.create_task(self.ask(peer)) for peer in self.peers}
        for task in asyncio.as_completed(tasks):
            await task
        await self.terminate()

    async def ask(self, peer: PeerId) -> None:
        await asyncio.sleep(random.random())
        await self.peers[peer].tell([str(time.time()), uuid.uuid4().hex, os.urandom(3).hex(), *{"a", "b", "c", peer}])

    @handler
    async def tell(self, src: PeerId, words: list[str]) -> float:
        return self.random.random()


@pytest.mark.parametrize("seed", [0, 3])
def test_a_program_of_all_that_is_under_control_is_repeatable_with_the_digest_of_its_run(seed: int) -> None:
    result = distbench.run(Busy, "complete:4", seed=seed, digest=True, audit=True)
    assert result.outcome is Outcome.COMPLETED
    assert result.audit is not None
    assert result.audit.repeatable
    assert result.audit.digest == result.digest
    assert result.audit.noticed == ()


LEAKS = [
    # name, type of the value, the value, what stands before, the way on which it depends (None: differs always)
    ("id", "int", "id(object())", "", None, "addresses of objects, as id()"),
    ("repr", "str", "repr(T())", "class T: pass", None, "address of an object"),
    ("set", "list[int]", "[t.n for t in {T(n) for n in range(40)}]", SET, None, "in another order"),
    ("counter", "int", "next(C)", "import itertools\nC = itertools.count()", PAST, ""),
    ("growing", "int", "A.append(1) or len(A)", "A = []", PAST, ""),
    ("libc", "int", "C.clock()", "import ctypes\nC = ctypes.CDLL(None)", None, ""),
    ("locale", "str", "locale.setlocale(locale.LC_ALL)", "import locale", "the locale", ""),
    ("zone", "int", "ctypes.c_long.in_dll(C, 'timezone').value", "import ctypes\nC = ctypes.CDLL(None)",
     "the time zone", "time zones"),
    ("mktime", "int", "C.mktime((ctypes.c_int * 14)(0, 0, 0, 1, 0, 120))",
     "import ctypes\nC = ctypes.CDLL(None)\nC.mktime.restype = ctypes.c_long", "the time zone", "time zones"),
    ("environment", "str", "os.environ.get('COLUMNS', '')", "import os", "the environment and the terminal", ""),
    ("terminal", "bool", "sys.stdout.isatty()", "import sys", "the environment and the terminal", ""),
    ("collector", "list[int]", "list(gc.get_threshold())", "import gc", "when garbage is collected", ""),
    ("process", "str", "open('/proc/self/stat').read().split()[0]", "", None, "numbers of the two processes"),
]  # fmt: skip


@pytest.mark.parametrize(
    "kind, value, before, way, hint", [each[1:] for each in LEAKS], ids=[each[0] for each in LEAKS]
)
def test_a_leak_is_found_and_named(
    kind: str, value: str, before: str, way: str | None, hint: str, tmp_path: Path
) -> None:
    found = difference(write_program(tmp_path, kind, value, before))
    # At the very first message, unless two objects are by chance at one address in both processes.
    assert found.node == "n1" or way is None
    assert found.handler == "say"
    assert found.happened[0] == found.happened[1]
    assert found.happened[0].startswith(f"{found.node} sends say to n")
    assert all(text.startswith("Say(number=1, value=") for text in found.message)
    assert found.part.startswith("value")
    if way is None:
        assert found.always or set(found.causes) <= {ADDRESSES}  # by chance it differs not each time
    else:
        assert not found.always
        assert way in found.causes
    assert found.searched
    if hint:
        assert hint in " ".join(found.hints)
    else:
        assert not found.hints


@pytest.mark.parametrize(
    "value, before, read",
    [
        ("float(id(self))", "", "id() at program.py:LINE"),
        ("float(os.statvfs('/').f_bsize + id(self))", "import os", "os.statvfs() at program.py:LINE"),
        ("float(ctypes.CDLL(None).clock())", "import ctypes", "clock() of a C library at program.py:LINE"),
        ("float(len(os.environ.get('COLUMNS', '')))", "import os", "os.environ['COLUMNS'] at program.py:LINE"),
        ("float(gc.get_count()[0] * 1e9 + id(self))", "import gc", "gc.get_count() at program.py:LINE"),
    ],
)
def test_what_was_read_is_named_with_its_line(value: str, before: str, read: str, tmp_path: Path) -> None:
    program = write_program(tmp_path, "float", value, before)
    found = difference(program)  # at n1, unless what it has is by chance at the same address in both
    assert f"{found.node} read {read.replace('LINE', str(line_of(program)))}" in found.reads


def test_what_is_real_is_named_even_where_it_changed_no_event(tmp_path: Path) -> None:
    program = write_program(tmp_path, "bool", "os.statvfs('/').f_bsize >= 0", "import os")
    audit = audited(program)
    assert audit.repeatable
    (noticed,) = audit.noticed
    where = f"program.py:{line_of(program)}"
    assert (noticed.what, noticed.where) == ("os.statvfs()", where)
    assert noticed.nodes == ("n1", "n2", "n3")
    assert f"n1, n2, n3 read os.statvfs() at {where}" in render_audits([audit], colour=False)


def test_a_generator_that_all_nodes_share_is_named(tmp_path: Path) -> None:
    pytest.importorskip("numpy")
    seeded = "import numpy.random\nnumpy.random.seed(3)"
    program = write_program(tmp_path, "bool", "numpy.random.random() < 2", seeded)
    audit = audited(program)
    assert ["numpy's global generator" in one.what for one in audit.noticed] == [True]


def test_nothing_is_noticed_of_what_the_framework_itself_reads(tmp_path: Path) -> None:
    before = "import logging, random, time, uuid, asyncio\nfrom datetime import datetime"
    value = (
        "str([time.time(), datetime.now(), uuid.uuid4(), random.random(), self.random.random(), "
        "logging.getLogger('x').warning('hello')])"
    )
    audit = audited(write_program(tmp_path, "str", value, before))
    assert audit.repeatable
    assert audit.noticed == ()


@algorithm
class Friends(Algorithm):
    """Its nodes are told in the order of a set that is hashed by address."""

    async def on_start(self) -> None:
        class Friend:
            def __init__(self, name: PeerId) -> None:
                self.name = name

        if self.id() == "n1":
            for friend in {Friend(name) for name in self.peers}:
                await self.peers[friend.name].hello(1)

    @handler
    async def hello(self, src: PeerId, number: int) -> None:
        await asyncio.sleep(1)
        await self.terminate()


def test_the_same_sends_in_another_order_are_told_from_others() -> None:
    found = difference(Friends, "complete:30")
    first, second = found.happened
    assert first.startswith("n1 sends hello to n")
    assert second.startswith("n1 sends hello to n")
    assert first != second
    assert found.hints == ("the same things happen in another order, as where the order of a set decides",)


def test_a_class_of_a_test_function_is_audited_and_a_report_that_differs_is_a_difference() -> None:
    @algorithm
    class Local(Algorithm):
        async def on_start(self) -> None:
            await asyncio.sleep(1)
            await self.terminate()

        async def report(self) -> dict[str, object]:
            return {"me": id(self), "all": {1, 2}}

    found = difference(Local)
    assert found.happened == (f"{found.node}: what it reports as me",) * 2
    assert found.handler == ""


def test_what_a_node_was_doing_is_named(tmp_path: Path) -> None:
    @algorithm
    class Later(Algorithm):
        async def on_start(self) -> None:
            if self.id() == "n1":
                await self.peers[PeerId("n2")].ask(1)

        @handler
        async def ask(self, src: PeerId, number: int) -> int:
            return id(object())

    found = difference(Later, "complete:2")
    assert found.node == "n2"
    assert found.handler == "reply"
    assert found.during.startswith("after ask from n1 at 0.00")


def test_a_run_that_fails_alike_is_repeatable(tmp_path: Path) -> None:
    program = write_program(tmp_path, "int", "1 // 0")
    result = distbench.run(str(program), "complete:2", audit=True)
    assert result.outcome is Outcome.FAILED
    assert result.audit is not None
    assert result.audit.repeatable
    assert "ZeroDivisionError" in result.audit.problem


def test_the_address_in_the_text_of_an_exception_is_no_difference(tmp_path: Path) -> None:
    program = write_program(tmp_path, "int", "{}[object()]")
    assert audited(program).repeatable


def test_a_process_that_dies_leaves_it_untold(tmp_path: Path) -> None:
    value = f"C.kill(C.getpid(), {signal.SIGKILL}) if C.getpid() != {os.getpid()} else 1"
    before = "import ctypes\nC = ctypes.CDLL(None)"
    audit = audited(write_program(tmp_path, "int", value, before))
    assert "SIGKILL" in audit.untold
    assert not audit.repeatable
    assert audit.exit_status == 3


def test_a_step_that_is_cut_off_leaves_it_untold() -> None:
    @algorithm
    class Endless(Algorithm):
        async def on_start(self) -> None:
            while True:
                pass

    audit = audited(Endless, "complete:2", step_timeout=0.05)
    assert "--step-timeout" in audit.untold
    assert audit.exit_status == 3


def test_a_run_that_is_not_repeatable_has_failed_and_says_so(tmp_path: Path) -> None:
    result = distbench.run(str(write_program(tmp_path, "int", "id(self)")), "complete:2", audit=True)
    assert result.outcome is Outcome.FAILED
    assert re.fullmatch(r"not repeatable: event \d+ differs: n\d sends say to n\d", result.problem)
    with pytest.raises(RunFailed, match="not repeatable"):
        result.raise_if_failed()


def test_of_many_seeds_a_sample_is_audited(tmp_path: Path) -> None:
    program = str(write_program(tmp_path, "int", "id(self)"))
    many = distbench.run(program, "complete:2", seeds=range(3), audit=True, jobs=1)
    assert [audit.seed for audit in many.audits] == [0, 1, 2]
    assert not many.failed
    assert many.exit_status == 1
    with pytest.raises(RunFailed, match="seed 0: not repeatable"):
        many.raise_if_failed()


@pytest.mark.parametrize(
    "seeds, chosen",
    [
        (range(3), (0, 1, 2)),
        (range(100), (0, 11, 22, 33, 44, 55, 66, 77, 88, 99)),
        (range(11), (0, 1, 2, 3, 4, 5, 6, 7, 8, 10)),
        ((5, 9), (5, 9)),
    ],
)
def test_a_sample_has_the_first_the_last_and_some_between(seeds: Sequence[int], chosen: tuple[int, ...]) -> None:
    assert tuple(sample(seeds)) == chosen


def test_an_audit_is_for_offline_mode() -> None:
    with pytest.raises(ConfigError, match="offline"):
        distbench.run("echo", "ring:3", mode="local", audit=True)


def test_an_audit_leaves_this_process_as_it_was(tmp_path: Path) -> None:
    import gc
    import locale
    import sys

    before = (dict(os.environ), time.tzname, locale.setlocale(locale.LC_ALL), gc.get_threshold(), sys.getprofile())
    audited(write_program(tmp_path, "int", "id(self)"))
    after = (dict(os.environ), time.tzname, locale.setlocale(locale.LC_ALL), gc.get_threshold(), sys.getprofile())
    assert before == after
