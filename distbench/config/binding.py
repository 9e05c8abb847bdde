"""A node's block of the config against the definition of its algorithm: checked values for every layer."""

from __future__ import annotations

import copy
import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from distbench.community import PeerId
from distbench.config.model import NodeConfig, Place, RunConfig
from distbench.config.numbers import hint_at_number, with_numbers
from distbench.decorators import ClassMark
from distbench.definition import AlgorithmDefinition, ConfigField, define
from distbench.errors import ConfigError, DefinitionError, nearest
from distbench.namespace import names_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BoundLayer:
    """One layer of one node: its algorithm, its path (empty for the top), and the values of its fields."""

    path: str
    definition: AlgorithmDefinition
    written: Mapping[str, object]
    """Checked values of those config fields that the config writes."""
    block: Mapping[str, object]
    """All that the config wrote in the layer's block."""
    children: Mapping[str, BoundLayer]

    def values(self) -> dict[str, object]:
        """By config field, for one instance: nothing in it is shared, and defaults are made only now."""
        return {
            name: copy.deepcopy(self.written[name]) if name in self.written else field.make_default()
            for name, field in self.definition.config_fields.items()
        }

    def walk(self) -> Iterator[BoundLayer]:
        """Children first, this layer last."""
        for child in self.children.values():
            yield from child.walk()
        yield self


def bind(
    definition: AlgorithmDefinition, config: RunConfig, resolve: Callable[[str], type] | None = None
) -> dict[Any, BoundLayer]:
    """The layers of every node. ``resolve`` turns an algorithm's name in the config into its class."""
    bound = {}
    warned: set[str] = set()
    for node_id, node in config.nodes.items():
        top = definition
        if node.algorithm is not None:
            top = _chosen(node.algorithm, definition.cls, f"{node.where('algorithm')}: {node_id}", resolve, False)
        bound[node_id] = _bind(top, node, "", dict(node.fields), resolve, warned)
    return bound


def _bind(
    definition: AlgorithmDefinition,
    node: NodeConfig,
    path: str,
    block: dict[str, object],
    resolve: Callable[[str], type] | None,
    warned: set[str],
) -> BoundLayer:
    prefix = f"{path}." if path else ""
    if inspect.isabstract(definition.cls):
        lacks = ", ".join(sorted(getattr(definition.cls, "__abstractmethods__", ())))
        hint = f"choose one that has it with '{path}: {{algorithm: ...}}'" if path else "run a subclass that has it"
        raise DefinitionError(f"{definition.name} is abstract, it lacks {lacks}; {hint}")
    written = {}
    for name, field in definition.config_fields.items():
        if name in block:
            block[name] = with_numbers(block[name], field.annotation)
            written[name] = _value(field, node, prefix + name, block[name])
        elif field.required:
            raise _lacks(field, node, prefix + name, block, definition)
    children = {}
    for name, base in definition.children.items():
        inner = block.get(name)
        if inner is None:
            inner = {}
        if not isinstance(inner, Mapping):
            raise ConfigError(
                f"{node.where(prefix + name)}: {node.node_id}.{prefix}{name} is the block of a child algorithm, "
                f"so it must be a mapping, not {inner!r}"
            )
        inner = dict(inner)
        child = define(base)
        if "algorithm" in inner:
            where = f"{node.where(f'{prefix}{name}.algorithm')}: {node.node_id}.{prefix}{name}"
            child = _chosen(str(inner.pop("algorithm")), _annotated(definition, name, base), where, resolve, True)
        children[name] = _bind(child, node, prefix + name, inner, resolve, warned)
    _warn_of_unknown(definition, node, prefix, block, warned)
    return BoundLayer(path, definition, written, block, children)


def _annotated(definition: AlgorithmDefinition, name: str, base: type) -> type:
    return definition.child_bases.get(name, base)


def _chosen(
    name: str, base: type, where: str, resolve: Callable[[str], type] | None, must_fit: bool
) -> AlgorithmDefinition:
    if resolve is None:
        raise ConfigError(f"{where}: no algorithm can be looked up by name here ({name!r})")
    try:
        cls = resolve(name)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    if must_fit and not issubclass(cls, base):
        raise ConfigError(f"{where}: {name!r} is {cls.__qualname__}, which is no {base.__qualname__}")
    return define(cls)


