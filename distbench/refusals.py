"""What did not fit, in a person's words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, get_args

import msgspec

from distbench.annotations import element_of, fields_of, member_for, show_type
from distbench.messages import is_message
from distbench.shapes import SCALARS
from distbench.signing import Signed

_PATH: Final = re.compile(r" - at (`keys?` in )?`(?:key in )?\$([^`]*)`$")
_STEP: Final = re.compile(r"\[(\d+|\.\.\.)\]|\.([^.\[]+)")
_WRONG_TYPE: Final = re.compile(
    r"Expected `[^`]*`(?:, got `(?P<found>[^`]*)`)?|Expected a signed message|Invalid .*", re.DOTALL
)
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
    text, words = str(error), ""
    if isinstance(error, msgspec.MsgspecError):
        text, words = _decoding(text, value, annotation)
    elif value is not _UNKNOWN:
        words, found = next(_search(value, _culprit(error)), ("", None))
        if isinstance(error, OverflowError):
            text = f"expected an int of 64 bits, found {_short(found)}"
    for word, plain in _WORDS.items():
        text = text.replace(word, plain)
    text = text.replace(", got ", ", found ").replace("`", "")
    text = f"{words}: {text[:1].lower()}{text[1:]}" if words else text[:1].lower() + text[1:]
    return text if value is _UNKNOWN or value is None else f"{text}, in {_short(value)}"


def _decoding(text: str, value: object, annotation: object) -> tuple[str, str]:
    """The error of a decoder: its text, and the words for where it stands."""
    path, in_key = "", False
    while place := _PATH.search(text):
        text, path, in_key = text[: place.start()], place[2] + path, in_key or bool(place[1])
    words, part, expected = _follow(path, value, annotation)
    wrong = _WRONG_TYPE.fullmatch(text)
    if in_key:
        return text, f"a key of {words or 'the dict'}"
    if isinstance(part, float) and part - part != 0.0:
        text = f"expected a finite float, found {part}"
    elif isinstance(part, int) and not -(2**63) <= part < 2**63:
        text = f"expected an int of 64 bits, found {_short(part)}"
    elif wrong and expected is not None and part is not _UNKNOWN:
        text = f"expected {show_type(expected)}, found {_name(part, expected)}"
    elif wrong and expected is not None and wrong["found"]:
        text = f"expected {show_type(expected)}, got `{wrong['found']}`"
    return text, words


def _follow(path: str, value: Any, annotation: Any) -> tuple[str, Any, Any]:
    """``[1][0]`` of a message is ``votes[0]``: a message is written as an array of its tag and its fields."""
    words = ""
    for index, key in _STEP.findall(path):
        here = value, annotation
        member = None if annotation is None or value is _UNKNOWN else member_for(annotation, value)
        while isinstance(value, Signed) and member is not None:  # the path goes on in its payload
            annotation = (get_args(member) or (Any,))[0]
            value = value.unwrap()
            member = member_for(annotation, value)
        if isinstance(value, Signed) or (is_message(type(value)) and index == "0"):
            return words.removeprefix("."), *here  # another class than expected
        if is_message(type(value)) and index.isdecimal():
            name = value.__struct_fields__[int(index) - 1]
            words, annotation = f"{words}.{name}", fields_of(member or type(value)).get(name)
            value = getattr(value, name)
            continue
        words += f"[{index}]" if index else f".{key}"
        annotation = element_of(member, int(index) if index.isdecimal() else 0)
        known = index.isdecimal() and isinstance(value, (list, tuple)) and int(index) < len(value)
        value = value[int(index)] if known else _UNKNOWN
    return words.removeprefix("."), value, annotation


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
    if isinstance(error, OverflowError):
        return lambda part: isinstance(part, int) and not -(2**63) <= part < 2**63
    if isinstance(error, UnicodeEncodeError):
        return lambda part: isinstance(part, str) and any("\ud800" <= letter <= "\udfff" for letter in part)
    if isinstance(error, TypeError):
        plain = (*(kind for kind in SCALARS), int, float, list, tuple, dict, set, frozenset, Signed)
        return lambda part: not isinstance(part, plain) and not is_message(type(part))
    return lambda part: False


def _name(value: object, expected: object) -> str:
    """The type of a value, or the value where its type is right."""
    cls = type(value)
    if isinstance(value, Signed):
        return f"Signed[{type(value.unwrap()).__name__}]"
    if isinstance(value, (str, int)) and member_for(expected, value) is None and not isinstance(expected, type):
        return f"{cls.__name__} {_short(value)}"
    if hasattr(cls, "__dataclass_fields__") and not is_message(cls):
        return f"{cls.__name__}, which has no @message"
    return "None" if value is None else cls.__name__


def _short(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # an int of very many digits
        return "a very large number"
    return text if len(text) <= 200 else f"{text[:200]}…"
