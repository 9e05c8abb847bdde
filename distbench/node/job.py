"""A handler or hook under way: what is to be done when it ends."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from distbench.community import PeerId
from distbench.errors import CallError
from distbench.logs import REPEATS
from distbench.node.failures import is_cancellation, name_exception, safe_repr
from distbench.node.lifecycle import Phase
from distbench.node.port import NOTHING
from distbench.node.route import Hook, Route

if TYPE_CHECKING:
    from distbench.node.node import Node

logger = logging.getLogger(__name__)


class Job:
    """A handler or hook that waits or failed: what it is, and what is to be done when it ends."""

    __slots__ = ("call", "coro", "node", "route", "src", "task", "value")

    def __init__(self, node: Node, route: Route | Hook, src: PeerId | None, call: int, value: Any) -> None:
        self.node = node
        self.route = route
        self.src = src
        self.call = call
        self.value = value
        self.task: asyncio.Task[Any] | None = None
        self.coro: Any = None

    def _forget(self) -> None:
        if self.task is not None:
            self.node.running.pop(self.task, None)
            self.task = None  # which keeps this: an exception is to go with the task, and what its frames hold

    def returned(self, value: Any) -> None:
        self._forget()
        answers = self.call and isinstance(self.route, Route) and self.src is not None
        if answers and self.node.phase is not Phase.CRASHED:
            self.node.reply(self.route, self.src, self.call, value)  # type: ignore[arg-type]
        elif value is not None and not self.call:
            self.node.unheard(self.route, value)

    def failed(self, error: BaseException) -> None:
        self._forget()
        node = self.node
        if node.phase in (Phase.CRASHED, Phase.ENDED):
            if not isinstance(error, (asyncio.CancelledError, CallError)):
                what = (node.node_id, self.route.name, name_exception(error))
                logger.warning("%s.%s raised %s at its end", *what, extra=REPEATS)
            return
        if not is_cancellation(error):
            message = "" if self.value is NOTHING else f"{safe_repr(self.value)} from {self.src}"
            node.fail(self.route.name, message, error)
        if self.call and self.src is not None and node.phase is Phase.RUNNING:
            node.fault(self.src, self.call, error)
        if isinstance(self.route, Hook) and node.phase is not Phase.LEAVING and not is_cancellation(error):
            node.crash()
