"""What an audit came to, as text for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from distbench.report.notes import Note, join_names
from distbench.report.style import paint
from distbench.running.audit.verdict import Audit, Difference, Noticed
from distbench.words import plural

_MOST_NODES = 5


def render_audits(audits: Sequence[Audit], *, colour: bool, asked: int | None = None, notes: bool = True) -> str:
    """The text for stdout; ``asked``: of how many seeds these are a sample. Without ``notes`` only the verdicts."""
    lines = [_paint(note, colour) for note in _notes(audits)] if notes else []
    if lines:
        lines.append("")
    lines.append(_paint(_ending(audits, asked), colour))
    return "\n".join(lines) + "\n"


def _notes(audits: Sequence[Audit]) -> Iterator[Note]:
    """Of the first that is not repeatable, else of the first that cannot be told, else of all, the same once."""
    bad = [audit for audit in audits if audit.difference is not None] or [audit for audit in audits if audit.untold]
    told: dict[str, Note] = {}
    for audit in bad[:1] or audits:
        told |= {note.text: note for note in audit_notes(audit)}
    yield from told.values()


def audit_notes(audit: Audit) -> Iterator[Note]:
    """What a person must know of one: the difference with its reason, or what was real though all was the same."""
    if audit.difference is not None:
        yield _difference(audit.seed, audit.difference)
    if audit.untold:
        yield Note(f"seed {audit.seed}: whether it is repeatable cannot be told: {audit.untold}", "yellow")
    for one in audit.noticed:
        yield Note(_noticed(one), "yellow")
    if audit.problem:
        yield Note(f"the run failed, in both processes alike: {audit.problem}", "yellow")


def _ending(audits: Sequence[Audit], asked: int | None) -> Note:
    """One line: repeatable or not, and what that is said of."""
    bad = [audit for audit in audits if audit.difference is not None]
    untold = [audit for audit in audits if audit.untold]
    names = join_names([str(audit.seed) for audit in (bad or untold or audits)], 20)
    which = f"{'seed' if len(bad or untold or audits) == 1 else 'seeds'} {names}"
    of = "" if asked is None else f" (audited {len(audits)} of {plural(asked, 'seed')})"
    if bad:
        return Note(f"not repeatable: {which}{of}", "red")
    if untold:
        return Note(f"cannot be told: {which}{of}", "yellow")
    events = plural(sum(audit.events for audit in audits), "event")
    digest = f", digest {audits[0].digest}" if len(audits) == 1 else ""
    return Note(f"repeatable: {which}, {events} alike in two processes{digest}{of}", "green")


def _difference(seed: int, one: Difference) -> Note:
    at = "" if one.at is None else f" at {one.at:.6f} s"
    during = f", {one.during}" if one.during else ""
    first, second = one.happened
    lines = [f"seed {seed}: event {one.number:,} differs between two processes{at}{during}"]
    if first == second:
        lines.append(f"    {first}")
        if any(one.message):
            lines += [f"    first:  {one.message[0]}", f"    second: {one.message[1]}"]
    else:
        for name, what, said in (("first: ", first, one.message[0]), ("second:", second, one.message[1])):
            lines.append(f"    {name} {what}{': ' if said else ''}{said}")
    if one.part:
        lines.append(f"    what differs is {one.part}")
    lines += [f"    {hint}" for hint in one.hints]
    lines += [f"    {read} before" for read in one.reads]
    lines.append(f"    {_causes(one)}")
    return Note("\n".join(lines), "red")


def _causes(one: Difference) -> str:
    if one.always:
        return "it differs in any two processes, whatever else they have in common"
    if one.causes:
        more = "" if one.searched else ", and maybe on more"
        return f"it depends on {' and on '.join(one.causes)}{more}"
    if one.searched:
        return "no single difference of the two processes is the reason, only some of them together"
    return "there was no time to look for the reason"


def _noticed(one: Noticed) -> str:
    if not one.where:
        return f"used: {one.what}; seeded anew for each run, it makes what a node draws depend on the others"
    names = join_names(one.nodes, _MOST_NODES)
    return f"{names} read {one.what} at {one.where}, which no seed fixes; it changed no event this time"


def _paint(note: Note, colour: bool) -> str:
    first, newline, rest = note.text.partition("\n")
    return f"{paint(first, note.colour) if colour else first}{newline}{rest}"
