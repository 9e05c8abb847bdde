"""From plain nested data to a checked RunConfig."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from distbench.community import PeerId
from distbench.config.model import MAX_LINKS, MAX_NODES, RESERVED, NodeConfig, Place, RunConfig
from distbench.config.plain import copy_plain, kind, shown
from distbench.errors import ConfigError, nearest

_NODE_ID = re.compile(r"[^\s/]+")
_EXAMPLE: Final = "write for instance 'n1: {neighbours: [n2]}'"
_NEIGHBOURS: Final = "write for instance [n2, n3], or 'all', or 'none'"


@dataclass(frozen=True, slots=True)
class Entry:
    """One top-level key as it was written: a node's id and block, or a ``_`` template."""

    key: object
    value: object
    place: Place
    places: Mapping[str, Place] = field(default_factory=dict)


class Roster:
    """The node ids of a config in its order; finds one, and all but one."""

    def __init__(self, ids: Iterable[PeerId]) -> None:
        self.ids = tuple(ids)
        self._positions = {node_id: position for position, node_id in enumerate(self.ids)}

    def find(self, name: str) -> PeerId | None:
        """The config's own string for ``name``: a million mentions then share one object for each node."""
        position = self._positions.get(PeerId(name))
        return None if position is None else self.ids[position]

    def others(self, node_id: PeerId) -> tuple[PeerId, ...]:
        """All nodes but ``node_id``."""
        position = self._positions[node_id]
        return self.ids[:position] + self.ids[position + 1 :]


def config_from_mapping(data: Mapping[str, object], source: str = "<python>") -> RunConfig:
    """The config that ``data`` describes as a YAML file would; the values are copied.

    Raises ConfigError for whatever a file would be refused for.
    """
    place = Place(source)
    if not isinstance(data, Mapping):
        raise ConfigError(f"{place}: a config maps node ids to blocks; this is {kind(data)}; {_EXAMPLE}")
    return config_from_entries((Entry(key, copy_plain(value, place), place) for key, value in data.items()), source)


def config_from_entries(entries: Iterable[Entry], source: str) -> RunConfig:
    """Check all nodes; the entries' values are taken over, not copied."""
    nodes: dict[PeerId, Entry] = {}
    for entry in entries:
        if isinstance(entry.key, str) and entry.key.startswith("_"):
            continue
        node_id = parse_node_id(entry.key, entry.place)
        if node_id in nodes:
            raise ConfigError(
                f"{entry.place}: node {node_id!r} is already defined at {nodes[node_id].place}; rename one"
            )
        nodes[node_id] = entry
    if not nodes:
        raise ConfigError(f"{source}: no nodes at all (keys that start with '_' are templates); {_EXAMPLE}")
    roster = Roster(nodes)
    _check_size(nodes, source)
    return RunConfig(
        {
            node_id: parse_block(node_id, entry.value, roster, entry.place, entry.places)
            for node_id, entry in nodes.items()
        },
        source,
    )


def _check_size(nodes: Mapping[PeerId, Entry], source: str) -> None:
    """Refuse more nodes or links than a run can have, before the links are made."""
    if len(nodes) > MAX_NODES:
        raise ConfigError(f"{source}: {len(nodes):,} nodes are too many, {MAX_NODES:,} is the most")
    links = 0
    for entry in nodes.values():
        block = entry.value
        listed = block.get("neighbours") if isinstance(block, Mapping) else None
        everyone = listed is None or listed == [] or listed == "all"
        links += len(nodes) - 1 if everyone else len(listed) if isinstance(listed, list) else 0
        if links > MAX_LINKS:
            raise ConfigError(
                f"{entry.place}: {len(nodes):,} nodes make too many links, {MAX_LINKS:,} is the most: a node without "
                "'neighbours' lists all others; write for instance 'neighbours: [n2, n3]'"
            )


def check_links(size: int, place: Place) -> None:
    """Refuse that each of ``size`` nodes lists all others where those are too many."""
    if size * (size - 1) > MAX_LINKS:
        raise ConfigError(f"{place}: {size:,} nodes make too many links, {MAX_LINKS:,} is the most")


def parse_node_id(key: object, place: Place) -> PeerId:
    """A node's id: a printable text without whitespace and '/', since it names files and hosts; or a whole number."""
    if isinstance(key, int) and not isinstance(key, bool) and abs(key) < 10**18:
        key = str(key)
    if not isinstance(key, str):
        raise ConfigError(f"{place}: {shown(key)} is no node id; write a name, such as n1")
    if not _NODE_ID.fullmatch(key) or not key.isprintable():
        wanted = "without whitespace, '/' and control characters"
        raise ConfigError(f"{place}: {shown(key)} is no node id; write a name {wanted}, such as n1")
    if key.startswith("@") or key == "*":
        raise ConfigError(f"{place}: {shown(key)} is no node id: such names are distbench's own; write one such as n1")
    return PeerId(key)


