"""One layer of a node: an instance of an algorithm and the host it asks."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from distbench.algorithm import Algorithm
from distbench.annotations import show_type
from distbench.community import PeerId
from distbench.config.binding import BoundLayer
from distbench.definition import Interception
from distbench.errors import DistbenchError, MessageError
from distbench.node.failures import safe_repr
from distbench.peer import Peers
from distbench.signing import Signed

if TYPE_CHECKING:
    from distbench.node.node import Node

T = TypeVar("T")


class Layer:
    """Implements ``algorithm.Host`` for one instance."""

    __slots__ = ("_choices", "bound", "children", "done", "instance", "name", "node", "parent")

    def __init__(self, node: Node, bound: BoundLayer, parent: Layer | None, name: str) -> None:
        self.node = node
        self.bound = bound
        self.parent = parent
        self.name = name
        self.done = False
        self._choices = 0
        cls = bound.definition.cls
        self.instance: Algorithm = cls.__new__(cls)
        self.children = {key: Layer(node, child, self, key) for key, child in bound.children.items()}

    def build(self, peers: Peers) -> None:
        """Fill the instance, then run its ``__init__``, in which all of it can be read already."""
        definition, instance = self.bound.definition, self.instance
        state = vars(instance)
        state["_distbench"] = self
        state["_parent"] = None if self.parent is None else self.parent.instance
        peers.own_id = self.node.node_id
        state["peers"] = peers
        state["community"] = self.node.community
        for name, value in definition.copied:
            state[name] = copy.deepcopy(value)
        values = self.bound.values()
        state.update(values)
        for name, child in self.children.items():
            state[name] = child.instance
        self._initialise(values)

    def _initialise(self, values: Mapping[str, object]) -> None:
        """Call ``__init__`` with what it takes."""
        definition, instance = self.bound.definition, self.instance
        initialise: Any = type(instance).__init__
        if not definition.arguments and not definition.named_arguments:
            initialise(instance)
            return
        config = {**copy.deepcopy(dict(self.bound.block)), **values}
        given = {**values, "config": config, "peers": instance.peers, "community": instance.community}
        named = {parameter: given[name] for parameter, name in definition.named_arguments.items()}
        initialise(instance, *(given[name] for name in definition.arguments), **named)

    # -------------------------------------------------- what the instance asks

    @property
    def node_id(self) -> PeerId:
        return self.node.node_id

    @property
    def size(self) -> int:
        return len(self.node.community.nodes)

    @property
    def random(self) -> random.Random:
        return self.node.random

    def choice(self, options: Sequence[T]) -> T:
        if not options:
            raise IndexError("choice() needs at least one option")
        key = ("choice", self.node.node_id, self.bound.path, self._choices)
        self._choices += 1
        return options[self.node.choices.index(key, len(options))]

    def now(self) -> float:
        return self.node.now()

    def terminate(self) -> None:
        if not self.done:
            self.done = True
            self.node.terminated(self)

    def sign(self, message: T) -> Signed[T]:
        return self.node.sign(message)

    async def deliver_message(self, src: PeerId, message: object) -> Any:
        parent = self.parent
        if parent is None:
            raise DistbenchError(f"{self.bound.definition.name} has no parent to deliver to; check self._parent first")
        if not isinstance(src, str):
            name = self.bound.definition.name
            hint = "; write self.id()" if getattr(src, "__name__", "") == "id" else "; it is a PeerId"
            raise MessageError(f"{name}.deliver_message(src, message): src is {safe_repr(src)}{hint}")
        found = self._interception(parent, message)
        return await found.function(parent.instance, src, message)

    def _interception(self, parent: Layer, message: object) -> Interception:
        table = parent.bound.definition.interceptions[self.name]
        kinds: list[Any] = list(type(message).__mro__[:-1])
        if isinstance(message, Signed):
            signed: Any = Signed
            kinds = [*(signed[kind] for kind in type(message.unwrap()).__mro__[:-1]), Signed]
        for kind in (*kinds, Any):
            if kind in table:
                return table[kind]
        known = ", ".join(show_type(kind) for kind in table) or "nothing"
        found = f"Signed[{type(message.unwrap()).__name__}]" if isinstance(message, Signed) else type(message).__name__
        raise MessageError(
            f"{parent.bound.definition.name} has no @handler(from_child={self.name!r}) for {found}; it takes {known}"
        )
