"""What ``distbench new`` writes; NAME, CLASS and COMMAND are filled in."""

from __future__ import annotations

from typing import Final

TAKEN: Final = ("Algorithm", "PeerId", "RunResult", "Word")
"""Names that the template has for something else."""

ALGORITHM: Final = '''"""CLASS: a word spreads from one node to all others. Say here what yours does.

Model: what it assumes, for instance any connected network, reliable links, no failures, one node with start_node.

Properties: what it promises, for instance that every node hears the word.

Messages: how many it sends, for instance one along each link in each direction.

Run it with
    COMMAND
and under a thousand seeds by adding --seeds 0-999.
"""

from __future__ import annotations

import logging

from distbench import Algorithm, PeerId, RunResult, config_field, distbench, handler, message

logger = logging.getLogger(__name__)


# A message. Its fields may be texts, numbers, lists, dictionaries, other messages and more.
@message
class Word:
    text: str


# One instance of this class runs at every node; nodes share nothing but the messages they send.
@distbench
class CLASS(Algorithm):
    """A word spreads from the start node to all others."""

    # Config fields: values that each node's block in NAME.yaml may set. required=True makes one compulsory.
    start_node: bool = config_field(default=False)
    word: str = config_field(default="hello")

    # State of one node. A handler is atomic up to its next await, so no locks are needed.
    heard: str | None = None
    heard_from: PeerId | None = None
    words: int = 0

    # Called once, when all nodes are ready.
    async def on_start(self) -> None:
        if self.start_node:
            await self.spread(self.word)

    # Called for every Word that arrives. A handler that returns None is a cast: the sender does not wait for it.
    # With another annotation, such as '-> int', it is a call, and 'await peer.hear(...)' returns that value.
    @handler
    async def hear(self, src: PeerId, msg: Word) -> None:
        if self.heard is None:
            logger.info("Heard %r from %s", msg.text, src)
            self.heard_from = src
            await self.spread(msg.text)
        self.words += 1
        if self.words == len(self.peers):  # from every neighbour once
            await self.terminate()  # this node is done; the run ends when all are

    async def spread(self, text: str) -> None:
        self.heard = text
        for peer in self.peers.values():  # this node's neighbours
            await peer.hear(Word(text=text))

    # What stands in the table at the end, for this node.
    async def report(self) -> dict[str, object]:
        return {"heard": self.heard, "from": self.heard_from}


# Called after every run. An AssertionError fails the run: with --seeds, a thousand schedules are checked.
def check(result: RunResult) -> None:
    """All who heard heard the same; after a completed run, everybody did."""
    words = {report["heard"] for report in result.reports.values()}
    assert len(words - {None}) <= 1, f"different words were heard: {words}"
    if result.ended == "completed":
        assert None not in words, "somebody heard nothing"
'''

CONFIG: Final = """\
# The nodes of a run. Run them with
#     COMMAND
# Each lists its neighbours; an empty list means all other nodes. Other keys are config fields of CLASS in NAME.py.
n1:
  neighbours: [n2, n3]
  start_node: true
  word: hello

n2:
  neighbours: [n1, n4]

n3:
  neighbours: [n1, n4]

n4:
  neighbours: [n2, n3]
"""
