"""Messages: ``@message``, and the one place that walks the types of an annotation.

A message class is a msgspec Struct, written as an array that starts with the qualified name of its class; it
carries the marks of a dataclass, so that ``dataclasses.fields``, ``asdict``, ``replace`` and ``match`` work.
An annotation is compiled once into a ``Shape``: the type that msgspec decodes, in which what msgspec does not
know (``Signed``, ``Any``, unions with lists) is replaced by classes that ``formats`` resolves.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import datetime
import decimal
import enum
import sys
import types
import typing
import uuid
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, dataclass_transform, get_args, get_origin

import msgspec

from distbench.errors import DefinitionError
from distbench.signing import RESERVED_NAMES, Signed

C = TypeVar("C", bound=type)

SIGNED_TAG = "~signed"
"""First element of a written ``Signed``; no class has this name."""

_MADE_BY_DATACLASS = frozenset(
    "__init__ __repr__ __eq__ __lt__ __le__ __gt__ __ge__ __hash__ __setattr__ __delattr__ __match_args__ "
    "__dataclass_fields__ __dataclass_params__ __replace__ __dict__ __weakref__ __slots__ __getstate__ "
    "__setstate__ __static_attributes__ __firstlineno__".split()
)

_by_tag: weakref.WeakValueDictionary[str, type] = weakref.WeakValueDictionary()


@dataclass_transform(field_specifiers=(dataclasses.field, dataclasses.Field))
def message(cls: C) -> C:
    """Make ``cls`` a message: its annotated fields are what travels.

    Works alone or over ``@dataclass``. Instances compare by value, print like a dataclass, and are immutable
    (and hashable) where the dataclass said ``frozen=True``.
    """
    if not isinstance(cls, type):
        raise DefinitionError(f"@message marks a class, not {cls!r}")
    already = "__dataclass_fields__" in cls.__dict__
    source = _as_dataclass(cls) if issubclass(cls, msgspec.Struct) else cls if already else dataclass(cls)
    fields: tuple[dataclasses.Field[Any], ...] = tuple(
        f for f in source.__dataclass_fields__.values() if f._field_type is dataclasses._FIELD  # type: ignore[attr-defined]
    )
    parameters = source.__dict__["__dataclass_params__"]
    _check_fields(cls, source, fields)
    tag = f"{cls.__module__}.{cls.__qualname__}"
    made: Any = types.new_class(
        cls.__name__,
        _struct_bases(cls),
        {
            "array_like": True,
            "tag": tag,
            "frozen": parameters.frozen,
            "eq": parameters.eq,
            "order": parameters.order,
        },
        lambda body: body.update(_struct_body(cls, source, fields, already)),
    )
    made.__dataclass_fields__ = dict(source.__dataclass_fields__)
    made.__dataclass_params__ = parameters
    made.__doc__ = cls.__doc__ if already or cls.__doc__ != source.__doc__ else made.__doc__
    _rebind_class_cell(cls, made)
    made.__distbench_scope__ = _calling_scope()
    _by_tag[tag] = made
    return typing.cast(C, made)


def _as_dataclass(cls: Any) -> Any:
    """A dataclass with the fields of ``cls``, whose base is a message, so that it is a bare Struct already."""
    names, values = cls.__struct_fields__, cls.__struct_defaults__
    body: dict[str, Any] = {}
    for name, value in zip(reversed(names), reversed(values), strict=False):
        factory = getattr(value, "factory", None)
        if factory is not None:
            body[name] = dataclasses.field(default_factory=factory)
        elif value is not msgspec.NODEFAULT:
            body[name] = value
    own = cls.__dict__.get("__annotations__", {})
    base = next(base for base in cls.__mro__[1:] if is_message(base))
    parameters = base.__dataclass_params__
    made: Any = dataclass(kw_only=True, frozen=parameters.frozen, eq=parameters.eq, order=parameters.order)(
        type(cls.__name__, (), {"__annotations__": own, **{n: v for n, v in body.items() if n in own}})
    )
    made.__dataclass_fields__ = {**base.__dataclass_fields__, **made.__dataclass_fields__}
    return made


def _check_fields(cls: type, source: Any, fields: tuple[dataclasses.Field[Any], ...]) -> None:
    for name, field in source.__dataclass_fields__.items():
        if field._field_type is dataclasses._FIELD_INITVAR:  # type: ignore[attr-defined]
            raise DefinitionError(f"{cls.__qualname__}.{name}: a message has no InitVar; make it a field")
    for field in fields:
        if not field.init:
            raise DefinitionError(f"{cls.__qualname__}.{field.name}: a message's field cannot have init=False")


def _struct_bases(cls: type) -> tuple[type, ...]:
    bases = tuple(base for base in getattr(cls, "__orig_bases__", cls.__bases__) if base is not object)
    return bases if any(is_message(base) for base in bases) else (*bases, msgspec.Struct)


def _struct_body(cls: type, source: Any, fields: tuple[dataclasses.Field[Any], ...], already: bool) -> dict[str, Any]:
    kept = {
        key: value
        for key, value in cls.__dict__.items()
        if key not in _MADE_BY_DATACLASS and not key.startswith("__struct") and not isinstance(value, types.MemberDescriptorType)
    }
    if already:  # what @dataclass generated is remade by msgspec; what the user wrote under such a name stays
        for name in ("__repr__", "__eq__", "__hash__", "__lt__"):
            written = cls.__dict__.get(name)
            if isinstance(written, types.FunctionType) and written.__code__.co_filename not in ("<string>", dataclasses.__file__):
                if not hasattr(written, "__wrapped__"):
                    kept[name] = written
    else:
        kept |= {n: cls.__dict__[n] for n in ("__repr__", "__eq__", "__hash__", "__lt__") if n in _own_methods(cls)}
    own = cls.__dict__.get("__annotations__", {}) if sys.version_info < (3, 14) else cls.__annotations__
    inherited = {name for base in cls.__mro__[1:] if is_message(base) for name in base.__dataclass_fields__}
    annotations = {name: value for name, value in own.items()}
    for field in fields:
        if field.name not in annotations and field.name not in inherited:  # from a plain dataclass base
            annotations[field.name] = field.type
        if field.name in annotations:
            kept.pop(field.name, None)
            if field.default is not dataclasses.MISSING:
                default = field.default
                kept[field.name] = default if _is_plain(default) else msgspec.field(default_factory=lambda d=default: d)
            elif field.default_factory is not dataclasses.MISSING:
                kept[field.name] = msgspec.field(default_factory=field.default_factory)
    kept["__annotations__"] = annotations
    kept.pop("__annotate__", None)
    kept.pop("__annotate_func__", None)
    return kept


def _own_methods(cls: type) -> set[str]:
    """Special methods that the class body itself defines: their code lies in a real file."""
    return {
        name
        for name, value in cls.__dict__.items()
        if isinstance(value, types.FunctionType)
        and value.__qualname__ == f"{cls.__qualname__}.{name}"
        and value.__code__.co_filename not in ("<string>", dataclasses.__file__)
        and not hasattr(value, "__wrapped__")
    }


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, (bool, int, float, str, bytes, tuple, frozenset, enum.Enum))


def _rebind_class_cell(old: type, new: type) -> None:
    """``super()`` and ``__class__`` in methods must mean the class that the user gets."""
    for value in old.__dict__.values():
        function = getattr(value, "__func__", getattr(value, "fget", value))
        for cell in getattr(function, "__closure__", None) or ():
            try:
                if cell.cell_contents is old:
                    cell.cell_contents = new
            except ValueError:  # an empty cell
                continue


def _calling_scope() -> Mapping[str, Any]:
    """Local names at the decorator, for messages defined inside a function."""
    frame = sys._getframe(2)
    return {} if frame.f_locals is frame.f_globals else dict(frame.f_locals)


def is_message(cls: object) -> bool:
    """Whether ``cls`` is a class made by ``@message``."""
    return isinstance(cls, type) and issubclass(cls, msgspec.Struct) and hasattr(cls, "__distbench_scope__")


def tag_of(cls: type) -> str:
    """The qualified name that a message of this class is written with."""
    tag = cls.__struct_config__.tag  # type: ignore[attr-defined]
    return typing.cast(str, tag)


def message_class(tag: str) -> type | None:
    """The registered message class of that qualified name."""
    return _by_tag.get(tag)


def type_name(value: object) -> str:
    """What a signature binds as the type: the qualified name of a message, ``value`` for any plain value."""
    return tag_of(type(value)) if is_message(type(value)) else "value"


def show_type(annotation: object) -> str:
    """An annotation as a person writes it."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.__name__
    text = str(annotation).replace("typing.", "").replace("distbench.signing.", "").replace("distbench.community.", "")
    return text.replace("NoneType", "None")


