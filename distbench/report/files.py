"""Report files: one for each node, one JSON line for each run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Set
from pathlib import Path

from distbench.community import PeerId
from distbench.errors import ConfigError
from distbench.running.result import RunResult
from distbench.writing import append_whole, shortened

_UNSAFE = frozenset('/\\:*?"<>|%')
_DEEPEST = 50


class ReportFiles:
    """The report files of a run's nodes in one folder, found writable before the run."""

    def __init__(self, folder: str | os.PathLike[str], nodes: Iterable[PeerId]) -> None:
        """Make ``folder`` if need be. Raises ConfigError if one of the files could not be written."""
        self._folder = make_folder(folder, "--report-dir")
        self._paths = {node: self._folder / f"{file_name(node)}.json" for node in nodes}
        for path in self._paths.values():
            try:
                if path.is_dir():
                    raise self._unusable(path, "is a folder")
                if path.exists() and not os.access(path, os.W_OK):
                    raise self._unusable(path, "no permission to write to it")
            except OSError as error:
                raise self._unusable(path, error.strerror) from error

    def append(self, result: RunResult) -> None:
        """Add the run's line to the file of each node that has one here."""
        self.append_lines([report_lines(result)])

    def append_lines(self, runs: Iterable[Mapping[PeerId, str]]) -> None:
        """Add the lines of some runs, as ``report_lines`` gives them."""
        lines: dict[PeerId, list[str]] = {}
        for run in runs:
            for node, line in run.items():
                if node in self._paths:
                    lines.setdefault(node, []).append(line)
        for node, some in lines.items():
            path = self._paths[node]
            try:
                append_whole(path, "".join(some).encode())
            except OSError as error:
                raise self._unusable(path, error.strerror) from error

    @staticmethod
    def _unusable(path: Path, why: str | None) -> ConfigError:
        return ConfigError(f"--report-dir: cannot write {str(path)!r}: {why}")


def make_folder(folder: str | os.PathLike[str], option: str) -> Path:
    """``folder``, made if need be. Raises ConfigError that names ``option`` if nothing can be written there."""
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{option}: cannot write {str(path)!r}: {error.strerror}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise ConfigError(f"{option}: cannot write {str(path)!r}: no permission to write there")
    return path.absolute()  # an algorithm may change the current folder


def report_lines(result: RunResult) -> dict[PeerId, str]:
    """The line of each node, with its newline."""
    return {node: json.dumps(report_line(result, node)) + "\n" for node in result.nodes}


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
        "refused": dict(one.refused),
        "details": to_json(result.reports.get(node, {})),
    }


def file_name(node: str) -> str:
    """``node`` as a name that leads out of no folder: characters that mean something there are written as %2F.

    Two nodes have two names. One that would be too long for a file is cut, and ends in a digest.
    """
    safe = "".join(_escaped(char) if char in _UNSAFE or not char.isprintable() else char for char in node)
    return shortened(f"%2E{safe[1:]}" if safe.startswith(".") else safe)


def _escaped(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))


def to_json(value: object, depth: int = 0) -> object:
    """``value`` as JSON can hold it: collections as lists and objects, any other thing as its text."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return _text(value)
        case float():
            return value if value - value == 0 else str(value)  # JSON knows no NaN and no infinity
        case _ if depth >= _DEEPEST:
            return "…"
        case Mapping():
            return {_text(str(key)): to_json(item, depth + 1) for key, item in value.items()}
        case list() | tuple():
            return [to_json(item, depth + 1) for item in value]
        case Set():
            return sorted((to_json(item, depth + 1) for item in value), key=repr)
        case _:
            return _text(str(value))


def _text(text: str) -> str:
    """``text`` with half characters, which JSON cannot hold, written as escapes."""
    return str(text) if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
