"""An algorithm that uses all that could make two runs differ, and sends what it saw, so that the digest covers it."""

from __future__ import annotations

import asyncio
import datetime
import os
import random
import secrets
import time
import uuid
from dataclasses import dataclass
from datetime import date
from datetime import datetime as moment
from os import urandom
from random import choice, shuffle
from time import monotonic
from time import time as seconds
from typing import Any
from uuid import uuid1, uuid4

from distbench import Algorithm, PeerId, RemoteError, Signed, config_field, distbench, handler, message


@message
class Seen:
    """Whatever somebody saw, as text."""

    what: str
    values: list[str]


@message
@dataclass(frozen=True)
class Fact:
    """A message that can stand in a set."""

    about: PeerId
    number: int


@distbench
class Chaotic(Algorithm):
    """Everybody tells everybody what clocks, entropy, sets and races gave."""

    rounds: int = config_field(default=2)
    heard: int = 0

    def __init__(self) -> None:
        super().__init__()
        self.born = [str(uuid4()), repr(random.random()), repr(time.time()), repr(random.Random().random())]
        self.event = asyncio.Event()

    async def on_start(self) -> None:
        await self.tell("born", [*self.born, str(hash(asyncio.current_task()))])
        await self.tell("clocks", self.clocks())
        await asyncio.sleep(0.5 - self.now())  # and so wakes with all others
        await self.tell("ties", await self.ties())
        await self.tell("burst", await self.burst())
        for _ in range(self.rounds):
            await asyncio.sleep(random.random() / 10)
            await self.tell("entropy", self.entropy())
            await self.tell("set of peers", [str(peer) for peer in {PeerId(peer) for peer in self.peers}])
            await self.tell("set of tasks", await self.set_of_tasks())
            await self.tell("set of futures", await self.set_of_futures())
            await self.tell("set of gatherings", await self.set_of_gatherings())
            await self.tell("set of messages", [str(each) for each in {Fact(p, n) for p in self.peers for n in (1, 2)}])
            await self.tell("group", await self.group_fails())
            await self.tell("race", await self.race())
            await self.tell("completed", await self.completed())
            await self.tell("decision", [str(self.choice(range(100))), repr(self.random.random())])
            for peer in {self.peers[peer] for peer in self.peers}:
                try:
                    await peer.ask("?")
                except RemoteError as error:
                    await self.tell("error", [error.exception])
        await self.tell("clocks", self.clocks())
        await self.terminate()

    async def tell(self, what: str, values: list[str]) -> None:
        for peer in {self.peers[peer] for peer in self.peers}:
            await peer.seen(Seen(what, values))

    @handler
    async def seen(self, src: PeerId, msg: Seen) -> None:
        self.heard += 1
        if self.heard % 7 == 0:
            await asyncio.sleep(0)

    @handler
    async def ask(self, src: PeerId, msg: str) -> str:
        if random.random() < 0.3:
            raise ValueError(f"no {object()}")
        return str(uuid4())

    @handler
    async def signed(self, src: PeerId, msg: Signed[Seen]) -> None:
        pass

    # -------------------------------------------------- what may differ

    def clocks(self) -> list[str]:
        found: list[Any] = [time.time(), seconds(), time.monotonic(), monotonic(), time.perf_counter(), time.time_ns()]
        found += [time.monotonic_ns(), time.perf_counter_ns(), time.process_time(), time.gmtime(), time.strftime("%S")]
        found += [datetime.datetime.now(datetime.UTC), moment.now(), moment.utcnow(), moment.today(), date.today()]
        found += [datetime.date.today(), time.ctime(), time.localtime(), self.now(), asyncio.get_running_loop().time()]
        return [repr(each) for each in found]

    def entropy(self) -> list[str]:
        items = list(range(10))
        shuffle(items)
        found: list[Any] = [uuid.uuid4(), uuid4(), uuid.uuid1(), uuid1(), os.urandom(4), urandom(4), items]
        found += [
            random.random(),
            random.randint(1, 10**9),
            random.gauss(),
            choice(range(1000)),
            random.getrandbits(64),
        ]
        found += [random.Random().random(), random.SystemRandom().random(), secrets.token_hex(8), secrets.randbelow(99)]
        found += [secrets.choice(range(1000)), random.sample(range(100), 5), random.Random(5).random()]
        return [repr(each) for each in found]

    async def set_of_tasks(self) -> list[str]:
        async def names(number: int) -> int:
            await asyncio.sleep(0)
            return number

        tasks = {asyncio.create_task(names(number)) for number in range(20)}
        done, _ = await asyncio.wait(tasks)
        return [str(task.result()) for task in done] + [str(task.result()) for task in tasks]

    async def set_of_futures(self) -> list[str]:
        loop = asyncio.get_running_loop()
        futures = {loop.create_future() for _ in range(20)}
        found = []
        for number, future in enumerate(futures):
            future.set_result(number)
        for future in sorted(futures, key=lambda future: hash(future)):
            found.append(str(future.result()))
        return found

    async def set_of_gatherings(self) -> list[str]:
        async def runs(number: int) -> int:
            await asyncio.sleep(0)
            return number

        gathered = [asyncio.gather(runs(number), runs(-number)) for number in range(9)]
        tasks: list[Any] = [asyncio.Task(runs(number)) for number in range(9)]
        plain: list[Any] = [asyncio.Future() for _ in range(9)]
        for number, future in enumerate(plain):
            future.set_result(number)
        done, _ = await asyncio.wait([*gathered, *tasks, *plain])
        return [str(each.result()) for each in done]

    async def group_fails(self) -> list[str]:
        found: list[str] = []

        async def member(number: int) -> None:
            try:
                await asyncio.sleep(0.01 if number == 5 else 1)
                raise ValueError(number)
            finally:
                found.append(str(number))

        try:
            async with asyncio.TaskGroup() as group:
                for number in range(12):
                    group.create_task(member(number))
        except* ValueError as errors:
            found.append(str(errors.exceptions))
        return found

    async def race(self) -> list[str]:
        async def runs(number: int) -> int:
            await asyncio.sleep(0.001 * (number % 3))
            return number

        tasks = {asyncio.create_task(runs(number)) for number in range(12)}
        found = []
        while tasks:
            done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            found.append(str([task.result() for task in done]))
        return found

    async def ties(self) -> list[str]:
        found: list[str] = []

        async def wakes(number: int) -> None:
            await asyncio.sleep(0.6 - self.now())
            found.append(f"{number} of {self.heard}")
            await asyncio.sleep(0)
            found.append(f"{number} again")

        await asyncio.gather(*(wakes(number) for number in range(5)))
        return found

    async def burst(self) -> list[str]:
        """Casts and calls that may have to wait for room, and one that does not wait long."""
        found: list[str] = []

        async def sends(number: int) -> None:
            peer = list(self.peers.values())[number % len(self.peers)]
            try:
                async with asyncio.timeout(0.003 if number % 5 == 0 else None):
                    await (peer.ask("?") if number % 4 == 0 else peer.seen(Seen("burst", [str(number)])))
            except (RemoteError, TimeoutError) as error:
                found.append(type(error).__name__)
            found.append(f"{number} at {self.now()}")

        await asyncio.gather(*(sends(number) for number in range(30)))
        return found

    async def completed(self) -> list[str]:
        async def runs(number: int) -> int:
            return number

        return [str(await each) for each in asyncio.as_completed([runs(number) for number in range(12)])]
