"""Algorithms by name: found without importing, imported one by one."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distbench.config.discovery import find_algorithm, list_algorithms, load_algorithm
from distbench.config.locating import SHIPPED, FoundAlgorithm
from distbench.config.scanning import scan_source
from distbench.errors import ConfigError, DefinitionError

HEAD = "from distbench import Algorithm, child_algorithm, config_field, distbench\n"
ONE = f'{HEAD}@distbench\nclass {{name}}(Algorithm):\n    """First line.\n\n    More.\n    """\n'
TRAP = "raise SystemExit('this module was imported')\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder; modules loaded in a test are forgotten after it."""
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def write(path: str, text: str) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text), encoding="utf-8")
    return file.resolve()


def refusal(name: str, folders: list[Path] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        find_algorithm(name, folders)
    return str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        *("gossip", "Gossip", "gOSSIP", "gossip.Gossip", "gossip.gossip", "gossip:Gossip", "gossip.py", "./gossip.py"),
        *("gossip.py:Gossip", "gossip.py:gossip", " gossip "),
    ],
)
def test_a_module_of_the_current_folder_is_found_under_all_its_names(name: str) -> None:
    file = write("gossip.py", TRAP + ONE.format(name="Gossip"))
    found = find_algorithm(name)
    assert found == FoundAlgorithm("Gossip", "gossip", file, by_file=True, folder=file.parent)
    assert find_algorithm(found.name) == found
    assert find_algorithm(str(file)) == found


@pytest.mark.parametrize(
    "name",
    ["echo", "Echo", "ECHO", "echo.Echo", "echo:Echo", "distbench.algorithms.echo:Echo", str(SHIPPED / "echo.py")],
)
def test_a_shipped_algorithm_is_one_module_however_it_is_named(name: str) -> None:
    found = find_algorithm(name)
    assert found == FoundAlgorithm("Echo", "distbench.algorithms.echo", SHIPPED / "echo.py")
    assert found.name == "echo.Echo"
    assert load_algorithm(found) is load_algorithm("echo")


def test_shipped_algorithms_come_before_those_of_the_current_folder() -> None:
    own = write("echo.py", ONE.format(name="Echo"))
    assert find_algorithm("echo").path == find_algorithm("Echo").path == SHIPPED / "echo.py"
    assert find_algorithm("echo.py").path == own
    assert find_algorithm("Echo", [own.parent]).path == own


def test_a_class_that_only_a_later_module_of_the_name_has_is_found() -> None:
    own = write("algorithms/echo.py", ONE.format(name="LoudEcho"))
    assert find_algorithm("echo.LoudEcho").path == own
    assert find_algorithm("LoudEcho").path == own


def test_a_module_of_an_importable_package_is_found_without_importing_its_parents() -> None:
    inner = write("parent/inner/deep.py", ONE.format(name="Deep"))
    write("parent/__init__.py", TRAP)
    write("parent/inner/__init__.py", TRAP)
    for name in ("parent.inner.deep:Deep", "parent.inner.deep", "parent.inner.deep.Deep"):
        found = find_algorithm(name)
        assert (found.path, found.module, found.class_name, found.by_file) == (
            inner,
            "parent.inner.deep",
            "Deep",
            False,
        )
        assert found.name == "parent.inner.deep:Deep"


def test_a_package_may_hand_on_a_class_of_another_module() -> None:
    write("handing/inner.py", ONE.format(name="Inner"))
    write("handing/__init__.py", "from handing.inner import Inner\n")
    assert load_algorithm("handing:Inner").__module__ == "handing.inner"


@pytest.mark.parametrize(
    "decorator", ["distbench", "distbench()", "db.distbench", "distbench.distbench", "db.distbench()", "algorithm"]
)
def test_every_spelling_of_the_decorator_counts(decorator: str) -> None:
    write(
        "spelt.py",
        f"""\
        import distbench as db
        from distbench import Algorithm, distbench as algorithm
        class Helper: pass
        @dataclass
        class Other: pass
        if True:
            @{decorator}
            class Spelt(Algorithm): pass
        """,
    )
    assert find_algorithm("spelt").class_name == "Spelt"


