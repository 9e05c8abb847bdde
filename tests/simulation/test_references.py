"""What a user's module took from the standard library before a run, or keeps from it: a node sees its own machine."""

from __future__ import annotations

import asyncio
import datetime
import importlib
import json
import py_compile
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import distbench
from distbench import Algorithm
from distbench.simulation.control.standin import Routine
from tests.cli.commandline import ROOT, start
from tests.simulation.early import CLOCKS, ENTROPY, STREAMS

NODES: dict[str, dict[str, object]] = {"n1": {}, "n2": {}}
SLEEP = 90_000
"""More than a day, as the calendar is asked for its days alone."""


class Write:
    """Writes modules into a folder that is on the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, text: str, name: str = "a_helper_on_disk") -> str:
        (self.folder / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return name


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.syspath_prepend(tmp_path)
    return Write(tmp_path)


def play(step: Callable[[], Any], nodes: dict[str, dict[str, object]] = NODES) -> list[Any]:
    """What ``step`` gives at each node, now and after a long sleep."""
    seen: list[Any] = []

    @distbench.distbench
    class Steps(Algorithm):
        async def on_start(self) -> None:
            seen.append(step())
            await asyncio.sleep(SLEEP)
            seen.append(step())

    assert distbench.run(Steps, nodes, timeout=2 * SLEEP).failures == ()
    return seen


def passed(first: Any, second: Any) -> float:
    gone = second - first
    return gone.total_seconds() if isinstance(gone, datetime.timedelta) else float(gone)


def picture(value: Any, path: str = "", depth: int = 5, found: dict[str, Any] | None = None) -> dict[str, Any]:
    """All that can be reached from a module, by the way to it."""
    found = {} if found is None else found
    if depth and not isinstance(value, (int, float, str, bytes, types.BuiltinFunctionType)) and value is not None:
        for name, part in parts(value):
            found[f"{path}.{name}"] = part
            picture(part, f"{path}.{name}", depth - 1, found)
    return found


def parts(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from ((repr(key), part) for key, part in list(value.items()) if key != "__builtins__")
    elif isinstance(value, (tuple, list)):
        yield from ((str(index), part) for index, part in enumerate(value))
    elif isinstance(value, types.ModuleType):
        if "a_helper" in value.__name__:
            yield from parts(vars(value))
    elif isinstance(value, type):
        if "a_helper" in value.__module__:
            yield from (
                (name, part) for name, part in vars(value).items() if not isinstance(part, types.GetSetDescriptorType)
            )
    elif isinstance(value, types.FunctionType):
        if "a_helper" in (value.__module__ or ""):
            yield from (("defaults", value.__defaults__), ("words", value.__kwdefaults__), ("own", value.__dict__))
            yield from ((f"cell {index}", cell.cell_contents) for index, cell in enumerate(value.__closure__ or ()))
    elif "a_helper" in type(value).__module__ and hasattr(value, "__dict__"):
        yield from parts(vars(value))


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    fleeting = ("args", "_cache")
    names = [name for name in {**before, **after} if not name.endswith(fleeting)]
    return [name for name in names if before.get(name) is not after.get(name)]


# -------------------------------------------------- taken early


@pytest.mark.parametrize("text, step", CLOCKS.values(), ids=CLOCKS)
def test_a_clock_that_was_taken_early_shows_virtual_time(write: Write, text: str, step: str) -> None:
    module = importlib.import_module(write(text))
    before = picture(module)
    code = compile(step, "step", "eval")
    names = vars(module)
    first, second, *_ = play(lambda: eval(code, names), {"n1": {}})
    assert SLEEP - 86_400 <= passed(first, second) < SLEEP + 86_400
    names.pop("__builtins__")
    assert changed(before, picture(module)) == []
    again = play(lambda: eval(code, names), {"n1": {}})
    assert again[:2] == [first, second]
    outside = eval(code, names)
    assert passed(outside, eval(code, names)) < 1000


@pytest.mark.parametrize("text, step", CLOCKS.values(), ids=CLOCKS)
def test_a_module_that_a_step_imports_shows_virtual_time_and_keeps_no_stand_in(
    write: Write, text: str, step: str
) -> None:
    name = write(text)
    code = compile(step, "step", "eval")
    first, second, *_ = play(lambda: eval(code, dict(vars(importlib.import_module(name)))), {"n1": {}})
    assert SLEEP - 86_400 <= passed(first, second) < SLEEP + 86_400
    kept = picture(sys.modules[name])
    assert [path for path, value in kept.items() if isinstance(value, Routine)] == []


@pytest.mark.parametrize("text, step", ENTROPY.values(), ids=ENTROPY)
def test_entropy_that_was_taken_early_repeats_and_differs_between_nodes(write: Write, text: str, step: str) -> None:
    module = importlib.import_module(write(text))
    before = picture(module)
    code = compile(step, "step", "eval")
    first, second = (play(lambda: eval(code, dict(vars(module)))) for _ in range(2))
    assert first == second
    assert len(set(map(str, first))) == len(first)
    assert changed(before, picture(module)) == []


@pytest.mark.parametrize("text, step", STREAMS.values(), ids=STREAMS)
def test_a_generator_of_a_module_is_at_the_same_place_when_a_run_begins(write: Write, text: str, step: str) -> None:
    module = importlib.import_module(write(text))
    code = compile(step, "step", "eval")
    first, second = (play(lambda: eval(code, dict(vars(module)))) for _ in range(2))
    assert first == second
    assert len(set(first)) == len(first)


def test_a_sleep_that_was_taken_early_is_refused(write: Write) -> None:
    module = importlib.import_module(write("from time import sleep\ndef nap(seconds=3, wait=sleep): wait(seconds)"))
    with pytest.raises(distbench.RunFailed, match=r"time\.sleep\(\)"):
        run_failing(lambda: module.nap())


def run_failing(step: Callable[[], Any]) -> None:
    @distbench.distbench
    class Fails(Algorithm):
        async def on_start(self) -> None:
            step()

    distbench.run(Fails, {"n1": {}}).raise_if_failed()


# -------------------------------------------------- the algorithm's own


CLOSED_OVER = time.monotonic


def test_an_algorithm_of_a_function_is_looked_through_as_well() -> None:
    read = time.monotonic
    seen: list[float] = []

    def clock(own: Callable[[], float] = time.monotonic) -> float:
        return own()

    class Helper:
        clock = staticmethod(time.monotonic)

    class Base(Algorithm):
        ticks = time.monotonic

        def look(self, own: Callable[[], float] = time.monotonic) -> list[float]:
            return [own(), type(self).ticks(), read(), clock(), Helper.clock(), CLOSED_OVER()]

    @distbench.distbench
    class Local(Base):
        began: float = distbench.config_field(default_factory=time.monotonic)

        async def on_start(self) -> None:
            seen.extend([*self.look(), self.began])

    assert distbench.run(Local, {"n1": {}}).failures == ()
    assert len(seen) == 7
    assert max(seen) - min(seen) < 0.001
    assert Base.ticks is read is time.monotonic
    assert clock() > max(seen) or seen[0] == 0


def test_an_algorithm_that_exec_made_is_looked_through_as_well() -> None:
    text = """
