"""The command line: parse, call the run, print, exit status."""

from __future__ import annotations

from distbench.cli.entry import main

__all__ = ["main"]
