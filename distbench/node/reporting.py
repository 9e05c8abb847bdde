"""What ``report`` returned, as plain values that every format and table can show, and every link can carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from distbench.node.failures import writable

_INTEGERS = range(-(2**63), 2**64)


def readable(report: object) -> dict[str, object]:
    """The report with texts for keys, and plain values. Raises TypeError for what is no report."""
    if report is None:
        return {}
    if not isinstance(report, Mapping):
        raise TypeError(f"report() returns a dictionary, not {type(report).__name__}")
    try:
        plain: dict[str, object] = _plain(report)
    except RecursionError:
        raise TypeError("report() returns values that contain themselves, or are nested too deeply") from None
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if type(value) is str:
        return writable(value)
    if isinstance(value, int):
        return value if value in _INTEGERS else str(value)
    plain = msgspec.to_builtins(value, enc_hook=str, str_keys=True)
    return plain if plain is value else _plain(plain)


def _key(key: Any) -> str:
    """Numbers, dates and enums as a format writes them; of all else what ``str`` makes of it."""
    try:
        [name] = msgspec.to_builtins({key: None}, str_keys=True)
    except TypeError:
        name = key
    return writable(str(name))
