# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""One time limit for many exchanges, and name resolution within it."""

from __future__ import annotations

import socket
import time
import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.deadline import (
    Deadline,
    OverdueError,
    call_with_deadline,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError

LONGEST_TIMEOUT = 86400.0  # seconds
LEAST = 2.0  # seconds of a part


class TimeLimit:
    """A moment after which nothing starts or waits."""

    def __init__(self, seconds: float) -> None:
        """End after this number of seconds."""
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Remaining seconds, 0 if it is over."""
        return max(0.0, self._end - time.monotonic())

    def share(self, parts: int, most: float) -> TimeLimit:
        """Return the limit for the first of several parts, `most` seconds at most.

        A part has at least `LEAST` seconds if they are left, so many names do not make each check too short.
        """
        return TimeLimit(min(most, self.left, max(LEAST, self.left / max(1, parts))))


def checked_timeout(seconds: float) -> float:
    """Return a number of seconds; raises DigicertError if it is too large or not a number."""
    if not 0 < seconds <= LONGEST_TIMEOUT:
        raise DigicertError(f"timeout must be more than 0 and at most {LONGEST_TIMEOUT:.0f} seconds.")
    return seconds


def resolve(host: str, port: int, limit: TimeLimit) -> list[tuple[int, t.Any]]:
    """Return the addresses of a host as families and socket addresses.

    Raises:
        OSError: the system cannot resolve it, or not in time.
    """

    def ask() -> list[t.Any]:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)

    if limit.left <= 0:
        raise socket.timeout("timed out")
    try:
        # getaddrinfo() does not have a time limit.
        found = call_with_deadline(limit.left, Deadline(), ask)
    except OverdueError:
        raise socket.timeout("timed out") from None
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "the name is not valid") from None
    return list(dict.fromkeys((family, address) for family, _type, _protocol, _name, address in found))
