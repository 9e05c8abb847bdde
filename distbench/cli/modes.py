"""The modes that a run can have, and the one place that chooses between them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from distbench.errors import ConfigError

if TYPE_CHECKING:
    from distbench.config.model import RunConfig
    from distbench.definition import AlgorithmDefinition
    from distbench.running.gauge import Gauge
    from distbench.running.options import RunOptions
    from distbench.running.result import RunResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeOptions:
    """What only some of the modes know; times in seconds, None is the mode's own default."""

    port_base: int | None = None
    node_id: str | None = None
    bind: str | None = None
    startup_timeout: float | None = None
    keys: str | None = None
    link_limit: float | None = None
    gauge: Gauge | None = None
    """Shows how far the run is, for a live line on the terminal."""


Runner = Callable[["AlgorithmDefinition", "RunConfig", "RunOptions", ModeOptions], "RunResult"]


def _offline(
    definition: AlgorithmDefinition, config: RunConfig, options: RunOptions, mode_options: ModeOptions
) -> RunResult:
    from distbench.config.discovery import load_algorithm
    from distbench.running.offline import run_offline

    return run_offline(definition, config, options, load_algorithm, mode_options.gauge)


def _local(
    definition: AlgorithmDefinition, config: RunConfig, options: RunOptions, mode_options: ModeOptions
) -> RunResult:
    _check_system()
    from distbench.config.discovery import load_algorithm
    from distbench.running.local import run_local

    return run_local(
        definition,
        config,
        options,
        load_algorithm,
        port_base=mode_options.port_base,
        startup_timeout=mode_options.startup_timeout,
        link_limit=mode_options.link_limit,
        gauge=mode_options.gauge,
    )


def _network(
    definition: AlgorithmDefinition, config: RunConfig, options: RunOptions, mode_options: ModeOptions
) -> RunResult:
    _check_system()
    from distbench.config.discovery import load_algorithm
    from distbench.running.network import run_network

    if mode_options.node_id is None:
        raise ConfigError("--mode network runs one node: say which with --id, for instance --id n1")
    return run_network(
        definition,
        config,
        options,
        load_algorithm,
        node_id=mode_options.node_id,
        port_base=mode_options.port_base,
        bind=mode_options.bind,
        startup_timeout=mode_options.startup_timeout,
        link_limit=mode_options.link_limit,
        keys=mode_options.keys,
        gauge=mode_options.gauge,
    )


def _check_system() -> None:
    if sys.platform == "win32":
        raise ConfigError("local and network mode need Linux or macOS; on Windows use --mode offline")


MODES: Final[Mapping[str, Runner]] = {
    "offline": _offline,
    "local": _local,
    "network": _network,
}