def test_of_several_the_one_that_is_no_others_child_is_meant() -> None:
    write(
        "layered.py",
        HEAD
        + """\
@distbench
class Links(Algorithm): pass
@distbench
class FairLinks(Links): pass
@distbench
class Broadcast(Algorithm):
    links: "Links | None" = child_algorithm(Links)
@distbench
class Top(Algorithm):
    broadcast: Broadcast = child_algorithm(Broadcast)
    again: "Top" = None
""",
    )
    assert find_algorithm("layered").class_name == "Top"
    assert find_algorithm("FairLinks").class_name == "FairLinks"


def test_several_that_are_no_others_child_are_listed_as_names_to_use() -> None:
    write("two.py", HEAD + "@distbench\nclass A(Algorithm): pass\n@distbench\nclass B(Algorithm): pass\n")
    message = "algorithm 'two' is ambiguous; choose one: -a two.py:A, -a two.py:B"
    assert refusal("two") == refusal("two.py") == message
    assert [find_algorithm(name).class_name for name in ("two.py:A", "two.py:B", "two.B")] == ["A", "B", "B"]


def test_one_class_name_in_two_files_is_ambiguous() -> None:
    write("one.py", ONE.format(name="Same"))
    write("two.py", ONE.format(name="Same"))
    assert refusal("Same") == "algorithm 'Same' is ambiguous; choose one: -a one.py:Same, -a two.py:Same"
    write("three.py", ONE.format(name="SAME"))
    assert find_algorithm("SAME").path.name == "three.py"


def test_a_file_that_cannot_be_parsed_hurts_no_other() -> None:
    write("a_broken.py", "import distbench\nclass Broken(:\n")
    Path("b_binary.py").write_bytes(b"distbench\0\xff")
    Path("c_latin.py").write_bytes(b"distbench = 'caf\xe9'\n")
    write("good.py", ONE.format(name="Good"))
    assert find_algorithm("Good").class_name == "Good"
    assert find_algorithm("good").class_name == "Good"
    assert refusal("a_broken").startswith("a_broken.py:2: syntax error: ")
    assert "(not searched: a_broken.py:2: syntax error" in refusal("Nowhere")
    errors = {entry.name: entry.error for entry in list_algorithms([Path.cwd()])}
    assert {*errors} == {"a_broken", "b_binary", "c_latin", "good"}
    assert errors["good"] is None
    assert all(errors[name] for name in ("a_broken", "b_binary", "c_latin"))


@pytest.mark.parametrize(
    "name, expected",
    [
        ("gosip", "no algorithm 'gosip'; did you mean 'gossip'?"),
        ("Gosip", "no algorithm 'Gosip'; did you mean 'Gossip'?"),
        ("gosip.Gossip", "no algorithm 'gosip.Gossip'; did you mean 'gossip.Gossip'?"),
        ("zzz", "no algorithm 'zzz'; there are chang_roberts, echo"),
        ("gossip.Gosip", "gossip.py: no algorithm 'Gosip'; did you mean 'Gossip'?"),
        ("gossip.zzz", "gossip.py: no algorithm 'zzz'; it has Gossip"),
        ("gossip.py:Helper", "gossip.py: class 'Helper' is not decorated with @distbench"),
        ("plain", "plain.py: no class is decorated with @distbench"),
        ("plain:X", "plain.py: no algorithm 'X'; it has none at all"),
        ("./gosip.py", "no file 'gosip.py'; did you mean 'gossip.py'?"),
        ("./gossip", "no file 'gossip'; did you mean 'gossip.py'?"),
        ("nowhere/gossip.py", "no file 'nowhere/gossip.py'"),
        ("./folder", "algorithm 'folder' is a folder; name one of its files; there are folder/inner.py"),
        ("./notes.txt", "algorithm 'notes.txt' is no Python file"),
        ("gossip.py:", "'' is no class name; write gossip.py:Class"),
        ("gossip.py:3", "'3' is no class name"),
        ("no.such:Module", "no algorithm 'no.such:Module'"),
        ("json:Echo", "no algorithm 'Echo'; it has none at all"),
        ("", "is no name; give one such as echo"),
        ("a\0b.py", "is no name"),
        ("x" * 300 + ".py", "cannot be opened"),
        ("..", "no algorithm '..'"),
        ("a.b.c.d", "no algorithm 'a.b.c.d'"),
    ],
)
def test_a_name_that_fits_nothing_is_refused_with_the_nearest(name: str, expected: str) -> None:
    write("gossip.py", ONE.format(name="Gossip") + "class Helper: pass\n")
    write("plain.py", "x = 1\n")
    write("folder/inner.py", "")
    write("notes.txt", "")
    assert expected in refusal(name)


