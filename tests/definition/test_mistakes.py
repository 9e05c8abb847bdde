"""Every mistake in a definition is a ``DefinitionError`` before anything runs: class, method, file:line, what to do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

import distbench
from distbench import (
    Algorithm,
    DefinitionError,
    PeerId,
    Signed,
    child_algorithm,
    config_field,
    handler,
    message,
)
from distbench.definition import define


@message
class Vote:
    value: bool


@message
class Hiding:
    signer: str


class NoMessage:
    pass


@distbench.distbench
class Lower(Algorithm):
    @handler
    async def vote(self, src: PeerId, msg: Vote) -> None: ...


@distbench.distbench
class Other(Algorithm):
    pass


class Unmarked(Algorithm):
    pass


def no_type() -> type:
    class Wrong(Algorithm):
        @handler
        async def on_vote(self, src: PeerId, msg) -> None: ...  # type: ignore[no-untyped-def]

    return Wrong


def not_async() -> type:
    class Wrong(Algorithm):
        @handler
        def on_vote(self, src: PeerId, msg: Vote) -> None: ...

    return Wrong


def generator() -> type:
    class Wrong(Algorithm):
        @handler
        async def on_vote(self, src: PeerId, msg: Vote) -> Any:
            yield 1

    return Wrong


def static() -> type:
    class Wrong(Algorithm):
        @handler
        @staticmethod
        async def on_vote(self: Any, src: PeerId, msg: Vote) -> None: ...

    return Wrong


def too_few() -> type:
    class Wrong(Algorithm):
        @handler
        async def on_vote(self, msg: Vote) -> None: ...

    return Wrong


def too_many() -> type:
    class Wrong(Algorithm):
        @handler
        async def on_vote(self, src: PeerId, msg: Vote, more: int) -> None: ...

    return Wrong


def needs_a_keyword() -> type:
    class Wrong(Algorithm):
        @handler
        async def on_vote(self, src: PeerId, msg: Vote, *, more: int) -> None: ...

    return Wrong


def unsendable() -> type:
    class Wrong(Algorithm):
        @handler
        async def on_vote(self, src: PeerId, msg: NoMessage) -> None: ...

    return Wrong


def unsendable_reply() -> type:
    class Wrong(Algorithm):
        @handler
        async def on_vote(self, src: PeerId, msg: Vote) -> list[NoMessage]:
            return []

    return Wrong


def unknown_name() -> type:
    class Wrong(Algorithm):
        @handler
        async def on_vote(self, src: PeerId, msg: Vot) -> None: ...  # type: ignore[name-defined] # noqa: F821

    return Wrong


def signs_a_hiding_one() -> type:
    class Wrong(Algorithm):
        @handler
        async def on_vote(self, src: PeerId, msg: list[Signed[Hiding]]) -> None: ...

    return Wrong


def called_peer_id() -> type:
    class Wrong(Algorithm):
        @handler
        async def peer_id(self, src: PeerId, msg: Vote) -> None: ...

    return Wrong


def called_with_underscore() -> type:
    class Wrong(Algorithm):
        @handler
        async def _vote(self, src: PeerId, msg: Vote) -> None: ...

    return Wrong


def called_like_a_hook() -> type:
    class Wrong(Algorithm):
        @handler
        async def report(self, src: PeerId, msg: Vote) -> None: ...  # type: ignore[override]

    return Wrong


def from_no_child() -> type:
    class Wrong(Algorithm):
        links: Lower = child_algorithm(Lower)

        @handler(from_child="link")
        async def on_vote(self, src: PeerId, msg: Vote) -> None: ...

    return Wrong


def two_for_one_message() -> type:
    class Wrong(Algorithm):
        links: Lower = child_algorithm(Lower)

        @handler(from_child="links")
        async def on_vote(self, src: PeerId, msg: Vote) -> None: ...

        @handler(from_child="links")
        async def on_other(self, src: PeerId, msg: str | Vote) -> None: ...

    return Wrong


def two_for_one_signed_message() -> type:
    class Wrong(Algorithm):
        links: Lower = child_algorithm(Lower)

        @handler(from_child="links")
        async def on_vote(self, src: PeerId, msg: Signed[Vote]) -> None: ...

        @handler(from_child="links")
        async def on_other(self, src: PeerId, msg: Signed[Vote] | None) -> None: ...

    return Wrong


def other_child_annotation() -> type:
    class Wrong(Algorithm):
        links: Other = child_algorithm(Lower)

    return Wrong


def no_child_annotation() -> type:
    class Wrong(Algorithm):
        links = child_algorithm(Lower)

    return Wrong


def unmarked_child() -> type:
    class Wrong(Algorithm):
        links: Unmarked = child_algorithm(Unmarked)

    return Wrong


def reserved_field() -> type:
    class Wrong(Algorithm):
        port: int = config_field(default=1)

    return Wrong


def field_of_the_framework() -> type:
    class Wrong(Algorithm):
        peers: int = config_field(default=1)  # type: ignore[assignment]

    return Wrong


def private_field() -> type:
    class Wrong(Algorithm):
        _x: int = config_field(default=1)

    return Wrong


def unknown_field_type() -> type:
    class Wrong(Algorithm):
        rounds: integer = config_field(default=1)  # type: ignore[name-defined] # noqa: F821

    return Wrong


def hook_not_async() -> type:
    class Wrong(Algorithm):
        def on_start(self) -> None: ...  # type: ignore[override]

    return Wrong


def hook_wants_more() -> type:
    class Wrong(Algorithm):
        async def on_start(self, peers: Any) -> None: ...  # type: ignore[override]

    return Wrong


def report_wants_a_keyword() -> type:
    class Wrong(Algorithm):
        async def report(self, *, short: bool) -> dict[str, object]:  # type: ignore[override]
            return {"short": short}

    return Wrong


def state_that_cannot_be_copied() -> type:
    class Wrong(Algorithm):
        lock = threading.Lock()

    return Wrong


def init_wants_more() -> type:
    class Wrong(Algorithm):
        def __init__(self, config: Any, peers: Any, more: Any) -> None: ...

    return Wrong


def init_wants_a_keyword() -> type:
    class Wrong(Algorithm):
        def __init__(self, *, rouds: int) -> None: ...

    return Wrong


MISTAKES: dict[Callable[[], type], tuple[str, str]] = {
    no_type: ("on_vote", "'msg' has no type; annotate it with a @message class, e.g. 'msg: OnVote'"),
    not_async: ("on_vote", "a handler is async; write 'async def on_vote(self, src, msg: ...)'"),
    generator: ("on_vote", "a handler is async"),
    static: ("on_vote", "a handler is an ordinary method"),
    too_few: ("on_vote", "a handler takes (self, src, msg); write 'on_vote(self, src: PeerId, msg: ...)'"),
    too_many: ("on_vote", "a handler takes (self, src, msg)"),
    needs_a_keyword: ("on_vote", "a handler takes (self, src, msg)"),
    unsendable: ("on_vote", "NoMessage cannot be sent; use a @message class or a plain type"),
    unsendable_reply: ("on_vote", "return value: NoMessage cannot be sent"),
    unknown_name: ("on_vote", "the annotation names 'Vot', which is not defined here"),
    signs_a_hiding_one: ("on_vote", "Hiding.signer hides Signed's own 'signer'; rename the field"),
    called_peer_id: ("peer_id", "a handler cannot be called 'peer_id'"),
    called_with_underscore: ("_vote", "a handler cannot be called '_vote'"),
    called_like_a_hook: ("report", "a handler cannot be called 'report'"),
    from_no_child: ("on_vote", "from_child='link' names no child of"),
    two_for_one_message: ("on_other", "'on_vote' handles Vote from 'links' already; keep one of the two"),
    two_for_one_signed_message: ("on_other", "'on_vote' handles Signed[Vote] from 'links' already"),
    other_child_annotation: ("links", "is annotated Other, but child_algorithm(Lower) makes another"),
    no_child_annotation: ("links", "annotate the child, 'links: Lower = ...'"),
    reserved_field: ("port", "belongs to distbench; rename the field"),
    field_of_the_framework: ("peers", "the name belongs to distbench; choose another"),
    private_field: ("_x", "the name belongs to distbench; choose another"),
    unknown_field_type: ("rounds", "names 'integer', which is not defined here"),
    hook_not_async: ("on_start", "write 'async def on_start(self)'"),
    hook_wants_more: ("on_start", "nothing is passed as 'peers'; write 'async def on_start(self)'"),
    report_wants_a_keyword: ("report", "nothing is passed as 'short'; write 'async def report(self)'"),
    state_that_cannot_be_copied: ("lock", "every node needs its own lock"),
    init_wants_more: ("__init__", "nothing is known to pass as 'more'"),
    init_wants_a_keyword: ("__init__", "nothing is known to pass as 'rouds'"),
}


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_is_named_with_class_member_file_and_line(mistake: Callable[[], type]) -> None:
    member, text = MISTAKES[mistake]
    cls = distbench.distbench(mistake())
    with pytest.raises(DefinitionError) as caught:
        distbench.run(cls, {"n1": {}, "n2": {}})
    shown = str(caught.value)
    assert text in shown
    assert f"Wrong.{member}" in shown
    line = mistake.__code__.co_firstlineno
    place = shown.partition("test_mistakes.py:")[2]
    assert place, f"no file and line in: {shown}"
    assert line < int(place.partition(")")[0]) <= line + 9


def test_the_nearest_child_is_suggested() -> None:
    with pytest.raises(DefinitionError, match="did you mean 'links'"):
        define(distbench.distbench(from_no_child()))


@pytest.mark.parametrize("thing", [Unmarked, Vote, 3, "Unmarked"])
def test_what_is_no_marked_algorithm_is_refused(thing: Any) -> None:
    with pytest.raises(DefinitionError, match="@distbench"):
        define(thing)
    if thing is not Unmarked:
        with pytest.raises(DefinitionError, match="marks a subclass of Algorithm"):
            distbench.distbench(thing)
        with pytest.raises(DefinitionError, match="takes a subclass of Algorithm"):
            child_algorithm(thing)


def test_an_unmarked_child_is_refused() -> None:
    with pytest.raises(DefinitionError, match="Unmarked is not marked; write @distbench above 'class Unmarked'"):
        define(distbench.distbench(unmarked_child()))


def test_a_child_of_itself_is_refused() -> None:
    class Outer(Algorithm):
        pass

    class Inner(Algorithm):
        links: Outer = child_algorithm(distbench.distbench(Outer))

    Outer.links = child_algorithm(distbench.distbench(Inner))  # type: ignore[attr-defined]
    Outer.__annotations__["links"] = Inner
    for _ in range(2):
        with pytest.raises(DefinitionError, match=r"Outer is a child of itself \(.*Outer -> .*Inner -> .*Outer\)"):
            define(Outer)


def test_two_threads_that_read_a_class_at_once_find_no_mistake_and_one_definition() -> None:
    found: list[object] = []

    class Gate:
        """Lets another thread read the class while this one does."""

        def __deepcopy__(self, memo: object) -> Gate:
            if not other.ident:
                other.start()
                other.join(0.1)  # as long as it may take to fail; one that waits its turn is not held up by this
            return self

    @distbench.distbench
    class Read(Algorithm):
        gate = Gate()

    def read() -> None:
        try:
            found.append(define(Read))
        except DefinitionError as error:
            found.append(error)

    other = threading.Thread(target=read)
    read()
    other.join()
    assert found == [define(Read)] * 2


def test_a_field_is_required_or_has_one_default() -> None:
    with pytest.raises(DefinitionError, match="a required field has no default"):
        config_field(required=True, default=1)
    with pytest.raises(DefinitionError, match="not both"):
        config_field(default=1, default_factory=int)


def test_only_functions_can_be_handlers() -> None:
    with pytest.raises(DefinitionError, match="@handler marks an async method"):
        handler(3)  # type: ignore[call-overload]


def test_a_mistake_is_found_again_at_the_next_run() -> None:
    cls = distbench.distbench(unsendable())
    for _ in range(2):
        with pytest.raises(DefinitionError, match="NoMessage"):
            distbench.run(cls, {"n1": {}})


def test_a_mistake_in_a_child_is_found_before_the_parent_runs() -> None:
    wrong: Any = distbench.distbench(not_async())

    class Upper(Algorithm):
        links: wrong = child_algorithm(wrong)

    with pytest.raises(DefinitionError, match="a handler is async"):
        define(distbench.distbench(Upper))


def test_an_event_as_a_class_attribute_is_no_mistake() -> None:
    class Right(Algorithm):
        done = asyncio.Event()

    assert define(distbench.distbench(Right)).copied[0][0] == "done"
