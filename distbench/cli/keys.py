"""``distbench keys``: a key for each node of a config, for network mode."""

from __future__ import annotations

from pathlib import Path

from distbench.cli.options import Argument, Command, Option
from distbench.cli.output import write_out
from distbench.cli.run_options import topologies


def keys(*, folder: str, config: str) -> int:
    """Write them, and say where each belongs."""
    from distbench.config import load_config
    from distbench.running.control import COORDINATOR
    from distbench.running.keyfiles import ROSTER, key_file_name, write_keys

    nodes = list(load_config(config).nodes)
    written = write_keys(Path(folder), nodes)
    write_out(
        f"wrote {len(written)} files to {folder}; every machine needs {ROSTER} and the key of its own node, "
        f"and that of {nodes[0]} also {key_file_name(COORDINATOR)}\n"
    )
    return 0


keys_command = Command(
    "keys",
    keys,
    help="Write a secret key for each node of a CONFIG, and the public keys of all, into the folder DIR, for network "
    "mode and containers.",
    params=[
        Argument("folder", metavar="DIR", help="Made if need be; no file in it is overwritten."),
        Option(
            ["-c", "--config"],
            section="Options",
            metavar="CONFIG",
            required=True,
            help="YAML file with the nodes, or a generator such as ring:16.",
            complete=topologies,
        ),
    ],
)
