# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""A time limit for a whole HTTP exchange, after which nothing more is sent."""

from __future__ import annotations

import threading
import typing as t

T = t.TypeVar("T")

GRACE = 0.25  # seconds that the socket's own time limit, which knows the reason, gets to fail first


class OverdueError(Exception):
    """An exchange did not end within its time."""


class Deadline:
    """What the thread of an exchange and the waiting thread share.

    Attributes:
        sent: whether sending has begun, so that the service may carry the request out.
    """

    def __init__(self) -> None:
        """Nothing is sent yet, and nobody has given up."""
        self._lock = threading.Lock()
        self._over = False
        self.sent = False

    def begin_sending(self) -> None:
        """Record that sending begins; raises OverdueError if the exchange was already given up."""
        with self._lock:
            if self._over:
                raise OverdueError
            self.sent = True

    def check(self) -> None:
        """Raise OverdueError if the exchange was given up."""
        if self._over:
            raise OverdueError

    def end(self) -> None:
        """Give the exchange up: nothing more is sent."""
        with self._lock:
            self._over = True


def call_with_deadline(seconds: float, deadline: Deadline, call: t.Callable[[], T]) -> T:
    """Return what `call` returns, or raise what it raises, or OverdueError when that takes longer than `seconds`.

    The time limit of a socket starts again with each byte and does not cover name resolution. A thread that is left
    behind does both; `deadline` then keeps it from sending anything.
    """
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as exc:  # noqa: BLE001 (handed to the waiting thread)
            failures.append(exc)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds + GRACE)
    if not results and not failures:
        deadline.end()
    if failures:
        raise failures[0]
    if not results:
        raise OverdueError
    return results[0]
