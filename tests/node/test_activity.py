"""What the loop of a node's process counts as something to do."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distbench import Algorithm, PeerId, distbench, handler
from distbench.node.activity import NodeLoop
from distbench.node.current import current_node
from distbench.node.step import MOST_CASTS
from tests.node.alone import N2, Alone, real


@pytest.mark.parametrize("of_the_node", [True, False])
def test_an_address_that_is_looked_up_is_something_to_do_for_the_node_that_asks(of_the_node: bool) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, NodeLoop)
        told: list[bool] = []
        loop.on_activity = lambda: told.append(loop.passive)
        context = contextvars.Context()
        if of_the_node:
            context.run(current_node.set, cast(Any, "n1"))
        look_up = loop.create_task(loop.getaddrinfo("localhost", 80), context=context)
        await asyncio.sleep(0)
        assert loop.jobs == of_the_node
        assert (await look_up)[0]
        assert loop.jobs == 0
        assert len(told) == of_the_node

    with asyncio.Runner(loop_factory=NodeLoop) as runner:
        runner.run(main())


@pytest.mark.parametrize("name", ["call_later", "call_at"])
@pytest.mark.parametrize("when", [float("nan"), "soon", None, 1j], ids=str)
def test_a_timer_that_the_loop_refuses_is_nothing_to_do(name: str, when: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, NodeLoop)
        context = contextvars.Context()
        context.run(current_node.set, cast(Any, "n1"))
        with pytest.raises((TypeError, ValueError)):
            context.run(getattr(loop, name), when, print)
        assert loop.timers == 0
        timer = context.run(getattr(loop, name), 10.0, print)
        assert loop.timers > 0
        timer.cancel()
        timer.cancel()
        assert loop.timers == 0

    with asyncio.Runner(loop_factory=NodeLoop) as runner:
        runner.run(main())


# -------------------------------------------------- how many casts a step has made


@distbench
class Casts(Algorithm):
    @handler
    async def tell(self, src: PeerId, number: int) -> None: ...


def yielding(steps: list[tuple[str, int]]) -> list[int | None]:
    """For each step, of a kind and with so many casts at most, the cast that would have yielded."""
    found: list[int | None] = []

    async def main(world: Alone) -> None:
        world.start()
        route, step = world.route("tell"), cast(NodeLoop, world.loop).step

        def play(count: int) -> None:
            for number in range(1, count + 1):
                pause: Any = route.cast(N2, number)
                if pause is not None:
                    pause.close()
                    found.append(number)
                    return
            found.append(None)

        for kind, count in steps:
            if kind == "delivery":  # several may come in one turn of the loop
                step.casts = step.at_first
                play(count)
            else:
                world.loop.call_soon(play, count)
                await asyncio.sleep(0)
                await asyncio.sleep(0)

    real(Casts, main)
    return found


counts = st.sampled_from((1, 10, 63, 64, 65, 500, MOST_CASTS - 64, MOST_CASTS - 1, MOST_CASTS, 3 * MOST_CASTS))


@given(st.lists(st.tuples(st.sampled_from(("delivery", "wake-up")), counts), max_size=6))
def test_in_a_real_mode_a_step_yields_after_a_thousand_casts_of_its_own_or_a_few_less(
    steps: list[tuple[str, int]],
) -> None:
    for (kind, count), found in zip(steps, yielding(steps), strict=True):
        few = 0 if kind == "delivery" else 63
        if count >= MOST_CASTS:
            assert found is not None
        if found is not None:
            assert MOST_CASTS - few <= found <= MOST_CASTS


def test_in_a_real_mode_a_first_step_yields_after_a_thousand_casts() -> None:
    assert yielding([("wake-up", 5000)]) == [MOST_CASTS]
    assert yielding([("wake-up", 100)] * 50) == [None] * 50
    assert yielding([("wake-up", 1)] * 3000) == [None] * 3000
