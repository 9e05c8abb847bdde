"""Numbers that YAML 1.1 takes for texts, where a float is wanted and no text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import distbench
from distbench import Algorithm, ConfigError, config_field
from distbench.config.numbers import with_numbers


class Limits(TypedDict):
    low: float
    name: str


@dataclass
class Span:
    low: float
    high: float = 1.0


class Pair(NamedTuple):
    first: float
    second: float


def made(annotation: Any) -> Any:
    class Reads(Algorithm):
        x = config_field()

        def __init__(self, config: dict[str, Any]) -> None:
            super().__init__()
            self.raw = config.get("x")

        async def report(self) -> dict[str, object]:
            return {"x": self.x, "raw": self.raw}

    Reads.__annotations__ = {"x": annotation}
    return distbench.distbench(Reads)


def read(annotation: Any, text: str, tmp_path: Any) -> Any:
    file = tmp_path / "one.yaml"
    file.write_text(f"n1: {{x: {text}}}\n")
    from_file = distbench.run(made(annotation), file).reports["n1"]  # type: ignore[index]
    from_option = distbench.run(made(annotation), {"n1": {}}, set=[f"n1.x={text}"]).reports["n1"]  # type: ignore[index]
    assert from_file == from_option
    return from_file["x"]


READ: list[tuple[Any, str, object]] = [
    (float, "1e-3", 0.001),
    (float, "1e5", 1e5),
    (float, "1.5e3", 1500.0),
    (float, ".5e3", 500.0),
    (float, "-1E+2", -100.0),
    (float, "+.5", 0.5),
    (float, "1_000", 1000.0),
    (float, "1.e2", 100.0),
    (float | None, "1e-3", 0.001),
    (int | float, "1e3", 1000.0),
    (Annotated[float, msgspec.Meta(ge=0)], "1e-3", 0.001),
    (list[float], "[1e-3, 2, 3e0]", [0.001, 2.0, 3.0]),
    (dict[str, float], "{a: 1e-3, 1e5: 2e0}", {"a": 0.001, "1e5": 2.0}),
    (tuple[float, str], "[1e-3, 1e-3]", [0.001, "1e-3"]),
    (dict[str, list[float | None]], "{a: [1e-3, null]}", {"a": [0.001, None]}),
    (Limits, "{low: 1e-3, name: 1e5}", {"low": 0.001, "name": "1e5"}),
    (str, "1e-3", "1e-3"),
    (float | str, "1e-3", "1e-3"),
    (list[str], "[1e5]", ["1e5"]),
    (Any, "1e5", "1e5"),
    (Literal["1e5"] | float, "1e5", "1e5"),
    (float, ".inf", float("inf")),
]


@pytest.mark.parametrize("case", range(len(READ)))
def test_a_number_is_read_where_a_float_is_wanted(case: int, tmp_path: Any) -> None:
    annotation, text, value = READ[case]
    found = read(annotation, text, tmp_path)
    assert repr(found) == repr(value)


def test_the_fields_of_classes_are_read_too() -> None:
    assert with_numbers({"low": "1e-3", "high": "2e0"}, Span) == {"low": 0.001, "high": 2.0}


def test_init_gets_the_number_too(tmp_path: Any) -> None:
    file = tmp_path / "one.yaml"
    file.write_text("n1: {x: 1e-3}\n")
    assert distbench.run(made(float), file).reports["n1"]["raw"] == 0.001  # type: ignore[index]


@pytest.mark.parametrize(
    "annotation, text, hint",
    [
        (float, "abc", "must be float, not 'abc'"),
        (float, "1e400", "too large for a float"),
        (float, "inf", "YAML writes .inf"),
        (float, "-inf", "YAML writes -.inf"),
        (float, "nan", "YAML writes .nan"),
        (float, "'0.5'", "write 0.5 without quotes"),
        (float, "'1,5'", "write a point, 1.5"),
        (int, "1e5", "write 100000"),
        (int, "1e-3", "must be int, not '1e-3'"),
        (list[float], "[1e-3, x]", "float"),
        (bool, "1e5", "must be bool"),
    ],
)
def test_any_other_text_is_refused_with_a_hint(annotation: Any, text: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(hint)):
        distbench.run(made(annotation), {"n1": {}}, set=[f"n1.x={text}"])


@given(st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.from_regex(r"[-+.0-9eE_]{1,8}", fullmatch=True))
@example("1e1_0")
@example("\u0661e\u0663")
def test_a_text_becomes_the_number_that_python_reads_or_stays(text: str) -> None:
    found = with_numbers(text, float)
    assert found == text or (isinstance(found, float) and found == float(text))
    assert with_numbers(text, str) == with_numbers(text, int) == with_numbers(text, str | None) == text
