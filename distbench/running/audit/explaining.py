"""The first event that differs, in words: which node did it, what it says, what the values look like."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from distbench.config.binding import bind
from distbench.messages import message_class
from distbench.node.wiretable import WireTable
from distbench.running.audit.likeness import hints
from distbench.running.audit.recording import EVENT
from distbench.running.audit.sides import Side
from distbench.running.audit.verdict import Difference
from distbench.running.preparing import Plan, load_class

MOST_READS: Final = 5
"""Reads of a node that are named."""
_LONGEST: Final = 300
"""Characters of a message that are shown."""
_MORE: Final = 3
"""Events behind a draw among which that stands which it was made for."""


def is_event(line: bytes | None) -> bool:
    """Whether a line of a side is an event, not a result."""
    return line is not None and line[:1] == EVENT


@dataclass(frozen=True, slots=True)
class Happening:
    """One line, taken apart."""

    kind: str
    """``send``, ``deliver``, ``drop``, ``timer``, ``terminate``, ``draw``, ``result`` or ``end``."""
    at: float | None = None
    node: str = ""
    other: str = ""
    """The other end of a message."""
    handler: str = ""
    payload: bytes = b""
    text: str = ""
    """What is left of it, for people."""
    value: Any = None
    """Of a result."""


class Explainer:
    """Knows the names of a run's handlers, nodes and messages."""

    def __init__(self, plan: Plan, seed: int) -> None:
        config = plan.config(seed)
        self._table = WireTable(bind(plan.definition, config, load_class))
        self._nodes = frozenset(map(str, config.nodes))
        self._codec = msgspec.json if plan.options.format == "json" else msgspec.msgpack

    def explain(
        self, count: int, before: Sequence[bytes], rests: tuple[list[bytes], list[bytes]], sides: tuple[Side, Side]
    ) -> Difference:
        """What differs after ``count`` events that were the same, the last of which are ``before``."""
        one, other = (self._telling(rest) for rest in rests)
        if one.kind != other.kind and "end" not in (one.kind, other.kind):
            one, other = (self._parse(rest[0]) for rest in rests)
        shown = one if one.kind != "end" else other
        values = self._value(one), self._value(other)
        part, pair = _first_part(*values) if one.kind == other.kind else ("", values)
        looks = list(hints(*pair, *(side.begin for side in sides)))
        if not looks and self._swapped(one, other, rests):
            looks = ["the same things happen in another order, as where the order of a set decides"]
        return Difference(
            number=count + 1,
            at=shown.at,
            node=shown.node,
            handler=shown.handler,
            happened=(self._describe(one), self._describe(other)),
            message=(self._show(one), self._show(other)),
            part=f"{part}: {_short(pair[0])} and {_short(pair[1])}" if part else "",
            during=self._during(shown.node, before),
            reads=_reads(shown.node, count, sides),
            hints=tuple(looks),
            causes=(),
            always=False,
            searched=False,
        )

    # -------------------------------------------------- lines

    def _parse(self, line: bytes) -> Happening:
        if not is_event(line):
            name, value = json.loads(line[1:])
            words = name.split(" ", 2)
            node = words[1] if words[0] == "report" else ""
            text = f"what it reports as {words[2]}" if node else f"the run's {name}"
            return Happening("result", node=node, text=text, value=value)
        kind, *words = line[1:].decode().split(" ")
        if kind == "draw":
            *key, options, index = words
            node = next((word for word in key if word in self._nodes), "")
            return Happening(kind, node=node, text=f"{' '.join(key)}: {index} of {options}")
        at = int(words[0]) / 1e9
        match kind, words[1:]:
            case "send", [src, dst, _, handler, _, payload]:
                return Happening(kind, at, src, dst, self._table.show(int(handler)), bytes.fromhex(payload))
            case "deliver", [src, dst, handler, _, payload]:
                return Happening(kind, at, dst, src, self._table.show(int(handler)), bytes.fromhex(payload))
            case "drop", [src, dst, *reason]:
                return Happening(kind, at, dst, src, text=" ".join(reason))
            case "timer", [node]:
                return Happening(kind, at, "" if node == "-" else node)
            case "terminate", [node, path]:
                return Happening(kind, at, node, text="" if path == "-" else path)
        return Happening(kind, at, text=" ".join(words[1:]))

    def _telling(self, rest: Sequence[bytes]) -> Happening:
        """The first of these; for the draw of a message's delay, the message."""
        if not rest:
            return Happening("end")
        first = self._parse(rest[0])
        if first.kind == "draw" and first.text.startswith("latency "):
            for line in rest[1:_MORE]:
                found = self._parse(line)
                if found.kind == "send" and found.node == first.node:
                    return found
        return first

    def _swapped(self, one: Happening, other: Happening, rests: tuple[list[bytes], list[bytes]]) -> bool:
        """Whether each side does a little later what the other did first."""
        mine, others = ({_essence(self._parse(line)) for line in rest} for rest in rests)
        return _essence(one) != _essence(other) and _essence(one) in others and _essence(other) in mine

    def _during(self, node: str, before: Sequence[bytes]) -> str:
        """What woke the node last."""
        for line in reversed(before):
            found = self._parse(line)
            if node and found.node == node and found.kind == "deliver":
                return f"after {found.handler} from {found.other} at {found.at:.6f} s"
            if node and found.node == node and found.kind == "timer":
                return f"after a timer at {found.at:.6f} s"
        return ""

    # -------------------------------------------------- words

    @staticmethod
    def _describe(one: Happening) -> str:
        match one.kind:
            case "send":
                return f"{one.node} sends {one.handler} to {one.other}"
            case "deliver":
                return f"{one.node} gets {one.handler} from {one.other}"
            case "drop":
                return f"{one.node} drops a message from {one.other}: {one.text}"
            case "timer":
                return f"a timer of {one.node or 'nobody'} fires"
            case "terminate":
                return f"{one.node} terminates{' ' if one.text else ''}{one.text}"
            case "draw":
                return f"draws {one.text}"
            case "result":
                return f"{one.node}: {one.text}" if one.node else one.text
            case _:
                return "nothing more happens"

    def _value(self, one: Happening) -> Any:
        if one.kind == "result":
            return one.value
        if one.kind in ("send", "deliver"):
            return self._decoded(one.payload)
        return one.text

    def _decoded(self, payload: bytes) -> Any:
        """A message as a mapping by its fields, as far as its bytes say what it is."""
        if not payload:
            return None
        try:
            return _named(self._codec.decode(payload))
        except (msgspec.MsgspecError, ValueError):
            return payload.hex()

    def _show(self, one: Happening) -> str:
        return _short(self._value(one)) if one.kind in ("send", "deliver", "result") else ""


