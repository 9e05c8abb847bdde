"""Names beyond ASCII: a process that has never written one reads it, and all nodes mean the same by it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import distbench
from distbench import DefinitionError, message
from distbench.formats import Format
from distbench.messages import message_class, tag_for, tag_of
from tests.messages.kinds import FORMATS, round_trip

KINDS = """
import enum, sys
from dataclasses import dataclass
from typing import *
from distbench import Signed, message
from distbench.formats import Codec
from distbench.shapes import compile_shape

@message
class Größe:
    wért: int
@message
class Ångström:
    zahl: int
@message
class Ñandú:
    zahl: int
@message
class Ωmega:
    class_: int
@message
class 你好:
    x: int
    class_attribute = "é"
@message
class Plain:
    x: int
class Farbe(enum.Enum):
    GRÜN = "grün"
    SURROGATES = "\\U0001f600"
class Wörterbuch(TypedDict):
    schlüssel: int
    weiß: NotRequired[int]
@dataclass
class Daten:
    straße: int
    emöji: str = "ñ"
class Tupel(NamedTuple):
    höhe: int
Smile = message(type("Smile\\U0001f600", (), {"__annotations__": {"x": int}, "__module__": "é"}))
Decomposed = message(type("Cafe\\u0301", (), {"__annotations__": {"x": int}, "__module__": "m"}))

KINDS = [
    (Größe, Größe(1)), (Ångström | Plain, Ångström(2)), (Any, Ñandú(3)), (list[Ωmega | list[int]], [Ωmega(4)]),
    (你好 | None, 你好(5)), (Farbe, Farbe.GRÜN), (list[Farbe], [Farbe.SURROGATES]), (dict[Farbe, int], {Farbe.GRÜN: 1}),
    (Literal["süß", "sauer"], "süß"), (dict[Literal["kühl", "heiß"], int], {"kühl": 1}), (dict[str, int], {"ß": 1}),
    (Wörterbuch, {"schlüssel": 1}), (list[Wörterbuch], [{"schlüssel": 1, "weiß": 2}]), (Daten, Daten(1)),
    (dict[str, Daten | None], {"ä": Daten(1, "\\U0001f600")}), (Tupel, Tupel(1)), (Any, {"ö": ["é"]}),
    (Smile, Smile(1)), (Decomposed, Decomposed(1)),
]
codec = Codec(sys.argv[2])
if sys.argv[1] == "write":
    print([codec.encoder(compile_shape(kind, ""))(value) for kind, value in KINDS])
else:
    for (kind, value), payload in zip(KINDS, eval(sys.argv[3])):
        found = codec.decoder(compile_shape(kind, ""))(payload)
        assert found == value and type(found) is type(value), (kind, found)
    print("all read")
"""


@pytest.mark.parametrize("format", FORMATS)
def test_a_process_that_only_reads_reads_every_kind_of_name(format: Format, tmp_path: Path) -> None:
    program = tmp_path / "kinds.py"
    program.write_text(KINDS, encoding="utf-8")

    def run(*arguments: str) -> str:
        command = [sys.executable, str(program), *arguments]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", env={"PYTHONUTF8": "1"})
        assert done.returncode == 0, done.stderr
        return done.stdout

    written = run("write", format)
    assert run("read", format, written.strip()) == "all read\n"


names = st.text(st.characters(), min_size=1, max_size=6)


@given(names, names)
def test_a_tag_is_ascii_and_means_one_class(one: str, other: str) -> None:
    assert tag_for("m", one).isascii()
    same = unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
    if "\\" not in one + other:  # no class has that in its name
        assert (tag_for("m", one) == tag_for("m", other)) is same


def test_a_message_is_found_by_its_tag() -> None:
    @message
    class Fluß:
        x: int

    assert message_class(tag_of(Fluß)) is Fluß
    assert tag_for(Fluß.__module__, Fluß.__qualname__) == tag_of(Fluß)


ÜBER = """
from dataclasses import dataclass
from typing import Any
from distbench import Algorithm, PeerId, Signed, child_algorithm, config_field, distbench, handler, message

@message
class Größe:
    wért: int
    beleg: Any = None

@dataclass
class Länge:
    straße: str

@distbench
class Kind(Algorithm):
    gehört: int = 0

    @handler
    async def hören(self, src: PeerId, länge: Länge) -> None:
        assert länge == Länge("ß")
        self.gehört += 1
        await self.deliver_message(src, länge)

    async def report(self):
        return {"gehört": self.gehört}

@distbench
class Über(Algorithm):
    anfang: int = config_field(default=0)
    stärke: float = config_field(default=0.5)
    höfling: Kind = child_algorithm(Kind)
    summe: int = 0

    async def on_start(self):
        for peer in self.peers.values():
            assert await peer.prüfen(self.sign(Größe(1, Größe(2)))) == Größe(3)
            await peer.grüßen(Größe(1))
        for peer in self.höfling.peers.values():
            await peer.hören(Länge("ß"))

    @handler
    async def prüfen(self, src: PeerId, msg: Signed[Größe]) -> Größe:
        assert msg.beleg == Größe(2)
        return Größe(3)

    @handler
    async def grüßen(self, src: PeerId, msg: Größe) -> None:
        self.summe += msg.wért

    @handler(from_child="höfling")
    async def vom_kind(self, src: PeerId, länge: Länge) -> None:
        self.summe += 10
        await self.terminate()

    async def report(self):
        return {"summe": self.summe, "stärke": self.stärke}
"""


@pytest.mark.parametrize("mode", ["offline", pytest.param("local", marks=pytest.mark.slow)])
@pytest.mark.parametrize("format", FORMATS)
def test_a_file_and_nodes_of_such_names_run(mode: Any, format: Format, tmp_path: Path) -> None:
    file = tmp_path / "ü.py"
    file.write_text(textwrap.dedent(ÜBER), encoding="utf-8")
    ids = ["knoten-ä", "\U0001f600"]
    config = {node: {"stärke": 1.5, "höfling": {}} for node in ids}
    result = distbench.run(str(file), config, mode=mode, format=format)
    assert result.outcome == "completed", result.failures
    assert list(result.reports.values()) == [{"summe": 11, "stärke": 1.5, "höfling": {"gehört": 1}}] * 2


FIELDS = ["type", "tag", "self", "cls", "_", "items", "name", "mro", "match", "fields", "value", "signer", "wért"]


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("format", FORMATS)
def test_a_field_may_have_any_name(name: str, format: Format) -> None:
    made: Any = message(type("Made", (), {"__annotations__": {"first": int, name: int}, "__module__": __name__}))
    value = made(1, **{name: 2})
    assert round_trip(made, value, format) == round_trip(Any, value, format) == value == made(1, 2)
    assert getattr(value, name) == 2


@pytest.mark.parametrize("name", ["class", "a b", "", "__init__", "__eq__", "__class__", "__x", "__struct_fields__"])
def test_a_name_that_no_field_can_have_is_a_definition_error(name: str) -> None:
    with pytest.raises(DefinitionError, match=r"Made .*choose another"):
        message(type("Made", (), {"__annotations__": {name: int}, "__module__": __name__}))
