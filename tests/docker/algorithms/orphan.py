"""A node that starts a process which outlives its parent."""

from __future__ import annotations

import asyncio
from pathlib import Path

from distbench import Algorithm, distbench


@distbench
class Orphan(Algorithm):
    """Waits until the orphan is not even a dead process any more."""

    async def on_start(self) -> None:
        child = await asyncio.create_subprocess_shell("sleep 0.1 & echo $!", stdout=asyncio.subprocess.PIPE)
        output, _ = await child.communicate()
        process = Path("/proc") / output.decode().strip()
        parents = set()
        while process.exists():
            parents.add(int((process / "stat").read_text().split(") ")[1].split()[1]))
            await asyncio.sleep(0.01)
        print(f"buried: {sorted(parents)}", flush=True)
        await self.terminate()
