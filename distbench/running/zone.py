"""Which local time this process has."""

from __future__ import annotations

import os
import time


def time_zone() -> str:
    """``UTC``; else what the variable ``TZ`` says; else the names of the time in winter and in summer."""
    if (time.timezone, time.daylight) == (0, 0) and time.tzname[0] == "UTC":
        return "UTC"
    return os.environ.get("TZ") or "/".join(dict.fromkeys(time.tzname))
