"""``Algorithm``: all that a user's class may override or call."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

from distbench.community import Community, PeerId
from distbench.errors import DistbenchError

if TYPE_CHECKING:
    from distbench.peer import Peer
    from distbench.signing import Signed

T = TypeVar("T")


class Host(Protocol):
    """What an algorithm's layer asks of the node that runs it."""

    @property
    def node_id(self) -> PeerId: ...
    @property
    def size(self) -> int: ...
    @property
    def random(self) -> random.Random: ...
    def choice(self, options: Sequence[T]) -> T: ...
    def now(self) -> float: ...
    def terminate(self) -> None: ...
    def sign(self, message: T) -> Signed[T]: ...
    async def deliver_message(self, src: PeerId, message: object) -> Any: ...


class _NoHost:
    def __getattr__(self, name: str) -> NoReturn:
        raise DistbenchError("this algorithm is not part of a run; start it with distbench.run(...)")


class Algorithm:
    """Base of a distributed algorithm; one instance runs at every node.

    A node is single-threaded: what stands between two awaits is atomic, no locks are needed.
    """

    _distbench: Host = _NoHost()

    peers: dict[PeerId, Peer]
    """The neighbours that this node lists, in that order. Indexing also finds a node that lists this one."""
    community: Community
    """All nodes of the run and this node's neighbours."""
    _parent: Algorithm | None = None
    """The algorithm that holds this one as a child, if any."""

    def __init__(self, config: Mapping[str, object] | None = None, peers: Mapping[PeerId, Peer] | None = None) -> None:
        """Config fields, ``peers`` and children are in place already when an ``__init__`` runs."""

    async def on_start(self) -> None:
        """Called once when all nodes are ready; children's first. Deliveries wait until it first waits."""

    async def on_exit(self) -> None:
        """Called once at the end of the run, before ``report``; a parent's before its children's."""

    async def report(self) -> Mapping[str, object]:
        """Results and metrics of this node, as a dictionary; children's are nested under their names."""
        return {}

    def id(self) -> PeerId:
        """The name of this node."""
        return self._distbench.node_id

    def N(self) -> int:  # noqa: N802 - the guide's name
        """How many nodes the run has, this one included."""
        return self._distbench.size

    def now(self) -> float:
        """Seconds since the run began; virtual in a simulation."""
        return self._distbench.now()

    @cached_property  # and not a property, so that an algorithm may have an attribute of this name
    def random(self) -> random.Random:
        """This node's own random stream; the same in every run with the same seed."""
        return self._distbench.random

    def choice(self, options: Sequence[T]) -> T:
        """One of ``options``; a recorded decision that a replay makes again. Index 0 is the dull choice."""
        return self._distbench.choice(options)

    async def terminate(self) -> None:
        """Mark this node done and return. It goes on answering until every correct node is done.

        In a child it ends only that layer.
        """
        self._distbench.terminate()

    def sign(self, message: T) -> Signed[T]:
        """``message`` with this node's signature on it."""
        return self._distbench.sign(message)

    async def deliver_message(self, src: PeerId, message: object) -> Any:
        """Hand ``message`` up to the parent's ``@handler(from_child=...)`` for its type; what that returns."""
        return await self._distbench.deliver_message(src, message)
