"""Misfits in what was received: lists, dicts and plain values, in which a message begins with its name."""

from __future__ import annotations

import typing
from typing import Any, Final, get_args

import msgspec

from distbench.annotations import ARRAYS, MAPS, class_of, element_of, members
from distbench.messages import is_message, message_class, tag_of
from distbench.misfits import Finder, Misfit, kind_name, of_dict, short, unfit_plain
from distbench.records import is_record
from distbench.shapes import INT
from distbench.signing import Signed

_DICT: Final[Any] = dict  # for mypy, which takes no variable in an annotation


class WireFinder(Finder):
    """In what was received."""

    def __init__(self, signed_tag: str, list_tag: str, kind: Any) -> None:
        """``kind`` is ``msgspec.json`` or ``msgspec.msgpack``."""
        super().__init__()
        self._signed, self._list = signed_tag, list_tag
        self._kind = kind

    def fits(self, thing: Any, member: Any) -> bool:
        cls = class_of(member)
        if cls is Signed:
            if self._class(thing) is not Signed:
                return False
            inner, value = members((get_args(member) or (Any,))[0]), self._payload(thing)
            return Any in inner or any(self.fits(value, each) for each in inner)
        if is_message(cls):
            return isinstance(thing, list) and thing[:1] == [tag_of(cls)]
        if is_record(cls):
            return isinstance(thing, list if self.record(member).by_place else dict)
        if cls in MAPS:
            return isinstance(thing, dict)
        if cls in ARRAYS:
            return isinstance(thing, list) and (self._class(thing) is None or self._takes_text(member))
        if cls is int:
            return type(thing) is int and -(2**63) <= thing < 2**63
        if cls is float:
            return type(thing) in (int, float) and thing - thing == 0
        return self._is(thing, member)

    def _is(self, thing: Any, decoded: Any) -> bool:
        try:
            self._kind.decode(self._kind.encode(thing), type=decoded)
        except (ValueError, TypeError, OverflowError, RecursionError):
            return False
        return True

    def _takes_text(self, member: Any) -> bool:
        return any(part in (Any, object, str) for part in members(element_of(member, 0)))

    def _class(self, thing: Any) -> Any:
        """The class of a written message, or Signed."""
        tag = thing[0] if isinstance(thing, list) and thing and isinstance(thing[0], str) else ""
        if tag == self._signed and len(thing) == 4:
            try:
                self._payload(thing)
            except (ValueError, TypeError):
                return None
            return Signed
        return message_class(tag)

    def _payload(self, thing: Any) -> Any:
        payload = thing[3] if isinstance(thing[3], bytes) else msgspec.convert(thing[3], bytes, builtin_types=())
        return self._kind.decode(payload)

    def inside(self, thing: Any, member: Any, path: str) -> Misfit | None:
        cls = class_of(member)
        if cls is Signed:
            return self.find(self._payload(thing), (get_args(member) or (Any,))[0], path)
        if is_message(cls):
            hints = self.fields(member)
            if len(thing) > len(hints) + 1:
                return Misfit(path, f"expected {cls.__name__} of {len(hints)} fields, found {len(thing) - 1}")
            needed = len(cls.__struct_fields__) - len(cls.__struct_defaults__)
            if len(thing) <= needed:
                return Misfit(path, f"expected {cls.__name__}, in which {list(hints)[len(thing) - 1]!r} is missing")
            fields = zip(hints.items(), thing[1:], strict=False)
            return self.all_fit((item, hint, f"{path}.{name}") for (name, hint), item in fields)
        if is_record(cls):
            return self.of_record(thing, self.record(member), path)
        if cls in MAPS:
            key, value = of_dict(member)
            for k in thing:
                if not self._is({k: None}, _DICT[INT if key is int else key, None]):
                    where = f"a key of {path.removeprefix('.') or 'the dict'}"
                    return Misfit(where, self.problem(k, key, members(key)))
            return self.all_fit((item, value, f"{path}[{key!r}]") for key, item in thing.items())
        return self.array(thing, member, path) if cls in ARRAYS else None

    def anything(self, thing: Any, path: str) -> Misfit | None:
        if isinstance(thing, list):
            found = self._class(thing)
            if found is Signed:
                return self.find(self._payload(thing), Any, path)
            if found is not None:
                return self.inside(thing, found, path)
            tag = thing[0] if thing and isinstance(thing[0], str) else ""
            if "." in tag:
                return Misfit(path, f"expected a message that is known here, found {short(tag)}")
            items = thing[1:] if tag == self._list else thing
            return self.all_fit((item, Any, f"{path}[{i}]") for i, item in enumerate(items))
        if isinstance(thing, dict):
            for key in thing:
                if not isinstance(key, str):
                    return Misfit(path, f"expected str as key inside `Any`, found {kind_name(key)}")
            return self.all_fit((item, Any, f"{path}[{key!r}]") for key, item in thing.items())
        return unfit_plain(thing, path, kind_name(thing))

    def name(self, thing: Any, parts: tuple[Any, ...]) -> str:
        found = self._class(thing)
        if found is Signed:
            inner = self._payload(thing)
            return f"Signed[{self.name(inner, ())}]"
        if found is not None:
            return str(found.__name__)
        literal = any(class_of(part) is typing.Literal for part in parts)
        return f"{kind_name(thing)} {short(thing)}" if literal and isinstance(thing, (str, int)) else kind_name(thing)
