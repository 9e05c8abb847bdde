"""Names that are another with a slip of the fingers."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise


def meant_hook(name: str, hooks: Iterable[str]) -> str | None:
    """The hook that was probably meant by ``name``, which is none; None for a good name of its own.

    ``on_strat``, ``onStart`` and ``reprot`` are slips. ``on_state``, ``on_stop``, ``on_edit``, ``reports`` and whatever
    begins with an underscore are names: another letter in place of one makes a word too often.
    """
    if name.startswith("_") or name in (hooks := tuple(hooks)):
        return None
    return next((hook for hook in hooks if _is_slip(name, hook)), None)


def _is_slip(name: str, hook: str) -> bool:
    """Whether only capitals and underscores differ, or two letters changed places, or one is missing or too many."""
    one, other = (text.replace("_", "").lower() for text in (name, hook))
    if one == other:
        return True
    if len(one) == len(other):
        return one in {other[:at] + b + a + other[at + 2 :] for at, (a, b) in enumerate(pairwise(other))}
    short, long = sorted((one, other), key=len)
    if one == f"{other}s" or len(long) - len(short) != 1:  # a plural
        return False
    return any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
