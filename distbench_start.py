"""Starts distbench under one fixed hash seed, so that sets of strings have one order in every run, and in UTC.

Nothing of the package may be imported before the seed is fixed, and the first of the two interpreters should
load as little as it can; hence this module stands alone.
"""

from __future__ import annotations

import os
import signal
import sys
import time

HASH_SEED = "0"
TIME_ZONE = "UTC"


def pin_time_zone() -> None:
    """Let local time be UTC here, and in all processes that come from this one."""
    if os.environ.get("TZ") != TIME_ZONE:
        os.environ["TZ"] = TIME_ZONE
        if sys.platform != "win32":  # there only a process that starts reads it
            time.tzset()


def pin_hash_seed() -> None:
    """Make this process one with ``PYTHONHASHSEED=0``: return if it is, else start it again, once.

    The command line is kept as the user wrote it, the interpreter's own options included. Ctrl-C waits while the
    second interpreter starts, and is raised here: before that it would end in a traceback of Python's own start.
    """
    if os.environ.get("PYTHONHASHSEED") == HASH_SEED:  # set even where -E or -I ignores it: this cannot loop
        _hold_interrupts(False)
        if sys.flags.hash_randomization:
            print(
                "distbench: python -E and -I ignore PYTHONHASHSEED; runs may differ in the order of sets",
                file=sys.stderr,
            )
        return
    os.environ["PYTHONHASHSEED"] = HASH_SEED
    if not sys.executable:  # an embedded interpreter cannot be started again; the result records its hash seed
        return
    command = [sys.executable, *sys.orig_argv[1:]]
    if sys.platform == "win32":  # execv there returns to the shell before the new process has finished
        import subprocess

        sys.exit(subprocess.run(command, check=False).returncode)
    _hold_interrupts(True)
    os.execv(sys.executable, command)


def _hold_interrupts(hold: bool) -> None:
    """Whether Ctrl-C is to wait; a process inherits that from the one in whose place it comes."""
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_BLOCK if hold else signal.SIG_UNBLOCK, {signal.SIGINT})


def main() -> None:
    """Run the command line and exit with its status."""
    try:
        pin_time_zone()
        pin_hash_seed()
        from distbench.cli import main as run

        status = run(sys.argv[1:])
    except KeyboardInterrupt:  # while modules were still loading, or at the very end
        status = 130
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is left to be told: Ctrl-C may end what is left of it
    sys.exit(status)


if __name__ == "__main__":
    main()
