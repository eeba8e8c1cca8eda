# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AuthKeys: what an account keeps, and the calls on it (section 2 of the API page)."""

from __future__ import annotations

import re
import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from .clock import Clock
from .decisions import CODE_INVALID_DAYS, CODE_SEVERAL_AUTH_KEYS
from .errors import ApiError, not_found


@dataclass(frozen=True)
class AuthKey:
    """An AuthKey; ``expiration`` is an aware datetime, None for a permanent key."""

    auth_key_id: str
    auth_key: str
    expiration: datetime | None = None
    enabled: bool = True
    clock: Clock = field(default_factory=Clock, compare=False, repr=False)

    @property
    def active(self) -> bool:
        """Whether the key can be used now: not deactivated, not expired."""
        return self.enabled and (self.expiration is None or self.expiration > self.clock.now())

    def to_json(self) -> dict[str, str]:
        """Return the key as the API shows it: ``expiration_datetime`` (UTC, ISO 8601) only for a TTL key."""
        shown = {"auth_key_id": self.auth_key_id, "auth_key": self.auth_key}
        if self.expiration is not None:
            expiration = self.expiration.astimezone(timezone.utc)
            shown["expiration_datetime"] = expiration.isoformat(timespec="seconds")
        return shown


class AuthKeyStore:
    """The AuthKeys of one account; every method is atomic."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, AuthKey] = {}
        self._created: list[AuthKey] = []

    def seed(
        self,
        *,
        auth_key_id: str | None = None,
        auth_key: str | None = None,
        expiration: datetime | None = None,
        enabled: bool = True,
    ) -> AuthKey:
        """Add a key without the rules of the API; omitted values are generated.

        Args:
            auth_key_id: replaces the key that has this id.
            auth_key: the secret itself.
            expiration: aware datetime, past or future; None for a permanent key.
            enabled: False for a key that is inactive regardless of its expiration.
        """
        auth_key_id, auth_key = auth_key_id or secrets.token_hex(16), auth_key or secrets.token_hex(32)
        key = AuthKey(auth_key_id, auth_key, expiration, enabled, self._clock)
        with self._lock:
            self._keys[key.auth_key_id] = key
        return key

    def create_permanent(self) -> AuthKey:
        """Create the permanent key.

        Raises:
            ApiError: 400 ``auth_key_exists_for_account`` when one is in use.
        """
        with self._lock:
            if any(key.expiration is None for key in self._active()):
                raise ApiError(400, "auth_key_exists_for_account", "The account already has a permanent AuthKey.")
            return self._create(None)

    def create_ttl(self, days: str) -> AuthKey:
        """Create a key that is valid for ``days`` days from now, to the second.

        Raises:
            ApiError: 404 or 400 when ``days`` is not an integer of at least 1 with an expiry before the year 10000.
        """
        if not re.fullmatch(r"-?[0-9]+", days):
            raise not_found("route")
        now = self._clock.second()
        try:
            expiration = now + timedelta(days=int(days))
        except (OverflowError, ValueError):  # ValueError: more digits than int() takes
            expiration = now
        if expiration <= now:
            raise ApiError(400, CODE_INVALID_DAYS, "The validity must be 1 day or more and end before the year 10000.")
        with self._lock:
            return self._create(expiration)

    def all(self) -> list[AuthKey]:
        """Return every key, active or not, oldest first."""
        with self._lock:
            return list(self._keys.values())

    def created(self) -> list[AuthKey]:
        """Return every key that the API created, deleted ones too, oldest first."""
        with self._lock:
            return list(self._created)

    def active(self) -> list[AuthKey]:
        """Return the active keys, oldest first."""
        with self._lock:
            return self._active()

    def used(self, auth_key_id: str | None) -> AuthKey | None:
        """Return the key for tokens: the named one, else the permanent one; None if it is not active."""
        with self._lock:
            for key in self._active():
                if key.auth_key_id == auth_key_id or (auth_key_id is None and key.expiration is None):
                    return key
            return None

    def only(self) -> AuthKey:
        """Return the one active key.

        Raises:
            ApiError: 404 when there is none, 400 when there are several.
        """
        with self._lock:
            return self._only()

    def get(self, auth_key_id: str) -> AuthKey:
        """Return one key, active or not.

        Raises:
            ApiError: 404 when there is none with this id.
        """
        with self._lock:
            return self._get(auth_key_id)

    def delete_only(self) -> None:
        """Delete the one active key; raises as ``only`` does."""
        with self._lock:
            del self._keys[self._only().auth_key_id]

    def delete(self, auth_key_id: str) -> None:
        """Delete one key, active or not; raises as ``get`` does."""
        with self._lock:
            del self._keys[self._get(auth_key_id).auth_key_id]

    def _active(self) -> list[AuthKey]:
        return [key for key in self._keys.values() if key.active]

    def _only(self) -> AuthKey:
        active = self._active()
        if not active:
            raise not_found()
        if len(active) > 1:
            raise ApiError(400, CODE_SEVERAL_AUTH_KEYS, "The account has several AuthKeys: name one by its id.")
        return active[0]

    def _get(self, auth_key_id: str) -> AuthKey:
        try:
            return self._keys[auth_key_id]
        except KeyError:
            raise not_found() from None

    def _create(self, expiration: datetime | None) -> AuthKey:
        key = AuthKey(secrets.token_hex(16), secrets.token_hex(32), expiration, clock=self._clock)
        self._keys[key.auth_key_id] = key
        self._created.append(key)
        return key
