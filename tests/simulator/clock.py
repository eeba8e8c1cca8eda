# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator's clock, which tests can move."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone


class Clock:
    """Runs with the machine's clock, plus the time by which it was moved."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead = 0.0

    def now(self) -> datetime:
        """Return the simulated time, aware and in UTC."""
        return datetime.fromtimestamp(time.time() + self._ahead, timezone.utc)

    def second(self) -> datetime:
        """Return the simulated time without its fraction of a second."""
        return self.now().replace(microsecond=0)

    def monotonic(self) -> float:
        """Return seconds that grow with the simulated time, for rolling windows."""
        return time.monotonic() + self._ahead

    def move(self, by: timedelta) -> None:
        """Move the simulated time forward, or back."""
        with self._lock:
            self._ahead += by.total_seconds()

    def reset(self) -> None:
        """Reset to the machine's time."""
        with self._lock:
            self._ahead = 0.0
