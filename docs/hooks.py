"""Pages that mkdocs makes from what is in the repository, and a check that the site needs nothing from elsewhere."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import click
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT: Final = Path(__file__).resolve().parent.parent
COPIED: Final = {"ARCHITECTURE.md": "architecture.md", "CHANGELOG.md": "changelog.md"}
_ASSET: Final = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?P<src>(?:https?:)?//[^"'\s>]+)"""
    r"""|<link\b(?=[^>]*\brel=["']?(?:stylesheet|preload|preconnect|icon))[^>]*\bhref=["']?(?P<href>(?:https?:)?//[^"'\s>]+)"""
)

_WIDTH: Final = 88
"""What a page shows of a code block without a scroll bar."""

logger = logging.getLogger("mkdocs.hooks")


def on_config(config: MkDocsConfig) -> None:
    """Put every decision into the navigation."""
    decisions = sorted(page.name for page in (ROOT / "docs" / "adr").glob("*.md"))
    for part in config.nav or ():
        if "Decisions" in part:
            part["Decisions"] = [f"adr/{name}" for name in decisions]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that stand elsewhere in the repository, and the one made from the help texts."""
    from mkdocs.structure.files import File

    for source, target in COPIED.items():
        text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, target, content=text))
    files.append(File.generated(config, "cli.md", content=render_commands()))
    return files


def on_post_build(config: MkDocsConfig) -> None:
    """Warn, which fails a strict build, of whatever the pages would load from another site."""
    for page in sorted(Path(config.site_dir).rglob("*.html")):
        for found in _ASSET.finditer(page.read_text(encoding="utf-8")):
            logger.warning("%s loads %s", page.relative_to(config.site_dir), found["src"] or found["href"])


def render_commands() -> str:
    """The help of every command, as ``--help`` prints it."""
    import click

    from distbench.cli.commands import commands

    top = click.Context(commands, info_name="distbench", terminal_width=_WIDTH)
    parts = [
        "# Command line",
        "What `distbench --help` prints, and `--help` after each command.",
        _block(commands, top),
    ]
    for name in commands.list_commands(top):
        command = commands.get_command(top, name)
        assert command is not None
        parts += [
            f"## distbench {name}",
            _block(command, click.Context(command, info_name=name, parent=top, terminal_width=_WIDTH)),
        ]
    return "\n\n".join(parts) + "\n"


def _block(command: click.Command, context: click.Context) -> str:
    return f"```text\n{command.get_help(context)}\n```"