class Named(dict[str, Any]):
    """A message by its fields."""

    name = ""

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{key}={value!r}' for key, value in self.items())})"


def _named(raw: Any) -> Any:
    if isinstance(raw, list):
        tag = raw[0] if raw and isinstance(raw[0], str) else ""
        found = message_class(tag) if tag else None
        fields: Sequence[str] = getattr(found, "__struct_fields__", ())
        if found is not None and len(fields) == len(raw) - 1:
            named = Named(zip(fields, map(_named, raw[1:]), strict=True))
            named.name = found.__name__
            return named
        return [_named(each) for each in raw]
    if isinstance(raw, dict):
        return {key: _named(value) for key, value in raw.items()}
    return raw


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _first_part(one: Any, other: Any, path: str = "") -> tuple[str, tuple[Any, Any]]:
    """The path to the innermost first part that differs, and its two values."""
    for step, left, right in _parts(one, other):
        if left != right or type(left) is not type(right):
            inner = f"{path}{step}" if path or not step.startswith(".") else step[1:]
            return _first_part(left, right, inner)
    return path, (one, other)


def _parts(one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(one, dict) and isinstance(other, dict) and list(one) == list(other):
        for key in one:
            yield (f".{key}" if isinstance(one, Named) else f"[{key!r}]"), one[key], other[key]
    elif isinstance(one, list) and isinstance(other, list) and not _reordered(one, other):
        for index, (left, right) in enumerate(zip(one, other, strict=False)):
            yield f"[{index}]", left, right


def _reordered(one: list[Any], other: list[Any]) -> bool:
    return one != other and sorted(map(repr, one)) == sorted(map(repr, other))


def _essence(one: Happening) -> tuple[object, ...]:
    return one.kind, one.node, one.other, one.handler, one.payload, one.text


def _reads(node: str, count: int, sides: tuple[Side, Side]) -> tuple[str, ...]:
    """What the node read before, in either process, the latest first; else what others did."""
    found: dict[str, None] = {}
    for mine in (True, False):
        for side in sides:
            for events, read in reversed(side.reads):
                if events <= count and (read.node == node) is mine:
                    place = f" at {read.where}" if read.where else ""
                    found.setdefault(f"{read.node} read {read.what}{place}" if read.node else f"{read.what} was used")
        if found:
            break
    return tuple(found)[:MOST_READS]
