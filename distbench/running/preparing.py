"""What is to be run, read and checked once for all seeds."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from distbench.community import PeerId
from distbench.config import config_from_mapping, load_config
from distbench.config.generators import is_generator, with_start_field
from distbench.config.model import NodeConfig, RunConfig
from distbench.definition import AlgorithmDefinition, define
from distbench.errors import ConfigError, nearest
from distbench.running.checking import Check, apply_check, find_check
from distbench.running.gauge import Gauge
from distbench.running.options import RunOptions
from distbench.running.result import RunResult

logger = logging.getLogger("distbench.run")

ConfigSource = str | Path | RunConfig | Mapping[str, Any]
"""A path or a generator, a config, or what a file would say."""

_DRAWN: Final = ("random-regular:", "erdos-renyi:")
"""Generators whose topology depends on the seed."""


def load_class(name: str) -> type:
    """The algorithm's class of that name, imported."""
    from distbench.config.discovery import load_algorithm

    return load_algorithm(name)


def read_config(config: ConfigSource, seed: int = 0) -> RunConfig:
    """A checked config from whatever a caller gives."""
    if isinstance(config, RunConfig):
        return config
    if isinstance(config, Mapping):
        return config_from_mapping(config)
    return load_config(config, seed=seed)


@dataclass(frozen=True, slots=True)
class Plan:
    """An algorithm, the config of every seed, and what is checked after each run."""

    definition: AlgorithmDefinition
    source: RunConfig | str
    """A config, or the request of a generator that draws another topology for each seed."""
    options: RunOptions
    check: Check | None
    settings: tuple[str, ...] = ()
    """As for ``--set``."""
    assignments: tuple[str, ...] = ()
    """As for ``--assign``."""
    started: str | None = None
    """The boolean field that a generated config sets on its first node, if it does."""
    _fixed: RunConfig | None = field(default=None, repr=False)
    """The config of all seeds, where it is the same for all."""

    def config(self, seed: int) -> RunConfig:
        """The config under ``seed``: its topology, with settings, assignments and start field."""
        return self._fixed if self._fixed is not None else self._make(seed)[0]

    def _make(self, seed: int) -> tuple[RunConfig, str | None]:
        config = load_config(self.source, seed=seed) if isinstance(self.source, str) else self.source
        if self.settings or self.assignments:
            from distbench.config.overrides import apply_assign, apply_set

            config = apply_assign(apply_set(config, self.settings), self.assignments, seed)
        booleans = [name for name, one in self.definition.config_fields.items() if one.annotation is bool]
        return with_start_field(config, booleans)

    def run_offline(self, seed: int, gauge: Gauge | None = None) -> RunResult:
        """Simulate the run of one seed, and check it."""
        from distbench.running.offline import run_offline

        options = self.options if seed == self.options.seed else replace(self.options, seed=seed)
        config = self.config(seed)
        return self.checked(run_offline(self.definition, config, options, load_class, gauge), config)

    def checked(self, result: RunResult, config: RunConfig) -> RunResult:
        """``result`` after the check, if there is one and the result is of all nodes, not of one process's alone."""
        if self.check is None or len(result.nodes) < len(config.nodes):
            return result
        return apply_check(self.check, result)


def prepare(
    algorithm: type | str,
    config: ConfigSource,
    options: RunOptions,
    *,
    settings: Sequence[str] = (),
    assignments: Sequence[str] = (),
    check: bool = True,
) -> Plan:
    """Read all that a run needs. Raises ConfigError or DefinitionError for whatever is wrong with it."""
    cls = load_class(algorithm) if isinstance(algorithm, str) else algorithm
    definition = define(cls)
    found = find_check(cls) if check else None
    drawn = isinstance(config, str) and config.startswith(_DRAWN) and is_generator(config)
    source = config if drawn and isinstance(config, str) else read_config(config, options.seed)
    plan = Plan(definition, source, options, found, tuple(settings), tuple(assignments))
    made, started = plan._make(options.seed)
    _check_paths(plan, made)
    if started is not None:
        first = next(iter(made.nodes))
        logger.info("%s.%s=true: a generated config starts its first node", first, started)
    varies = drawn or any(text.rstrip().endswith("=shuffled") for text in assignments)
    return replace(plan, started=started, _fixed=None if varies else made)


def _check_paths(plan: Plan, config: RunConfig) -> None:
    """Every field that ``--set`` and ``--assign`` name must exist, at one node at least."""
    if not (plan.settings or plan.assignments):
        return
    from distbench.config.overrides import EVERY_NODE, assign_keys, set_keys

    for key in set_keys(plan.settings, config):
        if not key.reserved:
            nodes = config.nodes.values() if key.nodes == EVERY_NODE else [config.nodes[PeerId(key.nodes)]]
            _check_path(plan.definition, f"--set {key.text}", key.path, nodes)
    for text, path in zip(plan.assignments, assign_keys(plan.assignments), strict=True):
        _check_path(plan.definition, f"--assign {text}", path, config.nodes.values())


def _check_path(definition: AlgorithmDefinition, text: str, path: str, nodes: Iterable[NodeConfig]) -> None:
    refused: ConfigError | None = None
    seen: set[int] = set()
    for node in nodes:
        top = definition if node.algorithm is None else define(load_class(node.algorithm))
        if id(top) in seen and not any("algorithm" in block for block in _blocks(node.fields)):
            continue  # as at a node before; only a child chosen in the config makes a difference
        seen.add(id(top))
        refused = _missing(top, path, node, text)
        if refused is None:
            return
    if refused is not None:
        raise refused


def _blocks(fields: Mapping[str, object]) -> Iterable[Mapping[str, object]]:
    for value in fields.values():
        if isinstance(value, Mapping):
            yield value
            yield from _blocks(value)


def _missing(definition: AlgorithmDefinition, path: str, node: NodeConfig, text: str) -> ConfigError | None:
    """The error for a path that leads to no field of the algorithm, or None."""
    names = path.split(".")
    block: Mapping[str, object] = node.fields
    for depth, name in enumerate(names):
        last = depth == len(names) - 1
        if name in definition.config_fields or (
            last and (name in definition.children or (depth and name == "algorithm"))
        ):
            return None
        if name not in definition.children:
            known = [*definition.config_fields, *definition.children]
            close = nearest(name, known) or (f"; it has {', '.join(known)}" if known else "; it has none")
            return ConfigError(f"{text}: {definition.name} has no field {name!r}{close}")
        inner = block.get(name)
        block = inner if isinstance(inner, Mapping) else {}
        chosen = block.get("algorithm")
        definition = define(load_class(chosen) if isinstance(chosen, str) else definition.children[name])
    return None
