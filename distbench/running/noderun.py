"""A node's process, from its first step to its last."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Final

from distbench.community import PeerId
from distbench.config.binding import namespaces_of
from distbench.messages import quick_construction
from distbench.node.activity import NodeLoop
from distbench.node.failures import name_exception
from distbench.node.suspended import busy_at
from distbench.node.watch import watching
from distbench.running.nodeprocess import NodeProcess
from distbench.running.nodespec import Ending, NodeSpec
from distbench.running.nursery import free_forked_children
from distbench.simulation.choices import Choices

logger = logging.getLogger("distbench.run")

_STOPS_A_LOOP: Final = (SystemExit, KeyboardInterrupt)
"""What asyncio does not catch where a task or callback raises it."""


def _say_where(node: PeerId, number: int, frame: FrameType | None) -> None:
    """The node does not leave, and whoever waits for it asks why: it may be in a loop without end."""
    place = busy_at(reversed(list(traceback.walk_stack(frame))))
    if place:
        logger.warning("%s is busy at %s", node, place)


def run_node(
    spec: NodeSpec,
    sock: socket.socket,
    *,
    started: Callable[[], None] | None = None,
    ended: Callable[[Ending], None] | None = None,
    stoppable: bool = False,
) -> None:
    """Run one node on a loop of its own, to the end of the run.

    ``started`` is called when the run begins. ``ended`` is told how it ended, before links and loop are closed, which
    may wait for peers and for threads of the algorithm. A ``stoppable`` node leaves the run on SIGTERM.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it and stops the run
    signal.signal(signal.SIGUSR1, partial(_say_where, spec.node_id))
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(line_buffering=True, write_through=False)  # what the nodes print is mixed line by line
    choices = Choices(spec.options.seed)
    random.seed(choices.seed(("random", "module", spec.node_id)))  # else all nodes would draw alike

    free_forked_children()

    process = NodeProcess(spec, sock, started, ended)
    threading.excepthook = process.raised_in_thread

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, NodeLoop)
        loop.note_threads()
        loop.list_current_task(namespaces_of(spec.bound))
        if stoppable:
            loop.add_signal_handler(signal.SIGTERM, process.interrupt)
        await process.main()

    factory: Callable[[], asyncio.AbstractEventLoop] = NodeLoop
    watching.begin()  # to the very end of this process
    try:
        with quick_construction(), asyncio.Runner(loop_factory=factory) as runner:
            running = runner.get_loop().create_task(main())
            while not running.done():
                try:
                    runner.run(_until(running))
                except _STOPS_A_LOOP as error:  # Ctrl-C does not reach this process, so it is the algorithm's
                    process.raised(error)
            running.result()
    except _STOPS_A_LOOP as error:
        logger.warning("%s raised %s at its end", spec.node_id, name_exception(error))


async def _until(task: asyncio.Task[None]) -> None:
    await asyncio.wait([task])
