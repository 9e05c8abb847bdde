"""A coordinator with a few model nodes on FIFO control links: every order of events, gone through one by one.

A model node does what ``running/nodeprocess.py`` does, without processes, bytes or time: it joins, says ready, starts,
handles messages, sends some of its own, calls a peer and waits, terminates, says when it is idle, answers waves, and
leaves. It may die at any moment. Messages have no content: of a link only their number in transit matters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from distbench.community import PeerId
from distbench.running.coordinator import (
    Command,
    Coordinator,
    Finish,
    Phase,
    SendNotice,
    SendRoster,
    SendStart,
    SendStop,
    SendWave,
    Standing,
)
from distbench.running.result import Outcome

Word = tuple[object, ...]
"""A message on a control link: what it is, and what it carries."""


class ModelNode(NamedTuple):
    """One node, as hashable as all of the world."""

    stage: str = "down"
    """down, joined, ready, running, left, dead."""
    active: bool = False
    """A handler or task runs, or a timer is armed."""
    budget: int = 0
    """Messages that it may still send of its own."""
    calls: int | None = None
    """Whose reply it waits for."""
    done: bool = False
    activity: int = 0
    sent: tuple[int, ...] = ()
    received: tuple[int, ...] = ()
    told: Word | None = None
    """How it stood when it last said so."""
    inbox: tuple[Word, ...] = ()
    """From the coordinator."""
    outbox: tuple[Word, ...] = ()
    """To the coordinator."""


class World(NamedTuple):
    """A state; equal ones are explored once."""

    nodes: tuple[ModelNode, ...]
    transit: tuple[tuple[int, ...], ...]
    """By sender and receiver."""
    news: tuple[int, ...]
    """Deaths of which the coordinator has not heard."""
    crashes: int
    """Nodes that may still die."""
    limits: int
    """1 while a time limit may still end the run."""
    told: tuple[str, ...]
    """The commands that the coordinator may give once only, as it gave them."""
    coordinator: int
    """The coordinator's state: its place among all that were seen."""


class Violation(AssertionError):
    """The coordinator did what it must never do."""


