"""``main``: runs one command line and turns every way it can end into an exit status."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from distbench.cli.commands import commands
from distbench.cli.output import finish_stderr
from distbench.errors import ConfigError, DefinitionError, StartupError, nearest
from distbench.running.signals import CTRL_C, name_interrupt, raising
from distbench.running.streams import keep_places

OK = 0
FAILED = 1
USAGE = 2
MISTAKE_OF_OURS = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130


def main(arguments: Sequence[str]) -> int:
    """Run ``distbench`` with ``arguments`` and return its exit status.

    0 completed or quiescent, 1 failed or stuck, 2 usage, definition or config, 3 timeout,
    130 interrupted, 70 a mistake in distbench itself.
    """
    keep_places()
    _never_fail_to_encode()
    try:
        return _main(arguments)
    finally:
        finish_stderr()


def _main(arguments: Sequence[str]) -> int:
    try:
        with raising():
            status = commands.main(list(arguments), prog_name="distbench", standalone_mode=False, obj=tuple(arguments))
    except (ConfigError, DefinitionError) as error:
        return complain(str(error))
    except StartupError as error:
        return complain(str(error), FAILED)
    except click.ClickException as error:
        return complain(_usage_message(error, arguments))
    except (click.Abort, KeyboardInterrupt) as error:
        _expect_unfinished()
        name = name_interrupt(error.__cause__ if isinstance(error, click.Abort) else error)
        return complain("interrupted" if name == CTRL_C else f"interrupted: {name}", INTERRUPTED)
    except Exception:  # noqa: BLE001 - the last place: whatever it is, it is told and not lost
        import traceback

        return complain(
            f"{traceback.format_exc()}distbench: this is a mistake in distbench, please report it", MISTAKE_OF_OURS
        )
    if status == INTERRUPTED:
        _expect_unfinished()
    return status if isinstance(status, int) else OK


def complain(text: str, status: int = USAGE) -> int:
    """Say what is wrong on stderr; the exit status to end with."""
    with suppress(OSError):  # nobody can be told; the status says it
        click.echo(f"distbench: {text}" if status != MISTAKE_OF_OURS else text, err=True)
    return status


def _expect_unfinished() -> None:
    """Say nothing, to the end of the process, of coroutines that Ctrl-C kept from being awaited."""
    import warnings

    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)


def _never_fail_to_encode() -> None:
    """A stream that cannot encode a character shows it in another way; the run does not end for it."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None and stream.errors == "strict":
            reconfigure(errors="backslashreplace")


def _usage_message(error: click.ClickException, arguments: Sequence[str]) -> str:
    """What is wrong with the command line, with the nearest right name and where to read on."""
    if not isinstance(error, click.UsageError):
        return error.format_message()
    context = error.ctx
    path = context.command_path if context is not None else "distbench"
    if isinstance(error, click.NoSuchOption) and context is not None:
        contexts = (context, context.parent or context)
        known = [name for one in contexts for parameter in one.command.get_params(one) for name in parameter.opts]
        typed = _as_typed(error.option_name, arguments)
        text = f"there is no option {typed!r}{nearest('--' + typed.lstrip('-'), known)}"
    else:
        text = error.format_message().rstrip(".")
        text = text[:1].lower() + text[1:]
    return f"{text}\nTry '{path} --help'."


def _as_typed(option: str, arguments: Sequence[str]) -> str:
    """The whole of ``-seed``, which click reads as ``-s -e -e -d`` and reports as ``-s``."""
    if option.startswith("--"):
        return option
    return next((word.partition("=")[0] for word in arguments if word.startswith(option)), option)
