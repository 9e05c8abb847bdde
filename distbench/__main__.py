"""``python -m distbench``: the same as the ``distbench`` command."""

from __future__ import annotations

from distbench_start import main

if __name__ == "__main__":
    main()
