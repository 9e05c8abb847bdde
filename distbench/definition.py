"""The reader of marks: one class -> one frozen ``AlgorithmDefinition``, or a ``DefinitionError`` before the run."""

from __future__ import annotations

import copy
import dataclasses
import enum
import functools
import inspect
import logging
import threading
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from distbench.algorithm import Algorithm
from distbench.annotations import class_of, located, members, resolve, show_type
from distbench.decorators import MISSING, ChildMark, ClassMark, FieldMark, HandlerMark
from distbench.defaults import check_default
from distbench.errors import DefinitionError, nearest
from distbench.hooks import may_return_awaitable
from distbench.likeness import meant_hook
from distbench.namespace import Namespace, file_of, names_of
from distbench.shapes import Shape, compile_shape
from distbench.signing import Signed

RESERVED_FIELDS: Final = frozenset({"neighbours", "host", "port", "role", "algorithm", "clock", "region"})
_HOOKS: Final = ("on_start", "on_exit", "report", "terminate", "deliver_message")
_CALLED_FOR_IT: Final = ("on_start", "on_exit", "report")
"""Hooks that distbench calls, with nothing but the instance."""
_OWN_NAMES: Final = frozenset({*_HOOKS, "peers", "community"})
_FRAMEWORK: Final = frozenset({"peers", "community", "_parent", "_distbench", "_abc_impl"})
"""Every instance gets its own in any case, or needs none."""
_SHARED: Final = (
    *(bool, int, float, complex, str, bytes, enum.Enum, type, types.ModuleType, logging.Logger),
    *(types.BuiltinFunctionType, functools.partial, FieldMark, ChildMark, ClassMark),
)
"""Class attributes of these types may be shared between nodes: they cannot change, or have no state of a node."""


@dataclass(frozen=True, slots=True)
class ConfigField:
    """A config field: what fills it when the config has no value, and what the value must fit."""

    name: str
    annotation: Any
    required: bool
    default: object
    default_factory: Callable[[], object] | None
    annotation_text: str

    def make_default(self) -> object:
        """A value of this node's own."""
        if self.default_factory is not None:
            return self.default_factory()
        return None if self.default is MISSING else copy.deepcopy(self.default)


@dataclass(frozen=True, slots=True)
class HandlerDefinition:
    """A handler of messages from peers."""

    name: str
    function: Callable[..., Any]
    message: Shape
    reply: Shape | None
    """None for a cast."""
    signed_by_sender: bool
    """The parameter itself is signed: the node that sent it must be its signer."""
    reply_signed_by_sender: bool
    """The reply itself is signed: the node that was asked must be its signer."""
    parameter: str
    where: str
    """``Class.handler (file.py:41)``."""


@dataclass(frozen=True, slots=True)
class Interception:
    """A parent's handler of what a child delivers."""

    name: str
    function: Callable[..., Any]


@dataclass(frozen=True, eq=False)
class AlgorithmDefinition:
    """All that distbench knows of an algorithm's class."""

    cls: type[Algorithm]
    name: str
    config_fields: Mapping[str, ConfigField]
    handlers: tuple[HandlerDefinition, ...]
    children: Mapping[str, type[Algorithm]]
    """By attribute; what runs unless the config chooses another."""
    child_bases: Mapping[str, type[Algorithm]]
    """By attribute; the annotation, which a choice in the config must be a subclass of."""
    interceptions: Mapping[str, Mapping[Any, Interception]]
    """By child and message class; ``Any`` takes what no other takes."""
    copied: tuple[tuple[str, object], ...]
    """Class attributes that every instance gets a copy of."""
    arguments: tuple[str, ...]
    """What ``__init__`` takes, in order: config, peers, community, or a config field's name."""
    named_arguments: Mapping[str, str]
    """What it takes by keyword: one of those, by parameter."""
    file: str | None
    misnamed: tuple[tuple[str, str], ...] = ()
    """Methods that look like a hook with a slip in its name: where they stand, and the hook."""


_reading: Final = threading.RLock()
"""Held while classes are read: runs in several threads share one definition of each."""
_under_way: list[type] = []
"""Classes that are being read: a child is read while its parent is."""


def define(cls: Any) -> AlgorithmDefinition:
    """Read the marks of ``cls`` and of all that it inherits."""
    found = _defined(cls)
    if found is None:
        with _reading:
            found = _defined(cls) or _read(cls)
    return found


