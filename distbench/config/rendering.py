"""A config written out as YAML."""

from __future__ import annotations

from typing import Any, Final

import yaml

from distbench.config.model import RunConfig
from distbench.config.parsing import Roster, block_of
from distbench.errors import ConfigError

_FEW: Final = 8
"""Up to so many neighbours are written out even where they are all others: a reader sees who they are."""

_UNICODE: Final = hasattr(yaml, "CSafeDumper")
"""The Python dumper writes some characters (U+0085) unescaped, which reads back as something else."""

_Base: Final[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Block(dict[str, object]):
    """A mapping written with a line for each key; any other stands in braces where it is flat."""


class _Dumper(_Base):  # type: ignore[misc]  # the C one where it exists
    def ignore_aliases(self, data: object) -> bool:
        """Write a list that two nodes share twice, not as an anchor."""
        return True

    def represent_block(self, data: _Block) -> object:
        """A node's block, or the file as a whole."""
        return self.represent_mapping("tag:yaml.org,2002:map", data, flow_style=False)


_Dumper.add_representer(_Block, _Dumper.represent_block)


def render_yaml(config: RunConfig) -> str:
    """YAML text that loads back to an equal config. Raises ConfigError for a value that YAML cannot hold."""
    roster = Roster(config.nodes)
    data = _Block()
    for node_id, node in config.nodes.items():
        data[node_id] = block = _Block(block_of(node))
        if len(node.neighbours) > _FEW and node.neighbours == roster.others(node_id):
            block["neighbours"] = []
    try:
        text: str = yaml.dump(
            data, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=_UNICODE, width=118
        )
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"{config.source}: cannot be written as YAML: {error}") from error
    return f"# {config.source}\n{text}" if config.generated else text
