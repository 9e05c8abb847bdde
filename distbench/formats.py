"""json and msgpack: values to bytes and back, by a compiled shape."""

from __future__ import annotations

import copy
import enum
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, get_args

import msgspec

from distbench.annotations import class_of, element_of, fields_of, member_for, show_type
from distbench.community import PeerId
from distbench.errors import DefinitionError, MessageError, SignatureError
from distbench.incoming import WireFinder
from distbench.messages import is_message, message_class, tag_of, type_name
from distbench.misfits import unfit_fields
from distbench.outgoing import ValueFinder
from distbench.refusals import explain
from distbench.shapes import AnyValue, Foreign, OneOf, Shape, compile_shape, prepare
from distbench.signing import KeyPair, Keyring, Signed, wire_parts

__all__ = ["Codec", "Decode", "Encode", "Format", "explain"]

Format: TypeAlias = Literal["json", "msgpack"]

Encode: TypeAlias = Callable[[object], bytes]
Decode: TypeAlias = Callable[[bytes], Any]

_SIGNED_TAG = "~signed"
"""First element of a written ``Signed``; no class has this name."""
_LIST_TAG = "~list"
"""First element of a list inside ``Any`` that would else look like a message."""


class _AnySigned(AnyValue):
    """Stands for ``Any`` inside ``Signed``."""


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
        self._find = ValueFinder().find

    def encoder(self, shape: Shape) -> Encode:
        """A function from a value to bytes; it checks only what a decoder cannot find in the bytes any more."""
        encode, annotation, walked, find = self._encode, shape.annotation, shape.walked, self._find
        if not shape.checked:
            return encode

        def encode_checked(value: object) -> bytes:
            misfit = find(value, annotation)
            if misfit is not None:
                raise misfit
            return encode(self._written(value, annotation) if walked else value)

        return encode_checked

    def explain_received(self, payload: bytes, shape: Shape, error: Exception) -> str:
        """What did not fit in what was received, by its whole path."""
        kind = msgspec.json if self.format == "json" else msgspec.msgpack
        try:
            misfit = WireFinder(_SIGNED_TAG, _LIST_TAG, kind).find(kind.decode(payload), shape.annotation)
        except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
            misfit = None
        return explain(error if misfit is None else misfit)

    def _written(self, value: Any, annotation: Any) -> Any:
        """The value with every set as a list in the order of the written elements, which no hash can change.

        ``annotation`` None: nothing is known of the value.
        """
        if isinstance(value, Signed):
            return value
        kind = type(value)
        member = None if annotation is None else member_for(annotation, value)
        if is_message(kind):
            prepare(kind)  # inside Any stands what no annotation named yet
            hints = fields_of(member if class_of(member) is kind else kind)
            names = kind.__struct_fields__
            return [tag_of(kind), *(self._written(getattr(value, name), hints.get(name)) for name in names)]
        free = class_of(member) is Any
        if isinstance(value, (list, tuple)):
            items = [self._written(item, element_of(member, index)) for index, item in enumerate(value)]
            like_a_message = free and value and isinstance(value[0], str) and ("." in value[0] or value[0][:1] == "~")
            return [_LIST_TAG, *items] if like_a_message else items
        if isinstance(value, (set, frozenset)):
            inner = element_of(member, 0)
            natural = {type(item) for item in value} in ({int}, {str})
            return sorted((self._written(item, inner) for item in value), key=None if natural else self._encode)
        if isinstance(value, dict):
            inner = element_of(member, 0)
            return {key: self._written(item, inner) for key, item in value.items()}
        return value

    def decoder(self, shape: Shape) -> Decode:
        """A function from bytes to a value that fits the shape.

        It raises ``msgspec.ValidationError`` or ``msgspec.DecodeError`` (``explain`` words them) for what does
        not fit and ``SignatureError`` for a signature that does not verify.
        """
        return self._decoder(shape.decoded)

    def _decoder(self, decoded: Any) -> Decode:
        found = self._decoders.get(decoded)
        if found is None:
            found = self._decoders[decoded] = self._decoder_class(decoded, dec_hook=self._read_special).decode
        return found

    def _shape(self, annotation: Any) -> Shape:
        if annotation not in self._shapes:
            self._shapes[annotation] = compile_shape(annotation, show_type(annotation))
        return self._shapes[annotation]

    def _known(self, cls: type) -> Any:
        """What is decoded for a class that was met by its name: a peer may name one that cannot be sent."""
        try:
            return self._shape(cls).decoded
        except DefinitionError as error:
            raise ValueError(str(error)) from None

    def sign(self, value: Any, pair: KeyPair, signer: PeerId) -> Signed[Any]:
        """Sign the bytes of ``value``; what is inside the result is a copy."""
        keyring = self._keyring
        if keyring is None:
            raise SignatureError("this codec has no keyring to sign for")
        kind = type(value)
        try:
            if is_message(kind):
                shape = self._shape(kind)
                payload = self.encoder(shape)(value)
                inside = self.decoder(shape)(payload)
            else:  # the handler that it is sent to says what it shall be
                payload = self._encode(self._written(value, None))
                inside = copy.deepcopy(value)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise MessageError(f"sign: {explain(error, value, kind)}") from None
        signature = keyring.sign(pair, signer, type_name(inside), payload)
        return Signed(inside, signer=signer, signature=signature, payload=payload)

    # -------------------------------------------------- what msgspec leaves to us

    def _read_special(self, kind: Any, raw: Any) -> Any:
        if kind is AnyValue:
            return self._read_any(raw)
        if kind is _AnySigned:
            return self._read_any(raw, signed=True)
        if getattr(kind, "__origin__", None) is Signed:
            return self._read_signed(raw, get_args(kind)[0])
        if isinstance(kind, type) and issubclass(kind, OneOf):
            return self._read_one_of(kind, raw)
        if isinstance(kind, type) and issubclass(kind, Foreign):
            return self._read_record(raw, kind)
        raise TypeError(f"{show_type(kind)} cannot be read")

    def _read_record(self, raw: Any, kind: type[Foreign]) -> Any:
        record = kind.record
        if not isinstance(raw, list if record.by_place else dict):
            raise ValueError(f"Expected `{kind.__qualname__}`, got `{type(raw).__name__}`")
        misfit = unfit_fields(raw, record, "")
        if misfit is not None:
            raise misfit
        return record.build({n: self._convert(item, kind.decoded[n]) for n, item in record.items(raw).items()})

    def _read_signed(self, raw: Any, inner: Any) -> Signed[Any]:
        match raw:
            case [str(tag), str(signer), signature, payload] if tag == _SIGNED_TAG:
                signature, payload = self._bytes(signature), self._bytes(payload)
            case _:
                raise ValueError("Expected a signed message")
        value = self._decoder(_AnySigned if inner is AnyValue else inner)(payload)
        if self._keyring is not None:
            self._keyring.check(PeerId(signer), signature, payload, type_name(value))
        return Signed(value, signer=PeerId(signer), signature=signature, payload=payload)

    def _bytes(self, raw: Any) -> bytes:
        return raw if isinstance(raw, bytes) else msgspec.convert(raw, bytes, builtin_types=())

    def _read_one_of(self, kind: type[OneOf], raw: Any) -> Any:
        tag = raw[0] if isinstance(raw, list) and raw and isinstance(raw[0], str) else ""
        if tag == _SIGNED_TAG and kind.signed:
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

    def _read_any(self, raw: Any, signed: bool = False) -> Any:
        """``signed``: a payload, in which a plain list that begins with the name of a message class cannot be told
        from one: only there it is taken for one, and refused.
        """
        if isinstance(raw, list):
            tag = raw[0] if raw and isinstance(raw[0], str) else ""
            if tag == _SIGNED_TAG and (len(raw) == 4 or not signed):
                return self._read_signed(raw, AnyValue)
            if "." in tag:
                found = message_class(tag)
                if found is not None:
                    return self._convert(raw, self._known(found))
                if not signed:
                    raise ValueError(f"Expected a message that is known here, got `{tag}`")
            return [self._read_any(item, signed) for item in (raw[1:] if tag == _LIST_TAG and not signed else raw)]
        if isinstance(raw, dict):
            _check_keys(raw)
            return {key: self._read_any(value, signed) for key, value in raw.items()}
        _check_plain(raw)
        return raw

    def _convert(self, raw: Any, decoded: Any) -> Any:
        """Written and read once more, so that the same rules hold as for all that msgspec reads by itself."""
        return self._decoder(decoded)(self._encode(raw))


def _write_special(value: Any) -> Any:
    if isinstance(value, Signed):
        return (_SIGNED_TAG, *wire_parts(value))
    if isinstance(value, type):
        raise TypeError(f"the class {value.__qualname__} cannot be sent, only an instance of it")
    raise TypeError(f"a {type(value).__qualname__} cannot be sent; use a @message class or a plain type")


def _check_keys(value: dict[Any, Any]) -> None:
    for key in value:
        if not isinstance(key, str):
            raise ValueError(f"Expected `str` as key inside `Any`, got `{type(key).__name__}`")


def _check_plain(value: object) -> None:
    """What may stand for itself inside ``Any``: json and msgpack must both give it back as it was."""
    if value is not None and (not isinstance(value, (bool, int, float, str)) or isinstance(value, enum.Enum)):
        raise ValueError(f"Expected plain data or a message inside `Any`, got `{type(value).__name__}`")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("Expected `int` of 64 bits, got a larger one")
    if isinstance(value, float) and value - value != 0.0:
        raise ValueError("Expected a finite `float`")