def _defined(cls: Any) -> AlgorithmDefinition | None:
    found: AlgorithmDefinition | None = getattr(cls, "__dict__", {}).get("__distbench_definition__")
    return found


def _read(cls: Any) -> AlgorithmDefinition:
    if cls in _under_way:
        ring = " -> ".join(each.__qualname__ for each in (*_under_way[_under_way.index(cls) :], cls))
        raise DefinitionError(f"{cls.__qualname__} is a child of itself ({ring}); layers must come to an end")
    _under_way.append(cls)
    try:
        found = _Reader(cls).read()
    finally:
        _under_way.remove(cls)
    cls.__distbench_definition__ = found  # lives and dies with the class
    return found


def _is_signed(annotation: Any) -> bool:
    """Whether a value of this annotation may itself be signed, so that it must be so by the node it comes from."""
    return any(part is Signed or typing.get_origin(part) is Signed for part in members(annotation))


class _Reader:
    """Reads one class; every mistake is named with class, method, file and line."""

    def __init__(self, cls: Any) -> None:
        if not (isinstance(cls, type) and issubclass(cls, Algorithm)):
            raise DefinitionError(f"{cls!r} is no algorithm; inherit from distbench.Algorithm and mark it @distbench")
        if "__distbench__" not in cls.__dict__:
            raise DefinitionError(f"{cls.__qualname__} is not marked; write @distbench above 'class {cls.__name__}'")
        self.cls = cls
        self.attributes: dict[str, Any] = {}
        self.hints: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            if base not in (Algorithm, object) and not issubclass(Algorithm, base):
                self.attributes.update(vars(base))
        self._read_hints()

    def _namespace(self, base: type) -> Namespace:
        mark = base.__dict__.get("__distbench__")
        found: Namespace = (mark if isinstance(mark, ClassMark) else self.cls.__dict__["__distbench__"]).namespace
        return dataclasses.replace(found, names=names_of(base, found.names))

    def _read_hints(self) -> None:
        for base in reversed(self.cls.__mro__):
            if base in (Algorithm, object) or "__annotations__" not in base.__dict__:
                continue
            marked = {n for n, v in vars(base).items() if isinstance(v, (FieldMark, ChildMark))}
            for name, annotation in inspect.get_annotations(base).items():
                if name in marked:
                    where = functools.partial(self._used, name)
                    self.hints |= resolve(base, self._namespace(base), where, {name: annotation})

    def read(self) -> AlgorithmDefinition:
        cls = self.cls
        fields = {n: self._field(n, v) for n, v in self.attributes.items() if isinstance(v, FieldMark)}
        children = {n: self._child(n, v) for n, v in self.attributes.items() if isinstance(v, ChildMark)}
        handlers: list[HandlerDefinition] = []
        interceptions: dict[str, dict[Any, Interception]] = {name: {} for name in children}
        for name, value in self.attributes.items():
            mark = self._mark(name, value)
            if mark is not None:
                if mark.from_child is None:
                    handlers.append(self._handler(name, value))
                else:
                    self._interception(name, value, mark.from_child, children, interceptions)
            elif name in _HOOKS:
                self._check_hook(name, value)
        copied = tuple((n, v) for n, v in self.attributes.items() if self._is_state(n, v))
        arguments, named_arguments = self._arguments(fields)
        return AlgorithmDefinition(
            cls=cls,
            name=cls.__name__,
            config_fields=fields,
            handlers=tuple(handlers),
            children=children,
            child_bases={name: self.hints[name] for name in children},
            interceptions=interceptions,
            copied=copied,
            arguments=arguments,
            named_arguments=named_arguments,
            file=file_of(cls),
            misnamed=tuple(
                (self._where(name, value), meant)
                for name, value in self.attributes.items()
                if isinstance(value, types.FunctionType)
                and self._mark(name, value) is None
                and (meant := meant_hook(name, _CALLED_FOR_IT)) is not None
            ),
        )

    def _check_hook(self, name: str, function: Any) -> None:
        called = name in _CALLED_FOR_IT
        if not inspect.iscoroutinefunction(function) and not may_return_awaitable(function):
            raise DefinitionError(
                f"{self._where(name, function)}: write 'async def {name}(self{'' if called else ', ...'})'"
            )
        needed = [
            p.name
            for p in list(inspect.signature(function).parameters.values())[1:]
            if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
        if called and needed:
            raise DefinitionError(
                f"{self._where(name, function)}: nothing is passed as {needed[0]!r}; write 'async def {name}(self)'"
            )

    def _used(self, name: str, unknown: str) -> str:
        return self._where(name)

    def _where(self, name: str, function: Any = None) -> str:
        code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
        if code is None:
            return located(self.cls, name)
        return f"{self.cls.__qualname__}.{name} ({code.co_filename.rpartition('/')[2]}:{code.co_firstlineno})"

    def _mark(self, name: str, value: Any) -> HandlerMark | None:
        """The mark of a handler; a method that overrides a handler is one as well, with or without the decorator."""
        if not (isinstance(value, types.FunctionType) or hasattr(value, "__distbench_handler__")):
            return None
        for base in self.cls.__mro__:
            mark = getattr(base.__dict__.get(name), "__distbench_handler__", None)
            if isinstance(mark, HandlerMark):
                return mark
        return None

    def _field(self, name: str, mark: FieldMark) -> ConfigField:
        if name in RESERVED_FIELDS:
            raise DefinitionError(
                f"{self._where(name)}: the key {name!r} of a node's block belongs to distbench; rename the field"
            )
        self._check_name(name)
        annotation = self.hints.get(name, Any)
        text = show_type(annotation)
        check_default(mark, annotation, functools.partial(self._where, name))
        return ConfigField(name, annotation, mark.required, mark.default, mark.default_factory, text)

    def _child(self, name: str, mark: ChildMark) -> type[Algorithm]:
        self._check_name(name)
        annotation = self.hints.get(name)
        if annotation is None:
            raise DefinitionError(f"{self._where(name)}: annotate the child, '{name}: {mark.cls.__name__} = ...'")
        if not (isinstance(annotation, type) and issubclass(mark.cls, annotation)):
            raise DefinitionError(
                f"{self._where(name)} is annotated {show_type(annotation)}, but child_algorithm({mark.cls.__name__}) "
                f"makes another; annotate it {mark.cls.__name__}"
            )
        define(mark.cls)
        return mark.cls

    def _check_name(self, name: str) -> None:
        if name.startswith("_") or name in _OWN_NAMES:
            raise DefinitionError(f"{self._where(name)}: the name belongs to distbench; choose another")

    def _handler(self, name: str, function: Any) -> HandlerDefinition:
        where = self._where(name, function)
        if name == "peer_id" or name.startswith("_") or name in _OWN_NAMES:
            raise DefinitionError(
                f"{where}: a handler cannot be called {name!r}, a name that belongs to distbench; rename it"
            )
        parameter, annotation, returned = self._signature(name, function, where)
        near = self._namespace(self.cls)
        shape = compile_shape(annotation, f"{where}, parameter {parameter!r}", near)
        reply = None
        if returned not in (None, type(None), typing.NoReturn, typing.Never):
            reply = compile_shape(returned, f"{where}, return value", near)
        signed, signed_reply = _is_signed(annotation), _is_signed(returned)
        return HandlerDefinition(name, function, shape, reply, signed, signed_reply, parameter, where)

    def _signature(self, name: str, function: Any, where: str) -> tuple[str, Any, Any]:
        if isinstance(function, (staticmethod, classmethod)):
            raise DefinitionError(
                f"{where}: a handler is an ordinary method; write 'async def {name}(self, src, msg: ...)'"
            )
        if not inspect.iscoroutinefunction(function):
            raise DefinitionError(f"{where}: a handler is async; write 'async def {name}(self, src, msg: ...)'")
        parameters = list(inspect.signature(function).parameters.values())
        plain = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        needed = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        if len(plain) < 3 or not set(needed) <= set(plain[:3]):
            raise DefinitionError(
                f"{where}: a handler takes (self, src, msg); write '{name}(self, src: PeerId, msg: ...)'"
            )
        message = plain[2]
        if message.annotation is message.empty:
            raise DefinitionError(
                f"{where}: {message.name!r} has no type; annotate it with a @message class, "
                f"e.g. '{message.name}: {name.title().replace('_', '')}'"
            )
        owner = next((b for b in self.cls.__mro__ if b.__dict__.get(name) is function), self.cls)
        namespace = self._namespace(owner)
        around = dataclasses.replace(namespace, local={owner.__name__: owner, **namespace.local})
        hints = resolve(function, around, lambda _: where)
        self._check_source(plain[1].name, hints, where)
        return message.name, hints[message.name], hints.get("return")

    def _check_source(self, parameter: str, hints: Mapping[str, Any], where: str) -> None:
        """The sender is a PeerId, a text; whoever annotates it as a Peer would write ``src.vote(...)``."""
        kinds = [class_of(member) for member in members(hints.get(parameter, Any))]
        if not all(kind is not Any and isinstance(kind, type) and not issubclass(str, kind) for kind in kinds):
            return
        found = show_type(hints[parameter])
        hint = f"; the peer is self.peers[{parameter}]" if found == "Peer" else ""
        raise DefinitionError(
            f"{where}: {parameter!r} is the sender's name and not of type {found}; write '{parameter}: PeerId'{hint}"
        )

    def _interception(
        self,
        name: str,
        function: Any,
        child: str,
        children: Mapping[str, type[Algorithm]],
        interceptions: dict[str, dict[Any, Interception]],
    ) -> None:
        where = self._where(name, function)
        if child not in children:
            known = nearest(child, children) or "; declare it with child_algorithm(...)"
            raise DefinitionError(f"{where}: from_child={child!r} names no child of {self.cls.__qualname__}{known}")
        _, annotation, _ = self._signature(name, function, where)
        for member in members(annotation):
            for key in self._delivered(member, where):
                before = interceptions[child].get(key)
                if before is not None:
                    raise DefinitionError(
                        f"{where}: {before.name!r} handles {show_type(key)} from {child!r} already; keep one of the two"
                    )
                interceptions[child][key] = Interception(name, function)

    def _delivered(self, member: Any, where: str) -> list[Any]:
        """Under which classes a parent's handler of such an annotation is found."""
        cls = class_of(member)
        if cls is Signed:
            compile_shape(member, where)
            inner = members((typing.get_args(member) or (Any,))[0])
            signed: Any = Signed
            return [Signed if part is Any else signed[class_of(part)] for part in inner]
        if cls is typing.Literal:
            return list(dict.fromkeys(type(value) for value in typing.get_args(member)))
        if cls is not Any and not isinstance(cls, type):
            raise DefinitionError(f"{where}: {show_type(member)} is no class of messages")
        return [dict if typing.is_typeddict(cls) else cls]

    def _is_state(self, name: str, value: object) -> bool:
        """Whether a class attribute is state of a node, so that every node needs its own."""
        if name.startswith("__") or name in _FRAMEWORK or isinstance(value, _SHARED) or value is None:
            return False
        if hasattr(type(value), "__get__") or hasattr(value, "__distbench_handler__"):
            return False
        if isinstance(value, (tuple, frozenset)) and all(isinstance(v, _SHARED) or v is None for v in value):
            return False
        try:
            copy.deepcopy(value)
        except (TypeError, ValueError, AttributeError, RuntimeError, copy.Error) as error:
            raise DefinitionError(
                f"{self._where(name)}: every node needs its own {type(value).__name__}, and this one cannot be copied "
                f"({error}); create it in __init__"
            ) from None
        return True

    def _arguments(self, fields: Mapping[str, ConfigField]) -> tuple[tuple[str, ...], dict[str, str]]:
        """What ``__init__`` is called with. Other names for the first two parameters mean config and peers."""
        init = self._own_init()
        if init is None:
            return (), {}
        known = {"config", "peers", "community", *fields}
        parameters = list(inspect.signature(init).parameters.values())[1:]
        names = {p.name for p in parameters}
        positional: list[str] = []
        named: dict[str, str] = {}
        skipped = False
        for index, parameter in enumerate(parameters):
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            source = parameter.name if parameter.name in known else None
            if source is None and parameter.default is parameter.empty:
                if index < 2 and parameter.kind is not parameter.KEYWORD_ONLY:
                    source = ("config", "peers")[index]
                if source is None or source in names:
                    raise DefinitionError(
                        f"{self._where('__init__', init)}: nothing is known to pass as {parameter.name!r}; "
                        "__init__ may take config, peers, community and config fields"
                    )
            if source is None:
                skipped = True
            elif skipped or parameter.kind is parameter.KEYWORD_ONLY:
                named[parameter.name] = source
            else:
                positional.append(source)
        return tuple(positional), named

    def _own_init(self) -> Any:
        """The ``__init__`` that says what it takes; one of ``*args, **kwargs`` alone passes on to the next class."""
        for base in self.cls.__mro__:
            init = base.__dict__.get("__init__")
            if base in (Algorithm, object):
                return None
            if init is not None:
                kinds = {p.kind for p in list(inspect.signature(init).parameters.values())[1:]}
                if not kinds or not kinds <= {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}:
                    return init
        return None
