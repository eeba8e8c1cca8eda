# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests that are carried out after their response."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from .clock import Clock


class Later:
    """Actions that are due at a time of the simulated clock, whether it runs there or is moved."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: list[tuple[datetime, Callable[[], object]]] = []
        self._timers: list[threading.Timer] = []

    def add(self, seconds: float, action: Callable[[], object]) -> None:
        """Carry out ``action`` in ``seconds`` of the simulated clock."""
        timer = threading.Timer(seconds + 0.01, self.run_due)
        timer.daemon = True
        with self._lock:
            self._waiting.append((self._clock.now() + timedelta(seconds=seconds), action))
            self._timers.append(timer)
        timer.start()

    def next_due(self) -> datetime | None:
        """Return when the next action is due, None when nothing waits."""
        with self._lock:
            return min((due for due, _action in self._waiting), default=None)

    def run_due(self) -> None:
        """Carry out everything that is due, in order."""
        with self._lock:
            now = self._clock.now()
            due = sorted((item for item in self._waiting if item[0] <= now), key=lambda item: item[0])
            self._waiting = [item for item in self._waiting if item[0] > now]
        for _when, action in due:
            action()

    def clear(self) -> None:
        """Discard all waiting actions."""
        with self._lock:
            self._waiting.clear()
            for timer in self._timers:
                timer.cancel()
            self._timers.clear()
