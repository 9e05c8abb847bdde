"""Configs and the finding of algorithms: text and files in, frozen and checked values out."""

from __future__ import annotations

from distbench.config.loading import load_config
from distbench.config.parsing import config_from_mapping

__all__ = ["config_from_mapping", "load_config"]
