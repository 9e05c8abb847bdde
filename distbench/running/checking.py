"""The ``check(result)`` of an algorithm's module: what must hold after every run."""

from __future__ import annotations

import inspect
import linecache
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

from distbench.decorators import ClassMark
from distbench.errors import ConfigError, DefinitionError
from distbench.namespace import names_of
from distbench.node.failures import name_exception, render_traceback, shown
from distbench.running.outcomes import describe_interrupt
from distbench.running.result import Outcome, RunResult
from distbench.simulation.watching import StepTimeout

Check: TypeAlias = Callable[[RunResult], object]

NAME: Final = "check"
_WANTED: Final = "write 'def check(result: RunResult) -> None', or give it another name if it is no check of runs"


def find_check(cls: type) -> Check | None:
    """The function ``check`` of the module that defines ``cls``, or None if there is none.

    DefinitionError where it cannot be called with a result alone.
    """
    mark = vars(cls).get("__distbench__")
    names = names_of(cls, mark.namespace.names if isinstance(mark, ClassMark) else {})
    check = names.get(NAME)
    if check is None:
        return None
    file = Path(str(names.get("__file__", ""))).name
    where = _where(check, file)
    if not callable(check):
        raise DefinitionError(f"{where} is {type(check).__name__} {check!r:.60}, not a function; {_WANTED}")
    if inspect.iscoroutinefunction(check) or inspect.isgeneratorfunction(check) or inspect.isasyncgenfunction(check):
        raise DefinitionError(f"{where}: a check is a plain function, called when the run is over; {_WANTED}")
    try:
        inspect.signature(check).bind(None)
    except TypeError:
        raise DefinitionError(
            f"{where}: it takes {inspect.signature(check)}, not the result alone; {_WANTED}"
        ) from None
    except ValueError:  # written in C, and it does not tell
        pass
    return check  # type: ignore[no-any-return]


def _where(check: object, file: str = "") -> str:
    """``check (raft.py:41)``; ``file`` is where it stands if it does not say so itself."""
    code = getattr(inspect.unwrap(check) if callable(check) else check, "__code__", None)
    return f"{NAME} ({Path(code.co_filename).name}:{code.co_firstlineno})" if code else f"{NAME} ({file})"


def require_asserts(check: Check) -> None:
    """Raises ConfigError where Python runs with ``-O``: a check without its asserts would pass whatever happened."""
    if not __debug__:
        raise ConfigError(
            f"{_where(check)} cannot check anything: PYTHONOPTIMIZE or python -O has Python leave out every 'assert'; "
            "unset it, or leave the check out with --no-check (check=False)"
        )


def apply_check(check: Check, result: RunResult) -> RunResult:
    """``result`` with what the check found wrong, if anything, in ``check_error``.

    A run that was interrupted, or stopped at its first failure, is not checked. A check that ends in any other
    exception than AssertionError (and be it SystemExit, or what ``pytest.fail`` raises) fails the run as well, unless
    it has failed already: where a node crashed, reports are missing, and that is no news.
    """
    if result.ended in (Outcome.INTERRUPTED, Outcome.FAILED):
        return result
    try:
        returned = check(result)
    except AssertionError as error:
        return replace(result, check_error=_render_assertion(error))
    except StepTimeout:
        raise  # whoever watches tells
    except KeyboardInterrupt as interrupt:
        return replace(result, ended=Outcome.INTERRUPTED, reason=describe_interrupt(interrupt))
    except BaseException as error:  # noqa: BLE001 - a user's function may raise anything
        if not result.ok:
            return result
        text = f"it raised {name_exception(error)}{_place(error)}\n{render_traceback(error)}"
        return replace(result, check_error=text)
    if inspect.isawaitable(returned):
        if inspect.iscoroutine(returned):
            returned.close()
        text = f"it returned {type(returned).__name__}, for which nobody waits; a check is a plain function"
        return replace(result, check_error=text)
    if returned is False:
        return replace(result, check_error="it returned False")
    return result


def _render_assertion(error: AssertionError) -> str:
    """The message, or the assert statement itself where there is none, with file and line."""
    text = shown(lambda: str(error)) or ""
    if not text:
        frame = _last_frame(error)
        line = linecache.getline(frame.filename, frame.lineno or 0).strip() if frame else ""
        text = line or "AssertionError"
    first, newline, rest = text.partition("\n")
    return f"{first}{_place(error)}{newline}{rest}"


def _place(error: BaseException) -> str:
    frame = _last_frame(error)
    return f" ({Path(frame.filename).name}:{frame.lineno})" if frame else ""


def _last_frame(error: BaseException) -> traceback.FrameSummary | None:
    """Where it was raised, or where what raises for others (pytest's ``fail``) was called."""
    frames = list(traceback.walk_tb(error.__traceback__))[1:]  # the first is this module's own
    shown = [one for one in frames if not one[0].f_locals.get("__tracebackhide__")]
    return traceback.StackSummary.extract(iter((shown or frames)[-1:]))[-1] if frames else None
