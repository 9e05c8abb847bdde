"""Where a container finds the algorithms of a run: in the package, or in one folder of the user's own."""

from __future__ import annotations

import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from distbench.config.discovery import find_algorithm
from distbench.config.locating import PACKAGE, SHIPPED, FoundAlgorithm
from distbench.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Packed:
    """An algorithm as a container finds it whose current folder shows ``folder``."""

    name: str
    """What ``-a`` takes there."""
    folder: Path | None
    """None where the package has all that is needed."""


def pack(algorithm: str, others: Mapping[str, FoundAlgorithm]) -> Packed:
    """Where the ``algorithm`` and the ``others``, by the names that the config gives them, are to be found.

    Raises ConfigError for one of the others that a container would not find by its name.
    """
    found = find_algorithm(algorithm)
    folder = _folder(found)
    for name, other in others.items():
        if folder is None:
            folder = _folder(other)
        if _folder(other) is not None and not _is_found(name, other, folder):
            raise ConfigError(
                f"algorithm {name!r} of the config would not be found in a container, which looks in {folder}; "
                "name it as seen from there"
            )
    return Packed(_name(found), folder)


def _folder(found: FoundAlgorithm) -> Path | None:
    """The folder from which an algorithm is imported; None for those that the package or the image has."""
    if found.module.startswith(f"{PACKAGE}."):
        return None
    if found.by_file:
        return found.path.parent
    depth = found.module.count(".") + (found.path.name == "__init__.py")
    root = found.path.parents[depth]
    installed = {Path(sysconfig.get_path(scheme)).resolve() for scheme in ("purelib", "platlib")}
    return None if root in installed else root


def _name(found: FoundAlgorithm) -> str:
    if found.by_file:
        return f"{found.path.name}:{found.class_name}"
    return found.name


def _is_found(name: str, other: FoundAlgorithm, folder: Path | None) -> bool:
    """Whether ``name`` means ``other`` where ``folder`` is the current one."""
    if folder is None:
        return False
    head = name.rpartition(":")[0] or name
    if head.endswith(".py") or "/" in head:
        return not Path(head).is_absolute() and (folder / head).resolve() == other.path
    try:
        return find_algorithm(name, [SHIPPED, folder, folder / "algorithms"]).path == other.path
    except ConfigError:
        return False
