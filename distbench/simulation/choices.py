"""Every random decision of a run, each under a key that says what it decides.

A draw depends on the seed and its key alone, not on how many draws came before: one message less moves no other
draw. 0 is always the dull choice. The object is filled from a seed, or replays a record; a key that a record lacks
is 0, one that it has and nobody asks for is reported.
"""

from __future__ import annotations

import hashlib
import itertools
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

Key: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision: ``index`` out of ``options``."""

    key: Key
    options: int
    index: int


def _written(key: Key) -> bytes:
    return "\x1f".join(f"{type(part).__name__[0]}{part}" for part in key).encode()


class Choices:
    """Decisions from a seed, or from a record of another run."""

    def __init__(
        self, seed: int, replay: Iterable[Choice] | None = None, listener: Callable[[Choice], None] | None = None
    ) -> None:
        """``listener`` hears every draw."""
        self._secret = hashlib.blake2b(str(seed).encode(), digest_size=32, person=b"distbench").digest()
        self._record = None if replay is None else {choice.key: choice for choice in replay}
        self._settled: set[Key] = set()
        self._asked: set[Key] = set()
        self._listener = listener

    @property
    def unknown(self) -> tuple[Choice, ...]:
        """Decisions of the replayed record that nobody asked for."""
        return tuple(choice for key, choice in (self._record or {}).items() if key not in self._asked)

    def settle(self, key: Key) -> None:
        """The seed is not asked for what is decided under ``key``, which is 0 unless a record says otherwise."""
        self._settled.add(key)

    def _hash(self, key: Key, size: int) -> bytes:
        return hashlib.blake2b(_written(key), key=self._secret, digest_size=size).digest()

    def index(self, key: Key, options: int) -> int:
        """A number from 0 to ``options - 1``."""
        if self._record is None:
            drawn = 0 if key in self._settled else int.from_bytes(self._hash(key, 16), "big") % options
        else:
            self._asked.add(key)
            found = self._record.get(key)
            drawn = 0 if found is None else min(found.index, options - 1)
        if self._listener is not None:
            self._listener(Choice(key, options, drawn))
        return drawn

    def seed(self, key: Key) -> int:
        """A seed of 64 bits for a stream of its own."""
        return self.index(key, 2**64)

    def secret(self, key: Key, size: int = 32) -> bytes:
        """Bytes for a key pair or for ``os.urandom``; not a decision, so neither recorded nor replayed."""
        return hashlib.shake_256(self._secret + _written(("secret", *key))).digest(size)

    def stream(self, key: Key, options: int) -> Callable[[], list[int]]:
        """The draws under ``(*key, 0)``, ``(*key, 1)``, …, each from 0 to ``options - 1``.

        Every call returns the next few, in reverse: callers ``pop()`` them, which is what keeps a draw cheap.
        """
        if self._record is not None or self._listener is not None:
            return self._single(key, options)
        return self._blocks(key, options)

    def _single(self, key: Key, options: int) -> Callable[[], list[int]]:
        """One draw at a time, so that each is heard, or looked up, when it is made."""
        numbers = itertools.count()
        drawn: list[int] = []
        fill = self._blocks(key, options)

        def draw() -> list[int]:
            if self._record is not None:
                return [self.index((*key, next(numbers)), options)]
            if not drawn:
                drawn.extend(fill())
            choice = Choice((*key, next(numbers)), options, drawn.pop())
            if self._listener is not None:
                self._listener(choice)
            return [choice.index]

        return draw

    def _blocks(self, key: Key, options: int) -> Callable[[], list[int]]:
        blake2b, secret, prefix = hashlib.blake2b, self._secret, _written(key)
        blocks, unpack = itertools.count().__next__, struct.Struct("<16I").unpack

        def draw() -> list[int]:
            data = blake2b(b"%s\x1f%d" % (prefix, blocks()), key=secret, digest_size=64).digest()
            return [number * options >> 32 for number in unpack(data)]

        return draw
