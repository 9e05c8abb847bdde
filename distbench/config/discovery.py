"""Algorithms by name: found in folders, files and modules without importing any of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from distbench.community import natural_key
from distbench.config.importing import import_class
from distbench.config.locating import PACKAGE, SHIPPED, FoundAlgorithm, display, import_name, locate_module
from distbench.config.scanning import MAX_BYTES, Scan, scan_file
from distbench.errors import ConfigError, nearest

_MARK: Final = b"distbench"  # a file without this text defines no algorithm and need not be parsed


@dataclass(frozen=True, slots=True)
class AlgorithmEntry:
    """One line of ``distbench list``: an algorithm, or a file that cannot be read."""

    name: str
    """What ``-a`` takes."""
    path: Path
    class_name: str | None
    summary: str
    """First line of the class's docstring, else of its module's."""
    error: str | None = None
    """Why the file could not be parsed, with the line."""


def find_algorithm(name: str, folders: Sequence[Path] | None = None) -> FoundAlgorithm:
    """The algorithm that ``name`` means: ``echo``, ``Echo``, ``echo.Echo``, ``path/to/echo.py``,
    ``path/to/echo.py:Echo`` or ``package.module:Echo``.

    Of several classes in a module the one is meant that is no other's child. ``folders`` are searched in their order:
    the shipped algorithms, the current folder and its ``algorithms`` unless said otherwise. Nothing is imported.
    Raises ConfigError where nothing fits, with the nearest right name, and where several do, with what to write.
    """
    name = name.strip()
    if not name or not name.isprintable():
        raise ConfigError(f"algorithm {name!r} is no name; give one such as echo, or a file such as my_algorithm.py")
    head, colon, class_name = name.rpartition(":")
    if not colon or class_name.startswith(("/", "\\")):  # 'C:\…' has a drive, not a class
        head, class_name = name, ""
    elif not class_name.isidentifier():
        raise ConfigError(f"algorithm {name!r}: {class_name!r} is no class name; write {head}:Class")
    if head.endswith(".py") or "/" in head or "\\" in head:
        return _in_file(Path(head).expanduser(), class_name or None)
    places = default_folders() if folders is None else [Path(folder) for folder in folders]
    parts = head.split(".")
    if colon:
        found = _in_folders(head, class_name, places) or _in_module(head, class_name)
    elif len(parts) == 1:
        found = _in_folders(head, None, places) or _by_class(head, places)
    else:
        found = (len(parts) == 2 and _in_folders(parts[0], parts[1], places)) or _dotted(head)
    if found:
        return found
    raise _unknown(name, places)


def load_algorithm(found: FoundAlgorithm | str) -> type:
    """The class itself, or the one that ``find_algorithm`` finds for a name; only its module is imported.

    A module that raises becomes a DefinitionError that names file and line, with the original as its cause.
    """
    return import_class(find_algorithm(found) if isinstance(found, str) else found)


def list_algorithms(folders: Sequence[Path] | None = None) -> list[AlgorithmEntry]:
    """All algorithms in ``folders`` by name, roots before children, and the files that cannot be parsed."""
    entries: list[AlgorithmEntry] = []
    modules: set[str] = set()
    for folder in default_folders() if folders is None else folders:
        for scan in _scans(folder):
            # A later folder's module of the same name is only found by its path.
            reachable = scan.path.stem not in modules and "." not in scan.path.stem
            modules.add(scan.path.stem)
            base = scan.path.stem if reachable else display(scan.path)
            dot = "." if reachable else ":"
            if scan.error is not None:
                entries.append(AlgorithmEntry(base, scan.path, None, "", _error_of(scan)))
            roots = scan.roots
            for found in sorted(scan.algorithms, key=lambda algorithm: algorithm not in roots):
                name = base if roots == (found,) else f"{base}{dot}{found.name}"
                entries.append(AlgorithmEntry(name, scan.path, found.name, found.summary or scan.summary))
    return entries


def default_folders() -> list[Path]:
    """Where names are looked for: the shipped algorithms, the current folder, its folder ``algorithms``."""
    try:
        here = Path.cwd()
    except OSError:  # it has been removed
        return [SHIPPED]
    folders = [SHIPPED, here, here / "algorithms"]
    return [folder for position, folder in enumerate(folders) if folder.resolve() not in folders[:position]]


def _in_file(path: Path, class_name: str | None) -> FoundAlgorithm:
    try:
        if path.is_dir():
            raise ConfigError(f"algorithm {str(path)!r} is a folder; name one of its files{_some(_python_files(path))}")
        if not path.is_file():
            raise ConfigError(f"no file {str(path)!r}{_similar(path)}")
    except OSError as error:
        raise ConfigError(f"algorithm {str(path)!r} cannot be opened: {error.strerror or error}") from error
    if path.suffix != ".py":
        raise ConfigError(f"algorithm {str(path)!r} is no Python file; give one that ends in .py")
    return _found_in(path, _choose(scan_file(path), class_name, f"{path}:"))


def _found_in(path: Path, class_name: str) -> FoundAlgorithm:
    path = path.resolve()
    if path.parent == SHIPPED:
        return FoundAlgorithm(class_name, f"{PACKAGE}.{path.stem}", path)
    return FoundAlgorithm(class_name, import_name(path), path, by_file=True, folder=path.parent)


def _in_module(module: str, class_name: str | None) -> FoundAlgorithm | None:
    folder = None
    path = locate_module(module)
    if path is None:  # the command, unlike 'python -m', has not put the current folder on sys.path
        folder = next(iter(default_folders()[1:]), None)
        path = locate_module(module, folder)
    if path is None or path.suffix != ".py":
        return None
    return FoundAlgorithm(_choose(scan_file(path), class_name, f"{module}:"), module, path.resolve(), folder=folder)


def _dotted(name: str) -> FoundAlgorithm | None:
    """``package.module``, or ``package.module.Class``."""
    module, _, class_name = name.rpartition(".")
    return _in_module(name, None) or _in_module(module, class_name)


def _in_folders(module: str, class_name: str | None, folders: Iterable[Path]) -> FoundAlgorithm | None:
    """In ``module``.py of the first folder where that file has what is asked for; other files are not read."""
    refused: ConfigError | None = None
    for folder in folders:
        path = folder / f"{module}.py"
        if path.name not in _names_in(folder):  # is_file() would say yes to Echo.py where case does not matter
            continue
        try:
            prefix = f"{module}." if folder == SHIPPED else f"{display(path)}:"
            return _found_in(path, _choose(scan_file(path), class_name, prefix))
        except ConfigError as error:
            refused = refused or error
    if refused is not None:
        raise refused
    return None


def _by_class(name: str, folders: Iterable[Path]) -> FoundAlgorithm | None:
    """The class ``name`` of the first folder that has it so spelt, else in other case."""
    scans = [_scans(folder) for folder in folders]
    for same in (str, str.lower):
        for found in scans:
            fitting = [
                _found_in(scan.path, algorithm.name)
                for scan in found
                for algorithm in scan.algorithms
                if same(algorithm.name) == same(name)
            ]
            if len(fitting) > 1:
                raise _ambiguous(name, [found.name for found in fitting])
            if fitting:
                return fitting[0]
    return None


def _choose(scan: Scan, class_name: str | None, prefix: str) -> str:
    """The class of ``scan`` that is meant; ``prefix`` and a class's name make a name for ``-a``."""
    if scan.error is not None:
        raise ConfigError(_error_of(scan))
    where = display(scan.path)
    names = [found.name for found in scan.algorithms]
    if class_name is None:
        if not names:
            raise ConfigError(f"{where}: no class is decorated with @distbench; decorate the algorithm's")
        if len(scan.roots) > 1:
            raise _ambiguous(scan.path.stem, [f"{prefix}{root.name}" for root in scan.roots])
        return scan.roots[0].name
    if class_name in names or class_name in scan.imported:
        return class_name
    if any(found.name == class_name for found in scan.classes):
        raise ConfigError(f"{where}: class {class_name!r} is not decorated with @distbench; decorate it")
    loose = [name for name in names if name.lower() == class_name.lower()]
    if len(loose) == 1:
        return loose[0]
    close = nearest(class_name, names) or (f"; it has {', '.join(names)}" if names else "; it has none at all")
    raise ConfigError(f"{where}: no algorithm {class_name!r}{close}")