def test_nothing_else_is_imported_or_read_for_a_module_that_exists() -> None:
    write("other.py", TRAP + "import distbench\n" + ONE.format(name="Other"))
    write("gossip.py", ONE.format(name="Gossip"))
    cls = load_algorithm("gossip")
    assert (cls.__name__, cls.__module__) == ("Gossip", "gossip")
    assert "other" not in sys.modules


def test_a_file_is_loaded_once_and_imports_what_lies_beside_it() -> None:
    write("deep/messages_beside.py", "NAME = 'beside'\n")
    write(
        "deep/importing.py",
        HEAD + "from messages_beside import NAME\n@distbench\nclass Deep(Algorithm):\n    name = NAME\n",
    )
    path = list(sys.path)
    cls = load_algorithm("deep/importing.py")
    assert vars(cls)["name"] == "beside"
    assert sys.path == path
    assert load_algorithm("deep/importing.py:Deep") is cls
    assert sys.modules["importing"] is sys.modules[cls.__module__]


def test_files_of_one_name_are_modules_of_their_own() -> None:
    first = load_algorithm(str(write("a/twin.py", ONE.format(name="First"))))
    second = load_algorithm(str(write("b/twin.py", ONE.format(name="Second"))))
    third = load_algorithm(str(write("c/twin.py", ONE.format(name="Second"))))
    assert first.__module__ == "twin"
    assert second.__module__.startswith("twin_")
    assert len({first.__module__, second.__module__, third.__module__}) == 3
    assert load_algorithm("b/twin.py") is second
    assert load_algorithm("a/twin.py") is first


def test_a_file_called_like_another_module_has_one_name_in_every_process() -> None:
    write("queue.py", "import queue\nSTANDARD = queue.Queue\n" + ONE.format(name="Mine"))
    found = find_algorithm("./queue.py")
    assert found.module.startswith("queue_")
    code = "from distbench.config.discovery import load_algorithm; print(load_algorithm('./queue.py').__module__)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    names = set()
    for before in ("", "import queue, logging.handlers; "):
        command = [sys.executable, "-P", "-c", before + code]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        names.add(done.stdout.strip())
    assert names == {found.module}


@pytest.mark.parametrize(
    "body, expected",
    [
        ("x = 1\ny = 1 / 0\n", "failing.py:6: importing it raised ZeroDivisionError: division by zero"),
        ("import no_such_module_anywhere\n", "failing.py:5: importing it raised ModuleNotFoundError"),
        ("from beside_failing import x\n", "beside_failing.py:2: importing it raised ValueError: beside"),
        ("from broken_beside import x\n", "broken_beside.py:1: importing it raised SyntaxError"),
        ("raise SystemExit(3)\n", "failing.py:5: importing it raised SystemExit: 3"),
        ("from .beside_failing import x\n", "package.module:Class"),
        ("del Failing\n", "failing.py: it was imported, but defines no class 'Failing'"),
        ("Failing = 3\n", "failing.py: it was imported, but defines no class 'Failing'"),
        ("distbench(3)\n", "failing.py:5: @distbench marks a subclass of Algorithm"),
    ],
)
def test_a_module_that_cannot_be_imported_is_refused_with_file_and_line(body: str, expected: str) -> None:
    write("beside_failing.py", "x = 1\nraise ValueError('beside')\n")
    write("broken_beside.py", "def (:\n")
    write("failing.py", HEAD + "@distbench\nclass Failing(Algorithm):\n    pass\n" + body)
    found = find_algorithm("failing.py")
    path = list(sys.path)
    with pytest.raises(DefinitionError) as caught:
        load_algorithm(found)
    assert expected in str(caught.value)
    assert sys.path == path
    if "imported, but" not in expected:
        assert caught.value.__cause__ is not None
        assert "failing" not in sys.modules


