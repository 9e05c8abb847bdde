"""The command line that does a run again."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Final

import click

_RAW: Final = "distbench.cli.replay"
_NOT_OF_THE_RUN: Final = frozenset(  # how many, how far, where it goes, what is seen
    "seed seeds keep_going jobs fail_fast verbose quiet as_json digest audit report_dir log_dir".split()
)


def remember(context: click.Context, name: str | None, values: object) -> None:
    """An option was given with these values, as they were typed."""
    context.meta.setdefault(_RAW, {})[name] = values


def replay_command(context: click.Context, seed: int, *, fail_fast: bool) -> str:
    """What to paste into a shell to run ``seed`` again: all options given that matter to the run.

    With ``fail_fast`` only up to its first failure.
    """
    given = context.meta.get(_RAW, {})
    words = [*program()]
    for parameter in context.command.params:
        if parameter.name not in given or parameter.name in _NOT_OF_THE_RUN:
            continue
        name = min(parameter.opts, key=len)
        if isinstance(parameter, click.Option) and parameter.is_flag:
            words.append(name)
            continue
        values = given[parameter.name]
        for value in values if isinstance(values, list | tuple) else [values]:
            words += [f"{name}={value}"] if name.startswith("--") and str(value).startswith("-") else [name, str(value)]
    return shlex.join([*words, *(["--fail-fast"] if fail_fast else []), "--seed", str(seed)])


def program() -> list[str]:
    """How distbench was started, as far as a shell must know."""
    runner = ["uv", "run"] if "UV_RUN_RECURSION_DEPTH" in os.environ else []  # uv sets it for what it runs
    if os.path.basename(sys.argv[0]) == "__main__.py":
        return [*runner, "python", "-m", "distbench"]
    return [*runner, "distbench"]
