"""Editors and type checkers see messages as dataclasses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent

PROGRAM = """\
from dataclasses import dataclass, field

from distbench import Algorithm, PeerId, Signed, config_field, distbench, handler, message


@message
class Vote:
    value: bool
    comments: list[str] = field(default_factory=list)


@message
class Named(Vote):
    name: str = ""


@message
@dataclass(frozen=True)
class Point:
    x: int


reveal_type(Vote(True).value)
reveal_type(Named(True, [], "n").comments)
Vote("yes")
Vote()
Vote(True, votes=1)
Point(1).x = 2


@distbench
class Poll(Algorithm):
    rounds: int = config_field(default=3)

    @handler
    async def vote(self, src: PeerId, msg: Signed[Vote]) -> str:
        reveal_type(msg.unwrap())
        reveal_type(msg.signer)
        reveal_type(self.sign(Vote(True)))
        reveal_type(self.rounds)
        reveal_type(self.N())
        reveal_type(self.random.random())
        return ""
"""

EXPECTED = """\
23: note: Revealed type is "bool"
24: note: Revealed type is "list[str]"
25: error: Argument 1 to "Vote" has incompatible type "str"; expected "bool"  [arg-type]
26: error: Missing positional argument "value" in call to "Vote"  [call-arg]
27: error: Unexpected keyword argument "votes" for "Vote"  [call-arg]
28: error: Property "x" defined in "Point" is read-only  [misc]
37: note: Revealed type is "program.Vote"
38: note: Revealed type is "distbench.community.PeerId"
39: note: Revealed type is "distbench.signing.Signed[program.Vote]"
40: note: Revealed type is "int"
41: note: Revealed type is "int"
42: note: Revealed type is "float"
"""


@pytest.mark.slow
def test_a_type_checker_sees_fields_and_wrong_arguments(tmp_path: Path) -> None:
    """Slow: mypy looks at the package and all that it imports."""
    (tmp_path / "program.py").write_text(PROGRAM)
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", "--cache-dir=cache", "program.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.removeprefix("program.py:") for line in found.stdout.splitlines() if line.startswith("program.py:")]
    assert lines == EXPECTED.splitlines(), found.stdout + found.stderr
