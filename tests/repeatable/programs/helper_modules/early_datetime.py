"""Binds the class datetime when it is imported."""

from datetime import datetime


def stamp() -> str:
    return datetime.now().isoformat()
