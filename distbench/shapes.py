"""Shapes: the one place that walks the types of an annotation.

An annotation is compiled once into a ``Shape``: the type that msgspec decodes, in which what msgspec does not
know (``Signed``, ``Any``, unions with lists) is replaced by classes that ``formats`` resolves. The annotations of
the messages inside are replaced in place, before msgspec first looks at them.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import functools
import re
import sys
import types
import typing
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar, get_args, get_origin

import msgspec

from distbench.annotations import (
    ARRAYS,
    CONTAINERS,
    MAPS,
    SETS,
    bound_of,
    fields_of,
    located,
    members,
    resolve,
    show_type,
)
from distbench.errors import DefinitionError
from distbench.messages import is_message, namespace_of, tag_of
from distbench.namespace import NOWHERE, Namespace
from distbench.records import Record, is_record, record_of
from distbench.signing import RESERVED_NAMES, Signed


class _AnyInstance(type):
    """msgspec asks whether a hook's result is an instance of the annotated class: for these, everything is."""

    def __instancecheck__(cls, instance: object) -> bool:
        return True


class AnyValue(metaclass=_AnyInstance):
    """Stands for ``Any``: JSON-like values, and registered messages, which come back as the class they were."""


class OneOf(metaclass=_AnyInstance):
    """Base of generated classes that stand for a union that msgspec cannot decide."""

    signed: typing.ClassVar[tuple[Any, ...]] = ()
    messages: typing.ClassVar[Mapping[str, type]] = {}
    rest: typing.ClassVar[Any] = None
    """The union of all other members, ``type(None)`` where there are none."""


class Foreign(metaclass=_AnyInstance):
    """Base of generated classes that stand for a plain dataclass, NamedTuple or TypedDict.

    msgspec would ignore what is no field of it, and finds a field's name beyond ASCII only where it was written once.
    """

    record: typing.ClassVar[Record]
    decoded: typing.ClassVar[Mapping[str, Any]]
    """What is decoded for each field."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A compiled annotation."""

    annotation: Any
    """As the user wrote it."""
    decoded: Any
    """What msgspec decodes."""
    signed: bool
    """A ``Signed`` may stand somewhere inside."""
    walked: bool
    """A set or ``Any`` may stand somewhere inside: what is written must be looked at first."""
    checked: bool
    """Some wrong value would be written like a right one: a subclass of a dataclass, a text where bytes are meant,
    NaN where None may stand."""


@dataclass(frozen=True, slots=True)
class _Inside:
    """What was met in an annotation, and the message classes in which more may stand."""

    traits: set[str] = field(default_factory=set)
    messages: list[type] = field(default_factory=list)


