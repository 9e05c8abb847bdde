"""Counts in a person's words."""

from __future__ import annotations


def plural(count: int, noun: str) -> str:
    """``1 node``, ``2 nodes``, ``1,000 nodes``."""
    return f"{count:,} {noun}{'s' * (count != 1)}"
