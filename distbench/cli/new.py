"""``distbench new``: an algorithm and a config to begin with."""

from __future__ import annotations

import keyword
import os
import re
import shlex
import sys
from pathlib import Path

from distbench.cli.options import Argument, Command
from distbench.cli.output import write_out
from distbench.cli.replay import program
from distbench.cli.templates import ALGORITHM, CONFIG, TAKEN
from distbench.errors import ConfigError
from distbench.writing import write_new


def new(*, name: str) -> int:
    """Write both files, which must not exist, and make their folder if need be; print the command that runs them."""
    path = _checked(name)
    class_name = "".join(part[:1].upper() + part[1:] for part in path.name.split("_"))
    if class_name in TAKEN:
        class_name += "Algorithm"
    source, config = path.with_name(f"{path.name}.py"), path.with_name(f"{path.name}.yaml")
    for file in (source, config):
        if os.path.lexists(file):
            raise ConfigError(f"{file} exists already, and is not overwritten; choose another name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {str(path.parent)!r}: {error.strerror}") from error
    command = shlex.join([*program(), "-c", str(config), "-a", str(source)])
    words = {"CLASS": class_name, "NAME": path.name, "COMMAND": command}
    texts = [re.sub("|".join(words), lambda found: words[found[0]], template) for template in (ALGORITHM, CONFIG)]
    try:
        write_new((file, text.encode(), 0o666) for file, text in zip((source, config), texts, strict=True))
    except OSError as error:
        raise ConfigError(f"cannot write {str(error.filename or source)!r}: {error.strerror}") from error
    write_out(f"wrote {source} and {config}; run them with\n    {command}\n{_shadowed(path.name, source)}")
    return 0


def _shadowed(name: str, source: Path) -> str:
    """A line for a name that means an algorithm of distbench's own."""
    from distbench.config.locating import SHIPPED

    if not (SHIPPED / f"{name}.py").is_file():
        return ""
    return (
        f"'-a {name}' alone means the algorithm that comes with distbench; yours is '-a {shlex.quote(str(source))}'\n"
    )


def _checked(name: str) -> Path:
    """The path without suffix of the files; its last part can be imported, and hides no module."""
    path = Path(name.removesuffix(".py"))
    stem = path.name
    if not stem.isidentifier() or not stem.isascii() or keyword.iskeyword(stem) or stem.startswith("_"):
        fitting = re.sub(r"\W+", "_", stem, flags=re.ASCII).strip("_")
        fitting = f"my_{fitting}" if not fitting or fitting[0].isdigit() or keyword.iskeyword(fitting) else fitting
        raise ConfigError(f"{stem!r} is no name for a Python module; write for instance 'distbench new {fitting}'")
    if stem in sys.stdlib_module_names or _is_installed(stem):
        hint = f"write for instance 'distbench new my_{stem}'"
        raise ConfigError(f"{stem!r} is a module of Python or of a package, which a {stem}.py would hide; {hint}")
    return path


def _is_installed(name: str) -> bool:
    """Whether ``import NAME`` finds a module, and not in the current folder."""
    from distbench.config.locating import locate_module

    found = locate_module(name)
    return found is not None and found.parent.resolve() != Path.cwd()


new_command = Command(
    "new",
    new,
    help="Write NAME.py, an algorithm with comments, and NAME.yaml, a config for it, and print the command that runs "
    "them. Nothing is overwritten.",
    params=[
        Argument(
            "name",
            metavar="NAME",
            help="Name of the Python module, such as gossip; a folder before it is made.",
        )
    ],
)
