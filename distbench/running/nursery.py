"""A process without threads or loop that forks the nodes, and says how each of them ended.

The parent may run a loop and threads; forking from there would copy them. The nursery is forked before they begin, with
everything imported and its heap frozen, so that nodes share its memory. Nobody outlives the nursery, and it does not
outlive the parent; nor does anything that an algorithm has started.
"""

from __future__ import annotations

import gc
import logging
import os
import select
import signal
import socket
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Final, NoReturn

import msgspec

from distbench.community import PeerId
from distbench.running.kin import PARENT_DEATH_SIGNAL, adopt_orphans, end_children, prctl, reap, signal_group
from distbench.running.streams import flush_streams

logger = logging.getLogger("distbench.run")

_PATIENCE: Final = 5.0
"""Seconds that the nursery may take to end all that is left."""


class Spawned(msgspec.Struct, array_like=True, tag=1):
    """A node's process runs."""

    node: str
    pid: int


class Ended(msgspec.Struct, array_like=True, tag=2):
    """A node's process has ended; ``status`` as ``os.waitstatus_to_exitcode`` gives it."""

    node: str
    pid: int
    status: int


_decode = msgspec.msgpack.Decoder(Spawned | Ended).decode


class Nursery:
    """The parent's end."""

    def __init__(self, pid: int, sock: socket.socket, nodes: Sequence[PeerId]) -> None:
        self.pid = pid
        self.sock = sock
        self.dead = False
        """The nursery itself has ended; ``sock`` is readable for ever."""
        self.pids: dict[PeerId, int] = {}
        """The processes that run."""
        self._left = dict.fromkeys(nodes)

    def read(self) -> list[Ended]:
        """The nodes that have ended since; to be called when ``sock`` is readable."""
        ended: list[Ended] = []
        while True:
            try:
                data = self.sock.recv(4096, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return ended
            except ConnectionResetError:
                data = b""
            if not data:
                return ended + self._die()
            match _decode(data):
                case Spawned(node, pid):
                    self.pids[PeerId(node)] = pid
                case Ended() as end:
                    self.pids.pop(PeerId(end.node), None)
                    self._left.pop(PeerId(end.node), None)
                    ended.append(end)

    def _die(self) -> list[Ended]:
        """Nobody keeps the nodes any more: the kernel has killed them, or this does it."""
        self.dead = True
        if self._left:
            logger.error("the process that keeps the nodes has died (process %d), and they with it", self.pid)
        self.kill()
        lost = [Ended(node, self.pids.get(node, 0), -signal.SIGKILL) for node in self._left]
        self.pids.clear()
        self._left.clear()
        return lost

    def signal(self, number: int, nodes: Iterable[PeerId]) -> None:
        """Send a signal to those of ``nodes`` that run."""
        for pid in [self.pids[node] for node in nodes if node in self.pids]:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """Kill all nodes, with what they have started."""
        self.signal(signal.SIGKILL, list(self.pids))
        self.signal_groups(signal.SIGKILL)

    def signal_groups(self, number: int) -> None:
        """Send a signal to all nodes and to what they have started."""
        for pid in self.pids.values():
            signal_group(pid, number)

    def wait(self, seconds: float) -> list[Ended]:
        """Give the nodes so long to end by themselves; those that did."""
        ended: list[Ended] = []
        deadline = monotonic() + seconds
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        while self._left and poll.poll(max(0.0, deadline - monotonic()) * 1000):
            ended += self.read()
        return ended

    def close(self) -> None:
        """End all nodes that still run, what they have started, and the nursery, whatever state it is in."""
        os.kill(self.pid, signal.SIGCONT)  # somebody may have stopped it
        self.sock.close()
        if not reap(self.pid, _PATIENCE):
            self.kill()


def open_nursery(nodes: Sequence[PeerId], run: Callable[[int], object], kept: Sequence[socket.socket]) -> Nursery:
    """Fork the nursery, which forks one process for each node; ``run(index)`` is what it does.

    ``kept`` are the listening sockets, one a node; the others' are closed in each process, and all of them here.
    """
    kind = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    flush_streams()
    parent = os.getpid()
    pid = fork()
    if pid == 0:
        in_child(lambda: _Keeper(theirs, nodes, run, kept, parent).main(ours))
    theirs.close()
    for sock in kept:
        sock.close()
    return Nursery(pid, ours, nodes)


def fork() -> int:
    """``os.fork``; Python's warning about threads is kept back: the child starts none, and takes no lock of theirs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when its parent dies."""
    prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def free_forked_children() -> None:
    """What this process forks is no node: what it hears is its own, and SIGTERM or SIGHUP ends it.

    The signals are blocked meanwhile, for one that came before the handlers are changed would be lost.
    """
    terminate = {signal.SIGTERM, signal.SIGHUP}

    def in_child() -> None:
        signal.set_wakeup_fd(-1)
        for number in terminate:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, terminate)

    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, terminate),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, terminate),
        after_in_child=in_child,
    )


