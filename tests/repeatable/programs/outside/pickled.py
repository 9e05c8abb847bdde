# expected: repeatable
"""Values pickled, copied and compared by their bytes."""

import copy
import pickle

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class Pickled(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        value = {"a": [1, 2, (3, 4)], "b": {"c", "d", "e"}}
        await self.tell(pickle.dumps(value).hex(), copy.deepcopy(value), repr(value))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
