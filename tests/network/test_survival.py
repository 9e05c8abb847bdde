"""What links and runs survive: resets, receivers that do not read, hostile connections. Figures are printed (-s)."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from distbench.network.frames import Message
from distbench.network.handshake import Initiator
from distbench.network.session import BATCH_WEIGHT, MESSAGE_WEIGHT, OUTPUT_BYTES, RESEND_WEIGHT
from distbench.network.tcp import UNFINISHED_LIMIT
from tests.contract.play import play, reserved_ports
from tests.network.ends import End, closing, on_loop, pair, raw, transport_of
from tests.network.greeters import N1, N2, party
from tests.network.proxy import Proxy
from tests.network.survivors import Forger, Liar, Raiser, Starter
from tests.network.test_strangers import attack
from tests.running.watched import Watched

HERE = Path(__file__).parent
SURVIVORS = HERE / "survivors.py"
MIB = 2**20


def write(folder: Path, name: str, config: dict[str, dict[str, Any]]) -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def finished(run: Watched, status: int = 0) -> dict[str, Any]:
    """The JSON document of a run that has ended like this."""
    assert run.finish() == status, (run.out, run.err)
    assert "Traceback" not in run.err
    found: dict[str, Any] = json.loads(run.out)
    return found


# -------------------------------------------------- connections that are reset


@pytest.mark.slow
def test_100_resets_lose_repeat_and_reorder_none_of_100_000_messages_each_way(say: Callable[[str], None]) -> None:
    count = 100_000
    rng = random.Random(11)

    def numbered(way: bytes) -> list[Message]:
        return [(1, 0, b"%s%d %s" % (way, number, bytes(rng.randrange(100)))) for number in range(count)]

    async def main() -> None:
        one, two = End(N1), End(N2)
        await two.listen()
        async with Proxy(two.address, resets=100, least=20_000, most=140_000) as proxy, closing(one, two):
            one.junction.dial(N2, proxy.address)

            async def send_all(end: End, peer: Any, messages: list[Message]) -> None:
                for message in messages:
                    room = end.link(peer).send(*message)
                    if room is not None:
                        await room

            there, back = numbered(b"there"), numbered(b"back")
            began = time.monotonic()
            await asyncio.gather(send_all(one, N2, there), send_all(two, N1, back))
            await two.until(lambda: two.has(count), limit=120)
            await one.until(lambda: one.has(count), limit=120)
            seconds = time.monotonic() - began
            assert two.got == there
            assert one.got == back
            assert proxy.resets == 100
            assert not one.gone
            assert not two.gone
            payload = sum(len(payload) for _, _, payload in there + back)
            say(
                f"100 resets in {seconds:.1f} s over {proxy.connections} connections: {count:,} messages each way "
                f"arrived once and in order; {payload:,} bytes of payload, {proxy.forwarded:,} forwarded",
            )

    on_loop(main)


@pytest.mark.slow
def test_a_whole_run_survives_100_resets(tmp_path: Path, say: Callable[[str], None]) -> None:
    """Network mode: n1 and the coordinator beside it reach n2 by way of the proxy only."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with reserved_ports(2) as (port1, port2):
            async with Proxy(("127.0.0.1", port2), resets=100, least=5_000, most=55_000) as proxy:

                def config(port_of_n2: int) -> dict[str, dict[str, Any]]:
                    n1 = {"host": "127.0.0.1", "port": port1, "neighbours": ["n2"], "count": 100_000, "size": 20}
                    return {"n1": n1, "n2": {"host": "127.0.0.1", "port": port_of_n2, "neighbours": ["n1"]}}

                through = write(tmp_path, "through.yaml", config(proxy.address[1]))
                direct = write(tmp_path, "direct.yaml", config(port2))
                common = ("-a", f"{SURVIVORS}:Numbered", "--mode", "network", "--json", "-t", "100", "-f", "msgpack")
                began = time.monotonic()
                with (
                    Watched(*common, "-c", through, "--id", "n1") as n1,
                    Watched(*common, "-c", direct, "--id", "n2") as n2,
                ):
                    ended = loop.run_in_executor(None, finished, n2)
                    found = await loop.run_in_executor(None, finished, n1)
                    await ended
                report = found["nodes"]["n2"]["report"]
                assert (report["received"], report["in_order"]) == (100_000, True)
                assert found["outcome"] == "completed"
                assert proxy.resets == 100
                say(
                    f"a run of 100,000 casts under 100 resets took {time.monotonic() - began:.1f} s over "
                    f"{proxy.connections} connections; {proxy.forwarded:,} bytes forwarded"
                )

    on_loop(main)


