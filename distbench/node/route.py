"""One handler of one layer at one node: the way out to its namesakes, the way in to the instance, the counters."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

import msgspec

from distbench.algorithm import Algorithm
from distbench.annotations import show_type
from distbench.community import PeerId
from distbench.definition import HandlerDefinition
from distbench.errors import MessageError
from distbench.formats import Codec, Decode, Encode, explain
from distbench.node.calls import SWEEP_EVERY
from distbench.node.port import MAX_PAYLOAD, NOTHING
from distbench.node.step import MOST_CASTS
from distbench.shapes import Shape

if TYPE_CHECKING:
    from distbench.node.node import Node

_Future: type[asyncio.Future[Any]] = asyncio.Future  # a name in a module costs less, and no simulation replaces it

REFUSALS = (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError)
"""What encoders and decoders raise for a value that does not fit."""


class Hook:
    """``on_start`` of a layer, run like a handler."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Route:
    """The compiled way of one message type. Counts casts and requests; replies apart."""

    __slots__ = (
        "bytes_in", "bytes_out", "check", "check_reply", "decode", "decode_reply", "definition", "encode",
        "encode_reply", "function", "instance", "messages_in", "messages_out", "name", "node", "number", "signed",
        "signed_reply", "step", "told",
    )  # fmt: skip

    def __init__(
        self, node: Node, number: int, path: str, definition: HandlerDefinition, instance: Algorithm, codecs: Codecs
    ) -> None:
        self.node = node
        self.number = number
        self.name = f"{path}.{definition.name}" if path else definition.name
        self.definition = definition
        self.function = definition.function
        self.instance = instance
        self.signed = definition.signed_by_sender
        self.signed_reply = definition.reply_signed_by_sender
        self.step = node.port.step
        self.encode, self.decode, self.check = codecs.of(definition.message)
        self.encode_reply, self.decode_reply, self.check_reply = codecs.of(definition.reply)
        self.told = False
        self.messages_in = self.bytes_in = self.messages_out = self.bytes_out = 0

    def cast(self, dst: PeerId, message: Any) -> Awaitable[None] | None:
        """Hand a cast to the link; what to await before going on, or None."""
        encode, check = self.encode, self.check  # a call of what stands in a slot is slower than one of a local name
        try:
            payload = encode(message)
            value = NOTHING if check is None else check(payload)
        except REFUSALS as error:
            raise self.refused(message, self.definition.message, error) from None
        size = len(payload)
        if size > MAX_PAYLOAD:
            raise self.too_large(size)
        node = self.node
        room = (node.links.get(dst) or node.open(dst)).send(self.number, 0, payload, value)
        if room is not None:
            return self._not_taken(room, size)
        self.messages_out += 1
        self.bytes_out += size
        step = self.step
        step.casts = casts = step.casts + 1
        return None if casts < MOST_CASTS else step.full()

    def call(self, dst: PeerId, message: Any) -> Awaitable[Any]:
        """Send a request; what to await for its reply."""
        encode, check = self.encode, self.check
        try:
            payload = encode(message)
            value = NOTHING if check is None else check(payload)
        except REFUSALS as error:
            raise self.refused(message, self.definition.message, error) from None
        size = len(payload)
        if size > MAX_PAYLOAD:
            raise self.too_large(size)
        node = self.node
        link = node.links.get(dst) or node.open(dst)
        calls = node.calls
        calls.last = number = calls.last + 1
        room = link.send(self.number, number, payload, value)  # it may refuse: only what was sent is waited for
        future = _Future(loop=node.loop)
        calls.waiting[number] = (dst, self, future)
        if not number % SWEEP_EVERY:
            calls.sweep()
        if room is None:
            self.messages_out += 1
            self.bytes_out += size
            return future
        return self._replied(room, size, future)

    def _not_taken(self, room: asyncio.Future[None], size: int) -> Awaitable[None] | None:
        """The rest of a cast that the link has not taken, or never will, when it is one of the casts of its step."""
        if not room.cancelled():
            return self._taken(room, size)
        step = self.step
        step.casts += 1
        return None if step.casts < MOST_CASTS else step.full()

    async def _taken(self, room: asyncio.Future[None], size: int) -> None:
        """Wait until the link has taken a message, or never will. What it has not taken was not sent."""
        try:
            await asyncio.wait((room,))  # not for the room itself: a link that gives up would cancel the sender
        finally:
            room.cancel()  # a sender that gives up takes its message with it
            if not room.cancelled():
                self.messages_out += 1
                self.bytes_out += size

    async def _replied(self, room: asyncio.Future[None], size: int, reply: asyncio.Future[Any]) -> Any:
        try:
            await self._taken(room, size)
        except asyncio.CancelledError:
            reply.cancel()  # the request goes with its caller, or its reply is not waited for
            raise
        return await reply

    def refused(self, value: object, shape: Shape, error: Exception) -> MessageError:
        """The error that names handler, expected and found type, and what exactly did not fit."""
        annotation = shape.annotation
        return MessageError(f"{self.name} takes {show_type(annotation)}: {explain(error, value, annotation)}")

    def misread(self, payload: bytes, error: Exception, shape: Shape | None = None) -> str:
        """What did not fit in a message that arrived; with ``shape``, in its reply."""
        return self.node.codecs.codec.explain_received(payload, shape or self.definition.message, error)

    def too_large(self, size: int) -> MessageError:
        """The error for a message that no link takes."""
        return MessageError(f"{self.name}: a message of {size:,} bytes; the most that a link takes is {MAX_PAYLOAD:,}")


class Codecs:
    """The encoders and decoders of a run; where sends are checked, one more decoder that takes signatures on trust."""

    __slots__ = ("_checking", "codec")

    def __init__(self, codec: Codec, checks_sends: bool) -> None:
        self.codec = codec
        self._checking = Codec(codec.format) if checks_sends else None

    def of(self, shape: Shape | None) -> tuple[Encode, Decode, Decode | None]:
        """Encoder, decoder, and what a sender checks with.

        What may carry signatures is decoded again by the receiver, who must verify them.
        """
        if shape is None:
            return _nothing, _nothing, None
        checking = None
        if self._checking is not None:
            decode = self._checking.decoder(shape)
            checking = _checked_only(decode) if shape.signed else decode
        return self.codec.encoder(shape), self.codec.decoder(shape), checking


def _nothing(value: object) -> bytes:
    return b""


def _checked_only(decode: Decode) -> Decode:
    def check(payload: bytes) -> Any:
        decode(payload)
        return NOTHING

    return check
