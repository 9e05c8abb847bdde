"""``distbench.run``: a run from Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distbench.algorithm import Algorithm
from distbench.config.model import RunConfig
from distbench.config import config_from_mapping
from distbench.config import load_config
from distbench.definition import define
from distbench.errors import ConfigError
from distbench.running.offline import run_offline
from distbench.running.options import Format, Latency, RunOptions, parse_latency
from distbench.running.result import RunResult


def run(
    algorithm: type[Algorithm] | str,
    config: str | Path | RunConfig | Mapping[str, Any],
    *,
    seed: int = 0,
    format: Format = "json",
    latency: str | Latency | None = None,
    timeout: float | None = None,
    startup_delay: float = 0.0,
    duration: float | None = None,
    max_events: int = 100_000_000,
    digest: bool = False,
) -> RunResult:
    """Simulate one run and say what happened.

    ``algorithm`` is a class, or a name as for ``-a``; ``config`` is a path, or what such a file would say. Times are
    seconds, ``latency`` is milliseconds (``'10-50'``). Works inside a notebook's cell. A failing node does not
    raise: look at ``outcome``, ``exit_status`` and ``failures``.
    """
    cls = load_class(algorithm) if isinstance(algorithm, str) else algorithm
    if format not in ("json", "msgpack"):
        raise ConfigError(f"format {format!r} is not known; use 'json' or 'msgpack'")
    options = RunOptions(
        format=format,
        seed=seed,
        latency=parse_latency(latency) if isinstance(latency, str) else latency,
        timeout=timeout,
        startup_delay=startup_delay,
        duration=duration,
        max_events=max_events,
        digest=digest,
    )
    return run_offline(define(cls), read_config(config, seed), options, load_class)


def load_class(name: str) -> type[Algorithm]:
    """The algorithm's class of that name, imported."""
    from distbench.config.discovery import load_algorithm

    return load_algorithm(name)


def read_config(config: str | Path | RunConfig | Mapping[str, Any], seed: int = 0) -> RunConfig:
    """A checked config from whatever a caller gives."""
    if isinstance(config, RunConfig):
        return config
    if isinstance(config, Mapping):
        return config_from_mapping(config)
    return load_config(config, seed=seed)
