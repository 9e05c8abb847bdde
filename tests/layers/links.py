"""Links that a config may choose, and an algorithm over them."""

from __future__ import annotations

from abc import ABC, abstractmethod

from distbench import Algorithm, PeerId, child_algorithm, config_field, distbench, handler, message


@message
class Text:
    words: str


@distbench
class Links(Algorithm, ABC):
    """A base that says what links can do."""

    @abstractmethod
    async def send(self, dst: PeerId, words: str) -> None: ...


@distbench
class Plain(Links):
    @handler
    async def text(self, src: PeerId, msg: str) -> None:
        await self.deliver_message(src, Text(msg))

    async def send(self, dst: PeerId, words: str) -> None:
        await self.peers[dst].text(words)


@distbench
class Repeating(Plain):
    times: int = config_field(default=2)

    async def send(self, dst: PeerId, words: str) -> None:
        for _ in range(self.times):
            await super().send(dst, words)


@distbench
class NoLinks(Algorithm):
    pass


@distbench
class Chat(Algorithm):
    links: Links = child_algorithm(Plain)

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def on_start(self) -> None:
        for peer in self.peers:
            await self.links.send(peer, f"from {self.id()}")

    @handler(from_child="links")
    async def on_text(self, src: PeerId, msg: Text) -> None:
        self.heard.append(msg.words)


@distbench
class Open(Chat):
    """Leaves the choice to the config."""

    links: Links = child_algorithm(Links)
