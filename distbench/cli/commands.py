"""The commands: what each name stands for, loaded when it is called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final

import click

from distbench.cli.options import CONTEXT, format_sections, help_option
from distbench.cli.output import write_out
from distbench.errors import ConfigError, nearest

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

DEFAULT: Final = "run"
COMMANDS: Final[Mapping[str, str]] = {
    "run": "distbench.cli.run:run_command",
    "list": "distbench.cli.listing:list_command",
    "new": "distbench.cli.new:new_command",
    "topology": "distbench.cli.topology:topology_command",
    "keys": "distbench.cli.keys:keys_command",
    "dockerize": "distbench.cli.dockerize:dockerize_command",
    "guide": "distbench.cli.guide:guide_command",
    "completion": "distbench.cli.completion:completion_command",
}
"""Where each command is; only the one that is called is imported."""


class Commands(click.Group):
    """``distbench [COMMAND]``; a command line that starts with an option is one of the default command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in the order of the help page."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Name the default command where none is named; no word at all asks for help."""
        if not args and not ctx.resilient_parsing:
            args = ["--help"]
        own = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        if args and args[0].startswith("-") and args[0] not in own:
            args = [DEFAULT, *args]
        elif args and not args[0].startswith("-") and args[0] not in COMMANDS and not ctx.resilient_parsing:
            raise ConfigError(
                f"there is no command {args[0]!r}{nearest(args[0], COMMANDS)}\n"
                "To run an algorithm write: distbench -c CONFIG -a ALGORITHM"
            )
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands and options that begin so, those of the default command among them."""
        found = super().shell_complete(ctx, incomplete)
        default = self.get_command(ctx, DEFAULT)
        if default is not None and incomplete.startswith("-"):
            within = click.Context(default, info_name=DEFAULT, parent=ctx, resilient_parsing=True)
            names = {item.value for item in found}
            found += [item for item in default.shell_complete(within, incomplete) if item.value not in names]
        return found

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """As that of every command."""
        return help_option(super().get_help_option(ctx))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The default command's options, this one's own, then the commands."""
        default = self.get_command(ctx, DEFAULT)
        assert default is not None
        format_sections(default, click.Context(default, info_name=DEFAULT, parent=ctx), formatter, self.params)
        self.format_commands(ctx, formatter)


def _print_version(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    import platform
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("distbench")
    except PackageNotFoundError:
        number = "of unknown version, not installed"  # run from a copy of the sources
    write_out(f"distbench {number} (Python {platform.python_version()})\n")
    ctx.exit()


commands = Commands(
    name="distbench",
    help="Run a distributed algorithm. Without a COMMAND, 'run' is meant: distbench -c configs/echo.yaml -a echo",
    context_settings=CONTEXT,
    subcommand_metavar="[COMMAND] [OPTIONS]",
    options_metavar="",
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Print the version.",
        )
    ],
)
