"""What asyncio promises of a loop beyond callbacks, tasks and time: answered as everywhere, or refused by name."""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
from asyncio.base_events import BaseEventLoop
from collections.abc import Callable
from typing import Any, Final, NoReturn

from distbench.errors import NondeterminismError

_REACHES_OUTSIDE: Final = (
    "add_reader add_signal_handler add_writer connect_accepted_socket connect_read_pipe connect_write_pipe "
    "create_connection create_datagram_endpoint create_server create_unix_connection create_unix_server getaddrinfo "
    "getnameinfo sendfile sock_accept sock_connect sock_recv sock_recv_into sock_recvfrom sock_recvfrom_into "
    "sock_sendall sock_sendfile sock_sendto start_tls subprocess_exec subprocess_shell"
).split()


class LoopInterface(asyncio.AbstractEventLoop):
    """The methods that neither move time nor start anything."""

    slow_callback_duration = 0.1
    _current_handle = None
    """``BaseEventLoop`` looks for it when it logs."""

    def __repr__(self) -> str:  # without an address, as asyncio's own
        return f"<{type(self).__name__} running={self.is_running()} closed={self.is_closed()} debug={self.get_debug()}>"

    get_debug = staticmethod(bool)  # bool() is False; every future asks, and a builtin answers twice as fast

    def set_debug(self, enabled: bool) -> None:
        """None: debugging shows in real time only."""

    # -------------------------------------------------- running and ending, which is not the nodes' to do

    def run_forever(self) -> NoReturn:
        self._refuse_to_run()

    def run_until_complete(self, future: Any) -> NoReturn:
        self._refuse_to_run()

    def _refuse_to_run(self) -> NoReturn:
        raise RuntimeError("Event loop is closed" if self.is_closed() else "This event loop is already running")

    def close(self) -> None:
        if not self.is_closed():
            raise RuntimeError("Cannot close a running event loop")

    def stop(self) -> NoReturn:
        raise NondeterminismError("loop.stop() would stop every simulated node; use terminate()")

    # -------------------------------------------------- what is the same in every mode

    def get_task_factory(self) -> None:
        return None

    def set_task_factory(self, factory: object) -> None:
        """None: tasks are made as everywhere, in every mode."""

    def get_exception_handler(self) -> None:
        return None

    def set_exception_handler(self, handler: object) -> None:
        """None: what nobody handles fails its node, in every mode."""

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        BaseEventLoop.default_exception_handler(self, context)  # type: ignore[arg-type] # which only logs

    async def shutdown_asyncgens(self) -> None:
        """Those of all nodes are shut down when the run is over."""

    # -------------------------------------------------- threads, of which there are none

    def run_in_executor(self, executor: object, func: Callable[..., Any], *args: Any) -> Any:  # type: ignore[override]
        raise NondeterminismError(f"loop.run_in_executor({_name(func)}) starts a thread, which no seed can repeat")

    def set_default_executor(self, executor: Any) -> None:
        if not isinstance(executor, concurrent.futures.ThreadPoolExecutor):
            raise TypeError("executor must be ThreadPoolExecutor instance")

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncio's own
        """There is none."""

    # -------------------------------------------------- what was never added

    def remove_reader(self, fd: Any) -> bool:
        return False

    def remove_writer(self, fd: Any) -> bool:
        return False

    def remove_signal_handler(self, sig: int) -> bool:
        return False


def _forbid(name: str) -> None:
    def refuse(self: LoopInterface, *args: object, **named: object) -> NoReturn:
        raise NondeterminismError(f"loop.{name}() reaches outside the simulation, which no seed can repeat")

    setattr(LoopInterface, name, refuse)


for _forbidden in _REACHES_OUTSIDE:
    _forbid(_forbidden)


def _name(function: object) -> str:
    if isinstance(function, functools.partial):  # asyncio.to_thread wraps what it is given
        function = function.args[0] if function.args else function.func
    return getattr(function, "__qualname__", repr(function))
