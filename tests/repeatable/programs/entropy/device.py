# expected: refused: open()
"""Random bytes from the device file."""

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Device(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        with open("/dev/urandom", "rb") as device:
            await self.tell(device.read(8).hex())

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
