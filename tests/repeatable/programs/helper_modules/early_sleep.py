"""Binds time.sleep when it is imported."""

from time import sleep


def pause() -> None:
    sleep(0.01)