from time import monotonic
import distbench
seen = []
class Clock:
    read = monotonic
def clock(read=monotonic): return read()
@distbench.distbench
class Made(distbench.Algorithm):
    async def on_start(self):
        seen.extend([monotonic(), Clock.read(), clock()])
"""
    for names in ({}, {"__name__": "__main__"}, {"__name__": "nowhere"}):
        space: dict[str, Any] = dict(names)
        exec(text, space)
        assert distbench.run(space["Made"], {"n1": {}}).failures == ()
        assert max(space["seen"]) < 0.001
        assert space["monotonic"] is time.monotonic
        assert space["Clock"].read is time.monotonic


# -------------------------------------------------- from run to run


@pytest.mark.parametrize(
    "change",
    [
        lambda module: setattr(module, "clock", time.monotonic),
        lambda module: setattr(module, "another", time.monotonic),
        lambda module: setattr(module.Clock, "read", time.monotonic),
        lambda module: setattr(module.Clock, "another", staticmethod(time.monotonic)),
    ],
    ids=["a name", "a new name", "a class attribute", "a new class attribute"],
)
def test_what_is_bound_between_two_runs_is_found_as_well(write: Write, change: Callable[[Any], None]) -> None:
    module: Any = importlib.import_module(write("clock = None\nclass Clock:\n    read = None"))

    def step() -> list[float]:
        found = [getattr(one, name, None) for one in (module, module.Clock) for name in ("clock", "another", "read")]
        return [clock() for clock in found if clock is not None]

    assert play(step, {"n1": {}}) == [[], []]
    change(module)
    (first,), (second,) = play(step, {"n1": {}})
    assert SLEEP <= second - first < SLEEP + 1
    (outside,) = step()
    assert outside != second


def test_what_a_node_binds_instead_is_left_to_it(write: Write) -> None:
    module: Any = importlib.import_module(write("from time import time as clock, monotonic as other"))
    play(lambda: setattr(module, "clock", print))
    assert module.clock is print
    assert module.other is time.monotonic


def test_a_library_and_the_standard_library_keep_what_they_have(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "a_helper_library.py").write_text("from time import monotonic\ndef clock(read=monotonic): return read()")
    monkeypatch.syspath_prepend(folder)
    library = importlib.import_module("a_helper_library")
    import queue

    before = vars(queue)["time"]
    seen: list[object] = []
    module: Any = importlib.import_module(write("from a_helper_library import clock, monotonic"))
    play(lambda: seen.append((library.monotonic, library.clock.__defaults__, vars(queue)["time"], module.monotonic)))
    assert {(one[0], one[1], one[2]) for one in seen} == {(time.monotonic, (time.monotonic,), before)}  # type: ignore[index]
    assert time.monotonic not in {one[3] for one in seen}  # type: ignore[index]


def test_a_module_that_is_let_go_is_let_go(write: Write) -> None:
    import gc
    import weakref

    name = write("from time import time\nclass Clock:\n    read = time")
    importlib.import_module(name)
    play(lambda: sys.modules[name].Clock.read())
    gone = weakref.ref(sys.modules[name].Clock)
    del sys.modules[name]
    play(lambda: None)
    gc.collect()
    assert gone() is None


# -------------------------------------------------- a class of C code


def test_methods_of_datetime_are_taken_back() -> None:
    before = dict(vars(datetime.datetime)), dict(vars(datetime.date))
    play(lambda: datetime.datetime.now())
    assert (dict(vars(datetime.datetime)), dict(vars(datetime.date))) == before
    assert abs(datetime.datetime.now(datetime.UTC).timestamp() - time.time()) < 1000


def test_a_datetime_is_the_same_class_inside() -> None:
    import copy
    import functools
    import pickle

    @functools.singledispatch
    def kind(value: object) -> str:
        return "object"

    @kind.register
    def _(value: datetime.datetime) -> str:
        return "datetime"

    def step() -> None:
        now = datetime.datetime.now()
        assert type(now) is datetime.datetime
        assert {datetime.datetime: 1}[type(now)] == 1
        assert pickle.loads(pickle.dumps(now)) == now == copy.deepcopy(now)
        assert kind(now) == "datetime"
        assert pickle.loads(pickle.dumps(time.time)) is time.time is copy.copy(time.time) is copy.deepcopy(time.time)

    play(step)


# -------------------------------------------------- local time


BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
LOCAL = """
import calendar, datetime, email.utils, json, logging, sys, time
import distbench