class SmallWorld:
    """All runs of ``size`` nodes under one class of coordinator."""

    def __init__(
        self,
        kind: type[Coordinator],
        size: int,
        *,
        budget: tuple[int, ...],
        crashes: int = 0,
        limits: int = 0,
        calls: bool = False,
        in_background: bool = False,
        started: bool = True,
        waiting: tuple[int, int] | None = None,
    ) -> None:
        """``calls``: nodes may wait for a peer; ``in_background``: no handler then shows as suspended.

        ``started``: begin where all are ready and none has heard that it may start. ``waiting``: begin where all are
        idle and have said so, and the first of these two waits for the second, which alone may die.
        """
        self.ids = tuple(PeerId(f"n{number + 1}") for number in range(size))
        self.calls = calls
        self.in_background = in_background
        self.waiting = waiting
        self._coordinators: list[Coordinator] = []
        self._numbers: dict[tuple[object, ...], int] = {}
        zero = (0,) * size
        nodes = tuple(ModelNode(budget=own, sent=zero, received=zero) for own in budget)
        first = kind(self.ids)
        world = World(nodes, (zero,) * size, (), crashes, limits, (), self._freeze(first))
        if started:
            nodes = tuple(node._replace(stage="ready") for node in nodes)
            world = world._replace(nodes=nodes)
            for node in self.ids:
                first.joined(node)
            commands = [command for node in self.ids for command in first.ready(node)]
            world = self._obey(world._replace(coordinator=self._freeze(first)), commands)
        if waiting is not None:
            world = self._wait(world, *waiting)
        self.start = world

    def _wait(self, world: World, caller: int, callee: int) -> World:
        for me, node in enumerate(world.nodes):
            zero = node.sent
            idle = node._replace(stage="running", inbox=())
            if me == caller:
                idle = idle._replace(calls=callee, sent=_plus(zero, callee, 1))
            if me == callee:
                idle = idle._replace(budget=0, activity=1, received=_plus(zero, caller, 1))
            world = _with(world, me, _say(idle._replace(told=self._standing(idle)), "idle", self._standing(idle)))
        return world

    def explore(self, most: int) -> int:
        """Go through every state; how many there are. Raises Violation, and where there are more than ``most``."""
        seen = {self.start}
        todo = [self.start]
        while todo:
            world = todo.pop()
            found = False
            for after in self.steps(world):
                found = True
                if after not in seen:
                    seen.add(after)
                    todo.append(after)
            if not found and self.coordinator(world).phase is not Phase.OVER:
                raise Violation(f"nothing can happen any more, and the run is not over: {world}")
            assert len(seen) <= most, "the world is larger than it was meant to be"
        return len(seen)

    def coordinator(self, world: World) -> Coordinator:
        """The coordinator of a state; not to be changed."""
        return self._coordinators[world.coordinator]

    # -------------------------------------------------- what may happen

    def steps(self, world: World) -> Iterator[World]:
        """Every state that may come next."""
        phase = self.coordinator(world).phase
        for me, node in enumerate(world.nodes):
            if node.outbox:
                yield self._hear(_with(world, me, node._replace(outbox=node.outbox[1:])), me, node.outbox[0])
            if node.stage == "dead":
                continue
            if node.stage == "down":
                yield _with(world, me, _say(node._replace(stage="joined"), "joined"))
            if node.inbox:
                yield self._obey_at(_with(world, me, node._replace(inbox=node.inbox[1:])), me, node.inbox[0])
            if node.stage == "running":
                yield from self._run(world, me, node)
            may_die = self.waiting is None or me == self.waiting[1]
            if world.crashes and may_die and node.stage != "left" and phase is not Phase.OVER:
                dead = node._replace(stage="dead", active=False, inbox=(), calls=None)
                yield _with(world, me, dead)._replace(crashes=world.crashes - 1, news=(*world.news, me))
        for me in world.news:
            rest = tuple(other for other in world.news if other != me)
            yield self._ask(world._replace(news=rest), "gone_node", self.ids[me], "was killed")
        if world.limits and phase is Phase.RUNNING:
            yield self._ask(world._replace(limits=0), "stop", Outcome.TIMEOUT)

    def _run(self, world: World, me: int, node: ModelNode) -> Iterator[World]:
        for peer in range(len(world.nodes)):
            if world.transit[peer][me]:
                yield self._deliver(world, peer, me)
        if node.active:
            yield _with(world, me, node._replace(active=False))
            if not node.done:
                yield _with(world, me, _say(node._replace(done=True), "done"))
            for peer in range(len(world.nodes)):
                if node.budget and peer != me:
                    yield _send(world, me, peer, node)
                    if self.calls:
                        yield _send(world, me, peer, node._replace(active=False, calls=peer))
        elif node.told != (standing := self._standing(node)):
            yield _with(world, me, _say(node._replace(told=standing), "idle", standing))

    def _deliver(self, world: World, src: int, dst: int) -> World:
        node = world.nodes[dst]
        return _in_transit(
            _with(
                world,
                dst,
                node._replace(
                    active=True,
                    activity=node.activity + 1,
                    received=_plus(node.received, src, 1),
                    calls=None if node.calls == src else node.calls,
                ),
            ),
            src,
            dst,
            -1,
        )

    def _standing(self, node: ModelNode) -> Word:
        suspended = node.calls is not None and not self.in_background
        return (not node.active, suspended, node.activity, node.sent, node.received)

    # -------------------------------------------------- node and coordinator hear each other

    def _obey_at(self, world: World, me: int, word: Word) -> World:
        node = world.nodes[me]
        match word:
            case ("roster",):
                return _with(world, me, _say(node._replace(stage="ready"), "ready"))
            case ("start",):
                return _with(world, me, node._replace(stage="running", active=True))
            case ("wave", number):
                standing = self._standing(node) if node.stage == "running" else (False, False, 0, (), ())
                told = standing if standing[0] else None
                return _with(world, me, _say(node._replace(told=told), "wave", number, standing))
            case ("notice", int(gone)):
                if node.calls == gone:  # PeerDown, of which no counter tells
                    node = node._replace(calls=None, active=True)
                return _in_transit(_with(world, me, node), gone, me, -world.transit[gone][me])
            case ("stop",):
                left = node._replace(stage="left", active=False, calls=None)
                return _with(world, me, _say(left, "left"))
        raise AssertionError(f"a node does not know {word}")

    def _hear(self, world: World, me: int, word: Word) -> World:
        node = self.ids[me]
        match word:
            case ("idle", standing):
                return self._ask(world, "idle", node, self._thaw(standing))
            case ("wave", number, standing):
                return self._ask(world, "wave", node, number, self._thaw(standing))
            case (str(name),):
                return self._ask(world, name, node)
        raise AssertionError(f"a coordinator does not know {word}")

    def _thaw(self, standing: object) -> Standing:
        assert isinstance(standing, tuple)
        passive, suspended, activity, sent, received = standing
        return Standing(
            passive,
            suspended,
            activity,
            {self.ids[peer]: count for peer, count in enumerate(sent) if count},
            {self.ids[peer]: count for peer, count in enumerate(received) if count},
        )

    def _ask(self, world: World, method: str, *arguments: object) -> World:
        coordinator = _copy(self.coordinator(world))
        before = coordinator.outcome
        commands: tuple[Command, ...] = getattr(coordinator, method)(*arguments)
        if coordinator.outcome is not before:
            self._check_end(world, coordinator)
        return self._obey(world._replace(coordinator=self._freeze(coordinator)), commands)

    def _obey(self, world: World, commands: tuple[Command, ...] | list[Command]) -> World:
        for command in commands:
            match command:
                case SendRoster():
                    world = self._tell(self._once(world, "roster"), ("roster",))
                case SendStart():
                    world = self._tell(self._once(world, "start"), ("start",))
                    self._check_start(world)
                case SendWave(number):
                    world = self._tell(world, ("wave", number))
                case SendStop():
                    world = self._tell(self._once(world, "stop"), ("stop",))
                case SendNotice(node, _):
                    world = self._tell(world, ("notice", self.ids.index(node)))
                case Finish():
                    world = self._once(world, "finish")
        return world

    def _tell(self, world: World, word: Word) -> World:
        nodes = (n if n.stage in ("dead", "down") else n._replace(inbox=(*n.inbox, word)) for n in world.nodes)
        return world._replace(nodes=tuple(nodes))

    # -------------------------------------------------- what must hold

    def _once(self, world: World, command: str) -> World:
        if command in world.told:
            raise Violation(f"{command} came twice: {world}")
        return world._replace(told=(*world.told, command))

    def _check_start(self, world: World) -> None:
        for me, node in enumerate(world.nodes):
            if node.stage not in ("ready", "dead"):
                raise Violation(f"{self.ids[me]} is not ready when all start: {world}")

    def _check_end(self, world: World, coordinator: Coordinator) -> None:
        there = [me for me, node in enumerate(world.nodes) if node.stage != "dead"]
        if coordinator.outcome is Outcome.COMPLETED:
            undone = [me for me in there if not world.nodes[me].done]
            if undone:
                raise Violation(f"completed, but {undone} never terminated: {world}")
        if coordinator.outcome not in (Outcome.QUIESCENT, Outcome.STUCK):
            return
        for me in there:
            node = world.nodes[me]
            if node.stage != "running" or node.active:
                raise Violation(f"{coordinator.outcome}, but {self.ids[me]} is active: {world}")
            if any(world.transit[peer][me] for peer in there):
                raise Violation(f"{coordinator.outcome}, but a message to {self.ids[me]} is in transit: {world}")
            if ("notice", node.calls) in node.inbox:
                raise Violation(f"{coordinator.outcome}, but {self.ids[me]} is about to hear of a death: {world}")
        if world.news:
            return  # what the coordinator last heard of the dead counts
        suspended = any(world.nodes[me].calls is not None for me in there) and not self.in_background
        if suspended is not (coordinator.outcome is Outcome.STUCK):
            raise Violation(f"{coordinator.outcome} is the wrong word: {world}")

    # -------------------------------------------------- coordinators as values

    def _freeze(self, coordinator: Coordinator) -> int:
        frozen = tuple(_freeze(value) for value in vars(coordinator).values())
        number = self._numbers.setdefault(frozen, len(self._coordinators))
        if number == len(self._coordinators):
            self._coordinators.append(coordinator)
        return number


