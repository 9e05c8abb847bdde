"""Reading annotations: their names looked up, their members, elements and fields, and how they are shown."""

from __future__ import annotations

import collections.abc
import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin

from distbench.errors import DefinitionError
from distbench.messages import message_class, tag_for
from distbench.namespace import Namespace, names_of

SETS: Final = (set, frozenset, collections.abc.Set, collections.abc.MutableSet)
LISTS: Final = (list, tuple, collections.abc.Sequence, collections.abc.MutableSequence, collections.abc.Collection)
MAPS: Final = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
ARRAYS: Final = (*LISTS, *SETS)
CONTAINERS: Final = (*ARRAYS, *MAPS)


def resolve(
    owner: Any, namespace: Namespace, where: Callable[[str], str], written: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The annotations of a class or function with all names looked up.

    ``where`` says where a name that is not found is used; of a class, ``written`` are the annotations that are wanted.
    """
    local = dict(namespace.local)
    if isinstance(owner, type):
        local[owner.__name__] = owner
    for parameter in getattr(owner, "__type_params__", ()):
        local[parameter.__name__] = parameter
    while True:
        try:
            if not isinstance(owner, type):
                return typing.get_type_hints(owner, None, local, include_extras=True)
            own = inspect.get_annotations(owner) if written is None else written
            return _hints(own, local, names_of(owner, namespace.names))
        except NameError as error:
            name = str(error.name)
            later = None if name in local else _defined_later(owner, name) or namespace.names.get(name)
            if later is None:
                text = f"the annotation names {name!r}, which is not defined here"
                raise DefinitionError(f"{where(name)}: {text}") from None
            local[name] = later
        except (TypeError, SyntaxError) as error:
            raise DefinitionError(f"{where('')}: an annotation cannot be read: {error}") from None


def _defined_later(owner: Any, name: str) -> Any:
    """A message of that name in the function or class around ``owner``, below it."""
    around = owner.__qualname__.rpartition(".")[0]
    while around:
        found = message_class(tag_for(owner.__module__, f"{around}.{name}"))
        if found is not None:
            return found
        around = around.rpartition(".")[0]
    return None


def located(cls: type, name: str) -> str:
    """``Class.name (file.py:12)`` of an attribute in a class's body; without its place where there is no source."""
    owner = next((base for base in cls.__mro__ if name in inspect.get_annotations(base) or name in vars(base)), cls)
    shown = f"{cls.__qualname__}.{name}"
    try:
        file, (lines, first) = inspect.getsourcefile(owner), inspect.getsourcelines(owner)
    except (OSError, TypeError):
        return shown
    written = re.compile(rf"\s+{name}\s*[:=]")
    line = next((first + index for index, line in enumerate(lines) if written.match(line)), first)
    return f"{shown} ({(file or '').rpartition('/')[2]}:{line})"


def _hints(written: Mapping[str, Any], local: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    stand_in: Callable[[], None] = types.FunctionType((lambda: None).__code__, names)
    stand_in.__annotations__ = dict(written)
    return typing.get_type_hints(stand_in, names, local, include_extras=True)


def members(annotation: Any) -> tuple[Any, ...]:
    """What a value of this annotation may be: the members of a union, in order; it looks through aliases and notes."""
    if isinstance(annotation, typing.NewType):
        return members(annotation.__supertype__)
    if type(annotation).__name__ == "TypeAliasType":
        return members(annotation.__value__)
    origin = get_origin(annotation)
    if origin is Annotated:
        return members(get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        parts = tuple(dict.fromkeys(m for part in get_args(annotation) for m in members(part)))
        return (Any,) if Any in parts or object in parts else parts
    return (type(None),) if annotation is None else (annotation,)


def class_of(member: Any) -> Any:
    """The class whose instances a member of a union takes, for ``isinstance``; ``Any`` for everything."""
    return Any if member in (Any, object) else get_origin(member) or member


def member_for(annotation: Any, value: object) -> Any:
    """The member of the annotation that ``value`` is an instance of, or None."""
    for member in members(annotation):
        cls = class_of(member)
        if cls is Any or (isinstance(cls, type) and not typing.is_typeddict(cls) and isinstance(value, cls)):
            return member
    return None


def element_of(member: Any, index: int) -> Any:
    """The annotation of an element of a list, set or tuple, or of a dict's value; None where nothing is said."""
    origin, arguments = get_origin(member), get_args(member)
    if member in (Any, object) or (not arguments and (origin or member) in CONTAINERS):
        return Any
    if origin in MAPS:
        return arguments[1]
    if origin is tuple and Ellipsis not in arguments:
        return arguments[index] if index < len(arguments) else None
    return arguments[0] if origin in ARRAYS else None


def fields_of(member: Any) -> dict[str, Any]:
    """The annotations of all fields of a message class that is compiled already; empty for any other."""
    cls = get_origin(member) or member
    found: dict[str, Any] = cls.__dict__.get("__distbench_hints__", {})
    parameters = getattr(cls, "__parameters__", ())
    if not parameters:
        return found
    given = dict(zip(parameters, get_args(member) or map(bound_of, parameters), strict=False))
    return {name: substitute(hint, given) for name, hint in found.items()}


def substitute(hint: Any, given: Mapping[Any, Any]) -> Any:
    """``hint`` with type parameters replaced by what is given for them."""
    if isinstance(hint, TypeVar):
        return given.get(hint, hint)
    parameters = getattr(hint, "__parameters__", ())
    if not parameters or isinstance(hint, type):
        return hint
    return hint[tuple(given.get(p, p) for p in parameters)]


def bound_of(parameter: Any) -> Any:
    """What stands for a type parameter that nothing was said of."""
    constraints = getattr(parameter, "__constraints__", ())
    if constraints:
        return typing.Union[constraints]  # noqa: UP007
    return getattr(parameter, "__bound__", None) or Any


def show_type(annotation: object) -> str:
    """An annotation as a person writes it."""
    if annotation is None or annotation is type(None):
        return "None"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return " | ".join(map(show_type, arguments))
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is Annotated:
        return show_type(arguments[0])
    if origin is not None and arguments:
        return f"{show_type(origin)}[{', '.join('...' if a is Ellipsis else show_type(a) for a in arguments)}]"
    return getattr(annotation, "__name__", None) or str(annotation).replace("typing.", "")
