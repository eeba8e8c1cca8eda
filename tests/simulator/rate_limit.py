# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rolling rate-limit windows per API key (section 1)."""

from __future__ import annotations

import math
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .errors import ApiError


@dataclass(frozen=True)
class Limit:
    """At most ``requests`` requests in any ``seconds`` seconds."""

    requests: int
    seconds: float

    def __post_init__(self) -> None:
        if self.requests < 1 or self.seconds <= 0:
            raise ValueError("a limit needs at least 1 request and more than 0 seconds")


DEFAULT_LIMITS = (Limit(1000, 180), Limit(100, 5))


class RateLimiter:
    """Admits requests of API keys while every limit has room; refused requests do not count."""

    def __init__(self, limits: Iterable[Limit], retry_after: bool, monotonic: Callable[[], float]) -> None:
        """Start with empty windows.

        Args:
            limits: all of them hold at once; none means no limit.
            retry_after: whether a 429 carries ``Retry-After`` (whole seconds until there is room).
            monotonic: returns seconds that never go back.
        """
        self.limits = tuple(limits)
        self.retry_after = retry_after
        self._monotonic = monotonic
        self._lock = threading.Lock()
        keep = max((limit.requests for limit in self.limits), default=0)
        self._admitted: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=keep))

    def admit(self, role: str) -> None:
        """Count one request of the API key with this ``role``.

        Raises:
            ApiError: 429 ``request_limit_exceeded`` when a window is full.
        """
        with self._lock:
            admitted = self._admitted[role]
            now = self._monotonic()
            wait = max((self._wait(limit, admitted, now) for limit in self.limits), default=0)
            if wait <= 0:
                admitted.append(now)
                return
        headers = {"Retry-After": str(math.ceil(wait))} if self.retry_after else {}
        raise ApiError(429, "request_limit_exceeded", "Too many requests: the rate limit is exceeded.", headers)

    @staticmethod
    def _wait(limit: Limit, admitted: deque[float], now: float) -> float:
        if len(admitted) < limit.requests:
            return 0
        return admitted[-limit.requests] + limit.seconds - now