D = datetime.datetime
naive = D(2020, 7, 1, 12)

def look():
    record = logging.LogRecord("a", 20, "f", 1, "m", (), None)
    record.created, record.msecs = 1593604800.0, 0
    fields = (2020, 7, 1, 12, 0, 0, 2, 183, 0)
    now = D.now()
    return [
        time.localtime(1593604800)[:], time.localtime(1593604800).tm_zone, time.localtime(1593604800).tm_gmtoff,
        time.mktime(fields), time.mktime(time.localtime(5)), time.ctime(1593604800), time.asctime(time.localtime(5)),
        time.strftime("%H %Z", fields), time.strftime("%H %Z %z", time.localtime(5)), time.timezone, time.altzone,
        time.daylight, list(time.tzname), str(D.fromtimestamp(1593604800)),
        str(datetime.date.fromtimestamp(1593554400)),
        naive.timestamp(), str(naive.astimezone()), naive.astimezone().tzname(),
        str(naive.replace(tzinfo=datetime.UTC).astimezone()),
        str(D.fromtimestamp(0, datetime.timezone(datetime.timedelta(hours=2)))), str(email.utils.localtime(naive)),
        logging.Formatter("%(asctime)s").format(record), str(D.today())[:16] == str(D.now(datetime.UTC))[:16],
        time.mktime((2020, 14, 35, 30, 0, 0, 0, 0, 0)), str(D.strptime("2020", "%Y").astimezone()),
    ]

