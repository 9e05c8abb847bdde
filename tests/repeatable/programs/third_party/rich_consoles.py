# expected: repeatable
# from python: exception: imported before
# needs: rich
"""Text rendered by rich, with its clock."""

import io

from rich.console import Console
from rich.progress import Progress

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class RichConsoles(Algorithm):
    looked = 0

    async def on_start(self) -> None:
        await self.look()

    async def look(self) -> None:
        console = Console(file=io.StringIO(), width=60)
        console.log("hello")
        progress = Progress(console=console)
        task = progress.add_task("work", total=10)
        progress.advance(task, 3)
        await self.tell(console.file.getvalue().split("]")[0], progress.tasks[0].elapsed, progress.get_time() >= 0)

    async def tell(self, *seen: object) -> None:
        text = " ".join(map(str, seen))
        for peer in self.peers.values():
            await peer.hear(text)

    @handler
    async def hear(self, src: PeerId, text: str) -> None:
        self.looked += 1
        if self.looked == 1:
            await self.look()
