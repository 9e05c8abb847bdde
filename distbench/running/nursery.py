"""A process without threads or loop that forks the nodes, and says how each of them ended.

The parent may run a loop and threads; forking from there would copy them. The nursery is forked before they begin, with
everything imported and its heap frozen, so that nodes share its memory. Nobody outlives the nursery, and it does not
outlive the parent.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import select
import signal
import socket
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NoReturn

import msgspec

from distbench.community import PeerId

logger = logging.getLogger("distbench.run")

_PARENT_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG of prctl(2), on Linux only


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
        for pid in self.pids.values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        lost = [Ended(node, self.pids.get(node, 0), -signal.SIGKILL) for node in self._left]
        self.pids.clear()
        self._left.clear()
        return lost

    def close(self) -> None:
        """End all nodes that still run, and the nursery."""
        self.sock.close()
        os.waitpid(self.pid, 0)


def open_nursery(nodes: Sequence[PeerId], run: Callable[[int], object], kept: Sequence[socket.socket]) -> Nursery:
    """Fork the nursery, which forks one process for each node; ``run(index)`` is what it does.

    ``kept`` are the listening sockets, one a node; the others' are closed in each process, and all of them here.
    """
    kind = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    sys.stdout.flush()
    sys.stderr.flush()
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
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def free_forked_children() -> None:
    """What this process forks is no node: what it hears is its own, and SIGTERM ends it.

    The signal is blocked meanwhile, for one that came before the handlers are changed would be lost.
    """
    terminate = {signal.SIGTERM}

    def in_child() -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
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
            sys.stdout.flush()
            sys.stderr.flush()
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
        die_with_parent(self.parent)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # Who ends the whole group (timeout, a batch system) ends the parent as well, which stops the run in order. A
        # function, unlike SIG_IGN, is not passed on to what an algorithm starts.
        signal.signal(signal.SIGTERM, lambda number, frame: None)
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
            self.children[pid] = node
            self._say(Spawned(node, pid))
        for sock in self.kept:
            sock.close()
        self._keep(wake_read)

    def _be_node(self, index: int, nursery: int) -> None:
        die_with_parent(nursery)
        self.sock.close()
        for other, sock in enumerate(self.kept):
            if other != index:
                sock.close()
        self.run(index)

    def _keep(self, wake: int) -> None:
        """Say who ends; when the parent closes its end, end all."""
        while self.children:
            readable, _, _ = select.select([self.sock.fileno(), wake], [], [])
            if wake in readable:
                os.read(wake, 4096)
                self._reap(os.WNOHANG)
            if self.sock.fileno() in readable:  # the parent never writes: it has closed its end, or died
                break
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
        while self.children:
            self._reap(0)

    def _reap(self, options: int) -> None:
        while self.children:
            pid, status = os.waitpid(-1, options)
            if pid == 0:
                return
            node = self.children.pop(pid, None)
            if node is not None:
                self._say(Ended(node, pid, os.waitstatus_to_exitcode(status)))

    def _say(self, word: Spawned | Ended) -> None:
        with suppress(OSError):  # the parent has gone, and reads no more
            self.sock.send(msgspec.msgpack.encode(word))
