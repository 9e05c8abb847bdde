"""What all participants of a run must have in common, in few enough bytes for a handshake."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import inspect
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from distbench.annotations import fields_of, show_type
from distbench.community import PeerId
from distbench.config.binding import BoundLayer
from distbench.config.model import RunConfig
from distbench.errors import ConfigError
from distbench.messages import is_message
from distbench.network.party import Terms
from distbench.running.control import COORDINATOR
from distbench.running.options import RunOptions


def make_terms(run: bytes, bound: Mapping[PeerId, BoundLayer], config: RunConfig, options: RunOptions) -> Terms:
    """What all participants must have in common. Hosts and ports are not: every machine may see others."""
    if COORDINATOR in config.nodes:
        raise ConfigError(f"{config.source}: no node may be called {COORDINATOR}, which is the coordinator's own name")
    layers = sorted({line for top in bound.values() for layer in top.walk() for line in _describe(layer)})
    blocks = [(node_id, node.neighbours, repr(node.fields), node.algorithm) for node_id, node in config.nodes.items()]
    return Terms(run, options.format, _digest(layers), _digest(blocks))


def _describe(layer: BoundLayer) -> Iterator[str]:
    """The layer's fields and handlers, and all that its messages are made of: they travel without names."""
    definition = layer.definition
    yield f"{layer.path}:{definition.name}({', '.join(definition.config_fields)})"
    for handler in definition.handlers:
        message = handler.message.annotation
        reply = None if handler.reply is None else handler.reply.annotation
        types: dict[Any, str] = {}
        for annotation in (message, reply):
            _add_types(annotation, types)
        yield f"{layer.path}:{definition.name}.{handler.name}({show_type(message)})->{show_type(reply)}"
        yield from types.values()


def _add_types(annotation: Any, found: dict[Any, str]) -> None:
    """Describe every class with fields or members that stands in an annotation, at any depth."""
    for part in typing.get_args(annotation):
        _add_types(part, found)
    cls = typing.get_origin(annotation) or annotation
    if not isinstance(cls, type) or annotation in found:
        return
    hints: Mapping[str, Any] = {}
    if is_message(cls):
        hints = fields_of(annotation)
    elif dataclasses.is_dataclass(cls) or typing.is_typeddict(cls) or hasattr(cls, "_fields"):
        hints = _hints_of(cls)
    elif issubclass(cls, enum.Enum):
        found[annotation] = f"{show_type(cls)}[{', '.join(f'{one.name}={one.value!r}' for one in cls)}]"
        return
    else:
        return
    found[annotation] = f"{show_type(annotation)}({', '.join(f'{n}: {show_type(h)}' for n, h in hints.items())})"
    for hint in hints.values():
        _add_types(hint, found)


def _hints_of(cls: type) -> dict[str, Any]:
    """The annotations of a class, inherited ones too; the texts of all where one names what cannot be found."""
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except (NameError, TypeError, AttributeError, SyntaxError):
        return {name: hint for base in reversed(cls.__mro__) for name, hint in inspect.get_annotations(base).items()}


def _digest(parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()
