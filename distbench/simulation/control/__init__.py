"""What a step of a simulated node must not take from the real world: clock, entropy, threads, sockets, processes.

While a run lasts, stand-ins take the place of functions of the standard library. They ask whose step is running: inside
a node's step they answer from its machine, everywhere else (other threads, the framework) they do what they did.
"""

from distbench.simulation.control.inforce import controlled, controlled_throughout

__all__ = ["controlled", "controlled_throughout"]
