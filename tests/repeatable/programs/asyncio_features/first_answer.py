# expected: repeatable
"""The first answer of several wins, the others are cancelled."""

import asyncio

from distbench import Algorithm, PeerId, distbench, handler


@distbench
class FirstAnswer(Algorithm):
    async def on_start(self) -> None:
        tasks = {asyncio.create_task(peer.ask(name)): name for name, peer in self.peers.items()}
        done, pending = await asyncio.wait(set(tasks), return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        winners = [(tasks[task], task.result()) for task in done]
        for peer in self.peers.values():
            await peer.hear(f"{winners} {[tasks[task] for task in pending]}")

    @handler
    async def ask(self, src: PeerId, text: str) -> float:
        await asyncio.sleep(self.random.random() / 100)
        return asyncio.get_running_loop().time()

    @handler
    async def hear(self, src: PeerId, text: str) -> None: ...
