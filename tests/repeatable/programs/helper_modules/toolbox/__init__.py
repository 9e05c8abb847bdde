"""A package, which passes on what its modules have."""

from toolbox.stamping import Stamper, stamp

__all__ = ["Stamper", "stamp"]
