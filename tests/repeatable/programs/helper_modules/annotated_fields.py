# expected: repeatable
"""Fields of the algorithm itself from clocks and chance."""

import random
import time
import uuid
from dataclasses import dataclass, field

from distbench import Algorithm, PeerId, config_field, distbench, handler, message


@message
class Note:
    text: str
    at: float = field(default_factory=time.time)
    key: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass
class State:
    since: float = field(default_factory=time.monotonic)
    order: list[int] = field(default_factory=lambda: random.sample(range(50), 5))


@distbench
class AnnotatedFields(Algorithm):
    nonce: str = config_field(default_factory=lambda: uuid.uuid4().hex)
    began: float = config_field(default_factory=time.time)

    def __init__(self) -> None:
        super().__init__()
        self.state = State()
        self.made = time.time()

    async def on_start(self) -> None:
        for peer in self.peers.values():
            await peer.hear(Note(f"{self.state} {self.made} {self.nonce} {self.began}"))

    @handler
    async def hear(self, src: PeerId, msg: Note) -> None: ...
