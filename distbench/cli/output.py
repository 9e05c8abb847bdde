"""Writing to stdout and stderr, whatever is at their other ends."""

from __future__ import annotations

import os
import sys
from typing import IO

from distbench.errors import ConfigError
from distbench.report.style import wants_colour
from distbench.report.summary import render_summary
from distbench.running.result import RunResult


def show(result: RunResult) -> None:
    """Print the summary of a run on stdout, fitted to the terminal if it is one."""
    stream: IO[str] | None = sys.stdout
    if stream is None:  # started with stdout closed
        return
    width = None
    if stream.isatty():
        import shutil

        width = shutil.get_terminal_size().columns
    write_out(render_summary(result, width=width, colour=wants_colour(stream)), stream)


def write_out(text: str, stream: IO[str]) -> None:
    """Write and flush ``text``. A reader that has gone (``| head``) is no error; a full disk is."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _silence(stream)
    except OSError as error:
        _silence(stream)
        raise ConfigError(f"cannot write the summary to stdout: {error.strerror}") from error


def note(text: str) -> None:
    """Tell the person on stderr something that is no error."""
    print(f"distbench: {text}", file=sys.stderr)


def _silence(stream: IO[str]) -> None:
    """Let the interpreter's last flush of ``stream`` go nowhere instead of failing once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
