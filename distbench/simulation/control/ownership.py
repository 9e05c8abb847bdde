"""Which modules are the user's own: neither of the standard library, nor installed, nor distbench itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any, Final

_FILES: Final = (os.__file__, os.path.realpath(os.__file__))
_STANDARD: Final = tuple(os.path.join(os.path.dirname(file), "") for file in _FILES)
_INSTALLED: Final = ("site-packages", "dist-packages")
_OURS: Final = ("distbench", "distbench_start")
_SHIPPED: Final = "distbench.algorithms."


def is_of_user(name: str, file: str | None) -> bool:
    """Whether the module of that name, loaded from ``file``, is; the shipped algorithms count as if it were.

    A package installed to be edited lies in the user's folders, and is judged by that.
    """
    top = name.partition(".")[0]
    if top in _OURS:
        return name.startswith(_SHIPPED)
    if not isinstance(file, str):  # made by code, or in a notebook
        return top not in sys.stdlib_module_names and top not in sys.builtin_module_names
    if file.startswith("<"):  # frozen
        return False
    parts = file.replace("\\", "/").split("/")
    if file.startswith(_STANDARD) or any(part in parts for part in _INSTALLED):
        return False
    return not os.path.realpath(file).startswith(_STANDARD)


def names_in(module: object) -> dict[str, Any]:
    """The namespace of what stands in ``sys.modules``; a module that loads itself when it is used stays as it is."""
    try:
        names = object.__getattribute__(module, "__dict__")
    except AttributeError:
        return {}
    return names if isinstance(names, dict) else {}


class Modules:
    """The user's modules that are loaded, found anew only where something was loaded or removed."""

    def __init__(self) -> None:
        self._loaded: list[ModuleType] = []
        self._found: dict[str, tuple[ModuleType, dict[str, Any] | None]] = {}
        self._namespaces: list[dict[str, Any]] = []
        self._ids: set[int] = set()

    def namespaces(self) -> list[dict[str, Any]]:
        """The names of each of them."""
        loaded = list(sys.modules.values())
        if loaded != self._loaded:
            self._loaded = loaded
            self._found = {name: self._judged(name, module) for name, module in list(sys.modules.items())}
            self._namespaces = list(_once(names for _, names in self._found.values() if names is not None))
            self._ids = {id(names) for names in self._namespaces}
        return self._namespaces

    def has(self, names: dict[str, Any]) -> bool:
        """Whether these are the names of one of them, as of the last look."""
        return id(names) in self._ids

    def _judged(self, name: str, module: ModuleType) -> tuple[ModuleType, dict[str, Any] | None]:
        before = self._found.get(name)
        if before is not None and before[0] is module:
            return before
        names = names_in(module)
        return module, names if names and is_of_user(name, names.get("__file__")) else None


def _once(namespaces: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    return {id(names): names for names in namespaces}.values()