# ---------------------------------------------------------------- shapes


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


@dataclass(frozen=True, slots=True)
class Shape:
    """A compiled annotation."""

    annotation: Any
    """As the user wrote it."""
    decoded: Any
    """What msgspec decodes."""
    signed: bool
    """A ``Signed`` may stand somewhere inside."""
    unordered: bool
    """A set may stand somewhere inside: written sorted."""


_INT = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_FLOAT = Annotated[float, msgspec.Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
_AS_THEY_ARE: frozenset[Any] = frozenset(
    {str, bool, bytes, bytearray, type(None), datetime.datetime, datetime.date, datetime.time, datetime.timedelta}
    | {uuid.UUID, decimal.Decimal, AnyValue, OneOf}
)
_ARRAYS = (list, set, frozenset, tuple, collections.abc.Sequence, collections.abc.Set, collections.deque)
_SETS = (set, frozenset, collections.abc.Set, collections.abc.MutableSet)
_MAPS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_CONTAINERS = (*_ARRAYS[:-1], *_SETS, *_MAPS, collections.abc.MutableSequence, collections.abc.Collection)

_prepared: weakref.WeakKeyDictionary[type, set[str]] = weakref.WeakKeyDictionary()


def compile_shape(annotation: Any, where: str) -> Shape:
    """Compile a resolved annotation; ``where`` names handler or field in a ``DefinitionError``."""
    walk = _Walk(where)
    decoded = walk.replace(annotation)
    try:
        msgspec.json.Decoder(decoded, dec_hook=lambda kind, value: value)
    except (TypeError, NameError) as error:
        raise DefinitionError(f"{where}: {show_type(annotation)} cannot be sent: {error}") from None
    return Shape(annotation, decoded, "signed" in walk.traits, "unordered" in walk.traits)


class _Walk:
    """One walk over an annotation: what msgspec shall decode instead, and the traits met on the way."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.traits: set[str] = set()

    def replace(self, annotation: Any) -> Any:
        if annotation is Any or annotation is object:
            self.traits |= {"signed", "unordered"}
            return AnyValue
        if annotation is int:
            return _INT
        if annotation is float:
            return _FLOAT
        if annotation is None or annotation in _AS_THEY_ARE or isinstance(annotation, TypeVar):
            return annotation
        if isinstance(annotation, typing.NewType):
            base = self.replace(annotation.__supertype__)
            return annotation if base is annotation.__supertype__ else base
        if type(annotation).__name__ == "TypeAliasType":
            return self.replace(annotation.__value__)
        origin, arguments = get_origin(annotation), get_args(annotation)
        if annotation is Signed or origin is Signed:
            return self._signed(arguments)
        if is_message(annotation):
            self.traits |= self._prepare(annotation)
            return annotation
        if origin in (typing.Union, types.UnionType):
            return self._union(arguments)
        if origin is Annotated:
            inner, *notes = arguments
            plain = inner in (int, float) and any(isinstance(note, msgspec.Meta) for note in notes)
            return annotation if plain else Annotated[(self.replace(inner), *notes)]
        if origin is typing.Literal:
            return annotation
        if annotation in _CONTAINERS or annotation in (typing.List, typing.Dict, typing.Tuple, typing.Set):
            return self.replace(self._bare(annotation))
        if origin in _CONTAINERS:
            return self._container(origin, arguments)
        if is_message(origin):
            self.traits |= self._prepare(origin)
            return origin[tuple(self.replace(argument) for argument in arguments)]
        return self._foreign(annotation)

    def _bare(self, annotation: Any) -> Any:
        annotation = get_origin(annotation) or annotation
        if annotation in _MAPS:
            return annotation[str, Any]
        return annotation[Any, ...] if annotation is tuple else annotation[Any]

    def _container(self, origin: Any, arguments: tuple[Any, ...]) -> Any:
        if origin in _SETS:
            self.traits.add("unordered")
        if origin in _MAPS:
            key = arguments[0]
            base = key.__supertype__ if isinstance(key, typing.NewType) else key
            enumerated = isinstance(base, type) and issubclass(base, enum.Enum)
            if base not in (str, int) and not enumerated and get_origin(base) is not typing.Literal:
                raise DefinitionError(
                    f"{self.where}: a dict's keys are str, int or PeerId, not {show_type(key)}; send a list of pairs"
                )
        if origin is tuple and arguments == ():
            return tuple[()]
        return origin[tuple(a if a is Ellipsis else self.replace(a) for a in arguments)]

    def _signed(self, arguments: tuple[Any, ...]) -> Any:
        inner = arguments[0] if arguments else Any
        for member in get_args(inner) or (inner,):
            for name in RESERVED_NAMES:
                if is_message(member) and name in member.__dataclass_fields__:
                    raise DefinitionError(
                        f"{self.where}: {member.__qualname__}.{name} hides Signed's own {name!r}; rename the field"
                    )
        self.traits.add("signed")
        return Signed[self.replace(inner)]

    def _union(self, members: tuple[Any, ...]) -> Any:
        if Any in members or object in members:
            return self.replace(Any)
        decoded = [self.replace(member) for member in members]
        signed = [m for m in decoded if get_origin(m) is Signed]
        messages = {tag_of(get_origin(m) or m): m for m in decoded if is_message(get_origin(m) or m)}
        rest = [m for m in decoded if m not in signed and not is_message(get_origin(m) or m)]
        some = [m for m in rest if m is not type(None)]
        arrays = [m for m in some if (get_origin(m) or m) in _ARRAYS]
        if (signed and (len(signed) > 1 or messages or some)) or (messages and arrays):
            return type(
                "OneOf",
                (OneOf,),
                {
                    "signed": tuple(signed),
                    "messages": messages,
                    "rest": typing.Union[tuple(rest)] if rest else None,  # noqa: UP007
                    "__qualname__": " | ".join(show_type(member) for member in members),
                },
            )
        return typing.Union[tuple(decoded)]  # noqa: UP007

    def _foreign(self, annotation: Any) -> Any:
        """What msgspec knows by itself, or a mistake."""
        known = isinstance(annotation, type) and (
            dataclasses.is_dataclass(annotation)
            or issubclass(annotation, (enum.Enum, msgspec.Struct))
            or hasattr(annotation, "__attrs_attrs__")
            or (issubclass(annotation, tuple) and hasattr(annotation, "_fields"))
            or typing.is_typeddict(annotation)
        )
        if known:
            return annotation
        raise DefinitionError(
            f"{self.where}: {show_type(annotation)} cannot be sent; use a @message class or a plain type"
        )

    def _prepare(self, cls: Any) -> set[str]:
        """Replace the annotations of a message class, once, before msgspec first looks at them."""
        known = _prepared.get(cls)
        if known is not None:
            return known
        traits = _prepared[cls] = set()
        for base in reversed(cls.__mro__):
            if "__annotations__" not in base.__dict__ or not is_message(base):
                continue
            if base is not cls:
                traits |= self._prepare(base)
                continue
            hints = resolve(cls, cls.__distbench_scope__, cls.__qualname__)
            replaced = {}
            for name in cls.__annotations__:
                inner = _Walk(f"{cls.__qualname__}.{name}")
                if typing.get_origin(hints[name]) is typing.ClassVar or hints[name] is typing.ClassVar:
                    replaced[name] = hints[name]
                    continue
                replaced[name] = inner.replace(hints[name])
                traits |= inner.traits
            cls.__annotations__ = replaced
        return traits


def resolve(owner: Any, scope: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The annotations of a class or function with all names looked up."""
    try:
        if isinstance(owner, type):
            names = vars(sys.modules.get(owner.__module__, types.ModuleType("none")))
            local = {**scope, owner.__name__: owner}
            own = owner.__dict__.get("__annotations__") or getattr(owner, "__annotations__", {})
            stand_in: Callable[[], None] = types.FunctionType((lambda: None).__code__, names)
            stand_in.__annotations__ = dict(own)
            return typing.get_type_hints(stand_in, names, local, include_extras=True)
        return typing.get_type_hints(owner, None, dict(scope), include_extras=True)
    except NameError as error:
        raise DefinitionError(f"{where}: the annotation names {error.name!r}, which is not defined here") from None
    except TypeError as error:
        raise DefinitionError(f"{where}: an annotation cannot be read: {error}") from None