def _ambiguous(name: str, candidates: Iterable[str]) -> ConfigError:
    return ConfigError(f"algorithm {name!r} is ambiguous; choose one: {', '.join(f'-a {one}' for one in candidates)}")


def _unknown(name: str, folders: Sequence[Path]) -> ConfigError:
    entries = list_algorithms(folders)
    known = [entry.name for entry in entries] + [entry.class_name for entry in entries if entry.class_name]
    known += [f"{entry.path.stem}.{entry.class_name}" for entry in entries if entry.class_name]
    close = nearest(name, known) or nearest(name.lower(), known)
    if not close:
        shown = ", ".join(entry.name for entry in entries if entry.class_name and "." not in entry.name)
        close = f"; there are {shown}" if shown else "; give a file such as my_algorithm.py"
    unread = "".join(f" (not searched: {entry.error})" for entry in entries if entry.error)
    return ConfigError(f"no algorithm {name!r}{close}{unread}")


def _error_of(scan: Scan) -> str:
    line = f":{scan.error_line}" if scan.error_line else ""
    return f"{display(scan.path)}{line}: {scan.error}"


def _scans(folder: Path) -> list[Scan]:
    """The files of ``folder`` that have algorithms, or may have and cannot be parsed."""
    scans = []
    for path in _python_files(folder):
        try:
            marked = path.stat().st_size > MAX_BYTES or _MARK in path.read_bytes()
        except OSError:
            marked = True  # to say that it cannot be read
        if marked:
            scan = scan_file(path)
            if scan.error is not None or scan.algorithms:
                scans.append(scan)
    return scans


def _python_files(folder: Path) -> list[Path]:
    return [folder / name for name in sorted(_names_in(folder), key=natural_key) if not name.startswith(("_", "."))]


def _names_in(folder: Path) -> set[str]:
    try:
        return {name for name in os.listdir(folder) if name.endswith(".py")}
    except OSError:  # not every folder exists
        return set()


def _similar(path: Path) -> str:
    close = get_close_matches(path.name, _names_in(path.parent), 1)
    return f"; did you mean {str(path.parent / close[0])!r}?" if close else _some(_python_files(path.parent))


def _some(paths: Iterable[Path]) -> str:
    shown = [str(path) for path in paths][:4]
    return f"; there are {', '.join(shown)}" if shown else ""
