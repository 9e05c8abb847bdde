"""Whether what a program came to, in all the surroundings it was played in, is what was expected of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tests.repeatable.catalogue import EXCEPTION, FAILS, REFUSED, REPEATABLE, Program
from tests.repeatable.surroundings import Played, Results, Surroundings, first_difference

_REFUSAL: Final = "NondeterminismError: "


def judge(
    program: Program, seeds: Sequence[int], found: Mapping[Surroundings, Results], *, exceptions: bool = True
) -> list[str]:
    """What is not as expected, in words. ``exceptions``: those shall show in these surroundings that they are."""
    wrong: list[str] = []
    for there, results in found.items():
        expected = program.expected(there.door)
        for seed in seeds:
            played = results[program.name, seed]
            if expected.startswith(REFUSED):
                wrong += [f"{there.name}, seed {seed}: {each}" for each in _not_refused(played, expected)]
            elif expected.startswith(FAILS):
                if not any(expected.removeprefix(FAILS) in each for each in played.failures):
                    wrong.append(f"{there.name}, seed {seed}: {played.outcome}: {'; '.join(played.failures)}")
            elif played.status != 0:
                said = "; ".join(played.failures)
                wrong.append(f"{there.name}, seed {seed}: {played.outcome}: {said}")
            elif not played.messages:
                wrong.append(f"{there.name}, seed {seed}: no message was sent")
    if wrong:
        return wrong[:4]
    bound = [each for each in found if not program.expected(each.door).startswith(EXCEPTION)]
    doors = sorted({each.door for each in bound})
    for group in [[door] for door in doors] if program.differs_by_door else [doors]:
        for seed in seeds:
            wrong += _differences(program, seed, {each: found[each] for each in bound if each.door in group})
    if exceptions and program.expected("command line").startswith(EXCEPTION) and _alike(program, seeds, found):
        wrong.append("it was to be an exception, and gave one digest a seed")
    if program.expected("command line") == REPEATABLE and len(seeds) > 1:
        first = next(iter(found.values()))
        if len({first[program.name, seed].digest for seed in seeds}) == 1:
            wrong.append("every seed gives the same digest")
    return wrong[:4]


def _not_refused(played: Played, expected: str) -> list[str]:
    words = expected.removeprefix(REFUSED).split()
    refusals = [each for each in played.failures if each.startswith(_REFUSAL)]
    if not refusals:
        return [f"not refused: {played.outcome} {'; '.join(played.failures)}"]
    if not any(all(word in each for word in words) for each in refusals):
        return [f"refused without a word of {words}: {refusals[0]}"]
    return []


def _differences(program: Program, seed: int, found: Mapping[Surroundings, Results]) -> list[str]:
    if not found:
        return []
    (first, results), *others = found.items()
    one = results[program.name, seed]
    for there, theirs in others:
        other = theirs[program.name, seed]
        if (one.digest, one.failures) != (other.digest, other.failures):
            what = first_difference(one, other) if one.digest != other.digest else f"{one.failures} / {other.failures}"
            return [f"seed {seed}, {first.name} / {there.name}: {what}"]
    return []


def _alike(program: Program, seeds: Sequence[int], found: Mapping[Surroundings, Results]) -> bool:
    return all(len({each[program.name, seed].digest for each in found.values()}) == 1 for seed in seeds)
