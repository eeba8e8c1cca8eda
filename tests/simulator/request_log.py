# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The append-only log of every request to the API, refused and dropped ones included."""

from __future__ import annotations

import itertools
import json
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request

from .accounts import UNKNOWN, find_api_key, hide_api_keys

BASE_PATH = "/services/v2"


@dataclass(frozen=True)
class LogEntry:
    """One request.

    Attributes:
        number: counts up from 1 in the order of arrival and never starts again.
        time: arrival, Unix time in seconds.
        method: HTTP method.
        path: decoded path below ``/services/v2``; the whole path when it lies outside.
        query: the query string as sent.
        headers: as sent, in title case; the value of ``X-DC-DEVKEY`` replaced by the role of the key.
        body: text of the body.
        status: answered status; None while there is no answer, and for good when the connection was dropped.
        fault: name of the fault applied, None without one.
    """

    number: int
    time: float
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str
    status: int | None = None
    fault: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the entry as JSON values."""
        return asdict(self)


def api_path(path: str) -> str:
    """Return ``path`` below the base path of the API, or the whole of it when it lies outside."""
    return path[len(BASE_PATH) :] if path.startswith(BASE_PATH + "/") else path


class RequestLog:
    """Entries in the order of arrival; with a ``file``, each is also written there as one JSON line once answered."""

    def __init__(self, file: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._entries: dict[int, LogEntry] = {}
        self._file = file

    @property
    def entries(self) -> list[LogEntry]:
        """The entries so far, as a list of its own."""
        with self._lock:
            return list(self._entries.values())

    def open(self, request: Request) -> int:
        """Append the entry of a request that has just arrived; returns its number."""
        headers = {name: hide_api_keys(value) for name, value in request.headers.items()}
        key = request.headers.get("X-DC-DEVKEY")
        if key is not None:
            known = find_api_key(key)
            headers["X-Dc-Devkey"] = known.role if known else UNKNOWN
        body = request.get_data().decode("utf-8", "replace")
        with self._lock:
            number = next(self._numbers)
            self._entries[number] = LogEntry(
                number=number,
                time=time.time(),
                method=request.method,
                path=hide_api_keys(api_path(request.path)),
                query=hide_api_keys(request.query_string.decode("ascii", "replace")),
                headers=headers,
                body=hide_api_keys(body),
            )
        return number

    def settle(self, number: int, status: int | None, fault: str | None) -> None:
        """Note what entry ``number`` was answered; nothing to note when the log was cleared meanwhile."""
        with self._lock:
            if number not in self._entries:
                return
            entry = self._entries[number] = replace(self._entries[number], status=status, fault=fault)
            if self._file is not None:
                with self._file.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps(entry.to_json()) + "\n")

    def clear(self) -> None:
        """Forget every entry; numbers go on."""
        with self._lock:
            self._entries.clear()
