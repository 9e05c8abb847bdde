"""What all participants must have in common: two programs that would misread each other's messages do not."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from distbench import Algorithm, PeerId, distbench, handler, message
from distbench.config import config_from_mapping
from distbench.config.binding import bind
from distbench.definition import define
from distbench.network.party import Terms
from distbench.running.options import RunOptions
from distbench.running.terms import _add_types, make_terms

CONFIG = config_from_mapping({"n1": {}, "n2": {}})


def algorithm(kind: Any, reply: Any = None) -> type[Algorithm]:
    """One that takes such a message; everything else about it is alike."""

    @distbench
    class Takes(Algorithm):
        @handler
        async def take(self, src: PeerId, msg: kind) -> reply: ...

    return Takes


def terms(cls: type[Algorithm]) -> Terms:
    return make_terms(b"run", bind(define(cls), CONFIG), CONFIG, RunOptions())


def vote(**fields: Any) -> type:
    made = type("Vote", (), {"__annotations__": fields, "__module__": __name__, "__qualname__": "Vote"})
    return message(made)


def nested(**fields: Any) -> Any:
    inner = vote(**fields)
    return dict[str, list[inner]]  # type: ignore[valid-type]


def plain(**fields: Any) -> Any:
    return dataclass(type("Plain", (), {"__annotations__": fields, "__module__": __name__, "__qualname__": "Plain"}))


@pytest.mark.parametrize("make", [vote, nested, plain], ids=["message", "nested", "dataclass"])
def test_messages_of_other_fields_make_other_terms(make: Callable[..., Any]) -> None:
    first = terms(algorithm(make(round=int, value=int)))
    assert terms(algorithm(make(round=int, value=int))) == first
    for other in (make(value=int, round=int), make(round=int, value=str), make(round=int), make(round=int, vote=int)):
        assert terms(algorithm(other)).definition != first.definition


def inherited(**fields: Any) -> Any:
    return dataclass(type("Derived", (plain(**fields),), {"__module__": __name__, "__qualname__": "Derived"}))


@pytest.mark.parametrize("text", ["list[Inner]", "Inner | None"])
def test_what_a_class_names_in_a_text_counts_as_well(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(*names: str) -> Any:
        monkeypatch.setitem(globals(), "Inner", enum.Enum("Inner", list(names)))
        return terms(algorithm(plain(inner=text))).definition

    assert made("RED", "BLUE") == made("RED", "BLUE") != made("BLUE", "RED")


def test_fields_that_a_class_inherits_count_as_well() -> None:
    first = terms(algorithm(inherited(round=int, value=int)))
    assert terms(algorithm(inherited(round=int, value=int))) == first
    for other in (inherited(value=int, round=int), inherited(round=int, value=str), inherited(round=int)):
        assert terms(algorithm(other)).definition != first.definition


def test_a_text_that_names_nothing_counts_as_it_stands() -> None:
    def described(text: str) -> list[str]:
        cls: Any = dataclass(
            type("Odd", (plain(round=int),), {"__annotations__": {"odd": text}, "__module__": __name__})
        )
        found: dict[Any, str] = {}
        _add_types(cls, found)
        return list(found.values())

    assert described("nowhere.Known") == ["Odd(round: int, odd: nowhere.Known)"]


def test_replies_count_as_well() -> None:
    kinds = vote(value=int), vote(value=str)
    one, other = (terms(algorithm(int, kind)) for kind in kinds)
    assert one.definition != other.definition


def test_members_of_an_enum_count_as_well() -> None:
    one, other = (algorithm(enum.Enum("Colour", names)) for names in (["RED", "BLUE"], ["BLUE", "RED"]))
    assert terms(one).definition != terms(other).definition
