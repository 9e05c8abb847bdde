"""From a stream of bytes to frames."""

from __future__ import annotations

from typing import Final, NoReturn

from distbench.errors import WireError
from distbench.network.frames import DECODERS, HEADER, SINGLE_LIMIT, Frame

_HEAD: Final = HEADER.size
_SMALL: Final = 4096


class FrameReader:
    """Cuts one connection's stream into frames; after a WireError it reads no more.

    Holds at most one unfinished frame, so never more than ``limit`` bytes and one read of the socket.
    """

    __slots__ = ("_broken", "_buffer", "_limit")

    def __init__(self, limit: int = SINGLE_LIMIT) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._broken = ""

    @property
    def buffered(self) -> int:
        """Bytes of the unfinished frame."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that ``data`` completes: the same ones however the stream is split.

        Raises WireError as soon as a header asks for too much or a body is malformed. The frames before it in
        ``data`` are not given then; the session has not seen them, so its peer sends them again.
        """
        if self._broken:
            raise WireError(self._broken)
        if self._buffer:
            self._buffer += data
            frames, at = self._parse(self._buffer)
            del self._buffer[:at]
            return frames
        frames, at = self._parse(data)
        if at < len(data):
            self._buffer += data[at:]
        return frames

    def _parse(self, data: bytes | bytearray) -> tuple[list[Frame], int]:
        """The frames in ``data``, and where the unfinished one begins."""
        frames: list[Frame] = []
        at, end = 0, len(data)
        while end - at >= _HEAD:
            length, kind = HEADER.unpack_from(data, at)
            limit, decode = DECODERS.get(kind) or self._fail(f"frame of unknown kind {kind}")
            if length > limit or length > self._limit:
                self._fail(f"frame of kind {kind} with {length} bytes, at most {min(limit, self._limit)} are allowed")
            start = at + _HEAD
            stop = start + length
            if stop > end:
                break
            try:
                # A slice is the faster one for a small frame, and a copy of 64 MiB for the largest.
                frames.append(decode(data[start:stop] if length < _SMALL else memoryview(data)[start:stop]))
            except ValueError as error:  # msgspec's own errors and UnicodeDecodeError
                self._fail(f"malformed frame of kind {kind}: {error}")
            at = stop
        return frames, at

    def _fail(self, reason: str) -> NoReturn:
        """Give up the stream and what it made us keep."""
        self._broken = reason
        self._buffer = bytearray()
        raise WireError(reason)
