"""Algorithms and messages whose module nobody can look up: from ``exec``, ``runpy``, a notebook or a bare module."""

from __future__ import annotations

import importlib.util
import runpy
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import distbench
from distbench import DefinitionError

SOURCE = """
import enum, time
from dataclasses import dataclass
from time import time as clock
from typing import ClassVar, NamedTuple, Optional, TypedDict
from distbench import Algorithm, PeerId, Signed, child_algorithm, config_field, distbench, handler, message

class Mood(enum.Enum):
    GOOD = "good"

class Options(TypedDict):
    mood: "Mood"

class Spot(NamedTuple):
    x: int
    mood: "Optional[Mood]" = None

@message
class Ping:
    limit: ClassVar[int] = 3
    number: int
    later: "Optional[Later]" = None
    proof: "Signed[Later] | None" = None

@message
class Later(Ping):
    spots: "list[Spot]" = ()

class Base(Algorithm):
    rounds: "int" = config_field(default=1)

@distbench
class Lower(Base):
    pass

@distbench
class Upper(Base):
    lower: "Lower" = child_algorithm(Lower)
    options: "Options" = config_field(default_factory=lambda: {"mood": Mood.GOOD})
    got: int = 0

    async def on_start(self) -> None:
        self.read = clock()
        for peer in self.peers.values():
            later = Later(1, spots=[Spot(1, Mood.GOOD)])
            assert (await peer.ping(Ping(self.rounds, later, self.sign(later)))).x == 7

    @handler
    async def ping(self, src: PeerId, msg: "Ping") -> "Spot":
        assert msg.later.spots == [Spot(1, Mood.GOOD)] and msg.limit == 3
        self.got += msg.number
        await self.terminate()
        return Spot(7)

    async def report(self) -> "dict[str, object]":
        return {"got": self.got, "clock": self.read}

checked = []

def check(result) -> None:
    checked.append(result)
    assert result.reports
"""


def by_exec(source: str, folder: Path) -> Any:
    names: dict[str, Any] = {}
    exec(source, names)
    return names["Upper"]


def by_exec_under_a_name(source: str, folder: Path) -> Any:
    names: dict[str, Any] = {"__name__": "submission_of_nobody"}
    exec(compile(source, "<submission>", "exec"), names)
    return names["Upper"]


def by_exec_under_the_name_of_another(source: str, folder: Path) -> Any:
    names: dict[str, Any] = {"__name__": "json"}
    exec(source, names)
    return names["Upper"]


def by_exec_without_a_name(source: str, folder: Path) -> Any:
    names: dict[str, Any] = {"__name__": None}
    exec(source, names)
    return names["Upper"]


def by_exec_as_a_script(source: str, folder: Path) -> Any:
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(source, names)
    return names["Upper"]


def by_runpy(source: str, folder: Path) -> Any:
    file = folder / "submission.py"
    file.write_text(source)
    return runpy.run_path(str(file))["Upper"]


def by_runpy_as_a_script(source: str, folder: Path) -> Any:
    file = folder / "submission.py"
    file.write_text(source)
    return runpy.run_path(str(file), run_name="__main__")["Upper"]


def by_a_bare_module(source: str, folder: Path) -> Any:
    module = types.ModuleType("never_registered")
    exec(source, vars(module))
    return module.Upper


def by_a_loader(source: str, folder: Path) -> Any:
    file = folder / "never_imported.py"
    file.write_text(source)
    spec = importlib.util.spec_from_file_location("never_imported", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Upper


WAYS = [
    by_exec, by_exec_under_a_name, by_exec_under_the_name_of_another, by_exec_without_a_name, by_exec_as_a_script,
    by_runpy, by_runpy_as_a_script, by_a_bare_module, by_a_loader,
]  # fmt: skip
FUTURES = ["", "from __future__ import annotations\n"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("future", FUTURES)
@pytest.mark.parametrize("mode", ["offline", pytest.param("local", marks=pytest.mark.slow)])
def test_such_a_class_runs_and_is_checked(
    way: Callable[[str, Path], Any], future: str, mode: Any, tmp_path: Path
) -> None:
    cls = way(future + SOURCE, tmp_path)
    result = distbench.run(cls, {"n1": {}, "n2": {"rounds": 5}}, mode=mode)
    assert result.exit_status == 0, [*result.failures, result.check_error]
    assert [report["got"] for report in result.reports.values()] == [5, 1]
    assert cls.on_start.__globals__["checked"] == [result]
    if mode == "offline":  # the clock that it bound by name is the simulation's too
        assert distbench.run(cls, {"n1": {}, "n2": {}}).reports == distbench.run(cls, {"n1": {}, "n2": {}}).reports


def test_nothing_stays_among_the_modules(tmp_path: Path) -> None:
    before = set(sys.modules)
    distbench.run(by_exec_under_a_name(SOURCE, tmp_path), "complete:2")
    assert set(sys.modules) <= before | {"nacl", "_cffi_backend"} | {name for name in sys.modules if "." in name}
    assert not [name for name in sys.modules if name.startswith(("distbench names", "submission"))]


@pytest.mark.parametrize("way", WAYS)
def test_its_mistakes_are_told_as_those_of_others(way: Callable[[str, Path], Any], tmp_path: Path) -> None:
    for wrong, text in (
        (SOURCE.replace('msg: "Ping"', 'msg: "Pong"'), "Upper.ping .*names 'Pong', which is not defined"),
        (SOURCE.replace('later: "Optional[Later]"', "later: 'Latter'"), "Ping.later.*names 'Latter'"),
        (SOURCE.replace('"int" = config_field', '"Int" = config_field'), "rounds.*names 'Int', which is not defined"),
        (SOURCE.replace("def check(result)", "def check()"), "check .*not the result alone"),
    ):
        with pytest.raises(DefinitionError, match=text):
            distbench.run(way(wrong, tmp_path), "complete:2")


def test_cells_of_a_notebook_see_each_other() -> None:
    names: dict[str, Any] = {"__name__": "notebook"}
    first = "from distbench import *\n@message\nclass Ask:\n    n: 'Number'\n"
    second = "Number = int\n"
    third = (
        "@distbench\nclass Asks(Algorithm):\n    async def on_start(self):\n"
        "        for peer in self.peers.values():\n            await peer.take(Ask(3))\n"
        "    @handler\n    async def take(self, src: PeerId, msg: 'Ask') -> None:\n        await self.terminate()\n"
    )
    for cell in (first, second, third):
        exec(cell, names)
    assert distbench.run(names["Asks"], "complete:2").exit_status == 0
