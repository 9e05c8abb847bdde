"""The JSON documents, and their published schema."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

import distbench
from distbench import Algorithm, RunResult
from distbench.report.document import Document, render_document, render_schema, run_document, seeds_document

SCHEMA = Path(__file__).resolve().parent.parent.parent / "docs" / "result.schema.json"


@distbench.distbench
class Odd(Algorithm):
    """Reports what JSON does not know, and fails for some seeds."""

    async def on_start(self) -> None:
        if self.choice(range(3)) == 2:
            raise ValueError("unlucky")
        await self.terminate()

    async def report(self) -> dict[str, object]:
        return {"large": 2**100, "nan": float("nan"), "set": {2, 1}, "text": "\ud800 \x00", "self": self.id}


def written(document: Any) -> dict[str, Any]:
    """What a program reads: checked against the schema."""
    text = render_document(document)
    assert text.endswith("}\n")
    msgspec.json.decode(text.replace(str(2**100), "1"), type=Document, strict=True)
    found = json.loads(text)
    try:
        jsonschema = importlib.import_module("jsonschema")
    except ImportError:
        pass
    else:
        jsonschema.validate(found, json.loads(SCHEMA.read_text()))
    assert isinstance(found, dict)
    return found


def test_the_published_schema_is_that_of_the_code() -> None:
    assert SCHEMA.read_text() == render_schema(), "write it anew with distbench.report.document.render_schema()"


def test_every_field_is_in_the_schema_with_no_others_allowed() -> None:
    schema = json.loads(render_schema())
    for name, one in schema["$defs"].items():
        assert one["additionalProperties"] is False, name
        assert sorted(one["required"]) == sorted(one["properties"]), name


@pytest.mark.parametrize("seed", range(4))
def test_one_run_is_one_document(seed: int) -> None:
    result = distbench.run(Odd, "complete:3", seed=seed, digest=True)
    found = written(run_document(result, config="complete:3", algorithm="odd", command="distbench ..."))
    assert (found["kind"], found["seed"], found["outcome"]) == ("run", seed, result.outcome.value)
    assert found["exit_status"] == result.exit_status
    assert found["digest"] == result.digest
    assert list(found["nodes"]) == ["n1", "n2", "n3"]
    assert len(found["failures"]) == len(result.failures)
    for node, report in result.reports.items():
        assert report.keys() == found["nodes"][node]["report"].keys()
        assert found["nodes"][node]["report"]["large"] == str(2**100)  # more than a link between real nodes could carry


def test_many_runs_are_one_document() -> None:
    result = distbench.run(Odd, "complete:3", seeds=range(20), keep_going=True)
    found = written(seeds_document(result, config="complete:3", algorithm="odd", command="distbench ..."))
    assert found["kind"] == "seeds"
    assert [run["seed"] for run in found["runs"]] == list(range(20))
    assert sum(found["outcomes"].values()) == found["asked"] == 20
    assert found["failure"]["seed"] == result.seed
    assert found["failure"]["failures"]


def test_seeds_without_a_failure_have_none() -> None:
    @distbench.distbench
    class Fine(Algorithm):
        async def on_start(self) -> None:
            await self.terminate()

    result = distbench.run(Fine, "complete:3", seeds=range(3))
    found = written(seeds_document(result, config="complete:3", algorithm="fine", command=None))
    assert (found["failure"], found["command"], found["exit_status"]) == (None, None, 0)


def test_a_failing_check_and_what_waits_are_in_the_document() -> None:
    import asyncio

    @distbench.distbench
    class Waits(Algorithm):
        async def on_start(self) -> None:
            await asyncio.Event().wait()

    result: RunResult = distbench.run(Waits, {"n1": {}})
    found = written(run_document(result, config="", algorithm="", command=""))
    assert found["suspended"][0]["name"] == "on_start"
    assert found["check_error"] is None
