"""Writing to stdout and stderr, whatever is at their other ends."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING, TextIO

from distbench.errors import ConfigError
from distbench.report.style import wants_colour

if TYPE_CHECKING:
    import click

    from distbench.running.result import RunResult


def show(
    result: RunResult,
    context: click.Context,
    *,
    config: str,
    algorithm: str,
    quiet: int,
    verbose: int,
    as_json: bool,
    logged: bool,
) -> None:
    """Print a run on stdout, fitted to the terminal if it is one.

    ``logged``: the tracebacks of its failures went to stderr.
    """
    stream = sys.stdout
    if as_json:
        from distbench.cli.replay import replay_command
        from distbench.report.document import render_document, run_document

        command = replay_command(context, result.seed, fail_fast=bool(context.params["fail_fast"]))
        write_out(render_document(run_document(result, config=config, algorithm=algorithm, command=command)))
        return
    if stream is None:  # nobody wants to see it
        return
    from distbench.report.summary import render_summary

    width = None
    if stream.isatty():
        import shutil

        width = shutil.get_terminal_size().columns
    seen = logged and _same_place(stream, sys.stderr)
    colour = wants_colour(stream)
    text = render_summary(
        result, width=width, colour=colour, table=quiet < 2, tracebacks=not seen, sleepers=verbose > 0
    )
    write_out(text)


def write_out(text: str) -> None:
    """Write ``text`` to stdout and flush. A reader that has gone (``| head``) is no error; a full disk is."""
    stream = sys.stdout
    if stream is None:
        raise ConfigError("cannot write to stdout: it is closed")
    try:
        _write_all(stream, text)
    except BrokenPipeError:
        _silence(stream)
    except OSError as error:
        _silence(stream)
        raise ConfigError(f"cannot write to stdout: {error.strerror}") from error


def _write_all(stream: TextIO, text: str) -> None:
    """Unbuffered (``python -u``), a stream says nothing of what it did not write."""
    raw = getattr(stream, "buffer", None)
    if not isinstance(raw, io.RawIOBase):
        stream.write(text)
        stream.flush()
        return
    stream.flush()
    left = memoryview(text.replace("\n", os.linesep).encode(stream.encoding, stream.errors or "strict"))
    while left:
        left = left[raw.write(left) or 0 :]


def note(text: str) -> None:
    """Tell the person on stderr something that is no error."""
    if sys.stderr is not None:
        with suppress(OSError):  # nobody is there to be told
            print(f"distbench: {text}", file=sys.stderr)


def finish_stderr() -> None:
    """Write out what stderr holds. Where it cannot be written there is nobody to tell; the exit status is the run's."""
    stream = sys.stderr
    if stream is not None:
        try:
            stream.flush()
        except OSError:
            _silence(stream)


def _same_place(one: IO[str], other: IO[str] | None) -> bool:
    """Whether a reader of ``one`` has seen ``other`` as well: both are one terminal, or one file."""
    try:
        return other is not None and os.path.sameopenfile(one.fileno(), other.fileno())
    except (OSError, ValueError, AttributeError):  # captured, or closed
        return False


def _silence(stream: IO[str]) -> None:
    """Let the interpreter's last flush of ``stream`` go nowhere instead of failing once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
