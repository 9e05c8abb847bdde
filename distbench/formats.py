"""json and msgpack: values to bytes and back, by a compiled shape."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from distbench.community import PeerId
from distbench.errors import MessageError, SignatureError
from distbench.messages import (
    SIGNED_TAG,
    AnyValue,
    OneOf,
    Shape,
    compile_shape,
    is_message,
    message_class,
    show_type,
    tag_of,
    type_name,
)
from distbench.signing import Keyring, KeyPair, Signed, wire_parts

Format: TypeAlias = Literal["json", "msgpack"]

Encode: TypeAlias = Callable[[object], bytes]
Decode: TypeAlias = Callable[[bytes], Any]


class Codec:
    """Encoders and decoders of one run in one format. Decoding verifies every signature inside.

    ``keyring`` None: signatures are taken on trust, for a sender that checks its own message.
    """

    def __init__(self, format: Format, keyring: Keyring | None = None) -> None:
        self.format = format
        self._keyring = keyring
        kind = msgspec.json if format == "json" else msgspec.msgpack
        self._decoder_class: Any = kind.Decoder
        self._encode: Encode = kind.Encoder(enc_hook=_write_special).encode
        self._decoders: dict[Any, Decode] = {}
        self._shapes: dict[Any, Shape] = {}

    def encoder(self, shape: Shape) -> Encode:
        """A function from a value to bytes; it does not check the value against the shape."""
        if not shape.unordered:
            return self._encode
        return functools.partial(self._encode_sorted, shape.decoded is AnyValue)

    def _encode_sorted(self, free: bool, value: object) -> bytes:
        return self._encode(self._sorted(value, free))

    def _sorted(self, value: Any, free: bool) -> Any:
        """The value with every set as a list in the order of the written elements, which no hash can change.

        ``free``: no annotation but ``Any`` says what stands here, so both formats must agree on it by themselves.
        """
        if isinstance(value, (set, frozenset)):
            kinds = {type(item) for item in value}
            natural = kinds in ({int}, {str})
            return sorted((self._sorted(item, free) for item in value), key=None if natural else self._encode)
        if isinstance(value, dict):
            if free and not all(isinstance(key, str) for key in value):
                raise ValueError("Expected `str` as key inside `Any`, got `int`")
            return {key: self._sorted(item, free) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._sorted(item, free) for item in value]
        if is_message(type(value)):
            annotations = _annotations(type(value))
            parts = ((name, getattr(value, name)) for name in value.__struct_fields__)
            return [tag_of(type(value)), *(self._sorted(part, annotations[name] is AnyValue) for name, part in parts)]
        if isinstance(value, float) and value - value != 0.0:
            raise ValueError("Expected a finite `float`")
        return value

    def decoder(self, shape: Shape) -> Decode:
        """A function from bytes to a value that fits the shape.

        It raises ``msgspec.ValidationError`` or ``msgspec.DecodeError`` (``explain`` words them) for what does
        not fit and ``SignatureError`` for a signature that does not verify.
        """
        return self._decoder(shape.decoded)

    def _decoder(self, decoded: Any) -> Decode:
        try:
            return self._decoders[decoded]
        except KeyError:
            made = self._decoders[decoded] = self._decoder_class(decoded, dec_hook=self._read_special).decode
            return made

    def _shape(self, annotation: Any) -> Shape:
        if annotation not in self._shapes:
            self._shapes[annotation] = compile_shape(annotation, show_type(annotation))
        return self._shapes[annotation]

    def sign(self, value: Any, pair: KeyPair, signer: PeerId) -> Signed[Any]:
        """Sign the bytes of ``value``; what is inside the result is a copy made from those bytes."""
        keyring = self._keyring
        if keyring is None:
            raise SignatureError("this codec has no keyring to sign for")
        shape = self._shape(type(value) if is_message(type(value)) else Any)
        try:
            payload = self.encoder(shape)(value)
            copy = self.decoder(shape)(payload)
        except (TypeError, ValueError, OverflowError) as error:
            raise MessageError(f"sign: {explain(error, value)}") from None
        signature = keyring.sign(pair, signer, type_name(copy), payload)
        return Signed(copy, signer=signer, signature=signature, payload=payload)

    # -------------------------------------------------- what msgspec leaves to us

    def _read_special(self, kind: Any, raw: Any) -> Any:
        if kind is AnyValue:
            return self._read_any(raw)
        if getattr(kind, "__origin__", None) is Signed:
            return self._read_signed(raw, get_args(kind)[0])
        if isinstance(kind, type) and issubclass(kind, OneOf):
            return self._read_one_of(kind, raw)
        raise TypeError(f"{show_type(kind)} cannot be read")

    def _read_signed(self, raw: Any, inner: Any) -> Signed[Any]:
        match raw:
            case [str(tag), str(signer), signature, payload] if tag == SIGNED_TAG:
                signature, payload = self._bytes(signature), self._bytes(payload)
            case _:
                raise ValueError("Expected a signed message")
        value = self._decoder(inner)(payload)
        if self._keyring is not None:
            self._keyring.check(PeerId(signer), signature, payload, type_name(value))
        return Signed(value, signer=PeerId(signer), signature=signature, payload=payload)

    def _bytes(self, raw: Any) -> bytes:
        return msgspec.convert(raw, bytes, builtin_types=() if self.format == "json" else (bytes,))

    def _read_one_of(self, kind: type[OneOf], raw: Any) -> Any:
        tag = raw[0] if isinstance(raw, list) and raw and isinstance(raw[0], str) else None
        if tag == SIGNED_TAG and kind.signed:
            for member in kind.signed[:-1]:
                try:
                    return self._read_signed(raw, get_args(member)[0])
                except msgspec.MsgspecError:
                    continue
            return self._read_signed(raw, get_args(kind.signed[-1])[0])
        if tag in kind.messages:
            return self._convert(raw, kind.messages[tag])
        if kind.rest is None:
            raise ValueError(f"Expected `{kind.__qualname__}`")
        return self._convert(raw, kind.rest)

    def _read_any(self, raw: Any) -> Any:
        if isinstance(raw, list):
            if raw and isinstance(raw[0], str):
                if raw[0] == SIGNED_TAG:
                    return self._read_signed(raw, AnyValue)
                found = message_class(raw[0])
                if found is not None:
                    return self._convert(raw, self._shape(found).decoded)
            return [self._read_any(item) for item in raw]
        if isinstance(raw, dict):
            for key in raw:
                if not isinstance(key, str):
                    raise ValueError(f"Expected `str` as key inside `Any`, got `{type(key).__name__}`")
            return {key: self._read_any(value) for key, value in raw.items()}
        if isinstance(raw, float) and raw - raw != 0.0:
            raise ValueError("Expected a finite `float`")
        if isinstance(raw, int) and not -(2**63) <= raw < 2**63:
            raise ValueError("Expected `int` of 64 bits")
        return raw

    def _convert(self, raw: Any, decoded: Any) -> Any:
        json = self.format == "json"
        return msgspec.convert(
            raw, decoded, dec_hook=self._read_special, str_keys=json, builtin_types=() if json else (bytes,)
        )


def _write_special(value: Any) -> Any:
    if isinstance(value, Signed):
        return (SIGNED_TAG, *wire_parts(value))
    raise TypeError(f"a {type(value).__qualname__} cannot be sent; use a @message class or a plain type")


def _annotations(cls: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        found.update(base.__dict__.get("__annotations__", {}))
    return found


_PATH = re.compile(r" - at `(?:key in )?\$(.*)`$")
_STEP = re.compile(r"\[(\d+|\.\.\.)\]|\.([^.\[]+)")


def explain(error: Exception, value: object = None) -> str:
    """What did not fit, in a person's words: the field, expected and found type, and the value."""
    if isinstance(error, OverflowError):
        text = "expected an int of 64 bits, found a larger one"
    elif isinstance(error, RecursionError):
        text = "the value contains itself"
    else:
        text = str(error).replace("Object contains", "contains").replace(", got ", ", found ")
        found = _PATH.search(text)
        if found:
            text = f"{_field_path(found[1], value)}{text[: found.start()][:1].lower()}{text[: found.start()][1:]}"
        text = text.replace("`", "")
    return text[:1].lower() + text[1:] if value is None else f"{text[:1].lower()}{text[1:]}, in {_short(value)}"


def _field_path(path: str, value: Any) -> str:
    """``[1][0]`` of a message as ``votes[0]: ``: a message is written as an array of its tag and fields."""
    words = ""
    for index, key in _STEP.findall(path):
        if is_message(type(value)) and index.isdecimal():
            if int(index) == 0:
                break
            name = value.__struct_fields__[int(index) - 1]
            words, value = f"{words}.{name}", getattr(value, name)
        else:
            words += f"[{index}]" if index else f".{key}"
            value = value[int(index)] if index.isdecimal() and isinstance(value, (list, tuple)) else None
    return f"{words.removeprefix('.')}: " if words else ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
