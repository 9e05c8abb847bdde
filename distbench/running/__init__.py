"""Bringing a run up and down, in every mode; the only place where nodes are built."""