def _lacks(
    field: ConfigField, node: NodeConfig, key: str, block: Mapping[str, object], definition: AlgorithmDefinition
) -> ConfigError:
    hint = nearest(field.name, [k for k in block if k not in definition.config_fields])
    return ConfigError(
        f"{node.place}: {node.node_id} lacks {key!r} ({field.annotation_text}), which "
        f"{definition.name} requires" + (hint or f"; add '{field.name}: ...' to its block")
    )


def _value(field: ConfigField, node: NodeConfig, key: str, value: object) -> object:
    try:
        return msgspec.convert(value, field.annotation, dec_hook=_as_it_is)
    except (msgspec.ValidationError, TypeError) as error:
        text = str(error).replace("`", "").partition(" - at ")[0]
        detail = f" ({text[:1].lower()}{text[1:]})" if isinstance(value, (list, dict)) else ""
        raise ConfigError(
            f"{node.where(key)}: {node.node_id}.{key} must be {field.annotation_text}, not {value!r}{detail}"
            f"{_in_quotes(field, node.where(key), value)}{_as_number(field, value)}"
        ) from None


def _as_number(field: ConfigField, value: object) -> str:
    return hint_at_number(value, field.annotation) if isinstance(value, str) else ""


def _in_quotes(field: ConfigField, place: Place, value: object) -> str:
    """How to write a number or boolean of a file or a ``--set`` where the field takes it as text; else nothing."""
    set_here = place.source.startswith("--set ")
    if not isinstance(value, (bool, int, float)) or (place.line is None and not set_here):
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    try:
        msgspec.convert(text, field.annotation, dec_hook=_as_it_is)
    except (msgspec.ValidationError, TypeError):
        return ""
    quoted = f"'\"{text}\"'" if set_here else f'"{text}"'  # a shell takes the outer quotes
    return f"; for the text {text} write {quoted}"


def _as_it_is(kind: Any, value: object) -> object:
    return value


def _warn_of_unknown(
    definition: AlgorithmDefinition, node: NodeConfig, prefix: str, block: Mapping[str, object], warned: set[str]
) -> None:
    known = [*definition.config_fields, *definition.children]
    for key in block:
        if key not in known and f"{prefix}{key}" not in warned:
            warned.add(f"{prefix}{key}")
            logger.warning(
                "%s: %s.%s%s is no field of %s and is ignored%s",
                node.where(prefix + key), node.node_id, prefix, key, definition.name,
                nearest(key, [*known, "neighbours", "host", "port"]) or f"; it has {', '.join(known) or 'none'}",
            )  # fmt: skip


def namespaces_of(bound: Mapping[PeerId, BoundLayer]) -> list[dict[str, Any]]:
    """The names of the algorithms' modules, which may have bound some that a run replaces."""
    found: dict[int, dict[str, Any]] = {}
    seen: set[int] = set()
    for top in bound.values():
        for layer in top.walk():
            if id(layer.definition) not in seen:
                seen.add(id(layer.definition))
                for base in layer.definition.cls.__mro__:
                    mark = vars(base).get("__distbench__")
                    names = names_of(base, mark.namespace.names if isinstance(mark, ClassMark) else {})
                    found[id(names)] = names
    return [names for names in found.values() if _may_change(names.get("__name__"))]


def classes_of(bound: Mapping[PeerId, BoundLayer]) -> list[type]:
    """The classes of the algorithms and those that they inherit from, which may hold such a thing as well."""
    layers = {id(layer.definition): layer.definition for top in bound.values() for layer in top.walk()}
    found = {id(base): base for one in layers.values() for base in one.cls.__mro__}
    return [cls for cls in found.values() if _may_change(cls.__module__)]


def _may_change(module: object) -> bool:
    """Code from ``exec`` may have no name at all."""
    if not isinstance(module, str) or module.startswith("distbench.algorithms."):
        return True
    return module.partition(".")[0] not in ("distbench", "builtins", "typing")
