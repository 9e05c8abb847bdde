"""Log files: one for each node, without colours."""

from __future__ import annotations

import logging
import os
import sys
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Final

from distbench.community import PeerId
from distbench.errors import ConfigError
from distbench.node.current import current_node
from distbench.report.files import file_name, make_folder
from distbench.report.logs import LineFormatter
from distbench.running.outcomes import failure_of

_MOST_OPEN: Final = 200
"""A process may have few files open at once; of more nodes, those that logged last stay open."""


class NodeLogs(logging.Handler):
    """Writes the records of each node to a file of its own, which a run starts anew; other files stay as they are."""

    def __init__(self, folder: str | os.PathLike[str], nodes: Iterable[PeerId], *, names: bool = False) -> None:
        """Make ``folder`` if need be, and an empty file for each node. ConfigError if one cannot be written."""
        super().__init__()
        self.setFormatter(LineFormatter(colour=False, names=names))
        self._folder = make_folder(folder, "--log-dir")
        self._paths = {node: self._folder / f"{file_name(node)}.log" for node in nodes}
        self._open: OrderedDict[PeerId, IO[str]] = OrderedDict()
        self._error: OSError | None = None
        for path in self._paths.values():
            try:
                path.write_text("", encoding="utf-8")
            except OSError as error:
                raise _unusable(path, error) from error

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record that was made in a step of a node, or tells of a node's failure."""
        scope, failure = current_node.get(), failure_of(record)
        node = failure.node if failure is not None else scope.node_id if scope is not None else None
        if node is not None:
            try:
                self.write(node, self.format(record))
            except Exception:  # noqa: BLE001 - as in every handler of logging; the merged stream tells what is wrong
                self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """A record that cannot be formatted is left out here."""

    def write(self, node: PeerId, line: str) -> None:
        """Add a line to the file of ``node``; once the disk is full, nothing more is tried."""
        if self._error is not None or node not in self._paths:
            return
        try:
            file = self._open.pop(node, None) or self._reopen(node)
            self._open[node] = file
            file.write(f"{line}\n")
        except OSError as error:
            self._error = error

    def _reopen(self, node: PeerId) -> IO[str]:
        if len(self._open) >= _MOST_OPEN:
            self._open.popitem(last=False)[1].close()
        return self._paths[node].open("a", encoding="utf-8", errors="backslashreplace", buffering=1)

    def close(self) -> None:
        """Close all files. ConfigError if a line could not be written."""
        super().close()
        while self._open:
            file = self._open.popitem()[1]
            try:
                file.close()
            except OSError as error:
                self._error = self._error or error
        if self._error is not None and sys.exception() is None:
            failed, self._error = self._error, None
            raise _unusable(self._folder, failed)


def _unusable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"--log-dir: cannot write {str(path)!r}: {error.strerror or error}")