@distbench.distbench
class Look(distbench.Algorithm):
    async def on_start(self):
        seen.append(look())

seen = []
outside = look()
result = distbench.run(Look, {"n1": {}}, digest=True)
assert not result.failures, result.failures
print(json.dumps([outside, seen[0], look(), result.time_zone, distbench.testing.render_result(result)]))
"""


def local(zone: str) -> Any:
    finished = start("-c", "import distbench.testing\n" + LOCAL, environment={"TZ": zone, "PYTHONPATH": str(ROOT)})
    assert finished.status == 0, finished.err
    return json.loads(finished.out)


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system has no TZ")
def test_local_time_is_utc_at_a_node_and_stays_what_it_is_elsewhere() -> None:
    outside, inside, after, zone, _ = local("UTC")
    assert outside == inside == after
    assert zone == "UTC"
    there, at_node, afterwards, zone, shown = local(BERLIN)
    assert at_node == inside
    assert there == afterwards != inside
    assert zone == BERLIN
    assert f"TZ {BERLIN})" in shown


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system has no TZ")
@pytest.mark.parametrize("hash_seed", ["0", "random"])
def test_the_command_line_runs_in_utc(write: Write, hash_seed: str) -> None:
    write(
        "import os, subprocess, sys, time, distbench\n"
        "print(time.tzname[0], os.environ['TZ'], time.localtime(0).tm_hour)\n"
        "print(subprocess.run(['date', '+%Z'], capture_output=True, text=True).stdout)\n"
        "@distbench.distbench\nclass Shown(distbench.Algorithm):\n    async def on_start(self): ...\n",
        "shown",
    )
    command = ("-m", "distbench", "-c", "complete:1", "-a", "shown.py", "--json")
    environment = {"TZ": BERLIN, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed}
    finished = start(*command, cwd=write.folder, environment=environment)
    assert finished.err.split()[:4] == ["UTC", "UTC", "0", "UTC"]
    assert json.loads(finished.out)["time_zone"] == "UTC"


# -------------------------------------------------- the command line


HELPER = """
import asyncio, datetime, os, random, socket, threading, time, uuid
from time import time as clock
START, MONOTONIC, NOW = time.time(), time.monotonic(), datetime.datetime.now()
DRAWN, BYTES, NAME = random.random(), os.urandom(4), uuid.uuid4()
RNG = random.Random()
RNG2 = random.Random(5)
thread = threading.Thread(target=lambda: seen.append(time.time()))
seen = []
thread.start()
thread.join()
socket.socket().close()
LATER = asyncio._get_running_loop() is None and asyncio.run(asyncio.sleep(0.001, 7))
FIRST = RNG.random()
def state(): return [START, MONOTONIC, str(NOW), DRAWN, BYTES.hex(), str(NAME), LATER, FIRST]
"""
ALONE = """
import json, sys
import distbench, {first}, {second}
print(json.dumps([a_helper_one.state(), a_helper_two.state()]), file=sys.stderr)
class Clock:
    read = a_helper_one.clock