def _copy(coordinator: Coordinator) -> Coordinator:
    made = object.__new__(type(coordinator))
    for name, value in vars(coordinator).items():
        setattr(made, name, value.copy() if isinstance(value, dict | set) else value)
    return made


def _freeze(value: object) -> object:
    if isinstance(value, dict):
        return tuple((key, _freeze(item)) for key, item in sorted(value.items()))
    if isinstance(value, set):
        return frozenset(value)
    if isinstance(value, Standing):
        return (value.passive, value.suspended, value.activity, _freeze(value.sent), _freeze(value.received))
    return value


def _with(world: World, me: int, node: ModelNode) -> World:
    return world._replace(nodes=(*world.nodes[:me], node, *world.nodes[me + 1 :]))


def _say(node: ModelNode, *word: object) -> ModelNode:
    return node._replace(outbox=(*node.outbox, word))


def _send(world: World, me: int, peer: int, node: ModelNode) -> World:
    sent = node._replace(budget=node.budget - 1, sent=_plus(node.sent, peer, 1))
    return _in_transit(_with(world, me, sent), me, peer, 1)


def _in_transit(world: World, src: int, dst: int, change: int) -> World:
    row = _plus(world.transit[src], dst, change)
    return world._replace(transit=(*world.transit[:src], row, *world.transit[src + 1 :]))


def _plus(counts: tuple[int, ...], at: int, change: int) -> tuple[int, ...]:
    return (*counts[:at], counts[at] + change, *counts[at + 1 :])
