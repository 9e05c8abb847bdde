"""What did not fit, in a person's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from distbench.messages import is_message
from distbench.misfits import Misfit, short
from distbench.outgoing import ValueFinder
from distbench.shapes import SCALARS
from distbench.signing import Signed

_PLACE: Final = re.compile(r" - at `[^`]*`( in `[^`]*`)?$")
_WORDS: Final = {
    "`array`": "a list or message",
    "`object`": "a dict",
    "`null`": "None",
    "Object contains": "it contains",
}
_UNKNOWN: Final = object()


def explain(error: Exception, value: object = _UNKNOWN, annotation: object = None) -> str:
    """The field, the expected and the found type, and the value, of what an encoder or decoder refused.

    ``value`` is what was to be sent and ``annotation`` what it should fit, where they are known.
    """
    if isinstance(error, RecursionError):
        return "the value contains itself or is nested too deep"
    known = value is not _UNKNOWN
    text = _refused(error, value, annotation) if known else _plain(str(error))
    return f"{text}, in {short(value)}" if known and value is not None else text


def _refused(error: Exception, value: object, annotation: object) -> str:
    """Why a value cannot be sent: an encoder does not say where, a decoder knows only what was written."""
    if isinstance(error, Misfit):
        return str(error).replace("`", "")
    if isinstance(error, (TypeError, UnicodeEncodeError)):
        path, _ = next(_search(value, _culprit(error)), ("", None))
        return f"{path}: {_plain(str(error))}" if path else _plain(str(error))
    misfit = ValueFinder(deep=True).find(value, annotation)
    return _plain(str(error)) if misfit is None else str(misfit).replace("`", "")


def _plain(text: str) -> str:
    """The words of msgspec, without its own names for types and places."""
    while place := _PLACE.search(text):
        text = text[: place.start()]
    for word, plain in _WORDS.items():
        text = text.replace(word, plain)
    return text[:1].lower() + text[1:].replace(", got ", ", found ").replace("`", "")


def _search(value: Any, is_wrong: Callable[[Any], bool], words: str = "") -> Iterator[tuple[str, Any]]:
    """Where in a value the parts stand that an encoder cannot write: it does not say."""
    if is_wrong(value):
        yield words.removeprefix("."), value
    elif is_message(type(value)):
        for name in value.__struct_fields__:
            yield from _search(getattr(value, name), is_wrong, f"{words}.{name}")
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _search(item, is_wrong, f"{words}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _search(key, is_wrong, f"{words}[{key!r}]")
            yield from _search(item, is_wrong, f"{words}[{key!r}]")


def _culprit(error: Exception) -> Callable[[Any], bool]:
    if isinstance(error, UnicodeEncodeError):
        return lambda part: isinstance(part, str) and any("\ud800" <= letter <= "\udfff" for letter in part)
    plain = (*(kind for kind in SCALARS), int, float, list, tuple, dict, set, frozenset, Signed)
    return lambda part: not isinstance(part, plain) and not is_message(type(part))
