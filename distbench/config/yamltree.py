"""The tree of a YAML text: every node with its line, no value constructed yet.

Built from the parser's events and not by PyYAML's composer: that one takes five times as long, keeps no limit on
nesting (a hostile file ends the interpreter), and resolves names such as ``no`` and ``010`` to values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import yaml

from distbench.config.model import Place
from distbench.config.plain import MAX_DEPTH
from distbench.errors import ConfigError

_PREFIX: Final = "tag:yaml.org,2002:"
_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(slots=True)
class Scalar:
    """A text; ``plain`` if it was written without quotes, so that it may mean a number."""

    text: str
    tag: str
    line: int
    plain: bool


@dataclass(slots=True)
class Sequence:
    """A list."""

    tag: str
    line: int
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Mapping:
    """Keys and values in the order of the text, duplicates and merge keys included."""

    tag: str
    line: int
    pairs: list[tuple[Node, Node]] = field(default_factory=list)


Node = Scalar | Sequence | Mapping
At = Callable[[int], Place]


def parse_tree(text: str, at: At) -> Node | None:
    """The tree of the one document in ``text``, None for an empty one; ``at`` turns a line into a place.

    The tags are short (``int`` for ``!!int``); an empty one means that none was written. A node that has an anchor
    stands in the tree once for each mention, but never inside itself.
    """
    builder = _Builder(at)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = " ".join(filter(None, (error.context, error.problem)))
        if mark and "".join(text.splitlines()[mark.line : mark.line + 1])[mark.column :].startswith("\t"):
            problem = "a tab stands here; YAML indents with spaces only, so write spaces instead"
        raise ConfigError(f"{at(mark.line + 1 if mark else 1)}: invalid YAML: {problem}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else 1
        raise ConfigError(f"{at(line)}: not a text file: it holds a character that YAML forbids") from error
    except UnicodeEncodeError as error:  # half a surrogate pair, from a command line that is not UTF-8
        raise ConfigError(f"{at(1)}: not a text: it holds a character that YAML forbids") from error
    return builder.root


class _Builder:
    """Puts events together; keeps its own stack, so that depth costs no recursion."""

    def __init__(self, at: At) -> None:
        self.root: Node | None = None
        self._at = at
        self._open: list[Sequence | Mapping] = []
        self._keys: list[Node | None] = []  # for each open mapping the key that waits for its value
        self._anchors: dict[str, Node] = {}
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        """Add one event."""
        line = event.start_mark.line + 1 if event.start_mark else 1
        match event:
            case yaml.ScalarEvent():
                tag = _short(event.tag)
                self._add(Scalar(event.value, tag, line, bool(event.implicit[0]) and not tag), event.anchor)
            case yaml.AliasEvent():
                node = self._anchors.get(event.anchor or "")
                if node is None:
                    raise ConfigError(f"{self._at(line)}: no anchor &{event.anchor} stands before *{event.anchor}")
                if any(node is outer for outer in self._open):
                    raise ConfigError(f"{self._at(line)}: *{event.anchor} stands inside its own anchor &{event.anchor}")
                self._add(node, None)
            case yaml.SequenceStartEvent():
                self._enter(Sequence(_short(event.tag), line), event.anchor)
            case yaml.MappingStartEvent():
                self._enter(Mapping(_short(event.tag), line), event.anchor)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._open.pop()
                self._keys.pop()
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise ConfigError(
                        f"{self._at(line)}: a second document starts here (---); a config is one document"
                    )
            case _:
                pass  # the start and end of the stream and of the document

    def _enter(self, node: Sequence | Mapping, anchor: str | None) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise ConfigError(f"{self._at(node.line)}: values are nested more than {MAX_DEPTH} deep")
        self._add(node, anchor)
        self._open.append(node)
        self._keys.append(None)

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = node
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif (key := self._keys[-1]) is None:
            self._keys[-1] = node
        else:
            parent.pairs.append((key, node))
            self._keys[-1] = None


def _short(tag: str | None) -> str:
    return "" if tag is None or tag == "!" else tag.removeprefix(_PREFIX)  # PyYAML writes '!' for "as if plain"
