"""What is to be run, read and checked once for all seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from distbench.community import PeerId
from distbench.config import config_from_mapping, load_config
from distbench.config.generators import is_generator, with_start_field
from distbench.config.model import NodeConfig, RunConfig
from distbench.definition import AlgorithmDefinition, define
from distbench.errors import ConfigError, nearest
from distbench.events import Sink
from distbench.running.checking import apply_check, find_check, require_asserts
from distbench.running.gauge import Gauge
from distbench.running.options import RunOptions
from distbench.running.outcomes import cut_short
from distbench.running.result import RunResult
from distbench.simulation.watching import Watch

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
    if not isinstance(config, (str, Path)):
        raise ConfigError(
            f"a config is a path, a generator such as 'ring:16', or a mapping of nodes, not {type(config).__name__}"
        )
    return load_config(config, seed=seed)


class Plan:
    """An algorithm, the config of every seed, and what is checked after each run."""

    def __init__(
        self,
        algorithm: type | str,
        config: ConfigSource,
        options: RunOptions,
        *,
        settings: Sequence[str] = (),
        assignments: Sequence[str] = (),
        check: bool = True,
    ) -> None:
        """Read all that a run needs. ConfigError or DefinitionError for whatever is wrong with it.

        ``settings`` and ``assignments`` are as for ``--set`` and ``--assign``; without ``check`` that of the
        algorithm's module is left out.
        """
        cls = load_class(algorithm) if isinstance(algorithm, str) else algorithm
        self.definition = define(cls)
        self.options = options
        self.check = find_check(cls) if check else None
        self._settings = tuple(settings)
        self._assignments = tuple(assignments)
        drawn = isinstance(config, str) and config.startswith(_DRAWN) and is_generator(config)
        self._source = config if drawn and isinstance(config, str) else read_config(config, options.seed)
        first, self.started = self._make(options.seed)
        """``started``: the boolean field that is true at a generated config's first node alone, for that reason."""
        if settings or assignments:
            _check_paths(self.definition, self._settings, self._assignments, first)
        varies = drawn or any(text.rstrip().endswith("=shuffled") for text in assignments)
        self._same = None if varies else first

    def config(self, seed: int) -> RunConfig:
        """The config under ``seed``: its topology, with settings, assignments and start field."""
        return self._make(seed)[0] if self._same is None else self._same

    def _make(self, seed: int) -> tuple[RunConfig, str | None]:
        config = load_config(self._source, seed=seed) if isinstance(self._source, str) else self._source
        if self._settings or self._assignments:
            from distbench.config.overrides import apply_assign, apply_set

            config = apply_assign(apply_set(config, self._settings), self._assignments, seed)
        fields = self.definition.config_fields
        config, started = with_start_field(config, [name for name, one in fields.items() if one.annotation is bool])
        if started is not None and not fields[started].required and fields[started].make_default():
            started = None  # all nodes start anyway
        return config, started

    def run_offline(
        self,
        seed: int,
        gauge: Gauge | None = None,
        on_look: Callable[[], object] = bool,
        sink: Sink | None = None,
    ) -> RunResult:
        """Simulate the run of one seed, and check it; ``on_look`` and ``sink`` are as for ``offline.run_offline``."""
        from distbench.running.offline import run_offline

        options = self.options if seed == self.options.seed else replace(self.options, seed=seed)
        config = self.config(seed)
        result = run_offline(self.definition, config, options, load_class, gauge, sink=sink, on_look=on_look)
        return self.checked(result, config, on_look)

    def require_asserts(self) -> None:
        """Raises ConfigError where there is a check, and Python has left out what it asserts."""
        if self.check is not None:
            require_asserts(self.check)

    def checked(self, result: RunResult, config: RunConfig, on_look: Callable[[], object] = bool) -> RunResult:
        """``result`` after the check, if there is one and the result is of all nodes, not of one process's alone."""
        if slips := tuple(_slips(self.definition)):
            result = replace(result, remarks=slips)
        if self.check is None or len(result.nodes) < len(config.nodes):
            return result
        if result.mode != "offline":
            return apply_check(self.check, result)
        with Watch(self.options.step_timeout, "the check") as watch:
            watch.on_look = on_look
            return cut_short(watch.call(apply_check, self.check, result) or result, watch)


def _slips(definition: AlgorithmDefinition) -> Iterable[str]:
    """Methods of an algorithm or of its layers that are called by nobody, as their names look like a hook's."""
    for where, hook in definition.misnamed:
        yield f"{where}: is {hook} meant? distbench calls no method of this name"
    for child in definition.children.values():
        yield from _slips(define(child))


def _check_paths(
    definition: AlgorithmDefinition, settings: Sequence[str], assignments: Sequence[str], config: RunConfig
) -> None:
    """Every field that ``--set`` and ``--assign`` name must exist, at one node at least."""
    from distbench.config.overrides import EVERY_NODE, assign_keys, set_keys

    for key in set_keys(settings, config):
        if not key.reserved:
            nodes = config.nodes.values() if key.nodes == EVERY_NODE else [config.nodes[PeerId(key.nodes)]]
            _check_path(definition, f"--set {key.text}", key.path, nodes)
    for text, path in zip(assignments, assign_keys(assignments), strict=True):
        _check_path(definition, f"--assign {text}", path, config.nodes.values())


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
