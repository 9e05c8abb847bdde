"""What nodes and coordinator say to each other, over a link like any other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from distbench.community import PeerId
from distbench.errors import WireError
from distbench.running.coordinator import Standing
from distbench.running.result import Failure, NodeResult, Outcome, Suspended

COORDINATOR: Final = PeerId("@coordinator")
"""How the coordinator is called among the nodes; no node may be called so."""


class Joined(msgspec.Struct, array_like=True, tag=1, frozen=True):
    """Node: I am there."""


class Roster(msgspec.Struct, array_like=True, tag=2, frozen=True):
    """Coordinator: these are all, with their keys; open your links."""

    keys: dict[str, bytes]


class Ready(msgspec.Struct, array_like=True, tag=3, frozen=True):
    """Node: my links are open."""


class Start(msgspec.Struct, array_like=True, tag=4, frozen=True):
    """Coordinator: run."""


class Done(msgspec.Struct, array_like=True, tag=5, frozen=True):
    """Node: I said ``terminate()``."""


class Crashed(msgspec.Struct, array_like=True, tag=6, frozen=True):
    """Node: my ``on_start`` raised; I take no part any more."""

    reason: str


class Idle(msgspec.Struct, array_like=True, tag=7, frozen=True):
    """Node: nothing to do at the moment."""

    standing: Standing


class Wave(msgspec.Struct, array_like=True, tag=8, frozen=True):
    """Coordinator: how do you stand?"""

    number: int


class WaveReply(msgspec.Struct, array_like=True, tag=9, frozen=True):
    """Node: so I stand."""

    number: int
    standing: Standing


class Notice(msgspec.Struct, array_like=True, tag=10, frozen=True):
    """Coordinator: that node is gone."""

    node: str
    reason: str


class Stop(msgspec.Struct, array_like=True, tag=11, frozen=True):
    """Coordinator: leave and report."""

    outcome: Outcome


class Left(msgspec.Struct, array_like=True, tag=12, frozen=True):
    """Node: I have left; this is what I did."""

    result: NodeResult
    report: dict[str, object]
    failures: list[Failure]
    suspended: list[Suspended]
    deliveries: int
    sent: dict[str, int]
    """By receiver, the messages given to each link."""
    received: dict[str, int]
    """By sender, those that came."""


class Over(msgspec.Struct, array_like=True, tag=13, frozen=True):
    """Coordinator: the run is over, and this is how."""

    outcome: Outcome
    reason: str


class CutOff(msgspec.Struct, array_like=True, tag=14, frozen=True):
    """Node: I have cut off a peer."""

    peer: str
    reason: str


class Count(msgspec.Struct, array_like=True, tag=15, frozen=True):
    """Coordinator: how far are you? Somebody watches."""


class Counted(msgspec.Struct, array_like=True, tag=16, frozen=True):
    """Node: so many messages were given to me."""

    messages: int


class Failed(msgspec.Struct, array_like=True, tag=17, frozen=True):
    """Node: something failed here for the first time; I go on."""


Said = Joined | Ready | Done | Failed | Crashed | Idle | WaveReply | Counted | CutOff | Left
"""The words of a node."""
Told = Roster | Start | Wave | Count | Notice | Stop | Over
"""The words of the coordinator."""
Control = Said | Told

_encode = msgspec.msgpack.Encoder().encode
_decode: Callable[[bytes], Control] = msgspec.msgpack.Decoder(Control).decode


def encode_control(control: Control) -> bytes:
    """As the payload of a message on the control link."""
    return _encode(control)


def decode_control(payload: bytes) -> Control:
    """Raises WireError for what is no control message."""
    try:
        return _decode(payload)
    except ValueError as error:
        raise WireError(f"malformed control message: {error}") from error
