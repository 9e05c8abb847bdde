"""``distbench topology``: a generated config as a file or a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from distbench.cli.options import Argument, Command, Option, whole
from distbench.cli.output import write_out
from distbench.cli.run_options import topologies
from distbench.errors import ConfigError
from distbench.writing import write_whole


def topology(
    *,
    source: str,
    output: str | None,
    picture: str | None,
    seed: int,
    settings: Sequence[str],
    assignments: Sequence[str],
) -> int:
    """Write and draw it."""
    from distbench.config import load_config
    from distbench.config.rendering import render_yaml

    config = load_config(source, seed=seed)
    if settings or assignments:
        from distbench.config.overrides import apply_assign, apply_set

        config = apply_assign(apply_set(config, settings), assignments, seed)
    if output is not None:
        _write(Path(output), render_yaml(config))
    elif picture is None:
        write_out(render_yaml(config))
    if picture is not None:
        from distbench.config.drawing import draw

        draw(config, picture)
    return 0


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise ConfigError(f"-o: cannot write {str(path)!r}: {error.strerror}") from error


class _TopologyCommand(Command):
    """Its help lists the generators."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What may stand for TOPOLOGY."""
        from distbench.config.generators import GENERATORS

        with formatter.section("Topologies"):
            formatter.write_dl([(generator.shape, generator.summary) for generator in GENERATORS.values()])


topology_command = _TopologyCommand(
    "topology",
    topology,
    help="Print a TOPOLOGY such as ring:16 as a config in YAML, write it to a file or draw it. Any config that -c "
    "takes will do, a file as well.",
    params=[
        Argument("source", metavar="TOPOLOGY", help="One of those below, or a YAML file.", complete=topologies),
        Option(
            ["-o", "--output"],
            section="Options",
            metavar="FILE",
            show_default="stdout",
            help="File to write the config to; one that exists is overwritten.",
        ),
        Option(
            ["--draw", "picture"],
            section="Options",
            metavar="FILE",
            show_default="none",
            help="Draw it into FILE, an .svg or .png; needs matplotlib (distbench[plots]).",
        ),
        Option(
            ["--seed"],
            section="Options",
            metavar="N",
            type=whole(least=0, most=2**63 - 1),
            default=0,
            show_default="0",
            help="Draws the random topologies, and what --assign shuffles.",
        ),
        Option(
            ["--set", "settings"],
            section="Options",
            metavar="NODE.FIELD=VALUE",
            multiple=True,
            show_default="none",
            help="Put a value into one node's block (n1.initiator=true) or into all ('*.max_rounds=3').",
        ),
        Option(
            ["--assign", "assignments"],
            section="Options",
            metavar="FIELD=ORDER",
            multiple=True,
            show_default="none",
            help="Give a field the numbers 1 to N: shuffled, ascending or descending (node_id=shuffled).",
        ),
    ],
)
