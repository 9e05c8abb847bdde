"""What a node sees of its process, its thread and its computer; and generators that are not Python's own."""

from __future__ import annotations

import asyncio
import importlib
import logging
import multiprocessing
import os
import platform
import random
import resource
import secrets
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nacl.public
import nacl.signing
import nacl.utils
import numpy as np
import pytest

import distbench
from tests.simulation.steps import ONE, TWO, run_at_a_node

PLATFORM: Any = platform
thread: Any = sys.modules["_thread"]

OF_THE_NODE: list[Callable[[], Any]] = [
    lambda: os.getpid(), lambda: os.getpgrp(), lambda: os.getpgid(0), lambda: os.getsid(os.getpid()),
    lambda: threading.get_ident(), lambda: thread.get_ident(), lambda: threading.get_native_id(),
    lambda: threading.current_thread().ident, lambda: threading.main_thread().native_id,
    lambda: socket.gethostname(), lambda: socket.getfqdn(), lambda: platform.node(), lambda: platform.uname().node,
    lambda: os.uname().nodename, lambda: uuid.getnode(), lambda: multiprocessing.current_process().pid,
    lambda: uuid.uuid1().node,
]  # fmt: skip


@pytest.mark.parametrize("ask", OF_THE_NODE)
def test_a_node_has_an_identity_of_its_own_the_same_in_each_run(ask: Callable[[], Any]) -> None:
    first = run_at_a_node(ask, TWO)
    assert len(set(first)) == 2
    assert {first.count(each) for each in first} == {4}
    assert run_at_a_node(ask, TWO) == first
    assert ask() not in first


def test_the_identity_is_the_same_in_another_process() -> None:
    asked = "[os.getpid(), threading.get_ident(), socket.gethostname(), os.uname().release, uuid.getnode()]"
    program = f"""
import asyncio, os, socket, threading, uuid, distbench
@distbench.distbench
class Shows(distbench.Algorithm):
    async def on_start(self):
        print({asked})
threading.Thread(target=distbench.run, args=(Shows, {ONE!r})).start()
"""
    outputs = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout for _ in range(2)]
    assert outputs[0] == outputs[1] == "[1001, 139637976793088, 'n1', '1.0', 2199023255553]\n"


def test_identities_agree_with_each_other() -> None:
    def step() -> None:
        current = threading.current_thread()
        assert current is threading.main_thread()
        assert threading.enumerate() == [current]
        assert threading.active_count() == 1
        assert (current.name, current.is_alive(), current.daemon) == ("MainThread", True, False)
        assert current.ident == threading.get_ident() == thread.get_ident()
        assert current.native_id == threading.get_native_id() == os.getpid()
        assert os.getpid() == os.getpgid(os.getpid()) == multiprocessing.current_process().pid
        assert platform.uname()[:5] == tuple(os.uname())
        assert socket.getfqdn() == platform.node() == socket.gethostname()
        assert uuid.uuid1().node == uuid.getnode()
        record = logging.LogRecord("name", logging.INFO, "path", 1, "", (), None)
        assert (record.process, record.thread, record.threadName) == (os.getpid(), current.ident, "MainThread")

    run_at_a_node(step)


COMPUTER: list[tuple[Callable[[], Any], Any]] = [
    (lambda: os.getppid(), 1),
    (lambda: os.cpu_count(), 1),
    (lambda: multiprocessing.cpu_count(), 1),
    (lambda: os.sched_getaffinity(0), {0}),
    (lambda: os.getloadavg(), (0.0, 0.0, 0.0)),
    (lambda: platform.release(), "1.0"),
    (lambda: platform.version(), "1.0"),
    (lambda: platform.uname().processor, ""),
    (lambda: PLATFORM.processor(), ""),
    (lambda: PLATFORM.platform(terse=True), f"{platform.system()}-1.0"),
    (lambda: tuple(resource.getrusage(resource.RUSAGE_CHILDREN)), (0.0, 0.0, *[0] * 14)),
    (lambda: os.times().user <= time.monotonic(), True),
    (lambda: resource.getrusage(resource.RUSAGE_SELF).ru_utime <= time.monotonic(), True),
]


@pytest.mark.parametrize("ask, wanted", COMPUTER)
def test_the_computer_of_a_node_is_a_dull_one(ask: Callable[[], Any], wanted: Any) -> None:
    assert set(map(str, run_at_a_node(ask))) == {str(wanted)}


def test_what_python_was_built_for_stays() -> None:
    def ask() -> tuple[str, ...]:
        return platform.system(), platform.machine(), sys.platform, os.uname().sysname

    assert set(run_at_a_node(ask)) == {ask()}


