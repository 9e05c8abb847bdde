"""What is wrong with the arguments of a message is told by its class and fields, in a run and outside."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pytest

import distbench
from distbench import Algorithm, PeerId, RemoteError, handler, message
from distbench.messages import quick_construction

T = TypeVar("T")
BOX: Any = None


@message
class Note:
    text: str
    number: int = 0

    unit = "ms"
    limit = None

    def shout(self) -> str:
        return self.text.upper()

    @property
    def length(self) -> int:
        return len(self.text)


@message
class More(Note):
    extra: bool = False


@message
class Empty:
    pass


@message
@dataclass(kw_only=True)
class Named:
    a: int


@message
class Cell(Generic[T]):
    item: T


@message
class Outer:
    @message
    class Inner:
        x: int


class Module:
    inner = Outer


WRONG: list[tuple[Callable[[Any], Any], str]] = [
    (lambda _: Note(txt="hi"), "Note has no field 'txt'; its fields are text, number; did you mean 'text'"),  # type: ignore[call-arg]
    (lambda _: Note("hi", zzz=1), "Note has no field 'zzz'; its fields are text, number"),  # type: ignore[call-arg]
    (lambda _: Note(), "Note needs 'text', which is not given; its fields are text, number"),  # type: ignore[call-arg]
    (lambda _: Note("a", 1, 2), "Note gets more values than it has fields to be given by place; its fields are text"),  # type: ignore[call-arg]
    (lambda _: Note("a", text="b"), "Note gets 'text' twice, by its place and by its name"),  # type: ignore[misc]
    (lambda _: Note("a", unit="s"), "Note.unit is a constant, .* annotation; .*'unit: str = 'ms'' in class Note"),  # type: ignore[call-arg]
    (lambda _: More("a", unit="s"), "More.unit is a constant, .* in class Note"),  # type: ignore[call-arg]
    (lambda _: Note("a", limit=3), "Note.limit is a constant, .*'limit: ... = None'"),  # type: ignore[call-arg]
    (lambda _: Note("a", shout=3), "Note has no field 'shout'"),  # type: ignore[call-arg]
    (lambda _: Note("a", length=3), "Note has no field 'length'"),  # type: ignore[call-arg]
    (lambda _: Empty(1), "Empty gets more values .*; it has no fields"),  # type: ignore[call-arg]
    (lambda _: Named(1), "Named gets more values"),  # type: ignore[call-arg]
    (lambda _: Outer.Inner(y=1), "Outer.Inner has no field 'y'; its fields are x"),  # type: ignore[call-arg]
    (lambda _: Module.inner.Inner(), "Outer.Inner needs 'x'"),  # type: ignore[call-arg]
    (lambda _: Cell[int](itm=1), "Cell has no field 'itm'; its fields are item; did you mean 'item'"),  # type: ignore[call-arg]
    (lambda node: node.kind(y=1), "Empty has no field 'y'"),
    (lambda _: dataclasses.replace(Note("a"), txt="b"), "Note has no field 'txt'"),  # type: ignore[call-arg]
    (lambda _: [Empty(), Note(
        "a",
        numbr=3,
    )], "Note has no field 'numbr'; its fields are text, number; did you mean 'number'"),  # type: ignore[call-arg]
]  # fmt: skip


class Kinds:
    kind = Empty


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_wrong_arguments_are_told_by_class_and_fields(case: int) -> None:
    make, text = WRONG[case]
    with pytest.raises(TypeError, match=f"^{text}"):
        make(Kinds)


def failing(make: Callable[[Any], Any]) -> Any:
    class Fails(Algorithm):
        kind = Empty

        async def on_start(self) -> None:
            for peer in self.peers.values():
                if self.id() == "n1":
                    try:
                        await peer.ask("x")
                    except RemoteError as error:
                        self.heard = str(error)

        @handler
        async def ask(self, src: PeerId, text: str) -> bool:
            make(self)
            return True

    return distbench.distbench(Fails)


@pytest.mark.parametrize("case", range(len(WRONG)))
def test_so_they_are_in_a_run(case: int) -> None:
    make, text = WRONG[case]
    result = distbench.run(failing(make), "complete:2")
    (failure,) = result.failures
    with pytest.raises(TypeError, match=f"^{text}"):
        raise TypeError(failure.exception.removeprefix("TypeError: "))
    assert failure.exception in failure.traceback
    assert failure.exception in result.algorithms[PeerId("n1")].heard  # type: ignore[attr-defined]


def test_without_a_source_the_class_that_is_named_is_meant() -> None:
    names: dict[str, Any] = {"Note": Note, "Outer": Outer, "Empty": Empty}
    exec("def make(node):\n    Empty()\n    return Note(numbr=3, text='a')\n", names)
    (failure,) = distbench.run(failing(names["make"]), "complete:2").failures
    assert "Note has no field 'numbr'" in failure.exception or "Unexpected keyword" in failure.exception
    exec("def make(node):\n    return Note(numbr=3, text='a')\n", names)
    (failure,) = distbench.run(failing(names["make"]), "complete:2").failures
    assert "Note has no field 'numbr'; its fields are text, number; did you mean 'number'?" in failure.exception


def test_so_is_one_in_a_group_of_tasks() -> None:
    @distbench.distbench
    class Fails(Algorithm):
        async def on_start(self) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.make())

        async def make(self) -> None:
            Note(txt="hi")  # type: ignore[call-arg]

    (failure, *_) = distbench.run(Fails, "complete:2").failures
    assert "TypeError: Note has no field 'txt'; its fields are text, number" in failure.traceback


def test_errors_of_others_stay_as_they_are() -> None:
    @message
    class Picky:
        x: int

        def __post_init__(self) -> None:
            if self.x:
                raise TypeError("Unexpected keyword argument 'mine'")

    def other(node: Any) -> None:
        raise TypeError("Missing required argument 'text'")

    with pytest.raises(TypeError, match=r"^Unexpected keyword argument 'mine'$"):
        Picky(1)
    (failure,) = distbench.run(failing(other), "complete:2").failures
    assert failure.exception == "TypeError: Missing required argument 'text'"
    (failure,) = distbench.run(failing(lambda _: Picky(1)), "complete:2").failures
    assert failure.exception == "TypeError: Unexpected keyword argument 'mine'"


def test_a_right_message_costs_nothing_more_in_a_run() -> None:
    """A class of Struct's own kind is called by msgspec alone: no frame of ours stands in between."""
    frames: list[str] = []

    @message
    class Looks:
        def __post_init__(self) -> None:
            frames.append(sys._getframe(1).f_code.co_name)

    Looks()
    with quick_construction():
        with quick_construction():
            Looks()
        Looks()
    Looks()
    here = sys._getframe().f_code.co_name
    assert frames == ["_construct", here, here, "_construct"]
    seen: list[str] = []

    def look(node: Any) -> None:
        Looks()
        seen.append(frames[-1])
        raise ValueError

    distbench.run(failing(look), "complete:2")
    assert seen == ["look"]
    Looks()
    assert frames[-1] == "_construct"
