"""The processes in which the programs are played."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.repeatable.surroundings import Surroundings

PLAIN: Final = Surroundings("plain")
BUSY: Final = Surroundings(
    "busy",
    environment={"TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8", "PYTHONMALLOC": "malloc", "COLUMNS": "77"},
    litter=6_000,
    thresholds=(250, 5, 5),
    before=(11,),
    options=("-v", "--log-dir", "FOLDER/logs"),
    order=1,
)
QUICK: Final = replace(BUSY, name="quick", litter=1_000, thresholds=(2_000, 5, 5), before=())
ODD: Final = Surroundings(
    "odd",
    environment={"TZ": "America/St_Johns", "LC_ALL": "POSIX", "COLUMNS": "40", "PYTHONUTF8": "1"},
    litter=1_234,
    thresholds=None,
    options=("-qq",),
    order=2,
)
IMPORTED: Final = Surroundings("imported", door="python", environment={"TZ": "Asia/Tokyo"}, litter=777, order=3)
IMPORTED_TOO: Final = Surroundings(
    "imported too",
    door="python",
    environment={"TZ": "America/Caracas", "LC_ALL": "C.UTF-8", "PYTHONMALLOC": "malloc"},
    litter=9_999,
    thresholds=(300, 4, 4),
    before=(12, 13),
    order=4,
)