# -------------------------------------------------- receivers that do not read


@pytest.mark.slow
def test_a_receiver_that_does_not_read_for_5_seconds_costs_bounded_memory_and_no_message(
    say: Callable[[str], None],
) -> None:
    size, count = 1000, 60_000

    async def main() -> None:
        async with pair() as (one, two):
            transport_of(two, N1).pause_reading()
            session, buffer = one.link(N2).session, transport_of(one, N2)
            for transport, option in ((buffer, socket.SO_SNDBUF), (transport_of(two, N1), socket.SO_RCVBUF)):
                transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, option, 1 << 16)
            most_weight = most_buffered = sent_meanwhile = 0
            stopped = time.monotonic()
            asyncio.get_running_loop().call_later(5, transport_of(two, N1).resume_reading)
            for number in range(count):
                room = one.link(N2).send(1, 0, b"%d" % number + bytes(size))
                if room is not None:
                    most_weight = max(most_weight, session.weight)
                    most_buffered = max(most_buffered, buffer.get_write_buffer_size())
                    if time.monotonic() - stopped < 5:
                        sent_meanwhile = number
                    await room
            await two.until(lambda: two.has(count))
            assert [int(payload[:-size]) for _, _, payload in two.got] == list(range(count))
            assert sent_meanwhile < count // 3  # it did stop
            assert most_weight <= RESEND_WEIGHT + BATCH_WEIGHT + size + MESSAGE_WEIGHT
            assert 0 < most_buffered <= 2 * OUTPUT_BYTES + BATCH_WEIGHT
            say(
                f"a receiver that read nothing for 5 s: the sender kept at most {most_weight:,} of {RESEND_WEIGHT:,} "
                f"(RESEND_WEIGHT) and {most_buffered:,} bytes in the transport; all {count:,} messages arrived",
            )

    on_loop(main)


@pytest.mark.slow
def test_a_node_that_does_not_read_for_5_seconds_costs_its_sender_bounded_memory(
    tmp_path: Path, say: Callable[[str], None]
) -> None:
    config = write(
        tmp_path,
        "sleeps.yaml",
        {
            "n1": {"neighbours": ["n2"], "count": 100_000, "size": 1000},
            "n2": {"neighbours": ["n1"], "sleeps": 5.0},
        },
    )
    local = ("--mode", "local", "--port-base", "0", "--json", "-t", "60", "-c", config)
    with Watched(*local, "-a", f"{SURVIVORS}:Numbered") as run:
        found = finished(run)
    sender, receiver = found["nodes"]["n1"]["report"], found["nodes"]["n2"]["report"]
    assert (receiver["received"], receiver["in_order"]) == (100_000, True)
    assert sender["grown"] < 24 * MIB  # RESEND_WEIGHT, as much again in the transport and while frames are made
    say(f"the sender of 100 MB grew by {sender['grown'] / MIB:.1f} MiB while its receiver slept for 5 s")


