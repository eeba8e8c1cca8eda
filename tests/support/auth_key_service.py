# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A model of the service's AuthKeys: reads that lag behind writes, and responses that a test loses."""

from __future__ import annotations

import contextlib
import typing as t
from datetime import datetime, timedelta, timezone

from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Backoff, Response
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    LostResponseError,
    NotFoundError,
    RefusedError,
    UnusableResponseError,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
LAG = 60.0  # seconds; the longest lag of reads behind writes
LOSSES = {
    "broken": LostResponseError("broken.", transient=True),
    "silent": LostResponseError("silent.", silent=True),
    "page": UnusableResponseError("page.", http_status=200),
    "forbidden page": UnusableResponseError("page.", http_status=403),
    "502": LostResponseError("502.", http_status=502, transient=True),
}


def raw(name: t.Any, days: float | None = None, now: datetime | None = None) -> dict[str, t.Any]:
    value = {"auth_key_id": name, "auth_key": "secret"}
    if days is not None:
        value["expiration_datetime"] = ((now or datetime.now(timezone.utc)) + timedelta(days=days)).isoformat()
    return value


class Service:
    """The account of a service whose reads lag behind, and whose responses a test loses.

    Attributes:
        keys: the keys that there are, and since when; deleted ones too, until when.
        faults: for each write to come: whether it is carried out, and what comes in place of its response.
        late: writes that are carried out at a later time.
        calls: what was asked for.
    """

    timeout = 30.0
    service_time = None

    def __init__(self, sleeps: list[float], lag: float = 0.0) -> None:
        """Begin with an empty account."""
        self.sleeps = sleeps
        self.lag = lag
        self.keys: dict[str, tuple[float | None, float, float]] = {}
        self.faults: list[tuple[bool | float, DigicertError | None]] = []
        self.late: list[tuple[float, str, str]] = []
        self.calls: list[str] = []
        self.reading: DigicertError | None = None

    def seed(self, name: str, days: float | None = None) -> None:
        self.keys[name] = (days, -1000.0, float("inf"))

    def now(self) -> datetime:
        return NOW + timedelta(seconds=sum(self.sleeps))

    def backoff(self) -> t.Any:
        return Backoff(300)

    def keep_secret(self, auth_key: str) -> None:
        pass

    def where(self, purpose: str) -> str:
        return f"Cannot {purpose} at the service: "

    def there(self, at: float | None = None) -> list[str]:
        """The ids of the keys that exist at a time."""
        at = sum(self.sleeps) if at is None else at
        for due, method, path in [late for late in self.late if late[0] <= sum(self.sleeps)]:
            self.late.remove((due, method, path))
            with contextlib.suppress(RefusedError):
                self._write(method, path, due)
        return [name for name, (_days, begin, end) in self.keys.items() if begin <= at < end]

    def request(self, method: str, path: str, _purpose: str, **_options: t.Any) -> Response:
        self.calls.append(method)
        now = sum(self.sleeps)
        if method == "GET":
            if self.reading is not None:
                raise self.reading
            shown = {name: raw(name, self.keys[name][0], NOW) for name in self.there(now - self.lag)}
            if path == "/account/auth-keys":
                return Response(200, {"auth_keys": list(shown.values())})
            if path.rpartition("/")[2] not in shown:
                raise NotFoundError("gone.", http_status=404, code="not_found")
            return Response(200, shown[path.rpartition("/")[2]])
        done, loss = self.faults.pop(0) if self.faults else (True, None)
        if done is True:
            response = self._write(method, path, now)
        elif done:
            self.late.append((now + done, method, path))
        if loss is not None:
            if isinstance(loss, LostResponseError) and loss.silent:
                self.sleeps.append(self.timeout)
            raise loss
        return response

    def _write(self, method: str, path: str, now: float) -> Response:
        name = path.rpartition("/")[2]
        if method == "DELETE":
            if name not in self.there():
                raise NotFoundError("gone.", http_status=404, code="not_found")
            days, begin, _end = self.keys[name]
            self.keys[name] = (days, begin, now)
            return Response(204, None)
        days = None if name == "auth-key" else float(name)
        if days is None and any(self.keys[each][0] is None for each in self.there()):
            raise RefusedError("exists.", http_status=400, code="auth_key_exists_for_account")
        new = f"new-{len(self.keys)}"
        self.keys[new] = (days, now, float("inf"))
        return Response(200, raw(new, days, NOW + timedelta(seconds=now)))
