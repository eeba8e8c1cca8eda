# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AuthKeys of the model's account: section 2 of the API page."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from tests.histories.clocks import DAY, iso


class RefusalError(Exception):
    """The service says no: a 4xx status and the code of the documented error."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


@dataclass
class AuthKey:
    """An AuthKey; `expires` is None for the permanent one. Deleted keys stay here, because reads lag behind."""

    auth_key_id: str
    auth_key: str
    created: float
    expires: float | None
    deleted: float | None = None

    def exists(self, moment: float) -> bool:
        """Whether it existed at that moment, expired or not."""
        return self.created <= moment and (self.deleted is None or moment < self.deleted)

    def active(self, moment: float) -> bool:
        """Whether it could be used at that moment."""
        return self.exists(moment) and (self.expires is None or moment < self.expires)

    def answer(self) -> dict[str, Any]:
        """The API's description of it."""
        values = {"auth_key_id": self.auth_key_id, "auth_key": self.auth_key}
        return values if self.expires is None else {**values, "expiration_datetime": iso(self.expires)}


class AuthKeys:
    """All AuthKeys of the account."""

    def __init__(self) -> None:
        self.keys: list[AuthKey] = []
        self._numbers = itertools.count(1)

    def active(self, moment: float) -> list[AuthKey]:
        """Return the keys in use at a moment."""
        return [key for key in self.keys if key.active(moment)]

    def permanent(self, now: float) -> list[AuthKey]:
        """Return the permanent keys; the service allows only one."""
        return [key for key in self.active(now) if key.expires is None]

    def handle(self, method: str, parts: list[str], now: float, moment: float) -> tuple[int, Any]:
        """Carry out a call on /account/<parts>; reads show the state at `moment`."""
        if parts[0] == "auth-keys":
            return 200, {"auth_keys": [key.answer() for key in self.active(moment)]}
        if method == "POST":
            return 200, self._create(None if len(parts) == 1 else int(parts[1]), now).answer()
        if len(parts) == 1:
            keys = self.active(moment if method == "GET" else now)
            if len(keys) != 1:
                raise RefusalError(400, "auth_key_not_setup" if not keys else "several_auth_keys")
            key = keys[0]
        else:
            found = [k for k in self.keys if k.auth_key_id == parts[1] and k.exists(moment if method == "GET" else now)]
            if not found:
                raise RefusalError(404, "not_found")
            key = found[0]
        if method == "GET":
            return 200, key.answer()
        key.deleted = now
        return 204, None

    def _create(self, days: int | None, now: float) -> AuthKey:
        if days is None and self.permanent(now):
            raise RefusalError(400, "auth_key_exists_for_account")
        number = next(self._numbers)
        key = AuthKey(f"id{number}", f"secret-of-{number}", now, None if days is None else now + days * DAY)
        self.keys.append(key)
        return key
