"""Ed25519 keys, and a value with the proof of who said it.

What is signed is the exact bytes of the payload under a context that binds the run, the type of the message and
the signer. Receiver, layer and round are not bound: a protocol puts them into its message where they matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, NoReturn, TypeVar

from distbench.community import PeerId
from distbench.errors import SignatureError

T = TypeVar("T")

_LABEL = b"distbench signed message 1"
_REMEMBERED = 16_384
"""Verified signatures kept per run, so that a chain that is forwarded often is verified once."""

RESERVED_NAMES = ("signer", "signature", "unwrap")
"""What a message inside ``Signed`` cannot call its fields."""


class KeyPair:
    """An Ed25519 key pair made from 32 secret bytes."""

    __slots__ = ("_secret", "public", "seed")

    def __init__(self, seed: bytes) -> None:
        from nacl.bindings import crypto_sign_seed_keypair

        self.seed = seed
        self.public: bytes
        self.public, self._secret = crypto_sign_seed_keypair(seed)

    def sign(self, data: bytes) -> bytes:
        """The detached signature, 64 bytes."""
        from nacl.bindings import crypto_sign

        signed: bytes = crypto_sign(data, self._secret)
        return signed[:64]

    def __repr__(self) -> str:
        return f"KeyPair(public={self.public.hex()})"


def verify(public: bytes, data: bytes, signature: bytes) -> bool:
    """Whether ``signature`` over ``data`` was made with the secret key of ``public``."""
    from nacl.bindings import crypto_sign_open
    from nacl.exceptions import CryptoError

    if len(signature) != 64 or len(public) != 32:
        return False
    try:
        crypto_sign_open(signature + data, public)
    except CryptoError:
        return False
    return True


def signed_bytes(run_id: bytes, type_name: str, signer: str, payload: bytes) -> bytes:
    """What a signature is made over; each part carries its length, so that no two lists of parts look alike."""
    parts = (_LABEL, run_id, type_name.encode(), signer.encode(), payload)
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


class Signed(Generic[T]):
    """A value with its signer and signature; the fields of the value show through.

    Handlers see only verified ones. Own names are ``signer``, ``signature`` and ``unwrap()``.
    """

    __slots__ = ("_payload", "_value", "signature", "signer")

    signer: PeerId
    signature: bytes

    def __init__(self, value: T, *, signer: PeerId, signature: bytes, payload: bytes) -> None:
        object.__setattr__(self, "_value", value)
        object.__setattr__(self, "_payload", payload)
        object.__setattr__(self, "signer", signer)
        object.__setattr__(self, "signature", signature)

    def unwrap(self) -> T:
        """The value itself."""
        value: T = object.__getattribute__(self, "_value")
        return value

    def __getattribute__(self, name: str) -> Any:
        if name in RESERVED_NAMES or (name[:2] == "__" == name[-2:]):
            return object.__getattribute__(self, name)
        return getattr(object.__getattribute__(self, "_value"), name)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a signed message cannot change; {name!r} stays as it was signed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a signed message cannot change; {name!r} stays as it was signed")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Signed) and wire_parts(self) == wire_parts(other)

    def __hash__(self) -> int:
        return hash(wire_parts(self))

    def __copy__(self) -> Signed[T]:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Signed[T]:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.unwrap(), *wire_parts(self))

    def __repr__(self) -> str:
        return f"{self.unwrap()!r} (signed by {self.signer})"

    __str__ = __repr__


def wire_parts(signed: Signed[Any]) -> tuple[str, bytes, bytes]:
    """Signer, signature and the exact payload bytes that were signed."""
    return signed.signer, signed.signature, object.__getattribute__(signed, "_payload")


def _restore(value: T, signer: str, signature: bytes, payload: bytes) -> Signed[T]:
    """A ``Signed`` from a pickle; nothing is verified."""
    return Signed(value, signer=PeerId(signer), signature=signature, payload=payload)


class Keyring:
    """The public keys of a run, and which signatures are known to be good."""

    __slots__ = ("_good", "_public", "run_id")

    def __init__(self, run_id: bytes, public: Mapping[PeerId, bytes]) -> None:
        self.run_id = run_id
        self._public = public
        self._good: set[tuple[str, bytes, bytes, str]] = set()

    def sign(self, pair: KeyPair, signer: PeerId, type_name: str, payload: bytes) -> bytes:
        """The signature of ``signer`` on a payload of that type, for this run only."""
        return pair.sign(signed_bytes(self.run_id, type_name, signer, payload))

    def check(self, signer: PeerId, signature: bytes, payload: bytes, type_name: str) -> None:
        """Raise ``SignatureError`` unless ``signer`` signed these bytes as that type in this run."""
        known = (signer, signature, payload, type_name)
        if known in self._good:
            return
        try:
            public = self._public[signer]
        except KeyError:
            raise SignatureError(f"{type_name} claims to be signed by {signer!r}, who is not in this run") from None
        if not verify(public, signed_bytes(self.run_id, type_name, signer, payload), signature):
            raise SignatureError(f"{type_name}: the signature of {signer} does not verify")
        if len(self._good) >= _REMEMBERED:
            self._good.clear()
        self._good.add(known)
