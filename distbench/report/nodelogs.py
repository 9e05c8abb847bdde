"""Log files: one for each node, without colours."""

from __future__ import annotations

import errno
import logging
import mmap
import os
import sys
from collections import OrderedDict
from collections.abc import Iterable
from io import FileIO
from pathlib import Path
from typing import Final

from distbench.community import PeerId
from distbench.errors import ConfigError
from distbench.node.current import current_node
from distbench.report.files import file_name, make_folder
from distbench.report.logs import LineFormatter
from distbench.running.outcomes import failure_of
from distbench.running.unheard import Words
from distbench.words import plural

_MOST_OPEN: Final = 200
"""A process may have few files open at once; of more nodes, those that logged last stay open."""


class NodeLogs:
    """Writes the records of each node to a file of its own, which a run starts anew; other files stay as they are.

    Nodes in processes of their own write to theirs; what goes wrong there is known here as well.
    """

    def __init__(self, folder: str | os.PathLike[str], nodes: Iterable[PeerId], *, names: bool = False) -> None:
        """Make ``folder`` if need be, and an empty file for each node. ConfigError if one cannot be written."""
        self._formatter = LineFormatter(colour=False, names=names)
        self._folder = make_folder(folder, "--log-dir")
        self._paths = {node: self._folder / f"{file_name(node)}.log" for node in nodes}
        self._places = {node: place for place, node in enumerate(self._paths)}
        self._errors = mmap.mmap(-1, max(1, len(self._paths)))
        """Of each node's file, the number of the error that ended it, else 0; shared with the processes of nodes."""
        self._open: OrderedDict[PeerId, FileIO] = OrderedDict()
        for path in self._paths.values():
            try:
                path.write_text("", encoding="utf-8")
            except OSError as error:
                raise _unusable(path, error.strerror) from error

    def wants(self, name: str) -> bool:
        """Whether records of that logger have a place here; a record is looked at one by one."""
        return True

    def take(self, record: logging.LogRecord, words: Words) -> None:
        """Write a record that was made in a step of a node, or tells of a node's failure.

        One that cannot be formatted is left out; the merged stream tells what is wrong.
        """
        scope, failure = current_node.get(), failure_of(record)
        node = failure.node if failure is not None else scope.node_id if scope is not None else None
        if node is not None and not words.problem:
            self.write(node, self._formatter.render(record, words))

    def write(self, node: PeerId, line: str) -> None:
        """Add a line to the file of ``node``, whole or not at all; once that failed, nothing more is tried."""
        place = self._places.get(node)
        if place is None or self._errors[place]:
            return
        try:
            file = self._open.pop(node, None) or self._reopen(node)
            self._open[node] = file
            _write(file, f"{line}\n".encode(errors="backslashreplace"))
        except OSError as error:
            self._errors[place] = error.errno or errno.EIO

    def _reopen(self, node: PeerId) -> FileIO:
        if len(self._open) >= _MOST_OPEN:
            self._open.popitem(last=False)[1].close()
        return self._paths[node].open("ab", buffering=0)

    def close(self) -> None:
        """Close all files. ConfigError if a line could not be written."""
        while self._open:
            self._open.popitem()[1].close()
        failed = [(path, number) for path, number in zip(self._paths.values(), self._errors[:], strict=False) if number]
        if failed and sys.exception() is None:
            self._errors[:] = bytes(len(self._errors))
            path, number = failed[0]
            more = f" and {plural(len(failed) - 1, 'more file')}" if len(failed) > 1 else ""
            raise ConfigError(f"--log-dir: cannot write {str(path)!r}{more}: {os.strerror(number)}")


def _write(file: FileIO, line: bytes) -> None:
    """Write all of it, or take back what there is of it."""
    written = 0
    try:
        while written < len(line):
            written += file.write(line[written:]) or 0
    except OSError:
        if written:
            file.truncate(os.fstat(file.fileno()).st_size - written)
        raise


def _unusable(path: Path, why: str | None) -> ConfigError:
    return ConfigError(f"--log-dir: cannot write {str(path)!r}: {why}")
