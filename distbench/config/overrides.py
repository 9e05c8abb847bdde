"""Changes to a config from the command line: ``--set`` and ``--assign``."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from distbench.community import PeerId
from distbench.config.model import RESERVED, NodeConfig, Place, RunConfig
from distbench.config.parsing import Roster, block_of, check_links, parse_block, unknown_node
from distbench.config.plain import copy_plain, kind, shown
from distbench.errors import ConfigError, nearest

EVERY_NODE: Final = "*"
_ORDERS: Final = ("shuffled", "ascending", "descending")
_SET: Final = "write NODE.FIELD=VALUE, for instance n1.initiator=true or '*.max_rounds=3'"
_ASSIGN: Final = "write FIELD=ORDER, for instance node_id=shuffled"


@dataclass(frozen=True, slots=True)
class SetKey:
    """What a ``--set`` changes: ``nodes`` is one node's id or ``*``, ``path`` the dotted name of the field."""

    nodes: str
    path: str
    text: str

    @property
    def reserved(self) -> bool:
        """Whether the key is distbench's own (``port``) and no field of the algorithm."""
        return self.path in RESERVED


def set_keys(texts: Iterable[str], config: RunConfig | None = None) -> list[SetKey]:
    """The keys of ``--set`` texts, so that a caller can check that the fields exist.

    Node ids with dots in them are known only to ``config``.
    """
    return [_split_set(text, config)[0] for text in texts]


def assign_keys(texts: Iterable[str]) -> list[str]:
    """The dotted fields of ``--assign`` texts, so that a caller can check that they exist."""
    return [_split_assign(text)[0] for text in texts]


def apply_set(config: RunConfig, texts: Sequence[str]) -> RunConfig:
    """``config`` with values such as ``n1.initiator=true`` or ``*.broadcast.is_sender=false`` put in, in this order.

    Values are YAML. Reserved keys are checked as in a file; whether a field exists, and its type, is checked when
    the algorithm is known. Raises ConfigError that names the text.
    """
    roster = Roster(config.nodes)
    nodes = dict(config.nodes)
    for text in texts:
        key, value_text = _split_set(text, config)
        place = Place(f"--set {text if text.isprintable() else shown(text)}")
        one = roster.find(key.nodes)
        if one is None and key.nodes != EVERY_NODE:
            close = unknown_node(key.nodes, roster.ids)
            raise ConfigError(f"{place}: no node {shown(key.nodes)}{close}, and * for all")
        value = _read(value_text, place, names=key.path == "neighbours")
        if one is None and key.path == "neighbours" and value in (None, [], "all"):
            check_links(len(nodes), place)
        for node_id in roster.ids if one is None else (one,):
            nodes[node_id] = _with_value(nodes[node_id], key.path, copy_plain(value, place), place, roster)
    return replace(config, nodes=nodes)


def apply_assign(config: RunConfig, texts: Sequence[str], seed: int = 0) -> RunConfig:
    """``config`` with distinct numbers 1..N in a field, as ``node_id=shuffled`` (or ``ascending``, ``descending``).

    The order drawn depends on ``seed`` and the field's name only. Raises ConfigError that names the text.
    """
    nodes = dict(config.nodes)
    for text in texts:
        path, order = _split_assign(text)
        numbers = list(range(1, len(nodes) + 1))
        if order == "shuffled":
            random.Random(f"assign:{path}:{seed}").shuffle(numbers)
        elif order == "descending":
            numbers.reverse()
        place = Place(f"--assign {text}")
        for (node_id, node), number in zip(nodes.items(), numbers, strict=True):
            nodes[node_id] = _with_field(node, path, number, place)
    return replace(config, nodes=nodes)


def _split_set(text: str, config: RunConfig | None) -> tuple[SetKey, str]:
    target, equals, value = text.partition("=")
    target = target.strip()
    nodes, dot, path = target.partition(".")
    if config is not None:  # an id may hold dots; the longest that fits is meant
        fitting = [head for head in _heads(target) if head in config.nodes]
        if fitting:
            nodes = fitting[-1]
            path = target[len(nodes) + 1 :]
    if not (equals and dot and nodes and all(path.split("."))):
        raise ConfigError(f"--set {shown(text)} cannot be read; {_SET}")
    first, _, rest = path.partition(".")
    if rest and first in RESERVED:
        raise ConfigError(f"--set {shown(text)}: {first!r} has no fields inside; set it as a whole")
    return SetKey(nodes, path, text), value.strip()


def _heads(target: str) -> list[PeerId]:
    """What may be the node of a dotted target, the shortest first."""
    parts = target.split(".")
    return [PeerId(".".join(parts[:end])) for end in range(1, len(parts))]


def _split_assign(text: str) -> tuple[str, str]:
    path, equals, order = (part.strip() for part in text.partition("="))
    if not (equals and all(path.split("."))):
        raise ConfigError(f"--assign {shown(text)} cannot be read; {_ASSIGN}")
    if order not in _ORDERS:
        close = nearest(order, _ORDERS) or f"; choose one of {', '.join(_ORDERS)}"
        raise ConfigError(f"--assign {shown(text)}: no order {shown(order)}{close}")
    if path.partition(".")[0] in RESERVED:
        raise ConfigError(f"--assign {shown(text)}: {path!r} is a key of distbench, not a field; use --set")
    return path, order


def _read(text: str, place: Place, *, names: bool) -> object:
    from distbench.config.yaml import read_value  # PyYAML only where it is needed

    return read_value(text, place, names=names)


def _with_value(node: NodeConfig, path: str, value: object, place: Place, roster: Roster) -> NodeConfig:
    if path not in RESERVED:
        return _with_field(node, path, value, place)
    places = {**node.places, path: place}
    return parse_block(node.node_id, {**block_of(node), path: value}, roster, node.place, places)


def _with_field(node: NodeConfig, path: str, value: object, place: Place) -> NodeConfig:
    names = path.split(".")
    fields = dict(node.fields)
    block = fields
    for depth, name in enumerate(names[:-1], 1):
        inner = block.get(name)
        if inner is not None and not isinstance(inner, Mapping):
            outer = ".".join(names[:depth])
            raise ConfigError(
                f"{place}: {node.node_id}.{outer} is {kind(inner)} ({shown(inner)}), not a block of fields"
            )
        block[name] = inner = dict(inner or {})
        block = inner
    block[names[-1]] = value
    kept = {key: old for key, old in node.places.items() if not key.startswith(f"{path}.")}
    return replace(node, fields=fields, places=kept | dict.fromkeys(_dotted(path, value), place))


def _dotted(path: str, value: object) -> Iterable[str]:
    yield path
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _dotted(f"{path}.{key}", inner)
