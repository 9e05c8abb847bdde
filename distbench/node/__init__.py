"""The life of one node: execution, layers, calls, counters."""