@pytest.mark.parametrize(
    "head, hint",
    [
        ("import distbench\n", "; write '@distbench.distbench', or 'from distbench import distbench'"),
        ("import json as distbench\n", ""),
        ("import distbench\nimport json\njson()\n", ""),
    ],
)
def test_a_module_that_marks_with_the_package_is_told_what_to_write(head: str, hint: str) -> None:
    write("bare.py", f"{head}\n\n@distbench\nclass Bare:\n    pass\n")
    with pytest.raises(DefinitionError) as caught:
        load_algorithm("bare.py")
    told = str(caught.value)
    assert "importing it raised TypeError: 'module' object is not callable" in told
    assert told.endswith(hint)
    assert ("write '@distbench.distbench'" in told) == bool(hint)


def test_the_list_names_every_algorithm_so_that_it_can_be_found() -> None:
    write("gossip.py", TRAP + ONE.format(name="Gossip"))
    write("echo.py", ONE.format(name="Echo"))
    write("algorithms/gossip.py", ONE.format(name="Gossip"))
    write("algorithms/a.b.py", ONE.format(name="Dotted"))
    write("algorithms/dash-ed.py", ONE.format(name="Dashed"))
    write(
        "two.py",
        HEAD + '"""Not a docstring."""\n@distbench\nclass A(Algorithm): pass\n@distbench\nclass B(Algorithm): pass\n',
    )
    write("_hidden.py", ONE.format(name="Hidden"))
    write("irrelevant.py", "x = \n")
    entries = list_algorithms()
    names = [entry.name for entry in entries]
    assert len(set(names)) == len(names)
    assert {"echo", "simple_broadcast", "simple_broadcast.SimpleBroadcast", "gossip", "echo.py", "two.A", "two.B"} <= {
        *names
    }
    assert {"algorithms/gossip.py", "algorithms/a.b.py", "dash-ed"} <= {*names}
    assert not {"_hidden", "irrelevant"} & {*names}
    for entry in entries:
        found = find_algorithm(entry.name)
        assert (found.path, found.class_name) == (entry.path.resolve(), entry.class_name)
    assert next(entry.summary for entry in entries if entry.name == "gossip") == "First line."


def test_a_class_without_a_docstring_is_listed_with_its_modules() -> None:
    write("told.py", f'"""What the module is.\n\nMore."""\n{HEAD}@distbench\nclass Told(Algorithm): pass\n')
    assert [entry.summary for entry in list_algorithms([Path.cwd()])] == ["What the module is."]


def test_a_removed_current_folder_leaves_the_shipped_algorithms(here: Path) -> None:
    gone = here / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert find_algorithm("echo").class_name == "Echo"
    assert "did you mean 'echo'?" in refusal("ecko")


CODE = st.sampled_from(
    [
        "@distbench\n",
        "class A",
        "(Algorithm)",
        ":\n",
        "    x: B = child_algorithm(A)\n",
        "class B:\n",
        " pass\n",
        "'",
        "\x00",
        "if x:\n",
        "    ",
        "from a import b as c\n",
        "#coding: x\n",
        '"""doc"""\n',
        "(((((((((((((((((((((((((((((((((((((((((((((((((((",
    ]
)


@settings(deadline=None)
@given(st.lists(CODE, max_size=12).map("".join).map(str.encode) | st.binary(max_size=40))
def test_any_source_is_scanned_without_an_exception(source: bytes) -> None:
    scan = scan_source(source, Path("any.py"))
    assert {*scan.roots} <= {*scan.algorithms}
    assert bool(scan.roots) == bool(scan.algorithms)
