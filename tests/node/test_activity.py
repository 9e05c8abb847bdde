"""What the loop of a node's process counts as something to do."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any, cast

import pytest

from distbench.node.activity import NodeLoop
from distbench.node.current import current_node


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
