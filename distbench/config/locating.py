"""Where a module lies and the name it is imported under; nothing is run to find out."""

from __future__ import annotations

import hashlib
import importlib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Final

SHIPPED: Final = Path(__file__).resolve().parents[1] / "algorithms"
"""The folder of the algorithms that come with distbench."""

PACKAGE: Final = "distbench.algorithms"
"""Its name as a package."""


@dataclass(frozen=True, slots=True)
class FoundAlgorithm:
    """An algorithm's class, not yet imported."""

    class_name: str
    module: str
    """The name its module is imported under, the same in every process."""
    path: Path
    by_file: bool = False
    """Imported from ``path`` and not by its name from ``sys.path``."""
    folder: Path | None = None
    """Stands on ``sys.path`` while the module is imported."""

    @property
    def name(self) -> str:
        """What ``-a`` takes to find exactly this class from the current folder."""
        if self.by_file:
            return f"{display(self.path)}:{self.class_name}"
        if self.module.startswith(f"{PACKAGE}."):
            return f"{self.module.removeprefix(f'{PACKAGE}.')}.{self.class_name}"
        return f"{self.module}:{self.class_name}"


def locate_module(name: str, folder: Path | None = None) -> Path | None:
    """The file of the importable module ``name``, looked for in ``folder`` or else on ``sys.path``.

    No parent package is imported, as ``importlib.util.find_spec`` would.
    """
    importlib.invalidate_caches()  # files may have been written a moment ago
    spec = _find_spec(name, [str(folder)] if folder is not None else None)
    if spec is None or not spec.has_location or spec.origin is None:
        return None
    return Path(spec.origin)


def _find_spec(name: str, start: Sequence[str] | None) -> ModuleSpec | None:
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        return None
    path = start
    for depth in range(1, len(parts) + 1):
        spec = _ask_finders(".".join(parts[:depth]), path)
        if spec is None or depth == len(parts):
            return spec
        path = spec.submodule_search_locations
        if path is None:  # a module, not a package
            return None
    return None


def _ask_finders(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    """``path`` None: the top level, so all of ``sys.path`` and whatever editable installs have hooked in."""
    if path is not None:
        return PathFinder.find_spec(name, path)
    for finder in sys.meta_path:
        spec = finder.find_spec(name, None)
        if spec is not None:
            return spec
    return None


def import_name(path: Path) -> str:
    """The name under which the file ``path`` is imported: its stem, unless that means another module.

    Every process with the same modules at hand comes to the same name: message types carry it. Where the stem is
    taken, a digest of the text makes it unique, which is the same on every machine that has the file.
    """
    path = path.resolve()
    stem = re.sub(r"\W", "_", path.stem)
    if not _is_taken(stem, path):
        return stem
    by_text = f"{stem}_{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}"
    if not _is_taken(by_text, path):
        return by_text
    return f"{stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"


def is_loaded_from(name: str, path: Path) -> bool:
    """Whether the module ``name`` is loaded, and from ``path``."""
    file = getattr(sys.modules.get(name), "__file__", None)
    return file is not None and Path(file).resolve() == path.resolve()


def _is_taken(name: str, path: Path) -> bool:
    if name in sys.modules:
        return not is_loaded_from(name, path)
    if name in sys.stdlib_module_names:
        return True
    spec = _find_spec(name, None)
    if spec is None or spec.origin is None:  # free, or a folder without __init__.py, which a file goes before
        return False
    return Path(spec.origin).resolve() != path


def display(path: Path) -> str:
    """``path`` as a user would write it: from the current folder where it lies in it."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):
        return str(path)