def parse_block(
    node_id: PeerId, block: object, roster: Roster, place: Place, places: Mapping[str, Place]
) -> NodeConfig:
    """One node's config from its block; None is an empty block."""
    if block is None:
        block = {}
    if not isinstance(block, Mapping):
        raise ConfigError(f"{place}: node {node_id!r} is {kind(block)} ({shown(block)}), not a mapping; {_EXAMPLE}")
    fields: dict[str, object] = {}
    reserved: dict[str, object] = {}
    for key, value in block.items():
        if not isinstance(key, str) or not key:
            raise ConfigError(f"{place}: {node_id}: the key {shown(key)} is {kind(key)}; keys are names of fields")
        (reserved if key in RESERVED else fields)[key] = value

    def where(key: str) -> str:
        return f"{places.get(key, place)}: {node_id}"

    def text(key: str) -> str | None:
        return _parse_text(key, reserved.get(key), where(key))

    return NodeConfig(
        node_id,
        parse_neighbours(node_id, reserved.get("neighbours"), roster, where("neighbours")),
        fields,
        host=_parse_host(reserved.get("host"), where("host")),
        port=_parse_port(reserved.get("port"), where("port")),
        role=text("role"),
        algorithm=text("algorithm"),
        clock=text("clock"),
        region=text("region"),
        place=place,
        places=places,
    )


def parse_neighbours(node_id: PeerId, value: object, roster: Roster, where: str) -> tuple[PeerId, ...]:
    """The nodes listed: nothing, an empty list or ``all`` mean all others, ``none`` means nobody."""
    if isinstance(value, str):
        if value == "all":
            return roster.others(node_id)
        if value == "none":
            return ()
        close = nearest(value.lower(), ("all", "none")) if roster.find(value) is None else f"; write [{value}]"
        raise ConfigError(f"{where}: neighbours is the text {shown(value)}, not a list{close or '; ' + _NEIGHBOURS}")
    if value is None:
        return roster.others(node_id)
    if not isinstance(value, list):
        raise ConfigError(f"{where}: neighbours is {kind(value)} ({shown(value)}), not a list; {_NEIGHBOURS}")
    if not value:
        return roster.others(node_id)
    found: dict[PeerId, None] = {}
    for item in value:
        name = str(item) if isinstance(item, int) and not isinstance(item, bool) and abs(item) < 10**18 else item
        if not isinstance(name, str):
            raise ConfigError(f"{where}: neighbour {shown(item)} is {kind(item)}, not a node's id; {_NEIGHBOURS}")
        other = roster.find(name)
        if other is None:
            raise ConfigError(f"{where}: neighbour {shown(name)} is not a node{unknown_node(name, roster.ids)}")
        if other == node_id:
            raise ConfigError(f"{where}: lists itself, {name!r}, as a neighbour; take it out")
        if other in found:
            raise ConfigError(f"{where}: neighbour {name!r} is listed twice; take one out")
        found[other] = None
    return tuple(found)


def unknown_node(name: str, ids: Iterable[str]) -> str:
    """The end of a message about a node that does not exist: the nearest there is, and the first few."""
    ids = list(ids)
    known = ", ".join(ids[:5]) + (", …" if len(ids) > 5 else "")
    close = get_close_matches(name[:100], ids, 1, 0.5)  # ids are short: n9 and n1 are alike by half
    return f"; did you mean {close[0]!r}? There are {known}" if close else f"; there are {known}"


def block_of(node: NodeConfig) -> dict[str, object]:
    """The block that parses to ``node``; reserved keys only where they are set."""
    block: dict[str, object] = {"neighbours": list(node.neighbours) or "none"}
    reserved = {"host": node.host, "port": node.port, "role": node.role, "algorithm": node.algorithm}
    reserved |= {"clock": node.clock, "region": node.region}
    block |= {key: value for key, value in reserved.items() if value is not None}
    return block | dict(node.fields)


def _parse_port(value: object, where: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        hint = f"; write {value} without quotes" if isinstance(value, str) and value.isdecimal() else ""
        raise ConfigError(f"{where}: port {shown(value)} is {kind(value)}, not a whole number from 1 to 65535{hint}")
    if not 1 <= value <= 65535:
        raise ConfigError(f"{where}: port {shown(value)} is out of range; choose one from 1 to 65535")
    return value


def _parse_host(value: object, where: str) -> str | None:
    host = _parse_text("host", value, where)
    if host is not None and (not host.isprintable() or any(char.isspace() or char == "/" for char in host)):
        raise ConfigError(f"{where}: host {shown(host)} is no host name or address; write for instance 10.0.0.1")
    if host is not None and ":" in host:
        bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        try:
            ipaddress.IPv6Address(bare)
        except ValueError:
            raise ConfigError(
                f"{where}: host {shown(host)} is no host name or address; write for instance ::1 or 10.0.0.1, "
                f"and the port under 'port'"
            ) from None
        return bare
    return host


def _parse_text(key: str, value: object, where: str) -> str | None:
    if value is None or (isinstance(value, str) and value):
        return value
    found = "empty" if value == "" else kind(value)
    raise ConfigError(f"{where}: {key} {shown(value)} is {found}; write a text, in quotes if it looks like a number")
