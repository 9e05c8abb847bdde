"""Plays many programs in one process, and writes what came of each; started as a script, with its orders on stdin.

Nothing of distbench is imported before the surroundings are what they are to be.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import io
import json
import random
import sys
import time
from typing import Any


def litter(amount: int) -> list[object]:
    """Allocations that leave the heap in another state, and so every later object at another address."""
    order = random.Random(amount)
    kept: list[object] = [bytearray(order.randrange(1, 5000)) for _ in range(amount)]
    kept += [object() for _ in range(amount)]
    kept += [{number: str(number)} for number in range(amount)]
    order.shuffle(kept)
    del kept[: len(kept) // 2]
    return kept


class Recorder:
    """Keeps the lines of the digest of the run under way."""

    def __init__(self) -> None:
        from distbench.events import Event
        from distbench.trace import digest

        self.lines: list[str] = []
        hear, lines = digest.DigestSink.__call__, self.lines

        def hear_and_keep(self: digest.DigestSink, event: Event) -> None:
            lines.append(digest.render_line(event))
            hear(self, event)

        digest.DigestSink.__call__ = hear_and_keep  # type: ignore[method-assign]


def by_command_line(program: dict[str, str], seed: int, options: list[str]) -> dict[str, Any]:
    from distbench.cli import main  # at the first program, after all that is to come before distbench

    out = io.StringIO()
    algorithm = f"{program['path']}:{program['algorithm']}"
    command = ["-c", program["nodes"], "-a", algorithm, "--seed", str(seed), "--digest", "--json", *options]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()) as err:
        status = main(command)
    if not out.getvalue().startswith("{"):
        return {"status": status, "outcome": f"status {status}: {err.getvalue()[-1000:]}", "failures": []}
    document = json.loads(out.getvalue())
    return {
        "status": status,
        "outcome": document["outcome"],
        "digest": document["digest"],
        "messages": document["deliveries"],
        "failures": [each["exception"] for each in document["failures"]],
    }


def by_python(program: dict[str, str], seed: int) -> dict[str, Any]:
    import distbench

    module = importlib.import_module(program["module"])
    result = distbench.run(getattr(module, program["algorithm"]), program["nodes"], seed=seed, digest=True)
    return {
        "status": result.exit_status,
        "outcome": result.outcome.value,
        "digest": result.digest,
        "messages": result.deliveries,
        "failures": [each.exception for each in result.failures],
    }


def main() -> None:
    orders = json.load(sys.stdin)
    kept = litter(orders["litter"])
    if orders["thresholds"] is None:
        gc.disable()
    else:
        gc.set_threshold(*orders["thresholds"])
    if orders["door"] == "python":
        sys.path[:0] = orders["folders"]
        for name in orders["helpers"]:
            importlib.import_module(name)
        for program in orders["programs"]:
            faulthandler.dump_traceback_later(orders["limit"], exit=True)
            importlib.import_module(program["module"])
    recorder = Recorder()
    with open(orders["results"], "a") as results:
        for program in orders["programs"]:
            for seed in [*orders["before"], *orders["seeds"]]:
                print(json.dumps({"program": program["name"], "seed": seed}), file=results, flush=True)
                recorder.lines.clear()
                faulthandler.dump_traceback_later(orders["limit"], exit=True)
                began = time.perf_counter()
                try:
                    if orders["door"] == "python":
                        found = by_python(program, seed)
                    else:
                        found = by_command_line(program, seed, orders["options"])
                except BaseException as error:
                    found = {"status": -1, "outcome": f"raised {error!r}", "failures": []}
                took = time.perf_counter() - began
                faulthandler.cancel_dump_traceback_later()
                found |= {"program": program["name"], "seed": seed, "took": took, "lines": recorder.lines}
                print(json.dumps(found), file=results, flush=True)
    assert kept is not None


if __name__ == "__main__":
    main()
