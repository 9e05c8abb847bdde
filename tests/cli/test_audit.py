"""``--audit``: two new processes of the command line, compared; the words, the document, the exit status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from distbench.report.document import AuditDocument, Document, SeedsDocument
from tests.cli.commandline import ROOT, CommandLine, start
from tests.running.leaks import write_program

RUN = ("-m", "distbench", "-c", "complete:3")


def test_a_clean_run_is_repeatable_with_the_digest_that_the_run_has(distbench: CommandLine) -> None:
    audit = distbench("-c", "ring:4", "-a", "echo", "--audit", "--seed", "3")
    run = distbench("-c", "ring:4", "-a", "echo", "--digest", "--seed", "3")
    assert audit.status == 0
    digest = next(line for line in run.out.splitlines() if line.startswith("digest")).split()[1]
    assert audit.out == f"repeatable: seed 3, 30 events alike in two processes, digest {digest}\n"


def test_the_first_event_that_differs_is_shown_with_its_reason(tmp_path: Path) -> None:
    program = write_program(tmp_path, "str", "locale.setlocale(locale.LC_ALL)", "import locale")
    done = start(*RUN, "-a", program, "--audit")
    assert done.status == 1
    assert "n1.start" not in done.out
    *lines, empty, last = done.out.splitlines()
    assert lines[0].startswith("seed 0: event 3 differs between two processes at 0.000000 s")
    assert lines[1].strip() == "n1 sends say to n2"
    assert lines[2].strip().startswith("first:  Say(number=1, value='")
    assert lines[-1].strip() == "it depends on the locale"
    assert "    n1 read locale.setlocale() at program.py:14 before" in lines
    assert (empty, last) == ("", "not repeatable: seed 0")


@pytest.mark.slow  # many processes, to find the reason
@pytest.mark.parametrize(
    "kind, value, before, reason",
    [
        ("int", "LIBC.time(None)", "import ctypes\nLIBC = ctypes.CDLL(None)", "time() of a C library"),
        ("str", "locale.setlocale(locale.LC_ALL)", "import locale", "it depends on the locale"),
        ("list[str]", "sorted(os.environ)", "import os", "on the environment and the terminal"),
        ("int", "ADDRESS", "ADDRESS = id(object())", "these look like the addresses of objects"),
    ],
)
def test_new_processes_show_a_leak(kind: str, value: str, before: str, reason: str, tmp_path: Path) -> None:
    program = write_program(tmp_path, kind, value, before)
    done = start(*RUN, "-a", program, "--audit")
    assert reason in done.out


def test_a_module_of_the_working_folder_and_what_it_prints_are_no_matter(tmp_path: Path) -> None:
    write_program(tmp_path, "str", "print(NUMBER) or str(NUMBER)", "from helper import NUMBER\nprint('hello')")
    (tmp_path / "helper.py").write_text("NUMBER = 5\n")
    done = start(*RUN, "-a", "program.py", "--audit", cwd=tmp_path)
    assert done.status == 0, done
    assert done.out.splitlines()[-1].startswith("repeatable: seed 0, ")


def test_the_environment_of_the_audit_is_hidden_from_the_program(tmp_path: Path) -> None:
    program = write_program(
        tmp_path, "list[str]", "[n for n in os.environ if 'SIDE' in n or 'MALLOC' in n]", "import os"
    )
    assert start(*RUN, "-a", program, "--audit").status == 0


def test_the_document_of_an_audit(tmp_path: Path) -> None:
    program = write_program(tmp_path, "int", "id(object())")
    done = start(*RUN, "-a", program, "--audit", "--json")
    assert done.status == 1
    document = msgspec.json.decode(done.out, type=Document)
    assert isinstance(document, AuditDocument)
    assert document.command.endswith("--seed 0 --audit")
    assert not document.audit.repeatable
    assert document.audit.difference is not None
    assert (document.audit.difference.node, document.audit.difference.handler) == ("n1", "say")
    assert len(document.audit.difference.happened) == 2


def test_many_seeds_run_first_and_some_of_them_are_audited(tmp_path: Path) -> None:
    program = write_program(tmp_path, "int", "id(object()) if self.id() == 'n1' else 1")
    done = start(*RUN, "-a", program, "--seeds", "0-1", "--audit", "--json")
    assert done.status == 1
    document = msgspec.json.decode(done.out, type=Document)
    assert isinstance(document, SeedsDocument)
    assert (len(document.runs), document.exit_status) == (2, 1)
    assert [each.seed for each in document.audits] == [0, 1]
    assert [each.exit_status for each in document.audits] == [1, 1]


def test_the_summary_of_many_seeds_says_which_were_audited(distbench: CommandLine) -> None:
    done = distbench("-c", "ring:3", "-a", "echo", "--seeds", "4-5", "--audit", "-q")
    assert done.status == 0
    assert (
        done.out.splitlines()[-1] == "repeatable: seeds 4, 5, 46 events alike in two processes (audited 2 of 2 seeds)"
    )


def test_quiet_leaves_the_verdict_only(tmp_path: Path) -> None:
    program = write_program(tmp_path, "int", "id(object())")
    assert start(*RUN, "-a", program, "--audit", "-qq").out == "not repeatable: seed 0\n"


def test_the_other_modes_are_refused(distbench: CommandLine) -> None:
    assert "--audit needs --mode offline" in distbench.refused(
        "-c", "ring:3", "-a", "echo", "--mode", "local", "--audit"
    )


def test_a_mistake_in_the_config_is_said_once(distbench: CommandLine) -> None:
    told = distbench.refused("-c", "ring:3", "-a", "echo", "--audit", "--set", "n1.nothing=1")
    assert told.count("has no field 'nothing'") == 1


def test_a_run_that_fails_alike_is_repeatable(tmp_path: Path) -> None:
    done = start(*RUN, "-a", write_program(tmp_path, "int", "1 // 0"), "--audit")
    assert done.status == 0
    assert "the run failed, in both processes alike: n1 failed in on_start: ZeroDivisionError" in done.out


ENDLESS = """
import pathlib
from distbench import Algorithm, distbench

@distbench
class Endless(Algorithm):
    async def on_start(self) -> None:
        with open(self.path, "a") as file:
            file.write("x")
        while True:
            pass

    path = {path!r}
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no audit on Windows")
def test_ctrl_c_ends_all_of_it(tmp_path: Path) -> None:
    fifo = tmp_path / "began"
    os.mkfifo(fifo)
    program = tmp_path / "endless.py"
    program.write_text(ENDLESS.format(path=str(fifo)))
    command = [sys.executable, "-m", "distbench", "-c", "complete:2", "-a", str(program), "--audit"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert fifo.read_text().startswith("x")  # one of the sides is playing
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told.strip() == "distbench: interrupted"


def test_help_says_what_the_exit_status_means(distbench: CommandLine) -> None:
    text = " ".join(distbench("run", "--help").out.split())
    assert "--audit" in text
    assert "exit status 0" in text


def test_json_of_an_untold_audit_is_json(tmp_path: Path) -> None:
    program = tmp_path / "endless.py"
    program.write_text(ENDLESS.format(path=os.devnull))
    done = start(*RUN, "-a", program, "--audit", "--json", "--step-timeout", "0.05")
    assert done.status == 3
    assert "--step-timeout" in json.loads(done.out)["audit"]["untold"]
