"""A config from where the user says it is: a file or a generator."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from distbench.config.generators import GENERATORS, generate, is_generator, no_such_generator
from distbench.config.model import RunConfig
from distbench.config.parsing import config_from_entries
from distbench.config.plain import shown
from distbench.errors import ConfigError


def load_config(source: str | Path, *, seed: int = 0) -> RunConfig:
    """The config in the YAML file ``source``, or the one a generator such as ``ring:16`` makes.

    ``seed`` matters to random topologies only. A file whose name looks like a generator is written ``./ring:16``.
    Raises ConfigError, which names file, line, value and what to write instead.
    """
    text = str(source)
    if not text.isprintable():
        raise ConfigError(f"config {shown(text)} is no file name")
    if isinstance(source, str) and is_generator(text):
        return generate(text, seed)
    path = Path(source)
    _check_file(path, text, isinstance(source, Path))
    from distbench.config.yaml import read_entries  # imports PyYAML, which generators and Python callers do not need

    return config_from_entries(read_entries(path, text), text)


def _check_file(path: Path, text: str, is_path: bool) -> None:
    try:
        if path.is_file():
            return
        if not text.strip() or text == ".":
            raise ConfigError("the config has no name; give a YAML file or a generator such as ring:16")
        if path.is_dir():
            raise ConfigError(f"{text}: a folder, not a config{_first(_configs_in(path))}")
        if path.exists():  # a pipe or a device: read once, as the shell's <(…) gives it
            return
    except OSError as error:  # a name too long
        raise ConfigError(f"config {shown(text)} cannot be opened: {error.strerror or error}") from error
    if not is_path and (text in GENERATORS or ("." not in text and ":" in text and "/" not in text)):
        raise no_such_generator(text)
    raise ConfigError(f"{text}: no such config file{_similar(path, text)}")


def _similar(path: Path, text: str) -> str:
    files = _configs_in(path.parent)
    by_name = {file.stem: file for file in files} | {file.name: file for file in files}
    for name in (path.name, path.stem):
        for found in get_close_matches(name, by_name, 1):
            return f"; did you mean {str(by_name[found])!r}?"
    for found in get_close_matches(text, GENERATORS, 1):
        return f"; did you mean a generator, such as {GENERATORS[found].example!r}?"
    return _first(files) or "; give a YAML file or a generator such as ring:16"


def _first(names: list[Path]) -> str:
    return f"; there are {', '.join(map(str, names[:4]))}" if names else ""


def _configs_in(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if entry.suffix in (".yaml", ".yml") and entry.is_file())
    except OSError:
        return []
