"""Key files for network mode: one secret file a participant, and a roster of all public keys."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import quote

from distbench.community import PeerId
from distbench.errors import ConfigError
from distbench.running.control import COORDINATOR
from distbench.signing import KeyPair
from distbench.writing import shortened, write_new

ROSTER: Final = "roster.json"
_COORDINATOR_KEY: Final = "coordinator.key"
_MAX_BYTES: Final = 100_000_000
"""Of the largest file that is read: the roster of more nodes than a run can have."""


def write_keys(folder: Path, nodes: Iterable[PeerId]) -> list[Path]:
    """One key file for each node and for the coordinator, mode 0600, and the roster; nothing is overwritten."""
    names = [*nodes, COORDINATOR]
    for path in [folder / ROSTER, *(_path(folder, name) for name in names)]:
        if path.exists():
            raise ConfigError(f"{path} exists already; remove it, or choose another folder for new keys")
    pairs = {name: KeyPair(os.urandom(32)) for name in names}
    roster = {name: pair.public.hex() for name, pair in pairs.items()}
    files = [(_path(folder, name), f"{pair.seed.hex()}\n".encode(), 0o600) for name, pair in pairs.items()]
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_new([*files, (folder / ROSTER, f"{json.dumps(roster, indent=2)}\n".encode(), 0o666)])
    except OSError as error:
        raise ConfigError(f"cannot write {error.filename or folder}: {error.strerror}") from error
    return [*(_path(folder, name) for name in names), folder / ROSTER]


def read_key(folder: Path, name: PeerId) -> KeyPair:
    """The key pair of a node, or of the coordinator."""
    path = _path(folder, name)
    try:
        seed = bytes.fromhex(_read(path).strip())
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path}: no key can be read ({error}); 'distbench keys {folder} -c CONFIG' makes them"
        ) from None
    if len(seed) != 32:
        raise ConfigError(f"{path}: a key has 64 hexadecimal digits; 'distbench keys {folder} -c CONFIG' makes them")
    return KeyPair(seed)


def read_roster(folder: Path, nodes: Iterable[PeerId]) -> dict[PeerId, bytes]:
    """The public keys of all nodes and of the coordinator."""
    path = folder / ROSTER
    try:
        found = {PeerId(name): bytes.fromhex(key) for name, key in json.loads(_read(path)).items()}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        raise ConfigError(
            f"{path}: no roster can be read ({error}); 'distbench keys {folder} -c CONFIG' makes it"
        ) from None
    missing = [name for name in (*nodes, COORDINATOR) if len(found.get(name, b"")) != 32]
    if missing:
        raise ConfigError(f"{path}: lacks the key of {', '.join(missing)}; make new keys with 'distbench keys'")
    return found


def _read(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueError(f"it is too large, or never ends; {_MAX_BYTES:,} bytes are the most")
    return data.decode()


def key_file_name(name: PeerId) -> str:
    """The name of the key file of a node, or of the coordinator."""
    if name == COORDINATOR:
        return _COORDINATOR_KEY
    made = f"{shortened(quote(name, safe='', errors='surrogatepass'))}.key"  # which leads out of no folder
    return made if made != _COORDINATOR_KEY else f"%{ord(made[0]):02X}{made[1:]}"


def _path(folder: Path, name: PeerId) -> Path:
    return folder / key_file_name(name)
