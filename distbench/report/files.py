"""Report files: one for each node, one JSON line for each run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Set
from pathlib import Path

from distbench.community import PeerId
from distbench.errors import ConfigError
from distbench.running.result import RunResult

_UNSAFE = frozenset('/\\:*?"<>|%')
_DEEPEST = 50


class ReportFiles:
    """The report files of a run's nodes in one folder, found writable before the run."""

    def __init__(self, folder: str | os.PathLike[str], nodes: Iterable[PeerId]) -> None:
        """Make ``folder`` if need be. Raises ConfigError if one of the files could not be written."""
        self._folder = Path(folder)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(self._folder, error.strerror) from error
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise self._unusable(self._folder, "no permission to write there")
        self._paths = {node: self._folder / f"{file_name(node)}.json" for node in nodes}
        for path in self._paths.values():
            if path.is_dir():
                raise self._unusable(path, "is a folder")
            if path.exists() and not os.access(path, os.W_OK):
                raise self._unusable(path, "no permission to write to it")

    def append(self, result: RunResult) -> None:
        """Add the run's line to the file of each node that it names."""
        for node in result.nodes:
            path = self._paths[node]
            try:
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(report_line(result, node)) + "\n")
            except OSError as error:
                raise self._unusable(path, error.strerror) from error

    @staticmethod
    def _unusable(path: Path, why: str | None) -> ConfigError:
        return ConfigError(f"--report-dir: cannot write {str(path)!r}: {why}")


def report_line(result: RunResult, node: PeerId) -> dict[str, object]:
    """What one line of a node's report file says; times in seconds, ``""`` is the top layer's path."""
    one = result.nodes[node]
    return {
        "node": node,
        "algorithm": one.algorithm,
        "mode": result.mode,
        "seed": result.seed,
        "outcome": result.outcome.value,
        "end": one.end.value,
        "elapsed_time": one.elapsed_time,
        "messages_received": one.messages_received(),
        "messages_sent": one.messages_out,
        "bytes_received": one.bytes_in,
        "bytes_sent": one.bytes_out,
        "dropped": dict(one.dropped),
        "details": to_json(result.reports.get(node, {})),
    }


def file_name(node: str) -> str:
    """``node`` as a name that leads out of no folder: characters that mean something there are written as %2F."""
    safe = "".join(f"%{ord(char):02X}" if char in _UNSAFE or not char.isprintable() else char for char in node)
    return f"%2E{safe[1:]}" if safe.startswith(".") else safe


def to_json(value: object, depth: int = 0) -> object:
    """``value`` as JSON can hold it: collections as lists and objects, any other thing as its text."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return str(value)
        case float():
            return value if value - value == 0 else str(value)  # JSON knows no NaN and no infinity
        case _ if depth >= _DEEPEST:
            return "…"
        case Mapping():
            return {str(key): to_json(item, depth + 1) for key, item in value.items()}
        case list() | tuple():
            return [to_json(item, depth + 1) for item in value]
        case Set():
            return sorted((to_json(item, depth + 1) for item in value), key=repr)
        case _:
            return str(value)