@pytest.mark.slow
def test_the_others_go_on_without_a_node_that_never_reads_again(tmp_path: Path, say: Callable[[str], None]) -> None:
    config = write(
        tmp_path,
        "stops.yaml",
        {
            "n1": {"neighbours": ["n2", "n3"], "casts": 20_000},
            "n2": {"neighbours": ["n1"], "stops": True},
            "n3": {"neighbours": ["n1"]},
        },
    )
    local = ("--mode", "local", "--port-base", "0", "--link-limit", "1", "-t", "60", "-c", config)
    with Watched(*local, "--json", "-a", f"{SURVIVORS}:Stopped") as run:
        found = finished(run, status=1)
    nodes = found["nodes"]
    assert found["outcome"] == "completed"
    assert nodes["n1"]["end"] == nodes["n3"]["end"] == "terminated"
    assert nodes["n2"]["end"] == "crashed"
    assert nodes["n3"]["report"]["received"] == 20_000
    assert nodes["n1"]["report"]["down"] == "n2 was cut off: it took nothing for 1 s"
    ((reason, dropped),) = nodes["n1"]["dropped"].items()
    assert reason == "n2 was cut off: it took nothing for 1 s"
    assert dropped > 10_000
    assert [failure["exception"] for failure in found["failures"]] == ["was cut off: it took nothing for 1 s"]
    with Watched(*local, "-a", f"{SURVIVORS}:Stopped") as run:
        assert run.finish() == 1
    assert "n2 failed in process" in run.out
    assert "dropped " in run.out
    assert "n2 was cut off: it took nothing for 1 s" in run.out
    say(f"a node that never reads again was cut off after 1 s; {dropped:,} later casts to it were dropped and counted")


# -------------------------------------------------- hostile connections


@pytest.mark.slow
def test_10_000_hostile_connections_do_not_disturb_a_run(tmp_path: Path, say: Callable[[str], None]) -> None:
    flag = tmp_path / "enough"
    with reserved_ports(1) as (port,):
        config = write(
            tmp_path,
            "attacked.yaml",
            {
                "n1": {"neighbours": ["n2"], "count": 10_000, "flag": str(flag)},
                "n2": {"neighbours": ["n1"], "port": port},
            },
        )
        local = ("--mode", "local", "-t", "110", "-c", config)
        with Watched(*local, "--json", "-a", f"{SURVIVORS}:Numbered") as run:
            run.wait_for("begins")
            began = time.monotonic()
            made = on_loop(lambda: attack(("127.0.0.1", port), 10_000, at_once=300))
            seconds = time.monotonic() - began
            assert run.process.poll() is None
            flag.touch()
            found = finished(run)
    n2 = found["nodes"]["n2"]
    assert n2["report"]["in_order"]
    assert n2["report"]["received"] == found["nodes"]["n1"]["report"]["sent"]
    refused = n2["refused"]
    assert made == 10_000
    # The last ones may still be under way when the run ends: in the system's queue alone there is room for 1024.
    assert made - 1024 - 300 <= sum(refused.values()) <= made
    assert refused["malformed"] > 0
    assert run.err.count("WARNING") < 20
    counts = ", ".join(f"{cause}: {count:,}" for cause, count in sorted(refused.items()))
    say(f"{made:,} hostile connections in {seconds:.1f} s; {n2['report']['received']:,} casts went on ({counts})")


