"""Clocks and generators as defaults."""

import random
import time
import uuid
from collections.abc import Callable
from datetime import datetime


def moment(now: Callable[[], float] = time.monotonic) -> float:
    return now()


def day(*, today: Callable[[], datetime] = datetime.now) -> datetime:
    return today()


def draw(pick: Callable[[], float] = random.random, make: Callable[[], uuid.UUID] = uuid.uuid4) -> tuple[float, str]:
    return pick(), str(make())
