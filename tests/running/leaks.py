"""Programs for audits: one in which every node tells the others one value, which is taken from somewhere."""

from __future__ import annotations

from pathlib import Path

PROGRAM = """
from distbench import Algorithm, PeerId, distbench, handler, message
{before}

@message
class Say:
    number: int
    value: {kind}

@distbench
class Program(Algorithm):
    async def on_start(self) -> None:
        for peer in self.peers.values():
            await peer.say(Say(1, {value}))

    @handler
    async def say(self, src: PeerId, msg: Say) -> None:
        await self.terminate()
"""


def write_program(folder: Path, kind: str, value: str, before: str = "") -> Path:
    """A program that sends ``value``, an expression of type ``kind``; ``before`` is its top level."""
    file = folder / "program.py"
    file.write_text(PROGRAM.format(kind=kind, value=value, before=before))
    return file
