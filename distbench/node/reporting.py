"""What ``report`` returned, as plain values that every format and table can show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


def readable(report: object) -> dict[str, object]:
    """The report with texts for keys, and plain values. Raises TypeError for what is no report."""
    if report is None:
        return {}
    if not isinstance(report, Mapping):
        raise TypeError(f"report() returns a dictionary, not {type(report).__name__}")
    plain: dict[str, object] = _plain(report)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return msgspec.to_builtins(value, enc_hook=str, str_keys=True)


def _key(key: Any) -> str:
    """Numbers, dates and enums as a format writes them; of all else what ``str`` makes of it."""
    if isinstance(key, str):
        return str(msgspec.to_builtins(key))
    try:
        [name] = msgspec.to_builtins({key: None}, str_keys=True)
    except TypeError:
        return str(key)
    return str(name)
