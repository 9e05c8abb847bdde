"""One node makes a mistake in a handler."""

from __future__ import annotations

from distbench import Algorithm, PeerId, config_field, distbench, handler


@distbench
class Faulty(Algorithm):
    """Everybody greets everybody; one of them cannot stand it."""

    breaks: bool = config_field(default=False)

    async def on_start(self) -> None:
        for peer in self.peers.values():
            await peer.greet("hello")

    @handler
    async def greet(self, src: PeerId, text: str) -> None:
        """Take it, or not."""
        if self.breaks:
            raise ValueError("I had enough")
        await self.terminate()
