from __future__ import annotations

import pytest

from tests.cli.commandline import CommandLine


@pytest.fixture
def distbench(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """Runs a command line in this process."""
    return CommandLine(capsys)
