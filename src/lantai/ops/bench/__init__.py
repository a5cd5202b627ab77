"""Ratios measured in one run, since machines are noisy."""

import os
import platform
import time
from collections.abc import Callable
from typing import Any


def machine() -> dict[str, Any]:
    """Where the figures were measured."""
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """CPU and wall seconds of a piece of work."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - wall


def empty_home(place: str) -> None:
    """Point the program to an empty data directory; a database named by the settings is used."""
    os.environ["LANTAI_HOME"] = place
    from lantai.ops import home  # noqa: PLC0415 -- settings are read at set-up

    home.ready()
