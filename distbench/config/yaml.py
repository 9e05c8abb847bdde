"""YAML text to plain values, each with its line; only the safe, plain tags."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from distbench.config.model import Place
from distbench.config.parsing import Entry
from distbench.config.plain import MAX_DEPTH, kind, shown
from distbench.config.yamltree import At, Mapping, Node, Scalar, Sequence, parse_tree
from distbench.errors import ConfigError

_PREFIX: Final = "tag:yaml.org,2002:"
_SCALARS: Final = ("bool", "int", "float", "binary", "timestamp")
MAX_BYTES: Final = 100_000_000
"""A ring of a million nodes is half as long."""
_FREE_VALUES: Final = 1_000_000
"""Values that mentions of anchors may add to what the text itself holds; more is an attack ("a billion laughs")."""

_NULLS: Final = frozenset(("", "~", "null", "Null", "NULL"))
_K = TypeVar("_K", bound=Hashable)


def read_entries(path: Path, source: str) -> list[Entry]:
    """The top-level keys of the file at ``path``, merges done, keys and neighbours as texts.

    Names are kept as they are written: a node may be called ``1``, ``010`` or ``no``.
    """
    at = partial(Place, source)
    text = _decode(_read(path, source), source)
    root = parse_tree(text, at)
    if root is None:
        raise ConfigError(f"{source}: the file is empty; write for instance 'n1: {{neighbours: [n2]}}'")
    reader = _Reader(at, len(text))
    if not isinstance(root, Mapping):
        found = kind(reader.value(root))
        raise ConfigError(f"{at(root.line)}: a config maps node ids to blocks, this is {found}; write 'n1:' and so on")
    return [reader.entry(name, *pair) for name, pair in reader.pairs(root, reader.name).items()]


def read_value(text: str, place: Place, *, names: bool = False) -> object:
    """One value as the command line gives it; with ``names`` the items of a list are names, kept as written."""

    def at(line: int) -> Place:
        return place

    root = parse_tree(text, at)
    if root is None:
        return None
    reader = _Reader(at, len(text))
    return reader.names(root) if names else reader.value(root)


def _read(path: Path, source: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{source}: cannot be read: {error.strerror or error}") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{source}: it is too large for a config, or never ends; {MAX_BYTES:,} bytes are the most")
    return data


def _decode(data: bytes, source: str) -> str:
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{source}:{line}: not a text file: byte 0x{data[error.start]:02x} is not UTF-8") from error
    if "\0" in text:
        raise ConfigError(f"{source}: a binary file; a config is a YAML text")
    return text


class _Reader:
    """Constructs values. Each mention of an anchor is constructed anew, so that no two nodes share an object."""

    def __init__(self, at: At, size: int) -> None:
        self._at = at
        self._left = _FREE_VALUES + size
        self._depth = 0
        self._resolver = Resolver()
        self._constructor = SafeConstructor()

    def entry(self, name: str, key: Node, value: Node) -> Entry:
        """A node's block or a template; whatever is no mapping is left to be refused by the parser of blocks."""
        place = self._at(key.line)
        if not isinstance(value, Mapping) or value.tag not in ("", "map") or name.startswith("_"):
            return Entry(name, self.value(value), place)
        places: dict[str, Place] = {}
        block: dict[str, object] = {}
        for field, (field_key, field_value) in self.pairs(value, self.name).items():
            places[field] = self._at(field_key.line)
            block[field] = self.names(field_value) if field == "neighbours" else self.value(field_value, places, field)
        return Entry(name, block, place, places)

    def pairs(self, node: Mapping, read: Callable[[Node], _K]) -> dict[_K, tuple[Node, Node]]:
        """Keys and values with merges done: an explicit key overrides a merged one, and is there only once."""
        self._enter(node)
        self._spend(node, len(node.pairs))
        merged: dict[_K, tuple[Node, Node]] = {}
        own: dict[_K, tuple[Node, Node]] = {}
        for key, value in node.pairs:
            if isinstance(key, Scalar) and key.text == "<<" and (key.plain or key.tag == "merge"):
                for source in self._merge_sources(value):
                    merged.update(self.pairs(source, read))
                continue
            name = read(key)
            if name in own:
                first = own[name][0].line
                raise ConfigError(f"{self._at(key.line)}: {name!r} is written twice, first in line {first}; keep one")
            own[name] = key, value
        self._depth -= 1
        return merged | own if merged else own

    def _merge_sources(self, value: Node) -> list[Mapping]:
        sources = value.items if isinstance(value, Sequence) else [value]
        mappings = [source for source in sources if isinstance(source, Mapping)]
        if len(mappings) != len(sources):
            raise ConfigError(
                f"{self._at(value.line)}: '<<' merges a mapping or a list of mappings; write '<<: *anchor'"
            )
        return mappings[::-1]  # of several the first wins

    def name(self, node: Node) -> str:
        """A key that is a name, as it is written."""
        if isinstance(node, Scalar) and (node.tag in ("", "str") or node.tag in _SCALARS):
            if not _is_null(node):
                return node.text
            raise ConfigError(
                f"{self._at(node.line)}: the key is empty; write a name, in quotes if it is {node.text!r}"
            )
        found = shown(self.value(node))
        raise ConfigError(f"{self._at(node.line)}: {found} is no key; write a name")

    def names(self, node: Node) -> object:
        """A list of names as they are written, or the one name that stands in its place."""
        if isinstance(node, Sequence) and node.tag in ("", "seq"):
            self._enter(node)
            items = [self.names(item) if isinstance(item, Scalar) else self.value(item) for item in node.items]
            self._depth -= 1
            return items
        if isinstance(node, Scalar) and not node.tag and not _is_null(node):
            self._spend(node)
            return node.text
        return self.value(node)

    def value(self, node: Node, places: dict[str, Place] | None = None, path: str = "") -> object:
        """The value that the text means; ``places`` learns where the keys of nested mappings stand."""
        if isinstance(node, Scalar):
            return self._scalar(node)
        if isinstance(node, Sequence) and node.tag in ("", "seq"):
            self._enter(node)
            items = [self.value(item) for item in node.items]
            self._depth -= 1
            return items
        if isinstance(node, Mapping) and node.tag in ("", "map", "set"):
            pairs = self.pairs(node, self._key)
            if node.tag == "set":
                return set(pairs)
            self._depth += 1
            found: dict[object, object] = {}
            for key, (key_node, value_node) in pairs.items():
                inner = f"{path}.{key}" if places is not None else ""
                if places is not None:
                    places[inner] = self._at(key_node.line)
                found[key] = self.value(value_node, places, inner)
            self._depth -= 1
            return found
        raise self._unknown_tag(node)

    def _key(self, node: Node) -> Hashable:
        if not isinstance(node, Scalar):
            raise ConfigError(f"{self._at(node.line)}: {shown(self.value(node))} is no key; write a plain value")
        return self._scalar(node)

    def _scalar(self, node: Scalar) -> Hashable:
        self._spend(node)
        tag = self._tag(node)
        if tag in ("str", "value"):  # 'value' is a lone '='
            return node.text
        if tag == "null":
            return None
        if tag == "merge" and not node.tag:
            return node.text
        if tag not in _SCALARS:
            raise self._unknown_tag(node)
        construct = SafeConstructor.yaml_constructors[_PREFIX + tag]
        try:
            value: Hashable = construct(self._constructor, yaml.ScalarNode(_PREFIX + tag, node.text))
        except (ValueError, LookupError, AttributeError, OverflowError, yaml.YAMLError) as error:
            raise ConfigError(
                f"{self._at(node.line)}: {shown(node.text)} is no {tag}; put it in quotes if it is a text"
            ) from error
        return value

    def _tag(self, node: Scalar) -> str:
        if node.tag:
            return node.tag
        if not node.plain:
            return "str"
        tag: str = self._resolver.resolve(yaml.ScalarNode, node.text, (True, False))  # type: ignore[no-untyped-call]
        return tag.removeprefix(_PREFIX)

    def _enter(self, node: Node) -> None:
        self._spend(node)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ConfigError(f"{self._at(node.line)}: values are nested more than {MAX_DEPTH} deep")

    def _spend(self, node: Node, values: int = 1) -> None:
        self._left -= values
        if self._left < 0:
            raise ConfigError(f"{self._at(node.line)}: the anchors stand for too many values; write fewer mentions")

    def _unknown_tag(self, node: Node) -> ConfigError:
        tag = node.tag if node.tag.startswith("!") else f"!!{node.tag}"
        return ConfigError(f"{self._at(node.line)}: the tag {shown(tag)} is not allowed here; write a plain value")


def _is_null(node: Scalar) -> bool:
    return node.plain and node.text in _NULLS
