# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time: the true time, which the service uses, and the computers' clocks, which may be wrong and jump."""

from __future__ import annotations

import heapq
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

PACKAGE = "ansible_collections.community.digicert.plugins.module_utils"
START = 1_782_864_000.0  # 2026-07-01
HOUR = 3600.0
DAY = 86400.0


class World:
    """The true time, seconds since 1970, and later events."""

    def __init__(self, now: float = START) -> None:
        self.now = now
        self._numbers = itertools.count()
        self._later: list[tuple[float, int, Callable[[], None]]] = []

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after this number of seconds."""
        heapq.heappush(self._later, (self.now + seconds, next(self._numbers), action))

    def pass_time(self, seconds: float) -> None:
        """Let time pass, with the events in that time."""
        end = self.now + max(0.0, seconds)
        while self._later and self._later[0][0] <= end:
            self.now, _number, action = heapq.heappop(self._later)
            action()
        self.now = end

    @property
    def date(self) -> datetime:
        """The true time as a datetime."""
        return datetime.fromtimestamp(self.now, timezone.utc)


class Computer:
    """A computer whose clock is off by some seconds."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.off_by = 0.0

    def wall(self) -> float:
        """The time of its clock, seconds since 1970."""
        return self.world.now + self.off_by

    def monotonic(self) -> float:
        """Seconds since some moment, unaffected by jumps of the clock."""
        return self.world.now - START + 1e6


class Time:
    """Replaces the module `time` for one computer; sleeping lets the world's time pass."""

    def __init__(self, computer: Computer) -> None:
        self.time = computer.wall
        self.monotonic = computer.monotonic
        self.sleep = computer.world.pass_time

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@contextmanager
def on(computer: Computer) -> Iterator[None]:
    """Let the collection's code see this computer's clock."""
    stand_in = Time(computer)
    before = [(module, module.time) for module in _modules_with_time()]
    for module, _old in before:
        module.time = stand_in
    try:
        yield
    finally:
        for module, old in before:
            module.time = old


def _modules_with_time() -> list[Any]:
    modules = [module for name, module in list(sys.modules.items()) if name.startswith(PACKAGE)]
    return [module for module in modules if module is not None and hasattr(module, "time")]


def http_date(now: float) -> str:
    """Return a time in the format of the header Date."""
    return datetime.fromtimestamp(now, timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")


def iso(now: float) -> str:
    """Return a time as the API writes it."""
    return datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def day(now: float) -> str:
    """Return the date of a time as the API writes it."""
    return datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%d")
