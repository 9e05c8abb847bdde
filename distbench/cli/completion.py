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
    write_out(found(commands, {}, "distbench", _VARIABLE).source() + "\n")
    return 0


completion_command = Command(
    "completion",
    completion,
    help="Print the script that makes SHELL, or this one, complete commands, options, algorithms and topologies. Try "
    'it with: eval "$(distbench completion bash)"',
    params=[Argument("shell", metavar="[SHELL]", help="bash, zsh or fish.", required=False, complete=SHELLS)],
)