INT = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_FLOAT = Annotated[float, msgspec.Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
SCALARS: frozenset[Any] = frozenset(
    {str, bool, bytes, bytearray, type(None), datetime.datetime, datetime.date, datetime.time, datetime.timedelta}
    | {uuid.UUID, decimal.Decimal}
)


_CHECKED: frozenset[Any] = SCALARS - {str, bool, type(None)}

_OLD_NAMES = tuple(
    getattr(typing, name) for name in ("List", "Dict", "Tuple", "Set", "FrozenSet", "Sequence", "Mapping")
)


def compile_shape(annotation: Any, where: str, near: Namespace = NOWHERE) -> Shape:
    """Compile a resolved annotation; ``where`` names handler or field in a ``DefinitionError``.

    ``near`` are the names where it stands: plain classes that belong to no module may need them.
    """
    walk = _Walk(lambda: where, near)
    decoded = walk.replace(annotation)
    traits = set(walk.inside.traits)
    for cls in _reachable(walk.inside.messages):
        traits |= cls.__distbench_inside__.traits
    try:
        msgspec.json.Decoder(decoded, dec_hook=lambda kind, value: value)
    except (TypeError, NameError) as error:
        raise DefinitionError(f"{where}: {show_type(annotation)} cannot be sent: {_plain(error)}") from None
    return Shape(annotation, decoded, "signed" in traits, "walked" in traits, "checked" in traits)


def _plain(error: Exception) -> str:
    """Why msgspec takes no such type, without its own names for it."""
    text = str(error).partition(" - type `")[0].replace("`", "")
    if "custom type" in text:
        return "of a plain class only 'Class | None' is a union that can be told apart; write @message above the class"
    return text


def _reachable(first: list[type]) -> Iterator[Any]:
    """The message classes and all that their fields may hold."""
    seen: set[type] = set()
    waiting = list(first)
    while waiting:
        cls = waiting.pop()
        if cls not in seen:
            seen.add(cls)
            prepare(cls)
            yield cls
            waiting += cls.__distbench_inside__.messages  # type: ignore[attr-defined]


class _Walk:
    """One walk over an annotation: what msgspec shall decode instead, and what was met on the way."""

    def __init__(self, where: Callable[[], str], near: Namespace, around: tuple[Any, ...] = ()) -> None:
        """``where`` names handler or field in a mistake; ``around`` are the records that it stands in."""
        self.where = where
        self.near = near
        self.around = around
        self.inside = _Inside()

    def replace(self, annotation: Any) -> Any:
        if annotation is Any or annotation is object:
            self.inside.traits.update(("signed", "walked", "checked", "special"))
            return AnyValue
        if annotation is int:
            return INT
        if annotation is float:
            return _FLOAT
        if annotation is None or annotation in SCALARS or isinstance(annotation, TypeVar):
            if annotation in _CHECKED:
                self.inside.traits.add("checked")
            return annotation
        if isinstance(annotation, typing.NewType):
            base = self.replace(annotation.__supertype__)
            return annotation if base is annotation.__supertype__ else base
        if type(annotation).__name__ == "TypeAliasType":
            return self.replace(annotation.__value__)
        origin, arguments = get_origin(annotation), get_args(annotation)
        if annotation is Signed or origin is Signed:
            return self._signed(arguments)
        if is_message(annotation) or is_message(origin):
            return self._message(origin or annotation, arguments)
        if origin in (typing.Union, types.UnionType):
            return self._union(annotation)
        if origin is Annotated:
            inner, *notes = arguments
            plain = inner in (int, float) and any(isinstance(note, msgspec.Meta) for note in notes)
            return annotation if plain else Annotated[(self.replace(inner), *notes)]
        if origin is typing.Literal:
            self.inside.traits.add("checked")
            return annotation
        if annotation in CONTAINERS or annotation in _OLD_NAMES:
            return self.replace(self._bare(annotation))
        if origin in CONTAINERS:
            return self._container(origin, arguments)
        return self._foreign(annotation)

    def _bare(self, annotation: Any) -> Any:
        annotation = get_origin(annotation) or annotation
        if annotation in MAPS:
            return annotation[str, Any]
        return annotation[Any, ...] if annotation is tuple else annotation[Any]

    def _container(self, origin: Any, arguments: tuple[Any, ...]) -> Any:
        if origin in SETS:
            self.inside.traits.update(("walked", "checked", "special"))
        if origin in MAPS:
            self.inside.traits.add("checked")
            key = arguments[0]
            base = key.__supertype__ if isinstance(key, typing.NewType) else key
            enumerated = isinstance(base, type) and issubclass(base, enum.Enum)
            if base not in (str, int) and not enumerated and get_origin(base) is not typing.Literal:
                raise DefinitionError(
                    f"{self.where()}: a dict's keys are str, int or PeerId, not {show_type(key)}; send a list of pairs"
                )
        if origin is tuple and arguments == ():
            return tuple[()]
        return origin[tuple(a if a is Ellipsis else self.replace(a) for a in arguments)]

    def _message(self, cls: Any, arguments: tuple[Any, ...]) -> Any:
        prepare(cls)
        self.inside.messages.append(cls)
        parameters = getattr(cls, "__parameters__", ())
        if not parameters:
            return cls
        return cls[tuple(self.replace(a) for a in arguments or map(bound_of, parameters))]

    def _signed(self, arguments: tuple[Any, ...]) -> Any:
        inner = arguments[0] if arguments else Any
        for member in members(inner):
            cls = get_origin(member) or member
            for name in RESERVED_NAMES:
                if is_message(cls) and name in cls.__dataclass_fields__:
                    raise DefinitionError(
                        f"{self.where()}: {cls.__qualname__}.{name} hides Signed's own {name!r}; rename the field"
                    )
        self.inside.traits.update(("signed", "special"))
        signed: Any = Signed
        return signed[self.replace(inner)]

    def _union(self, annotation: Any) -> Any:
        parts = members(annotation)
        if parts == (Any,):
            return self.replace(Any)
        if type(None) in parts and float in parts:
            self.inside.traits.add("checked")
        decoded = [self.replace(part) for part in parts]
        signed = [m for m in decoded if get_origin(m) is Signed]
        sent = [m for m in decoded if is_message(get_origin(m) or m)]
        rest = [m for m in decoded if m not in signed and m not in sent]
        some = [m for m in rest if m is not type(None)]
        arrays = [m for m in some if (get_origin(m) or m) in ARRAYS]
        if not ((signed and (len(signed) > 1 or sent or some)) or (sent and arrays)):
            return typing.Union[tuple(decoded)]  # noqa: UP007
        messages = {tag_of(get_origin(m) or m): m for m in sent}
        if len(messages) < len(sent):
            raise DefinitionError(f"{self.where()}: {show_type(annotation)} holds one message class twice")
        self.inside.traits.add("special")
        body = {
            "signed": tuple(signed),
            "messages": messages,
            "rest": typing.Union[tuple(rest)] if rest else None,  # noqa: UP007
            "__qualname__": " | ".join(show_type(part) for part in parts),
        }
        if rest:
            self._try(body["rest"], annotation)
        return type("OneOf", (OneOf,), body)

    def _try(self, decoded: Any, annotation: Any) -> None:
        """What a hook will be asked to convert must be convertible; msgspec would find out too late."""
        try:
            msgspec.json.Decoder(decoded, dec_hook=lambda kind, value: value)
        except TypeError as error:
            raise DefinitionError(f"{self.where()}: {show_type(annotation)} cannot be sent: {_plain(error)}") from None

    def _foreign(self, annotation: Any) -> Any:
        """An Enum, a plain class with fields that msgspec knows by itself, or a mistake."""
        cls = get_origin(annotation) or annotation
        self.inside.traits.add("checked")
        if isinstance(cls, type) and issubclass(cls, enum.Enum):
            return cls
        known = is_record(cls)
        if not known or hasattr(cls, "__distbench_made__"):
            hint = f"write @message above 'class {cls.__name__}'" if known else "use a @message class or a plain type"
            raise DefinitionError(f"{self.where()}: {show_type(annotation)} cannot be sent; {hint}")
        if cls in self.around:
            raise DefinitionError(
                f"{self.where()}: {cls.__qualname__} holds itself, which only a message may; "
                f"write @message above 'class {cls.__name__}'"
            )
        record = record_of(annotation, self.near, functools.partial(located, cls))
        decoded = {}
        for name, hint in record.fields.items():
            inner = _Walk(functools.partial(located, cls, name), self.near, (*self.around, cls))
            decoded[name] = inner.replace(hint)
            if "special" in inner.inside.traits or inner.inside.messages:
                raise DefinitionError(
                    f"{self.where()}: {cls.__qualname__}.{name} is a {show_type(hint)}, which only a message may hold; "
                    f"write @message above 'class {cls.__name__}'"
                )
            self._try(decoded[name], hint)
        self.inside.traits.add("special")
        return type(
            "Foreign", (Foreign,), {"record": record, "decoded": decoded, "__qualname__": show_type(annotation)}
        )


def _field_that_names(cls: Any, word: str) -> str:
    names = re.compile(rf"\b{word}\b")
    return located(cls, next((name for name, written in cls.__annotations__.items() if names.search(str(written))), ""))


def prepare(cls: Any) -> None:
    """Replace the annotations of a message class, once, before msgspec first looks at them."""
    if "__distbench_inside__" in cls.__dict__:
        return
    cls.__distbench_inside__ = inside = _Inside()
    try:
        hints: dict[str, Any] = {}
        for base in reversed(cls.__dict__.get("__orig_bases__", cls.__bases__)):
            if is_message(get_origin(base) or base):
                prepare(get_origin(base) or base)
                hints |= fields_of(base)
        hints |= resolve(cls, namespace_of(cls), functools.partial(_field_that_names, cls))
        replaced = {}
        for name, hint in hints.items():  # the inherited ones too: what they inherit may be given type parameters here
            walk = _Walk(functools.partial(located, cls, name), namespace_of(cls))
            replaced[name] = walk.replace(hint)
            inside.traits.update(walk.inside.traits)
            inside.messages.extend(walk.inside.messages)
    except BaseException:
        del cls.__distbench_inside__  # so that the next look finds the mistake again
        raise
    cls.__distbench_hints__ = hints
    cls.__distbench_namespace__ = namespace_of(cls).without_local()
    cls.__annotations__ = replaced
