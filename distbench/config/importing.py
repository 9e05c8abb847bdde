"""The class that was found, imported."""

from __future__ import annotations

import importlib
import importlib.util
import linecache
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final

from distbench.config.locating import FoundAlgorithm, display, import_name, is_loaded_from
from distbench.errors import DefinitionError, DistbenchError

_MODULE_CALLED: Final = "'module' object is not callable"  # from 3.13 on Python adds a guess of its own


def import_class(found: FoundAlgorithm) -> type:
    """The class itself. What its module raises becomes a DefinitionError that names file and line."""
    with _on_path(found.folder):
        try:
            module = _by_file(found) if found.by_file else importlib.import_module(found.module)
        except (Exception, SystemExit) as error:  # a user's module may raise anything
            raise _import_failure(found, error) from error
    cls = getattr(module, found.class_name, None)
    if not isinstance(cls, type):
        raise DefinitionError(f"{display(found.path)}: it was imported, but defines no class {found.class_name!r}")
    return cls


def _by_file(found: FoundAlgorithm) -> ModuleType:
    name = found.module
    if is_loaded_from(name, found.path):
        return sys.modules[name]
    if name in sys.modules:  # somebody else has come to that name since the algorithm was found
        name = import_name(found.path)
    spec = importlib.util.spec_from_file_location(name, found.path)
    if spec is None or spec.loader is None:
        raise DefinitionError(f"{display(found.path)}: Python cannot import a file of this kind; name it .py")
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
    """With ``folder`` first on ``sys.path``, so that a file finds the modules beside it.

    Only the standard library goes before: an algorithm in a file called token.py or queue.py must break no other.
    """
    if folder is None:
        yield
        return
    standard = Path(os.__file__).parent
    entries = [entry for entry in sys.path if entry in (str(standard), str(standard / "lib-dynload"))]
    entries.append(str(folder))
    sys.path_importer_cache.pop(str(folder), None)  # a file may have come since the folder was listed
    sys.path[:0] = entries
    try:
        yield
    finally:
        for entry in entries:  # one by one: the module may have changed sys.path itself
            if entry in sys.path:
                sys.path.remove(entry)


def _import_failure(found: FoundAlgorithm, error: BaseException) -> DefinitionError:
    file, line, hint = str(found.path), None, ""
    if isinstance(error, SyntaxError) and error.filename:
        file, line = error.filename, error.lineno
    else:
        own = str(found.path.parent)
        for frame, number in traceback.walk_tb(error.__traceback__):
            if frame.f_code.co_filename.startswith(own):
                file, line = frame.f_code.co_filename, number
                hint = _hint_at_bare_mark(error, frame.f_globals, linecache.getline(file, number))
    file = display(Path(file))
    where = f"{file}:{line}" if line else file
    if isinstance(error, DistbenchError):  # a decorator's: it says what is wrong, but not always where
        return DefinitionError(str(error) if Path(file).name in str(error) else f"{where}: {error}")
    if "relative import" in str(error) and found.by_file:
        hint = "; give it as package.module:Class"
    return DefinitionError(f"{where}: importing it raised {type(error).__name__}: {error}{hint}")


def _hint_at_bare_mark(error: BaseException, names: Mapping[str, object], line: str) -> str:
    """What to write where ``@distbench`` names the package, after ``import distbench``."""
    mark = re.match(r"\s*@(\w+)\s*(#|$)", line)
    if mark is None or not isinstance(error, TypeError) or not str(error).startswith(_MODULE_CALLED):
        return ""
    if names.get(mark[1]) is not sys.modules.get("distbench"):
        return ""
    return f"; write '@{mark[1]}.distbench', or 'from distbench import distbench'"
