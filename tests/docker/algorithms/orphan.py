"""A node that starts a process which outlives its parent."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from distbench import Algorithm, distbench


@distbench
class Orphan(Algorithm):
    """Ends the orphan, and waits until it is not even a dead process any more."""

    async def on_start(self) -> None:
        shell = "sleep 1000 >/dev/null & echo $!"
        child = await asyncio.create_subprocess_shell(shell, stdout=asyncio.subprocess.PIPE)
        assert child.stdout is not None
        orphan = int(await child.stdout.readline())  # not to the end, for the orphan may hold the pipe open
        await child.wait()
        status = Path(f"/proc/{orphan}/stat")
        parent = status.read_text().split(") ")[1].split()[1]
        os.kill(orphan, signal.SIGKILL)
        while status.exists():
            await asyncio.sleep(0.01)
        print(f"process {parent} buried it", flush=True)
        await self.terminate()
