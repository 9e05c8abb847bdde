"""Dataclasses whose fields come from the clock and from chance."""

import random
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Entry:
    text: str
    at: datetime = field(default_factory=datetime.now)
    number: float = field(default_factory=time.time)
    key: uuid.UUID = field(default_factory=uuid.uuid4)
    luck: float = field(default_factory=random.random)


@dataclass(frozen=True, slots=True)
class Frozen:
    at: float = field(default_factory=time.monotonic)
