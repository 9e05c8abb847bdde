"""The default of a config field against its annotation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from distbench.annotations import class_of, show_type
from distbench.decorators import MISSING, FieldMark
from distbench.errors import DefinitionError
from distbench.misfits import Misfit
from distbench.outgoing import ValueFinder

_HARMLESS: Final = (list, dict, set, frozenset, tuple, str, bytes, int, float, bool)
"""Factories that may be called to see what they make; another might count its calls."""


def check_default(mark: FieldMark, annotation: Any, where: Callable[[], str]) -> None:
    """DefinitionError for a default that does not fit; ``where`` names the field."""
    misfit = unfit_default(mark, annotation)
    if misfit is not None:
        raise DefinitionError(f"{where()}: the default does not fit {show_type(annotation)}: {misfit}")


def unfit_default(mark: FieldMark, annotation: Any) -> Misfit | None:
    """What is wrong with the default of a field; None fits everywhere, since it stands for "not given"."""
    value, factory = mark.default, mark.default_factory
    if factory is not None:
        value = factory() if factory in _HARMLESS else None
    if value is None or value is MISSING:
        return None
    try:
        return _DefaultFinder().find(value, annotation)
    except (TypeError, ValueError, DefinitionError):  # an annotation that only its author can read
        return None


class _DefaultFinder(ValueFinder):
    """A default never travels: it may be of any class that Python takes for the annotated one."""

    def fits(self, thing: Any, member: Any) -> bool:
        cls = class_of(member)
        try:
            return (isinstance(cls, type) and isinstance(thing, cls)) or super().fits(thing, member)
        except TypeError:  # a protocol, or a form that isinstance does not know
            return True

    def inside(self, thing: Any, member: Any, path: str) -> Misfit | None:
        if type(thing) not in (list, tuple, set, frozenset, dict):
            return None
        return super().inside(thing, member, path)

    def anything(self, thing: Any, path: str) -> Misfit | None:
        return None
