# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""AuthKeys of a CertCentral account: how to read them, and which one to reuse.

The calls are those of section 2, "AuthKeys", of the API page. This file does not import Ansible.
"""

from __future__ import annotations

import re
import typing as t
from datetime import datetime

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    NoRouteError,
    NotFoundError,
    RefusedError,
    printable,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import (
    as_dict,
    parse_datetime,
    unexpected_response_error,
)

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import (
        Backoff,
        Client,
        Response,
    )

SECONDS_A_DAY = 86400.0
# Clocks differ, and a service may count days by a calendar with daylight-saving time.
TOLERANCE_DAYS = 1 / 24
MOST_DAYS = 1_000_000  # beyond, an expiry could lie after the year 9999
VISIBLE_WITHIN = 90.0  # seconds; reads lag behind writes by up to a minute


class AuthKey(t.NamedTuple):
    """An AuthKey as the API describes it; `expires` is `expiration_datetime` parsed, None for a permanent key."""

    auth_key_id: str
    auth_key: str
    expiration_datetime: str | None
    expires: datetime | None

    def remaining_days(self, now: datetime) -> float | None:
        """Return the days (24 hours each) left at `now`, negative when expired; None for a permanent key."""
        return None if self.expires is None else (self.expires - now).total_seconds() / SECONDS_A_DAY


class AuthKeySpec(t.NamedTuple):
    """The requested AuthKey: permanent if `ttl_days` is None, otherwise valid for that many days."""

    ttl_days: int | None = None
    min_remaining_days: float = 0.0

    @classmethod
    def from_options(cls, ttl_days: int | None, min_remaining_days: float | None) -> AuthKeySpec:
        """Return the specification; `min_remaining_days` defaults to one third of `ttl_days`.

        Raises:
            DigicertError: a number is out of range.
        """
        if ttl_days is None:
            return cls()
        if not 1 <= ttl_days <= MOST_DAYS:
            raise DigicertError(f"ttl_days must be from 1 to {MOST_DAYS}. Omit it for the permanent AuthKey.")
        if min_remaining_days is None:
            return cls(ttl_days, ttl_days / 3)
        if not 0 <= min_remaining_days < ttl_days:  # a new key has a little less than ttl_days left
            raise DigicertError(
                f"min_remaining_days must be from 0 to less than ttl_days ({ttl_days}), but is {min_remaining_days:g}."
            )
        return cls(ttl_days, min_remaining_days)

    def select(self, keys: t.Iterable[AuthKey], now: datetime) -> AuthKey | None:
        """Return the key to reuse, the one that is valid longest, or None if none is suitable."""
        if self.ttl_days is None:
            return next((key for key in keys if key.expires is None), None)
        lives = [(key.remaining_days(now), key) for key in keys]
        longest = self.ttl_days + TOLERANCE_DAYS
        fitting = [
            (days, key) for days, key in lives if days is not None and self.min_remaining_days <= days <= longest
        ]
        return max(fitting)[1] if fitting else None

    def select_new(self, keys: t.Iterable[AuthKey], known: t.AbstractSet[str], now: datetime) -> AuthKey | None:
        """Return a key that a create sent moments before `now` can have made, whose id is not `known`, or None."""
        spec = self
        if self.ttl_days is not None:
            spec = self._replace(min_remaining_days=self.ttl_days - TOLERANCE_DAYS)
        return spec.select([key for key in keys if key.auth_key_id not in known], now)

    def __str__(self) -> str:
        return "the permanent AuthKey" if self.ttl_days is None else f"an AuthKey valid for {self.ttl_days} days"


class AuthKeyChange(t.NamedTuple):
    """What was done.

    Attributes:
        changed: whether anything changed, or would change.
        before: the key that is reused, replaced, or deleted.
        after: the key that there is now.
        warning: a sentence for the user, or nothing.
    """

    changed: bool
    before: AuthKey | None
    after: AuthKey | None
    warning: str = ""


def list_keys(client: Client, backoff: Backoff | None = None) -> list[AuthKey]:
    """Return the active AuthKeys of the account, one request; raises DigicertError."""
    purpose = "list the AuthKeys"
    try:
        response = client.request("GET", "/account/auth-keys", purpose, backoff=backoff)
    except NoRouteError:
        return _only_key(client, backoff)
    rows = as_dict(response.payload).get("auth_keys", ...)
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise unexpected_response_error(client, purpose, response, "no list auth_keys")
    return [read_key(client, purpose, response, row) for row in rows]


def _only_key(client: Client, backoff: Backoff | None) -> list[AuthKey]:
    """Return the AuthKeys of an older instance, which shows a key only when it is the only one."""
    purpose = "list the AuthKeys"
    try:
        response = client.request("GET", "/account/auth-key", purpose, backoff=backoff)
    except RefusedError as error:
        if isinstance(error, NotFoundError) or error.code == "auth_key_not_setup":
            return []
        raise
    return [read_key(client, purpose, response, response.payload)]


def get_key(client: Client, auth_key_id: str, backoff: Backoff | None = None) -> AuthKey | None:
    """Return one AuthKey, whether active, inactive, or expired, or None if the account has none with that id.

    Raises:
        DigicertError: the id cannot be one, or the service refused or could not be reached.
    """
    path = key_path(auth_key_id)
    purpose = f"read the AuthKey {auth_key_id}"
    try:
        response = client.request("GET", path, purpose, backoff=backoff)
    except NotFoundError:
        return None
    key = read_key(client, purpose, response, response.payload)
    if key.auth_key_id != auth_key_id:
        raise unexpected_response_error(client, purpose, response, "another AuthKey")
    return key


def key_path(auth_key_id: str) -> str:
    # Characters that are not unreserved (RFC 3986, 2.3), ".", and an empty id could lead to another path.
    if not re.fullmatch("[A-Za-z0-9._~-]*[A-Za-z0-9_~-][A-Za-z0-9._~-]*", auth_key_id) or len(auth_key_id) > 200:
        raise DigicertError(
            f'"{printable(auth_key_id, 50)}" is not the id of an AuthKey, because it has characters that ids do not '
            "have. Use one that digicert_auth_key_info lists, or delete the AuthKey in CertCentral."
        )
    return "/account/auth-key/" + auth_key_id


def read_key(client: Client, purpose: str, response: Response, raw: t.Any) -> AuthKey:
    """Return the AuthKey that a value in a response describes; raises DigicertError, without showing the value."""
    values = as_dict(raw)
    auth_key_id, auth_key = values.get("auth_key_id"), values.get("auth_key")
    if isinstance(auth_key, str):
        client.keep_secret(auth_key)
    if isinstance(auth_key_id, int) and not isinstance(auth_key_id, bool):
        auth_key_id = str(auth_key_id)
    for name, value in (("auth_key_id", auth_key_id), ("auth_key", auth_key)):
        # Keys do not contain control characters or lone surrogates, which would break code that uses the key.
        if not isinstance(value, str) or not value.isprintable() or not value:
            raise unexpected_response_error(client, purpose, response, f"no {name}")
    expiration = values.get("expiration_datetime")
    expires = parse_datetime(expiration)
    if expiration is not None and expires is None:
        raise unexpected_response_error(client, purpose, response, "an expiration_datetime that is not a date")
    return AuthKey(t.cast(str, auth_key_id), t.cast(str, auth_key), expiration, expires)
