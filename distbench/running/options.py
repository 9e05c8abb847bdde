"""What a run is asked to do, apart from its algorithm and config."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from numbers import Real
from typing import Any, Final, Literal, SupportsIndex

from distbench.errors import ConfigError

Format = Literal["json", "msgpack"]
LinkRoom = int | Literal["none"]
NO_LIMIT: Final = "none"
"""As a link's room: casts and requests never wait."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Delay of a message in milliseconds, drawn evenly from ``low`` to ``high``."""

    low: float
    high: float


DEFAULT_LATENCY = Latency(1.0, 10.0)
MOST_SECONDS = 1e9
"""What a limit or delay may be; virtual time counts nanoseconds, and the timers of a real loop overflow."""
DEFAULT_STEP_TIMEOUT = 60.0
"""Seconds of CPU time."""


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
        wanted = "it must be finite, not negative and less than 1,000,000,000"
        if latency.low > latency.high:
            wanted = "the lower bound comes first"
        raise ConfigError(f"latency {text!r} cannot be used: {wanted}; write for instance '10-50'")
    return latency


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Options of one run; times in seconds."""

    format: Format = "json"
    seed: int = 0
    latency: Latency | None = None
    """None: 1-10 virtual ms offline, no delay of our own in the real modes."""
    link_room: LinkRoom | None = None
    """Offline: messages on their way over one link before casts and requests wait; None: drawn, and may be none."""
    timeout: float | None = None
    """None: one virtual hour offline, 30 s of wall time in the real modes."""
    startup_delay: float = 0.0
    """Before the nodes start, with whom time begins: nothing where it is virtual."""
    duration: float | None = None
    """End the run as completed after this long."""
    max_events: int = 100_000_000
    step_timeout: float = DEFAULT_STEP_TIMEOUT
    """Offline: CPU time that one step of a node may take; 0 for no limit."""
    digest: bool = False
    allow_drops: bool = False
    """A message that does not fit the node it comes to fails nothing."""
    fail_fast: bool = False
    """End the run at its first failure."""

    def limit(self, default: float) -> float:
        """Seconds after which the run ends in any case; ``default`` is what ``timeout`` None means."""
        timeout = default if self.timeout is None else self.timeout
        return timeout if self.duration is None else min(timeout, self.duration)

    def __post_init__(self) -> None:
        """Raises ConfigError for a value that no run can have."""
        check_seed(self.seed)
        _check("max_events", self.max_events, SupportsIndex, least=1)
        _check("timeout", self.timeout, (Real, type(None)), above=0, most=MOST_SECONDS)
        _check("duration", self.duration, (Real, type(None)), above=0, most=MOST_SECONDS)
        _check("step_timeout", self.step_timeout, Real, least=0)
        _check("startup_delay", self.startup_delay, Real, least=0, most=MOST_SECONDS)
        if self.link_room is not None and self.link_room != NO_LIMIT:
            _check("link_room", self.link_room, SupportsIndex, least=1, otherwise=repr(NO_LIMIT))
        if self.latency is not None and not isinstance(self.latency, Latency):
            raise ConfigError(f"latency {self.latency!r} is not a range of milliseconds; write for instance '10-50'")


def fixed_room(room: LinkRoom) -> int | None:
    """Messages that each link has room for, None for all."""
    return None if room == NO_LIMIT else operator.index(room)


def check_seed(seed: object) -> None:
    """Raises ConfigError for what is no seed."""
    _check("seed", seed, SupportsIndex, least=0)


def _check(
    name: str,
    value: Any,
    kinds: Any,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    otherwise: str = "",
) -> None:
    good = isinstance(value, kinds) and not isinstance(value, bool)
    if good and value is not None:
        good = (least is None or value >= least) and (above is None or value > above) and value == value
        good = good and (most is None or value <= most)
    if not good:
        wanted = f"at least {least:g}" if above is None else f"more than {above:g}"
        wanted += "" if most is None else f" and at most {most:,.0f}"
        wanted += f", or {otherwise}" if otherwise else ""
        raise ConfigError(f"{name} {value!r} cannot be used: it must be a number, {wanted}")
