"""Small asyncio programs, each about one thing that an algorithm may rely on."""

from __future__ import annotations

from tests.node.programs import cancelling, clocks, contexts, groups, primitives
from tests.node.programs.listing import PROGRAMS

__all__ = ["PROGRAMS", "cancelling", "clocks", "contexts", "groups", "primitives"]