def test_a_run_in_another_thread_shows_the_same() -> None:
    ask = lambda: (threading.current_thread().name, threading.get_ident(), threading.active_count())  # noqa: E731
    here, there = run_at_a_node(ask), list[Any]()
    other = threading.Thread(target=lambda: there.extend(run_at_a_node(ask)), name="other")
    other.start()
    other.join()
    assert here == there


def test_nothing_changes_outside() -> None:
    before = os.getpid(), threading.get_ident(), platform.uname(), socket.gethostname(), threading.enumerate()
    run_at_a_node(lambda: (platform.uname(), platform.platform()))
    assert (os.getpid(), threading.get_ident(), platform.uname(), socket.gethostname(), threading.enumerate()) == before
    assert platform.platform() == platform.platform()


# -------------------------------------------------- generators

SHARED: list[Callable[[], Any]] = [
    lambda: np.random.random(), lambda: np.random.rand(2).tolist(), lambda: np.random.permutation(9).tolist(),
    lambda: np.random.normal(),
]  # fmt: skip


@pytest.mark.parametrize("draw", SHARED)
def test_numpys_generator_is_seeded_for_the_run_and_put_back(draw: Callable[[], Any]) -> None:
    np.random.seed(5)
    wanted = [np.random.random() for _ in range(3)]
    np.random.seed(5)
    found = [np.random.random()]
    first = run_at_a_node(draw, TWO)
    found.append(np.random.random())
    assert run_at_a_node(draw, TWO) == first
    found.append(np.random.random())
    assert found == wanted
    assert len(set(map(str, first))) == 8  # the nodes share one stream


def test_the_seed_of_the_run_seeds_numpy() -> None:
    seen: list[float] = []

    @distbench.distbench
    class Draws(distbench.Algorithm):
        async def on_start(self) -> None:
            seen.append(np.random.random())

    for seed in (1, 2, 1):
        distbench.run(Draws, ONE, seed=seed)
    assert seen[0] == seen[2] != seen[1]


def made_and_removed() -> str:
    with tempfile.TemporaryDirectory() as made:
        return made


OF_THE_SYSTEM: list[Callable[[], Any]] = [
    lambda: np.random.default_rng().random(), lambda: np.random.RandomState().random_sample(),
    lambda: np.random.SeedSequence().entropy, lambda: np.random.Generator(np.random.PCG64()).random(),
    lambda: random.Random().random(), lambda: random.SystemRandom().random(), lambda: secrets.token_hex(),
    lambda: secrets.choice(range(10**9)), lambda: uuid.uuid4(), lambda: ssl.RAND_bytes(8), lambda: os.getrandom(8),
    lambda: nacl.utils.random(8), lambda: nacl.signing.SigningKey.generate().encode(),
    lambda: nacl.public.PrivateKey.generate().encode(), lambda: Path(tempfile.mktemp()).name,
    lambda: made_and_removed(), lambda: random.Random(None).getrandbits(64),
]  # fmt: skip


@pytest.mark.parametrize("draw", OF_THE_SYSTEM)
def test_generators_that_seed_themselves_draw_the_nodes_entropy(draw: Callable[[], Any]) -> None:
    first = run_at_a_node(draw, TWO)
    assert run_at_a_node(draw, TWO) == first
    assert len(set(map(str, first))) == len(first)
    assert draw() != draw()


FIRST_USE = """
import distbench
@distbench.distbench
class Draws(distbench.Algorithm):
    async def on_start(self):
        import numpy
        import tempfile, multiprocessing, resource
        numpy.random.default_rng(), tempfile.mktemp()
        print(numpy.random.random(), resource.getrusage(resource.RUSAGE_CHILDREN)[0])
        multiprocessing.Queue().get()
import sys
loaded = [name for name in ("numpy", "multiprocessing.connection") if name in sys.modules]
for _ in range(2):
    result = distbench.run(Draws, {"n1": {}}, seed=3)
    print(result.failures[0].exception[:80])
import numpy
print(loaded, isinstance(numpy.random.random(), float))
"""


def test_what_is_first_loaded_in_a_step_is_under_control_there() -> None:
    outputs = [
        subprocess.run([sys.executable, "-c", FIRST_USE], capture_output=True, text=True).stdout.splitlines()
        for _ in range(2)
    ]
    assert outputs[0] == outputs[1]
    drawn, refused, *again, last = outputs[0]
    assert again == [drawn, refused]
    assert refused == "NondeterminismError: multiprocessing.Queue.get() inside a simulated node, which "
    assert last == "[] True"


def test_asyncio_goes_on_with_another_pid() -> None:
    async def outer() -> list[Any]:
        return run_at_a_node(lambda: asyncio.get_running_loop() is not None)

    assert all(asyncio.run(outer()))
    assert importlib.import_module("os") is os