@pytest.mark.slow
def test_a_run_starts_and_ends_while_half_open_connections_are_held_at_every_node(
    tmp_path: Path, say: Callable[[str], None]
) -> None:
    flag = tmp_path / "enough"

    async def main() -> None:
        with reserved_ports(3) as ports:
            config = write(
                tmp_path,
                "held.yaml",
                {
                    f"n{i}": {"neighbours": [], "port": port, "count": 1000 if i == 1 else 0, "flag": str(flag)}
                    for i, port in enumerate(ports, 1)
                },
            )
            stop = asyncio.Event()
            full: set[int] = set()

            async def hold(port: int) -> None:
                """More connections than there may be, from the first moment on; who is thrown out comes again."""
                async with AsyncExitStack() as held:
                    number = 0
                    while not stop.is_set():
                        try:
                            one = await held.enter_async_context(raw(("127.0.0.1", port)))
                        except OSError:
                            await asyncio.sleep(0.01)  # nobody listens yet, or any more
                            continue
                        number += 1
                        if number % 2:
                            one.writer.write(Initiator(party(N1), b"%032d" % number, N2).first()[:50])
                        if number > UNFINISHED_LIMIT + 10:
                            full.add(port)
                            if full == set(ports):
                                flag.touch()
                            await asyncio.sleep(0.005)

            holding = [asyncio.ensure_future(hold(port)) for port in ports]
            began = time.monotonic()
            local = ("--mode", "local", "-t", "60", "--json", "-c", config, "-a", f"{SURVIVORS}:Numbered")
            with Watched(*local) as run:
                found = await asyncio.get_running_loop().run_in_executor(None, finished, run)
            stop.set()
            await asyncio.gather(*holding)
            assert all(found["nodes"][node]["report"]["in_order"] for node in ("n1", "n2", "n3"))
            assert found["nodes"]["n2"]["report"]["received"] == found["nodes"]["n1"]["report"]["sent"]
            refused = [one["refused"]["too many unfinished handshakes"] for one in found["nodes"].values()]
            assert all(refused)
            say(f"a run amid held connections took {time.monotonic() - began:.1f} s; refused at the nodes: {refused}")

    on_loop(main)


# -------------------------------------------------- a node that lies


@pytest.mark.parametrize("mode", ["offline", "local"])
def test_a_signature_forged_by_the_sender_of_a_valid_link_is_dropped_and_counted(mode: str) -> None:
    config: dict[str, dict[str, Any]] = {
        "n1": {"neighbours": ["n2"], "forges": True},
        "n2": {"neighbours": ["n1"]},
        "n3": {"neighbours": "none"},
    }
    result = play(mode, Forger, config)
    assert result.reports[N2]["heard"] == ["True by n1", "passed on: True by n1"]
    assert result.nodes[N2].dropped == {"bad signature": 4}


@pytest.mark.parametrize("mode", ["offline", "local"])
def test_an_error_that_cannot_be_read_is_an_error_all_the_same(mode: str) -> None:
    config: dict[str, dict[str, Any]] = {"n1": {"neighbours": ["n2"]}, "n2": {"neighbours": ["n1"], "lies": True}}
    result = play(mode, Liar, config)
    assert str(result.reports[N1]["heard"]).startswith("ask at n2 raised an error that cannot be read")
    assert result.nodes[N1].dropped == {"does not fit the handler": 1}
    assert (result.outcome, result.exit_status) == ("failed", 1)  # nothing says that n2 differs on purpose
    assert [(one.src, one.kind, one.handler) for one in result.nodes[N1].misfits] == [(N2, "reply", "ask")]
    assert play(mode, Liar, config, allow_drops=True).exit_status == 0


def test_whatever_a_start_raises_in_local_mode_crashes_its_node() -> None:
    config: dict[str, dict[str, Any]] = {"n1": {"neighbours": "none"}, "n2": {"neighbours": "none", "starts": False}}
    result = play("local", Starter, config)
    assert [(failure.handler, failure.exception) for failure in result.failures] == [("on_start", "KeyboardInterrupt")]
    assert (result.ended, result.nodes[N2].end) == ("completed", "crashed")


@pytest.mark.parametrize("waits", [False, True])
def test_whatever_a_handler_raises_in_local_mode_fails_its_node(waits: bool) -> None:
    config: dict[str, dict[str, Any]] = {
        "n1": {"neighbours": ["n2"]},
        "n2": {"neighbours": ["n1"], "raises": True, "waits": waits},
    }
    result = play("local", Raiser, config)
    assert [(failure.node, failure.exception) for failure in result.failures] == [(N2, "KeyboardInterrupt")]
    assert result.exit_status == 1
