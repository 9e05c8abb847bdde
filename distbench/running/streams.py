"""The standard streams, which whoever starts a process may have closed."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def keep_places() -> None:
    """Put the null device in the place of each of the descriptors 0, 1 and 2 that is closed, here and in children.

    Else the next socket or file would get that number: what is printed would go into it, and uvloop ends the process
    that closes it.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:  # the lowest that is free
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def flush_streams() -> None:
    """Write out what was printed, as far as there is anybody to read it; before a fork, or children have it as well."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):  # full or closed: whoever writes the last lines says so
                stream.flush()
