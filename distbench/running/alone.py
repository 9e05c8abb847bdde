"""What becomes of a node whose coordinator is gone: with its peers it finds out when there is nothing more to do."""

from __future__ import annotations

import asyncio
from typing import Final

from distbench.community import PeerId
from distbench.network.tcp import Junction
from distbench.node.node import Node
from distbench.node.port import FINISHED
from distbench.running.control import COORDINATOR
from distbench.running.quiet import Quiet
from distbench.running.realport import RealPort

_QUIET: Final = 1
_BUSY: Final = 0
_PAUSE: Final = 1.0
"""Seconds without anything to do after which a node says so."""


class Alone:
    """One node without coordinator, and what its peers have said."""

    def __init__(self, node: Node, quiet: Quiet, junction: Junction, port: RealPort) -> None:
        self._node = node
        self._quiet = quiet
        self._junction = junction
        self._port = port
        self._finished: set[PeerId] = set()

    def heard(self, peer: PeerId, word: int) -> None:
        """``peer`` is without coordinator as well; it has nothing more to do, or has again."""
        if word == _QUIET:
            self._finished.add(peer)
        else:
            self._finished.discard(peer)

    async def until_finished(self, limit: float) -> None:
        """Return when it is quiet here and at all peers, or ``limit`` seconds after the run began.

        A node that is done may have timers that never end; it is quiet when nobody has needed it for a while.
        """
        told = False
        while self._port.now() < limit:
            before = self._quiet.standing()
            await asyncio.sleep(_PAUSE)
            after = self._quiet.standing()
            quiet = before == after and after.passive
            quiet = quiet or (self._node.done and before.received == after.received)
            links = [link for peer, link in self._junction.links.items() if peer != COORDINATOR and not link.over]
            quiet = quiet and not any(link.queue.held for link in links)
            if quiet and all(link.peer in self._finished for link in links):
                return
            if quiet != told:
                told = quiet
                for link in links:
                    link.send(FINISHED, _QUIET if quiet else _BUSY, b"")
