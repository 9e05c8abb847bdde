# expected: repeatable
"""Datetimes, decimals, uuids and paths in sets."""

import datetime
import decimal
import fractions
import pathlib
import uuid

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class SetsOfMoments(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        days = {datetime.datetime(2020, 1, number) for number in range(1, 9)} | {datetime.datetime.now()}
        await self.tell(list(days), list({decimal.Decimal(number) / 3 for number in range(5)}))
        await self.tell(
            list({uuid.UUID(int=number * 77) for number in range(5)}),
            list({fractions.Fraction(1, n) for n in range(1, 6)}),
        )
        await self.tell(sorted({pathlib.PurePosixPath(f"/tmp/{number}") for number in range(4)}))

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
