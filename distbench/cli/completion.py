"""``distbench completion``: what a shell must run to complete distbench's words."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from distbench.cli.options import Argument, Command, one_of
from distbench.cli.output import write_out
from distbench.errors import ConfigError

SHELLS: Final = ("bash", "zsh", "fish")
_VARIABLE: Final = "_DISTBENCH_COMPLETE"
_END_IN_BASH: Final = "    return 0\n"
_NO_SPACE: Final = """\
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *: ]]; then
        compopt -o nospace
    fi

"""
"""Behind ``ring:`` stands a size. The other shells set no space there, or take theirs back."""


def completion(*, shell: str | None) -> int:
    """Print the script of one shell."""
    from click.shell_completion import get_completion_class

    from distbench.cli.commands import commands

    if shell is None:
        shell = Path(os.environ.get("SHELL", "")).name
        if shell not in SHELLS:
            raise ConfigError(f"which shell? Write one of {', '.join(SHELLS)}, as in 'distbench completion bash'")
    found = get_completion_class(one_of(*SHELLS)(shell))
    assert found is not None
    script = found(commands, {}, "distbench", _VARIABLE).source()
    write_out(script.replace(_END_IN_BASH, _NO_SPACE + _END_IN_BASH) + "\n")
    return 0


completion_command = Command(
    "completion",
    completion,
    help="Print the script that makes SHELL, or this one, complete commands, options, algorithms and topologies. Try "
    'it with: eval "$(distbench completion bash)"',
    params=[Argument("shell", metavar="[SHELL]", help="bash, zsh or fish.", required=False, complete=SHELLS)],
)
