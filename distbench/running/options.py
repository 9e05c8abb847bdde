"""What a run is asked to do, apart from its algorithm and config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from distbench.errors import ConfigError

Format = Literal["json", "msgpack"]


@dataclass(frozen=True, slots=True)
class Latency:
    """Delay of a message in milliseconds, drawn evenly from ``low`` to ``high``."""

    low: float
    high: float


DEFAULT_LATENCY = Latency(1.0, 10.0)


def parse_latency(text: str) -> Latency:
    """``'10-50'`` or ``'10'``, in milliseconds."""
    low, dash, high = text.strip().partition("-")
    try:
        latency = Latency(float(low), float(high) if dash else float(low))
    except ValueError:
        raise ConfigError(
            f"latency {text!r} is not a range of milliseconds; write for instance '10-50' or '5'"
        ) from None
    if not 0 <= latency.low <= latency.high < 1e9:
        wanted = "the lower bound comes first" if latency.low > latency.high else "it must be finite and not negative"
        raise ConfigError(f"latency {text!r} cannot be used: {wanted}; write for instance '10-50'")
    return latency


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Options of one run; times in seconds."""

    format: Format = "json"
    seed: int = 0
    latency: Latency | None = None
    """None: 1-10 virtual ms offline, no delay of our own in the real modes."""
    timeout: float | None = None
    """None: one virtual hour offline, 30 s of wall time in the real modes."""
    startup_delay: float = 0.0
    duration: float | None = None
    """End the run as completed after this long."""
    max_events: int = 100_000_000
    digest: bool = False
