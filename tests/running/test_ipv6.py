"""Hosts of IPv6 in a config: a whole run in the real modes, and what is no host refused with what to write."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from distbench import Algorithm, PeerId, distbench, handler
from distbench.config import config_from_mapping, load_config
from distbench.errors import ConfigError
from tests.contract.play import play


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no ::1")


@distbench
class Greets(Algorithm):
    async def on_start(self) -> None:
        self.heard = [await peer.hello("hello") for peer in self.peers.values()]
        await self.terminate()

    @handler
    async def hello(self, src: PeerId, text: str) -> str:
        return f"{text}, {src}"

    async def report(self) -> dict[str, object]:
        return {"heard": self.heard}


@ipv6
@pytest.mark.parametrize("hosts", [("::1", "::1"), ("[::1]", "127.0.0.1"), ("localhost", "::1"), ("127.0.0.5", "::1")])
def test_a_run_over_the_network_of_ipv6_and_ipv4(hosts: tuple[str, str]) -> None:
    result = play("network", Greets, {f"n{number}": {"host": host} for number, host in enumerate(hosts, 1)})
    assert result.outcome == "completed"
    assert result.reports == {"n1": {"heard": ["hello, n1"]}, "n2": {"heard": ["hello, n2"]}}


@pytest.mark.parametrize("mode", ["offline", "local"])
def test_a_host_of_ipv6_changes_nothing_where_hosts_are_not_used(mode: str) -> None:
    result = play(mode, Greets, {"n1": {"host": "::1"}, "n2": {"host": "::1"}})
    assert result.outcome == "completed"


@pytest.mark.parametrize("text", ["host: ::1", "host: '[::1]'", "{host: '::1'}", "host: '::1'", "host: fe80::1%eth0"])
def test_a_host_of_ipv6_is_read_from_yaml(tmp_path: Path, text: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"n1:\n  {text}\n")
    assert load_config(config).nodes[PeerId("n1")].host in ("::1", "fe80::1%eth0")


@pytest.mark.parametrize("host", ["10.0.0.1:8000", "n1:8000", "[::1]:8000", "::1::", ":", "[::1", "12345::1"])
def test_what_is_no_host_is_refused_with_what_to_write(host: str) -> None:
    with pytest.raises(ConfigError, match="is no host name or address; write for instance ::1") as error:
        config_from_mapping({"n1": {"host": host}})
    assert repr(host) in str(error.value)


def test_a_host_survives_being_written(tmp_path: Path) -> None:
    block: dict[str, Any] = {"n1": {"host": "::1", "port": 8000}}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(block))
    assert load_config(config).nodes[PeerId("n1")].host == "::1"
