"""Algorithms for the tests of survival: they report what they saw."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import sys
import time
from typing import Any

from distbench import Algorithm, PeerDown, PeerId, RemoteError, config_field, distbench, handler, message
from distbench.node.port import FAULT, NOTHING
from distbench.signing import Signed

logger = logging.getLogger(__name__)


def most_memory() -> int:
    """Bytes that this process has had in memory at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@distbench
class Numbered(Algorithm):
    """The first node casts numbered messages to all others, which check that each comes once and in order.

    Until ``flag`` exists, if it is given, and ``count`` messages at least. A node with ``sleeps`` reads nothing for so
    many seconds after the first message.
    """

    count: int = config_field(default=0)
    size: int = config_field(default=10)
    flag: str = config_field(default="")
    sleeps: float = config_field(default=0.0)
    sent: int = 0
    received: int = 0
    in_order: bool = True
    grown: int = 0

    async def on_start(self) -> None:
        if self.count:
            logger.info("begins")
            before = most_memory()
            padding = "x" * self.size
            while self.sent < self.count or (self.flag and not os.path.exists(self.flag)):
                for _ in range(100):
                    self.sent += 1
                    for peer in self.peers.values():
                        await peer.take(f"{self.sent} {padding}")
                if self.flag:
                    for peer in self.peers.values():
                        await peer.progress(self.sent)  # so that nobody is ahead when the flag is there
            for peer in self.peers.values():
                await peer.end(self.sent)
            self.grown = most_memory() - before
            await self.terminate()

    @handler
    async def take(self, src: PeerId, text: str) -> None:
        self.received += 1
        self.in_order = self.in_order and int(text.partition(" ")[0]) == self.received
        if self.sleeps and self.received == 1:
            time.sleep(self.sleeps)

    @handler
    async def progress(self, src: PeerId, sent: int) -> int:
        return self.received

    @handler
    async def end(self, src: PeerId, sent: int) -> None:
        self.in_order = self.in_order and self.received == sent
        await self.terminate()

    async def report(self) -> dict[str, object]:
        return {"sent": self.sent, "received": self.received, "in_order": self.in_order, "grown": self.grown}


@distbench
class Stopped(Algorithm):
    """n1 casts to n2 and n3 at full speed; n2 stops as with SIGSTOP, and never reads again."""

    stops: bool = config_field(default=False)
    casts: int = config_field(default=0)
    received: int = 0
    down: str = ""

    async def on_start(self) -> None:
        if not self.casts:
            return
        others = list(self.peers.values())
        for number in range(self.casts):
            for peer in others:
                await peer.take(f"{number} {'x' * 1000}")
        try:
            await others[0].ask("are you there?")
        except PeerDown as error:
            self.down = str(error)
        await others[1].end(self.casts)
        await self.terminate()

    @handler
    async def take(self, src: PeerId, text: str) -> None:
        self.received += 1
        if self.stops:
            os.kill(os.getpid(), signal.SIGSTOP)

    @handler
    async def ask(self, src: PeerId, question: str) -> int:
        return self.received

    @handler
    async def end(self, src: PeerId, sent: int) -> None:
        await self.terminate()

    async def report(self) -> dict[str, object]:
        return {"received": self.received, "down": self.down}


@message
class Vote:
    value: bool


def payload_of(vote: Signed[Vote]) -> bytes:
    """The bytes that were signed."""
    payload: bytes = object.__getattribute__(vote, "_payload")
    return payload


@distbench
class Forger(Algorithm):
    """n1, which has a valid link to n2, sends it votes that are not n3's, and then its own."""

    forges: bool = config_field(default=False)

    async def on_start(self) -> None:
        self.heard: list[str] = []
        if self.forges:
            (peer,) = self.peers.values()
            own, other = self.sign(Vote(value=True)), self.sign(Vote(value=False))
            claimed = Signed(own.unwrap(), signer=PeerId("n3"), signature=own.signature, payload=payload_of(own))
            bent = Signed(own.unwrap(), signer=own.signer, signature=own.signature, payload=payload_of(other))
            for vote in (claimed, bent, own):
                await peer.vote(vote)
                await peer.pass_on([vote])

    @handler
    async def vote(self, src: PeerId, vote: Signed[Vote]) -> None:
        self.heard.append(f"{vote.value} by {vote.signer}")

    @handler
    async def pass_on(self, src: PeerId, votes: list[Signed[Vote]]) -> None:
        self.heard += [f"passed on: {vote.value} by {vote.signer}" for vote in votes]

    async def report(self) -> dict[str, object]:
        return {"heard": self.heard}


@distbench
class Liar(Algorithm):
    """n2 answers a call with an error that is no text; n1 says what it heard."""

    lies: bool = config_field(default=False)
    heard: str = ""

    async def on_start(self) -> None:
        if not self.lies:
            (peer,) = self.peers.values()
            try:
                await peer.ask("how are you?")
            except RemoteError as error:
                self.heard = str(error)
            await peer.end("enough")
            await self.terminate()

    @handler
    async def ask(self, src: PeerId, question: str) -> str:
        host: Any = self._distbench
        host.node.open(src).send(FAULT, 1, b"\xc1", NOTHING)
        return "fine, and this comes too late"

    @handler
    async def end(self, src: PeerId, word: str) -> None:
        await self.terminate()

    async def report(self) -> dict[str, object]:
        return {"heard": self.heard}


@distbench
class Raiser(Algorithm):
    """n1 casts a hundred messages; n2 raises what no handler should over one of them."""

    raises: bool = config_field(default=False)
    waits: bool = config_field(default=False)

    async def on_start(self) -> None:
        if not self.raises:
            (peer,) = self.peers.values()
            for number in range(100):
                await peer.take(number)
            await self.terminate()

    @handler
    async def take(self, src: PeerId, number: int) -> None:
        if number == 50:
            if self.waits:
                await asyncio.sleep(0)
            raise KeyboardInterrupt
        if number == 99:
            await self.terminate()


@distbench
class Starter(Algorithm):
    """A node that raises what no hook should, or is done."""

    starts: bool = config_field(default=True)

    async def on_start(self) -> None:
        if not self.starts:
            raise KeyboardInterrupt
        await self.terminate()
