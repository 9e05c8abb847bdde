"""What did not fit, in a person's words."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from distbench.annotations import element_of, fields_of, member_for, show_type
from distbench.messages import is_message

_PATH: Final = re.compile(r" - at `(key(?:s)? in )?\$([^`]*)`$")
_STEP: Final = re.compile(r"\[(\d+|\.\.\.)\]|\.([^.\[]+)")
_WRONG_TYPE: Final = re.compile(r"Expected `[^`]*`, got `[^`]*`|Invalid (enum )?value .*|Expected `[^`]*`", re.DOTALL)
_UNKNOWN: Final = object()


def explain(error: Exception, value: object = _UNKNOWN, annotation: object = None) -> str:
    """The field, the expected and the found type, and the value, of what an encoder or decoder refused.

    ``value`` is what was to be sent and ``annotation`` what it should fit, where they are known.
    """
    if isinstance(error, RecursionError):
        return "the value contains itself or is nested too deep"
    text = "Expected an `int` of 64 bits, got a larger one" if isinstance(error, OverflowError) else str(error)
    path, in_key = "", False
    if isinstance(error, msgspec.MsgspecError):
        while found := _PATH.search(text):
            text, path, in_key = text[: found.start()], found[2] + path, in_key or bool(found[1])
    words, part, expected = _follow(path, value, annotation)
    if expected is not None and part is not _UNKNOWN and not in_key and _WRONG_TYPE.fullmatch(text):
        text = f"expected {show_type(expected)}, found {_name(part, expected)}"
    text = text.replace("Object contains", "it contains").replace(", got ", ", found ").replace("`", "")
    where = f"{words}{', a key' if in_key else ''}: " if words else ""
    text = f"{where}{text[:1].lower()}{text[1:]}"
    return text if value is _UNKNOWN else f"{text}, in {_short(value)}"


def _follow(path: str, value: Any, annotation: Any) -> tuple[str, Any, Any]:
    """``[1][0]`` of a message is ``votes[0]``: a message is written as an array of its tag and its fields."""
    words = ""
    for index, key in _STEP.findall(path):
        member = None if annotation is None or value is _UNKNOWN else member_for(annotation, value)
        if is_message(type(value)) and index.isdecimal():
            if int(index) == 0:
                break
            name = value.__struct_fields__[int(index) - 1]
            words, annotation = f"{words}.{name}", fields_of(member or type(value)).get(name)
            value = getattr(value, name)
            continue
        words += f"[{index}]" if index else f".{key}"
        if index.isdecimal() and isinstance(value, (list, tuple)) and int(index) < len(value):
            value, annotation = value[int(index)], element_of(member, int(index))
        else:
            value, annotation = _UNKNOWN, None
    return words.removeprefix("."), value, annotation


def _name(value: object, expected: object) -> str:
    """The type of a value, or the value where it has the right type."""
    cls = type(value)
    if isinstance(value, (str, int)) and member_for(expected, value) is None and not isinstance(expected, type):
        return f"{cls.__name__} {_short(value)}"
    if hasattr(cls, "__dataclass_fields__") and not is_message(cls):
        return f"{cls.__name__}, which has no @message"
    return cls.__name__


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
