"""Options that know their section of the help page, and what they may be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from distbench.cli.output import write_out
from distbench.cli.replay import remember
from distbench.errors import nearest

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

CONTEXT: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_KIND_OF_PATH: Final = {"CONFIG": "file", "TOPOLOGY": "file", "ALGORITHM": "file", "FILE": "file", "DIR": "dir"}


class Option(click.Option):
    """A click option with the title of its section in the help page."""

    def __init__(
        self,
        names: Sequence[str],
        *,
        section: str,
        help: str,
        metavar: str | None = None,
        type: Callable[[str], object] | None = None,
        default: object = None,
        show_default: str | None = None,
        required: bool = False,
        count: bool = False,
        is_flag: bool | None = None,
        multiple: bool = False,
        complete: Sequence[str] | Callable[[], Iterable[str]] = (),
    ) -> None:
        """``names`` as click takes them; ``show_default`` is the default in words, with its unit.

        A shell completes the words of ``complete``, and file names where the metavar says so and no word fits.
        """
        self.section = section
        self._words = complete
        super().__init__(
            names,
            help=f"{help}  [default: {show_default}]" if show_default else help,
            metavar=metavar,
            type=type,
            required=required,
            count=count,
            is_flag=is_flag,
            multiple=multiple,
        )
        if default is not None:  # given to click, a default of None would satisfy 'required'
            self.default = default

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What a shell offers for the value."""
        return offer(incomplete, self._words, str(self.metavar))

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> Any:
        """What was given, noted down as it was typed: for the command that replays a run."""
        if self.name in opts:
            remember(ctx, self.name, opts[self.name])
        return super().consume_value(ctx, opts)


class Argument(click.Argument):
    """A click argument that completes like an option."""

    def __init__(
        self,
        name: str,
        *,
        metavar: str,
        help: str,
        required: bool = True,
        several: bool = False,
        complete: Sequence[str] | Callable[[], Iterable[str]] = (),
    ) -> None:
        """``several``: any number of them."""
        self.section = "Arguments"
        self._words = complete
        self._record = (metavar, help)
        super().__init__([name], metavar=metavar, required=required, nargs=-1 if several else 1)

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """Its line in the help page."""
        return self._record

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What a shell offers for the value."""
        return offer(incomplete, self._words, str(self.metavar))


def offer(incomplete: str, words: Sequence[str] | Callable[[], Iterable[str]], metavar: str) -> list[CompletionItem]:
    """The words that begin so, else files or folders where the metavar says that such are meant."""
    from click.shell_completion import CompletionItem

    fitting = [word for word in (words() if callable(words) else words) if word.startswith(incomplete)]
    kind = _KIND_OF_PATH.get(metavar)
    if fitting or kind is None:
        return [CompletionItem(word) for word in fitting]
    return [CompletionItem(incomplete, type=kind)]


class Command(click.Command):
    """A command whose help page groups its options."""

    def __init__(
        self, name: str, callback: Callable[..., int], *, help: str, params: list[click.Parameter] | None = None
    ) -> None:
        """``callback`` returns the exit status."""
        super().__init__(name, callback=callback, help=help, params=params, context_settings=CONTEXT)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """That of click, which says what is wrong where the page cannot be written."""
        return help_option(super().get_help_option(ctx))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One block for each section."""
        format_sections(self, ctx, formatter)


def help_option(option: click.Option | None) -> click.Option | None:
    """The same option, printing by ``write_out``."""
    if option is not None:
        option.callback = _show_help
    return option


def _show_help(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        write_out(f"{ctx.get_help()}\n")
        ctx.exit()


def format_sections(
    command: click.Command,
    ctx: click.Context,
    formatter: click.HelpFormatter,
    more: Iterable[click.Parameter] = (),
) -> None:
    """Write the options of ``command``, and ``more``, under the titles of their sections, as they were defined."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for parameter in (*command.get_params(ctx), *more):
        record = parameter.get_help_record(ctx)
        if record is not None:
            sections.setdefault(getattr(parameter, "section", "Other"), []).append(record)
    for title, records in sections.items():
        with formatter.section(title):
            formatter.write_dl(records)


def one_of(*choices: str) -> Callable[[str], str]:
    """A value from a closed list; any other gets the nearest one."""

    def convert(text: str) -> str:
        if text not in choices:
            raise click.BadParameter(f"{text!r} is none of {', '.join(choices)}{nearest(text, choices)}")
        return text

    return convert


_MOST: Final = 1e9


def amount(unit: str, *, zero: bool = False) -> Callable[[str | float], float]:
    """A finite number of ``unit``, above zero or from zero on."""

    def convert(text: str | float) -> float:
        try:
            number = float(text)
        except ValueError:
            raise click.BadParameter(f"{text!r} is not a number of {unit}") from None
        if not 0 <= number <= _MOST or (number == 0 and not zero):
            wanted = f"{'from 0 on' if zero else 'above 0'}, at most {_MOST:,.0f}"
            raise click.BadParameter(f"{text!r} cannot be used; it takes a number of {unit} {wanted}")
        return number

    return convert


def whole(*, least: int, most: int | None = None) -> Callable[[str | int], int]:
    """A whole number between two bounds, which belong to the range."""

    def convert(text: str | int) -> int:
        try:
            number = int(text)
        except ValueError:
            raise click.BadParameter(f"{text!r} is not a whole number") from None
        if number < least or (most is not None and number > most):
            bounds = f"from {least:,} on" if most is None else f"from {least:,} to {most:,}"
            raise click.BadParameter(f"{number} is out of range; it takes a whole number {bounds}")
        return number

    return convert
