"""What Python tells nobody but the standard error: it fails the node in whose code it happened."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
import warnings
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from distbench.algorithm import Algorithm
from distbench.node.current import current_node
from distbench.node.failures import name_exception
from distbench.node.layer import Layer
from distbench.node.lifecycle import Phase
from distbench.node.unawaited import Coro, collected, dropped, node_of

if TYPE_CHECKING:
    from distbench.node.node import Node

logger = logging.getLogger(__name__)

_get_ident = threading.get_ident  # bound here, since a node sees another while a simulation lasts

_OVER = (Phase.CRASHED, Phase.ENDED)


class Watch:
    """Stands, while any run lasts, where Python looks for what warns of coroutines and tells of finalizers.

    What is found while garbage is collected, or in another thread, its node tells at its end: nothing of a run may
    depend on when the collector comes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs = 0
        self._collecting: set[int] = set()
        """The threads that collect garbage at this moment."""
        self._before: tuple[Any, Any] = (None, None)
        self._mine = (self._unawaited, self._unraisable)

    def begin(self) -> None:
        """A run begins."""
        with self._lock:
            if self._runs == 0:
                names: Any = warnings
                self._before = (names._warn_unawaited_coroutine, sys.unraisablehook)
                names._warn_unawaited_coroutine, sys.unraisablehook = self._mine
                gc.callbacks.append(self._collects)
            self._runs += 1

    def end(self) -> None:
        """It is over, and nothing of it is left."""
        with self._lock:
            self._runs -= 1
            if self._runs == 0:
                names: Any = warnings
                names._warn_unawaited_coroutine, sys.unraisablehook = self._before
                gc.callbacks.remove(self._collects)

    def _collects(self, phase: str, info: object) -> None:
        (self._collecting.add if phase == "start" else self._collecting.discard)(_get_ident())

    def _aside(self, node: Node) -> bool:
        collecting = _get_ident() in self._collecting
        return collecting or asyncio._get_running_loop() is not node.loop

    # -------------------------------------------------- what Python calls

    def _unawaited(self, coro: Coro) -> None:
        node = node_of(coro)
        if node is None:
            self._before[0](coro)
        elif self._aside(node):
            if not node.cuts:  # else nobody can say any more whether it was thrown away or cut off
                node.aside += (("a coroutine", collected(coro)),)
        elif node.phase in _OVER:
            pass  # the end of the run, or of its node, cut it off
        elif (found := dropped(coro, sys._getframe(1))) is not None:
            node.fail(found[0], "", found[1])
        else:
            logger.debug("%s was cut off before anybody awaited it", coro.__qualname__)

    def _unraisable(self, found: sys.UnraisableHookArgs) -> None:
        error, node = found.exc_value, _node_behind(found.exc_traceback)
        if error is None or node is None or (isinstance(error, KeyboardInterrupt) and node.port.interrupts):
            self._before[1](found)
            return
        name = getattr(found.object, "__qualname__", "a finalizer")
        if node.phase in _OVER:
            logger.warning("%s.%s raised %s at its end", node.node_id, name, name_exception(error))
        elif self._aside(node):
            node.aside += ((name, error),)
        else:
            node.fail(name, "", error)


def _node_behind(trace: TracebackType | None) -> Node | None:
    """The node in whose step it is, or whose algorithm's code raised."""
    node = cast("Node | None", current_node.get())
    while node is None and trace is not None:
        owner = trace.tb_frame.f_locals.get("self")
        if isinstance(owner, Algorithm) and isinstance(owner._distbench, Layer):
            node = owner._distbench.node
        trace = trace.tb_next
    return node


watching = Watch()
"""The one of this process."""
