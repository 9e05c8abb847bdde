"""The class that was found, imported."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from distbench.config.discovery import FoundAlgorithm, find_algorithm
from distbench.config.locating import import_name, is_loaded_from
from distbench.errors import DefinitionError, DistbenchError


def load_algorithm(found: FoundAlgorithm | str) -> type:
    """The class itself, or the one that ``find_algorithm`` finds for a name; only its module is imported.

    A module that raises becomes a DefinitionError that names file and line, with the original as its cause.
    """
    if isinstance(found, str):
        found = find_algorithm(found)
    with _on_path(found.folder):
        try:
            module = _by_file(found) if found.by_file else importlib.import_module(found.module)
        except DistbenchError:  # says whose fault it is already
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001  # a user's module may raise anything
            raise _import_failure(found, error) from error
    cls = getattr(module, found.class_name, None)
    if not isinstance(cls, type):
        raise DefinitionError(f"{found.path}: it was imported, but defines no class {found.class_name!r}")
    return cls


def _by_file(found: FoundAlgorithm) -> ModuleType:
    name = found.module
    if is_loaded_from(name, found.path):
        return sys.modules[name]
    if name in sys.modules:  # somebody else has come to that name since the algorithm was found
        name = import_name(found.path)
    spec = importlib.util.spec_from_file_location(name, found.path)
    if spec is None or spec.loader is None:
        raise DefinitionError(f"{found.path}: Python cannot import a file of this kind; name it .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and annotations look their module up there
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


@contextmanager
def _on_path(folder: Path | None) -> Iterator[None]:
    """With ``folder`` first on ``sys.path``, so that a file finds the modules beside it."""
    if folder is None:
        yield
        return
    entry = str(folder)
    sys.path_importer_cache.pop(entry, None)  # a file may have come since the folder was listed
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        if entry in sys.path:
            sys.path.remove(entry)


def _import_failure(found: FoundAlgorithm, error: BaseException) -> DefinitionError:
    file, line = str(found.path), None
    if isinstance(error, SyntaxError) and error.filename:
        file, line = error.filename, error.lineno
    else:
        own = str(found.path.parent)
        for frame, number in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename.startswith(own):
                file, line = frame.f_code.co_filename, number
    where = f"{file}:{line}" if line else file
    hint = "; give it as package.module:Class" if "relative import" in str(error) and found.by_file else ""
    return DefinitionError(f"{where}: importing it raised {type(error).__name__}: {error}{hint}")