@distbench.distbench
class Alone(distbench.Algorithm):
    async def on_start(self):
        import os, time
        before = os.urandom(4).hex()
        import a_helper_{lazy}
        print(json.dumps([a_helper_one.RNG.random(), a_helper_two.RNG2.random(), before, os.urandom(4).hex(),
                          abs(Clock().read() - time.time()) < 1, a_helper_one.seen[0] > 1.6e9,
                          a_helper_{lazy}.state()]), file=sys.stderr)
"""


def alone(write: Write, *options: str, first: str = "one", second: str = "two", lazy: str = "three") -> list[Any]:
    for name in ("one", "two", "three"):
        write(HELPER, f"a_helper_{name}")
    write(ALONE.format(first=f"a_helper_{first}", second=f"a_helper_{second}", lazy=lazy), "alone")
    command = ("-m", "distbench", "-c", "complete:1", "-a", "alone.py", "-q", *options)
    finished = start(*command, cwd=write.folder)
    assert finished.status == 0, finished.err
    return [json.loads(line) for line in finished.err.splitlines()]


def test_the_top_level_of_a_module_is_the_same_in_every_process(write: Write) -> None:
    states, seen = alone(write)
    again = alone(write)
    other_order, _ = alone(write, first="two", second="one")
    assert [states, seen] == again
    assert states == other_order
    assert states[0] != states[1] != seen[-1] != states[0]
    assert seen[4:6] == [True, True]
    (other_states, other_seen) = alone(write, "--seed", "1")
    assert other_states == states
    assert other_seen[2:4] != seen[2:4]
    assert other_seen[6] == seen[6]


def test_a_constant_set_has_one_order_whether_its_module_was_compiled_or_loaded(write: Write) -> None:
    sets = "{1.5, 2.5, 10**20, True}, {0, 1, 8, 2**61 - 1}, frozenset({3, 3 + 2**61 - 1, -5})"  # hashes collide
    show = f"def show(): return [list(each) for each in ({sets})] + [x for x in {{0, 2**61 - 1, 8}}]\n"
    helper = write.folder / f"{write(show, 'a_helper_with_sets')}.py"
    write(
        "import json, sys, a_helper_with_sets, distbench\n"
        "@distbench.distbench\nclass Sets(distbench.Algorithm):\n    async def on_start(self):\n"
        "        print(json.dumps(a_helper_with_sets.show()), file=sys.stderr)\n",
        "sets",
    )
    command = ("-m", "distbench", "-c", "complete:1", "-a", "sets.py", "-q")
    compiled = start(*command, cwd=write.folder)
    py_compile.compile(str(helper), doraise=True)
    loaded = start(*command, cwd=write.folder)
    assert compiled.status == 0, compiled.err
    assert compiled.err == loaded.err


def test_a_first_import_in_a_step_draws_nothing_of_the_nodes(write: Write) -> None:
    (_, first), (_, second) = alone(write), alone(write, lazy="two")
    assert first[:4] == second[:4]


def test_all_ways_to_keep_a_clock_show_virtual_time_on_the_command_line(write: Write) -> None:
    kept = [*CLOCKS.values(), *ENTROPY.values()]
    for number, (text, _) in enumerate(kept):
        write(text, f"a_helper_{number}")
    steps = [step for _, step in kept]
    write(
        "import asyncio, datetime, json, sys, distbench\n"
        + "".join(f"import a_helper_{number}\n" for number in range(len(steps)))
        + f"HELPERS = [{', '.join(f'vars(a_helper_{number})' for number in range(len(steps)))}]\n"
        f"STEPS = {steps!r}\n"
        "def look(): return [eval(step, names) for step, names in zip(STEPS, HELPERS)]\n"
        "@distbench.distbench\nclass Every(distbench.Algorithm):\n    async def on_start(self):\n"
        f"        before = look(); await asyncio.sleep({SLEEP}); after = look()\n"
        f"        both = list(zip(before, after))[:{len(CLOCKS)}]\n"
        "        gone = [b - a for a, b in both]\n"
        "        gone = [one.total_seconds() if isinstance(one, datetime.timedelta) else one for one in gone]\n"
        f"        print(json.dumps([gone, before[{len(CLOCKS)}:]]), file=sys.stderr)\n",
        "every",
    )
    command = ("-m", "distbench", "-c", "complete:2", "-a", "every.py", "-q", "--timeout", "1e6")
    found = []
    for _ in range(2):
        finished = start(*command, cwd=write.folder)
        assert finished.status == 0, finished.err
        found.append([json.loads(line) for line in finished.err.splitlines()])
    assert found[0] == found[1]
    wrong = [
        name for (gone, _) in found[0] for name, one in zip(CLOCKS, gone, strict=True)
        if not SLEEP - 86_400 <= one < SLEEP + 86_400
    ]  # fmt: skip
    assert wrong == []


def test_with_many_seeds_a_generator_of_a_module_begins_each_run_alike(write: Write) -> None:
    write(
        "import random, distbench\nRNG = random.Random()\nFIRST = random.Random()\nFIRST.setstate(RNG.getstate())\n"
        "WANTED = FIRST.random()\n@distbench.distbench\nclass Draws(distbench.Algorithm):\n"
        "    async def on_start(self):\n        assert RNG.random() == WANTED\n",
        "draws",
    )
    command = ("-m", "distbench", "-c", "complete:1", "-a", "draws.py", "--seeds", "0-20", "--jobs", "2")
    finished = start(*command, cwd=write.folder)
    assert finished.status == 0, finished.out + finished.err


def test_in_local_mode_the_real_clock_stays(write: Write) -> None:
    write(
        "import time, distbench\nassert time.time() > 1.6e9\n@distbench.distbench\nclass Real(distbench.Algorithm):\n"
        "    async def on_start(self):\n        assert time.time() > 1.6e9\n        await self.terminate()\n",
        "real",
    )
    finished = start("-m", "distbench", "-c", "complete:1", "-a", "real.py", "--mode", "local", cwd=write.folder)
    assert finished.status == 0, finished.out + finished.err


def test_the_machinery_of_imports_stays_out_of_the_traceback_of_a_failing_import(write: Write) -> None:
    write("import a_helper_broken\nimport distbench", "outer")
    write("raise ValueError('broken')", "a_helper_broken")

    def step() -> list[str]:
        import traceback

        try:
            importlib.import_module("outer")
        except ValueError as error:
            return [Path(frame.filename).name for frame in traceback.extract_tb(error.__traceback__)]
        raise AssertionError

    (files, *_) = play(step)
    assert files[-2:] == ["outer.py", "a_helper_broken.py"]
    assert "imports.py" not in files


def test_a_command_line_in_this_process_takes_all_of_it_back(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    from distbench.cli import main

    write(
        "import time, distbench\nfrom time import monotonic\nSTART = time.monotonic()\n"
        "@distbench.distbench\nclass Back(distbench.Algorithm):\n"
        "    async def on_start(self): assert monotonic() < 1\n",
        "a_helper_back",
    )
    real = time.monotonic, time.time, dict(vars(datetime.datetime)), importlib.import_module
    assert main(["-c", "complete:1", "-a", str(write.folder / "a_helper_back.py"), "-qq"]) == 0
    assert (time.monotonic, time.time, dict(vars(datetime.datetime)), importlib.import_module) == real
    module: Any = sys.modules["a_helper_back"]
    assert module.monotonic is time.monotonic
    assert 0 <= module.START < 0.001
