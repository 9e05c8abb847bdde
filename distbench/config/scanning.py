"""What a Python file defines, found out without running it."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_MARK: Final = "distbench"
_CHILD_MARK: Final = "child_algorithm"
MAX_BYTES: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class ScannedClass:
    """A class at the top level of a module."""

    name: str
    marked: bool
    """Decorated with ``@distbench``."""
    summary: str
    """First line of the docstring, or nothing."""
    bases: frozenset[str]
    children: frozenset[str]
    """Every name that stands in a ``child_algorithm(…)`` or in the annotation before it."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One file. ``error`` is set, and the rest empty, where it cannot be read or is no Python."""

    path: Path
    classes: tuple[ScannedClass, ...] = ()
    imported: frozenset[str] = frozenset()
    """Names that the module's top level imports from other modules."""
    summary: str = ""
    error: str | None = None
    error_line: int | None = None

    @property
    def algorithms(self) -> tuple[ScannedClass, ...]:
        """The classes decorated with ``@distbench``, in the order of the file."""
        return tuple(found for found in self.classes if found.marked)

    @property
    def roots(self) -> tuple[ScannedClass, ...]:
        """The algorithms that are no other's child: one, where the module has one to run.

        A class derived from a child is a child too, as long as something else is left.
        """
        algorithms = self.algorithms
        children = {child for parent in self.classes for child in parent.children if child != parent.name}
        roots = tuple(found for found in algorithms if found.name not in children)
        kinds = set(children)
        for found in self.classes:  # a base stands before what is derived from it
            if found.bases & kinds:
                kinds.add(found.name)
        return tuple(found for found in roots if found.name not in kinds) or roots or algorithms


def scan_file(path: Path) -> Scan:
    """What ``path`` defines; never raises for what stands in it."""
    try:
        with path.open("rb") as file:
            source = file.read(MAX_BYTES + 1)
    except OSError as error:
        return Scan(path, error=f"cannot be read: {error.strerror or error}")
    if len(source) > MAX_BYTES:
        return Scan(path, error=f"it is too large for an algorithm, {MAX_BYTES:,} bytes are the most")
    return scan_source(source, path)


def scan_source(source: bytes, path: Path) -> Scan:
    """What the file ``path`` with the text ``source`` defines."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a wrong escape in a string is reported when the module is imported
            tree = ast.parse(source, str(path))
            statements = list(_top_level(tree.body))
            aliases = _aliases(statements)
            classes = tuple(_class(node, aliases) for node in statements if isinstance(node, ast.ClassDef))
            return Scan(path, classes, frozenset(_imported(statements)), _first_line(ast.get_docstring(tree)))
    except SyntaxError as error:
        return Scan(path, error=f"syntax error: {error.msg}", error_line=error.lineno)
    except (ValueError, RecursionError, MemoryError) as error:  # a NUL; an expression nested without end
        return Scan(path, error=f"cannot be parsed: {str(error) or type(error).__name__}")


def _top_level(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run at import in the module's own scope, those under ``if`` and ``try`` included."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With):
            yield from _top_level(statement.body)
        if isinstance(statement, ast.If | ast.Try):
            yield from _top_level(statement.orelse)
        if isinstance(statement, ast.Try):
            yield from _top_level(inner for handler in statement.handlers for inner in handler.body)
            yield from _top_level(statement.finalbody)


def _aliases(statements: Iterable[ast.stmt]) -> dict[str, str]:
    """What ``from distbench import distbench as algorithm`` renames, by the new name."""
    return {
        name.asname: name.name
        for statement in statements
        if isinstance(statement, ast.ImportFrom)
        for name in statement.names
        if name.asname and name.name in (_MARK, _CHILD_MARK)
    }


def _imported(statements: Iterable[ast.stmt]) -> Iterator[str]:
    for statement in statements:
        if isinstance(statement, ast.ImportFrom):
            yield from (name.asname or name.name for name in statement.names)


def _class(node: ast.ClassDef, aliases: dict[str, str]) -> ScannedClass:
    children: set[str] = set()
    for statement in node.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and _is_call(statement.value, _CHILD_MARK, aliases):
            children.update(_names(statement.value))
            if isinstance(statement, ast.AnnAssign):
                children.update(_names(statement.annotation))
    return ScannedClass(
        node.name,
        any(_is_mark(decorator, aliases) for decorator in node.decorator_list),
        _first_line(ast.get_docstring(node)),
        frozenset(name for base in node.bases for name in _names(base)),
        frozenset(children),
    )


def _is_mark(decorator: ast.expr, aliases: dict[str, str]) -> bool:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return _last_name(target, aliases) == _MARK


def _is_call(value: ast.expr | None, name: str, aliases: dict[str, str]) -> bool:
    return isinstance(value, ast.Call) and _last_name(value.func, aliases) == name


def _last_name(expression: ast.expr, aliases: dict[str, str]) -> str | None:
    match expression:
        case ast.Name(id=name):
            return aliases.get(name, name)
        case ast.Attribute(attr=name):
            return name
        case _:
            return None


def _names(expression: ast.expr | None) -> Iterator[str]:
    """All names in an expression, those inside a quoted annotation included."""
    for node in ast.walk(expression) if expression is not None else ():
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield name
            case ast.Constant(value=str(text)) if len(text) < 1000:
                try:
                    quoted = ast.parse(text.strip(), mode="eval").body
                except (SyntaxError, ValueError):
                    continue
                if not isinstance(quoted, ast.Constant):
                    yield from _names(quoted)
            case _:
                pass


def _first_line(docstring: str | None) -> str:
    return next(iter((docstring or "").strip().splitlines()), "").strip()
