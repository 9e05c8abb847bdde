"""One of its modules."""

import time as _time
from datetime import datetime as _datetime
from uuid import uuid4 as _uuid4


def stamp() -> str:
    return f"{_datetime.utcnow()} {_uuid4()}"


class Stamper:
    def __init__(self, clock=_time.time):
        self.clock = clock
        self.made = clock()

    def age(self) -> float:
        return self.clock() - self.made
