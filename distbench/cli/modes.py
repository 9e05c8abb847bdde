"""The modes that a run can have, and the one place that chooses between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from distbench.errors import ConfigError

if TYPE_CHECKING:
    from distbench.config.model import RunConfig
    from distbench.definition import AlgorithmDefinition
    from distbench.running.options import RunOptions
    from distbench.running.result import RunResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeOptions:
    """Options that only the local and network modes know; times in seconds, None is the mode's own default."""

    port_base: int | None = None
    node_id: str | None = None
    bind: str | None = None
    startup_timeout: float | None = None
    keys: str | None = None
    link_limit: float | None = None


Runner = Callable[["AlgorithmDefinition", "RunConfig", "RunOptions", ModeOptions], "RunResult"]


def _offline(
    definition: AlgorithmDefinition, config: RunConfig, options: RunOptions, _mode_options: ModeOptions
) -> RunResult:
    from distbench.config.discovery import load_algorithm
    from distbench.running.offline import run_offline

    return run_offline(definition, config, options, load_algorithm)


def _not_yet(mode: str) -> Runner:
    def refuse(*_arguments: object) -> RunResult:
        raise ConfigError(f"--mode {mode} does not exist yet; this version runs offline")

    return refuse


MODES: Final[Mapping[str, Runner]] = {
    "offline": _offline,
    "local": _not_yet("local"),
    "network": _not_yet("network"),
}