def in_child(work: Callable[[], object]) -> NoReturn:
    """Do ``work``, and end without the parent's clean-up."""
    status = 70
    try:
        work()
        status = 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever ends a child is printed, and the child ends
        traceback.print_exc()
    finally:
        try:
            flush_streams()
        finally:
            os._exit(status)


class _Keeper:
    """The nursery's own end."""

    def __init__(
        self,
        sock: socket.socket,
        nodes: Sequence[PeerId],
        run: Callable[[int], object],
        kept: Sequence[socket.socket],
        parent: int,
    ) -> None:
        self.sock = sock
        self.nodes = nodes
        self.run = run
        self.kept = kept
        self.parent = parent
        self.children: dict[int, PeerId] = {}

    def main(self, theirs: socket.socket) -> None:
        theirs.close()
        # In a session of its own, which no terminal stops: a node may still read from one, in whatever group it is.
        os.setsid()
        adopt_orphans()
        # Should it be stopped when the parent dies, it goes on, and finds that nobody is at the other end.
        prctl(PARENT_DEATH_SIGNAL, signal.SIGCONT)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # Who ends everything (a batch system) ends the parent as well, which stops the run in order. A function, unlike
        # SIG_IGN, is not passed on to what an algorithm starts.
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, frame: None)
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        gc.collect()
        gc.freeze()
        me = os.getpid()
        for index, node in enumerate(self.nodes):
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                os.close(wake_read)
                os.close(wake_write)
                in_child(lambda index=index: self._be_node(index, me))  # type: ignore[misc]
            with suppress(OSError):
                os.setpgid(pid, pid)  # here as well as there, for either may be the first to need it
            self.children[pid] = node
            self._say(Spawned(node, pid))
        for sock in self.kept:
            sock.close()
        self._keep(wake_read)
        for pid in self.children:
            signal_group(pid, signal.SIGKILL)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # it may be in another group
        end_children()

    def _be_node(self, index: int, nursery: int) -> None:
        os.setpgid(0, 0)
        die_with_parent(nursery)
        self.sock.close()
        for other, sock in enumerate(self.kept):
            if other != index:
                sock.close()
        self.run(index)

    def _keep(self, wake: int) -> None:
        """Say who ends, until all have or the parent has closed its end or died; it never writes."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        poll.register(wake, select.POLLIN)
        while self.children:
            ready = [descriptor for descriptor, _ in poll.poll()]
            if wake in ready:
                os.read(wake, 4096)
                self._reap()
            if self.sock.fileno() in ready:
                return

    def _reap(self) -> None:
        """Bury the dead: nodes, whose own children end with them, and orphans."""
        while self.children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            node = self.children.pop(pid, None)
            if node is not None:
                signal_group(pid, signal.SIGKILL)
                self._say(Ended(node, pid, os.waitstatus_to_exitcode(status)))

    def _say(self, word: Spawned | Ended) -> None:
        with suppress(OSError):  # the parent has gone, and reads no more
            self.sock.send(msgspec.msgpack.encode(word))
