"""The first process of a container: starts distbench, passes signals on, and buries the dead.

Process 1 is not as others: the kernel withholds every signal that it has no handler for, and gives it all processes
whose parents have died. ``DISTBENCH_CONFIG``, where it is set, holds the text of the config, which is written to
``CONFIG``: so a node needs no file of the machine that it is started on.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Final

CONFIG: Final = "/tmp/config.yaml"


def main(arguments: list[str]) -> int:
    """Run ``distbench`` with ``arguments``; its exit status, or 128 and the signal that ended it."""
    config = os.environ.pop("DISTBENCH_CONFIG", None)
    if config is not None:
        with open(CONFIG, "w", encoding="utf-8") as file:
            file.write(config)
    signals = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # so that none is lost; sigwait takes them one by one
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        if os.isatty(0):  # Ctrl-C goes to the foreground group: to distbench once, and not by way of process 1 again
            os.tcsetpgrp(0, os.getpgrp())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        os.execv(sys.executable, [sys.executable, "-m", "distbench", *arguments])
    while True:
        number = signal.sigwait(signals)
        if number != signal.SIGCHLD:
            os.kill(pid, number)
            continue
        status = reap(pid)
        if status is not None:
            return status if status >= 0 else 128 - status


def reap(main_pid: int) -> int | None:
    """Take leave of every child that has ended; how ``main_pid`` ended, if it is among them."""
    ended = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:  # there is none left
            return ended
        if pid == 0:
            return ended
        if pid == main_pid:
            ended = os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
