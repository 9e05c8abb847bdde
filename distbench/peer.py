"""``Peer``: another node as an algorithm sees it, with one typed method per handler."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from distbench.algorithm import Algorithm
from distbench.community import PeerId
from distbench.definition import AlgorithmDefinition, HandlerDefinition, define
from distbench.errors import nearest


class Outlet(Protocol):
    """What a peer's method hands a message to: one handler of one layer of the node."""

    def cast(self, dst: PeerId, message: object) -> Awaitable[None] | None: ...
    def call(self, dst: PeerId, message: object) -> Awaitable[Any]: ...


class Peer:
    """Another node. Awaiting ``peer.vote(message)`` casts or calls its handler ``vote``."""

    __slots__ = ("_outlets", "peer_id")

    peer_id: PeerId
    """The name of that node."""
    _definition: ClassVar[AlgorithmDefinition]
    """What the layer's class says of itself; of the class that ``peer_class`` makes."""

    def __init__(self, peer_id: PeerId, outlets: tuple[Outlet, ...]) -> None:
        self.peer_id = peer_id
        self._outlets = outlets

    def __repr__(self) -> str:
        return f"<peer {self.peer_id}>"

    def __hash__(self) -> int:
        return hash(self.peer_id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Peer) and other.peer_id == self.peer_id and other._outlets is self._outlets

    if TYPE_CHECKING:

        def __getattr__(self, handler: str) -> Callable[[Any], Awaitable[Any]]: ...


class Peers(dict[PeerId, Peer]):
    """The peers that a node lists, in that order; indexing also finds a node that lists this one."""

    __slots__ = ("_others", "own_id")

    own_id: PeerId | None
    """The node's own name, which is none of its peers'; None where that is not known."""

    def __init__(self, listed: dict[PeerId, Peer], others: Callable[[PeerId], Peer | None]) -> None:
        super().__init__(listed)
        self._others = others
        self.own_id = None

    def __missing__(self, peer_id: PeerId) -> Peer:
        found = self._others(peer_id)
        if found is None:
            if peer_id == self.own_id:
                raise KeyError(f"{peer_id!r} is this node itself; call the method directly, on self")
            if callable(peer_id):
                raise KeyError(f"{peer_id!r} is a method and no node; call it, as in self.peers[self.id()]")
            names = [*list(self)[:10], *(["..."] if len(self) > 10 else [])]
            hint = nearest(str(peer_id), self)  # a program that is not type-checked may ask for anything
            raise KeyError(
                f"{peer_id!r} is no neighbour of this node" + (hint or f"; it has {', '.join(names) or 'none'}")
            )
        return found


def peer_class(definition: AlgorithmDefinition) -> type[Peer]:
    """The class whose methods are the handlers of ``definition``, in their order; made once."""
    made: type[Peer] | None = definition.__dict__.get("peer_class")
    if made is None:
        made = definition.__dict__["peer_class"] = _make_class(definition)
    return made


def _make_class(definition: AlgorithmDefinition) -> type[Peer]:
    handlers = definition.handlers
    body: dict[str, Any] = {"__slots__": (), "__doc__": f"A peer that runs {definition.name}."}
    body["_definition"] = definition
    for index, handler in enumerate(handlers):
        body[handler.name] = _method(index, handler)

    return type(f"{definition.name}Peer", (Peer,), body)


def explain_missing(error: AttributeError) -> str | None:
    """What to write instead, where ``error`` says that a peer has no such handler.

    A ``__getattr__`` on peers would say it at once, and make every send slower.
    """
    if not isinstance(error.obj, Peer) or error.name is None:
        return None
    definition, name = error.obj._definition, error.name
    found = inspect.getattr_static(definition.cls, name, None)
    if isinstance(found, FunctionType) and not hasattr(Algorithm, name):
        for child, table in definition.interceptions.items():
            if any(interception.name == name for interception in table.values()):
                return f"{name!r} takes what the child {child!r} delivers at its own node; a peer has no such handler"
        return f"{name!r} is a method without @handler; write @handler above it"
    for child, cls in definition.children.items():
        if any(handler.name == name for handler in define(cls).handlers):
            return f"{name!r} is a handler of the child {child!r}; call a method of self.{child} instead"
    known = [handler.name for handler in definition.handlers]
    hint = nearest(name, known) or f"; there is {', '.join(known) or 'none'}"
    return f"no handler is called {name!r}{hint}"


def _method(index: int, handler: HandlerDefinition) -> Callable[..., Any]:
    if handler.reply is None:

        async def method(self: Peer, message: object) -> Any:
            waits = self._outlets[index].cast(self.peer_id, message)
            if waits is not None:
                await waits

    else:

        async def method(self: Peer, message: object) -> Any:
            return await self._outlets[index].call(self.peer_id, message)

    parameter = handler.parameter if handler.parameter != "self" else "message"
    # The user's own word for the parameter, so that peer.vote(msg=...) works at no cost a call.
    words = {"message": parameter, "waits": f"{parameter}_waits"}
    names = tuple(words.get(name, name) for name in method.__code__.co_varnames)
    method.__code__ = method.__code__.replace(co_varnames=names)
    method.__name__ = handler.name
    method.__qualname__ = handler.function.__qualname__
    method.__module__ = handler.function.__module__
    method.__doc__ = handler.function.__doc__
    signature = inspect.signature(handler.function)
    kept = list(signature.parameters.values())
    method.__signature__ = signature.replace(parameters=[kept[0], kept[2]])  # type: ignore[attr-defined]
    return method
