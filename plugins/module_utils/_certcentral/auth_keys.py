# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""AuthKeys of a CertCentral account: which one to reuse, when to create, how to create and delete exactly once.

The calls are those of section 2, "AuthKeys", of the API page. This file does not import Ansible.
"""

from __future__ import annotations

import re
import time
import typing as t
from datetime import datetime

from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Backoff
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    LostResponseError,
    NoRouteError,
    NotFoundError,
    RefusedError,
    printable,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import (
    as_dict,
    expect_no_content,
    parse_datetime,
    unexpected_response_error,
)

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client, Response

SECONDS_A_DAY = 86400.0
# Clocks differ, and a service may count days by a calendar with daylight-saving time.
TOLERANCE_DAYS = 1 / 24
MOST_DAYS = 1_000_000  # beyond, an expiry could lie after the year 9999
VISIBLE_WITHIN = 90.0  # seconds; reads lag behind writes by up to a minute
EXISTS = "auth_key_exists_for_account"


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
        if not 0 <= min_remaining_days <= ttl_days:
            raise DigicertError(
                f"min_remaining_days must be from 0 to ttl_days ({ttl_days}), but is {min_remaining_days:g}."
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
    """What was done: whether anything changed (or would), and the key in question before and after."""

    changed: bool
    before: AuthKey | None
    after: AuthKey | None


def ensure_present(client: Client, spec: AuthKeySpec, *, force: bool = False, dry_run: bool = False) -> AuthKeyChange:
    """Make sure that the account has the requested AuthKey.

    Args:
        client: connection to the account.
        spec: the key to reuse or to create.
        force: create a key even if a suitable one exists; the permanent key is deleted first.
        dry_run: only predict; nothing is created or deleted, and `after` is None where a key would be created.

    Raises:
        DigicertError: the service refused or could not be reached; `changed` is True also when that is unknown.
    """
    keys = list_keys(client)
    reusable = spec.select(keys, client.now())
    if reusable is not None and not force:
        return AuthKeyChange(False, reusable, reusable)
    if dry_run:
        return AuthKeyChange(True, reusable, None)
    known = {key.auth_key_id for key in keys}
    if reusable is None or spec.ttl_days is not None:
        key, created = _create(client, spec, known)
        return AuthKeyChange(created, reusable, key)
    delete_key(client, reusable.auth_key_id)
    try:
        return AuthKeyChange(True, reusable, _create(client, spec, known)[0])
    except DigicertError as error:
        raise error.extend(
            before=f"The permanent AuthKey {reusable.auth_key_id} was deleted, but its replacement was not created:",
            after="The account may be left without a permanent AuthKey until the task runs again.",
            changed=True,
        ) from error


def ensure_absent(
    client: Client, *, auth_key_id: str | None = None, permanent: bool = False, dry_run: bool = False
) -> AuthKeyChange:
    """Make sure that the account does not have an AuthKey.

    Args:
        client: connection to the account.
        auth_key_id: the key to delete, permanent or not, active or not.
        permanent: delete the permanent key, whatever its id; not together with an id, even an empty one.
        dry_run: only predict.

    Raises:
        DigicertError: the key is not identified clearly, or the service refused or could not be reached; `changed` is
            True also when that is unknown.
    """
    if permanent and auth_key_id is not None:
        raise DigicertError("auth_key_id and permanent=true cannot be used together. Set one of them.")
    if permanent:
        key = AuthKeySpec().select(list_keys(client), client.now())
    elif not auth_key_id:
        raise DigicertError(
            "With state=absent, auth_key_id must not be empty. To delete the account's permanent AuthKey, set "
            "permanent=true instead."
        )
    else:
        key = get_key(client, auth_key_id)
    if key is None:
        return AuthKeyChange(False, None, None)
    return AuthKeyChange(dry_run or delete_key(client, key.auth_key_id), key, None)


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
    return [_read_key(client, purpose, response, row) for row in rows]


def _only_key(client: Client, backoff: Backoff | None) -> list[AuthKey]:
    """Return the AuthKeys of an older instance, which shows a key only when it is the only one."""
    purpose = "list the AuthKeys"
    try:
        response = client.request("GET", "/account/auth-key", purpose, backoff=backoff)
    except RefusedError as error:
        if isinstance(error, NotFoundError) or error.code == "auth_key_not_setup":
            return []
        raise
    return [_read_key(client, purpose, response, response.payload)]


def get_key(client: Client, auth_key_id: str, backoff: Backoff | None = None) -> AuthKey | None:
    """Return one AuthKey, whether active, inactive, or expired, or None if the account has none with that id.

    Raises:
        DigicertError: the id cannot be one, or the service refused or could not be reached.
    """
    path = _key_path(auth_key_id)
    purpose = f"read the AuthKey {auth_key_id}"
    try:
        response = client.request("GET", path, purpose, backoff=backoff)
    except NotFoundError:
        return None
    key = _read_key(client, purpose, response, response.payload)
    if key.auth_key_id != auth_key_id:
        raise unexpected_response_error(client, purpose, response, "another AuthKey")
    return key


def delete_key(client: Client, auth_key_id: str) -> bool:
    """Delete an AuthKey; return False if somebody else has already deleted it.

    If a response does not say whether the key was deleted, this reads the key: if it is gone, it was deleted. If it is
    still there, it is deleted again, which is harmless, and read until reads can no longer lag behind.

    Raises:
        DigicertError: the service refused or could not be reached; `changed` is True when the outcome is unknown.
    """
    path, purpose = _key_path(auth_key_id), f"delete the AuthKey {auth_key_id}"
    failure: DigicertError | None = None
    for patience in (0.0, VISIBLE_WITHIN):
        try:
            expect_no_content(client, purpose, client.request("DELETE", path, purpose))
        except NotFoundError as error:
            # After a try whose response was lost, "not found" means that this try deleted the key.
            return error.after_loss or failure is not None
        except DigicertError as error:
            if failure is None and not error.after_loss and not isinstance(error, LostResponseError):
                raise
            failure = error
        else:
            return True
        if _is_gone(client, auth_key_id, failure, patience):
            return True
    raise t.cast(DigicertError, failure).extend(
        after=f"The AuthKey {auth_key_id} is still in the account after {VISIBLE_WITHIN:.0f} seconds; the deletion may "
        "still be carried out. Run the task again in a few minutes.",
        changed=True,
    )


def _is_gone(client: Client, auth_key_id: str, failure: DigicertError, patience: float) -> bool:
    """Return whether a key is gone; raises DigicertError if that cannot be read."""
    backoff = Backoff(patience)
    while True:
        try:
            if get_key(client, auth_key_id) is None:
                return True
        except DigicertError as error:
            raise failure.extend(
                after=f"Whether the AuthKey {auth_key_id} was deleted is unknown, because the check failed too: "
                f"{error.message} Run the task again.",
                changed=True,
            ) from error
        if not backoff.wait():
            return False


def _key_path(auth_key_id: str) -> str:
    # Characters that are not unreserved (RFC 3986, 2.3), ".", and an empty id could lead to another path.
    if not re.fullmatch("[A-Za-z0-9._~-]*[A-Za-z0-9_~-][A-Za-z0-9._~-]*", auth_key_id) or len(auth_key_id) > 200:
        raise DigicertError(
            f'"{printable(auth_key_id, 50)}" is not the id of an AuthKey, because it has characters that ids do not '
            "have. Use one that digicert_auth_key_info lists, or delete the AuthKey in CertCentral."
        )
    return "/account/auth-key/" + auth_key_id


def _create(client: Client, spec: AuthKeySpec, known: t.AbstractSet[str]) -> tuple[AuthKey, bool]:
    """Create the key exactly once.

    If the response to a create is lost, the list is read before the create is sent again. The list may lag behind. That
    is harmless: the service refuses a second permanent key, and another key that expires does no harm.

    Args:
        client: connection to the account.
        spec: the key to create.
        known: ids of the keys that were there before.

    Returns:
        The key, and whether this run created it (or can have created it).
    """
    backoff = client.backoff()
    lost_tries = 0
    while True:
        try:
            return _post_key(client, spec, backoff), True
        except LostResponseError as error:
            failure = error
        except DigicertError as error:
            if isinstance(error, RefusedError) and error.code == EXISTS and spec.ttl_days is None:
                return _adopt(client, spec, known, error, lost_tries > 0), lost_tries > 0
            if lost_tries == 0:
                raise
            raise error.extend(
                after="An earlier try may still have created the AuthKey. Run the task again.", changed=True
            ) from error
        lost_tries += 1
        time_left = backoff.wait(failure.retry_after)
        made = _find_created(client, spec, known, failure, backoff)
        if made is not None:
            return made, True
        # A server that twice gives an unusable answer, or none, will do so a third time.
        if not time_left or (lost_tries > 1 and not failure.transient):
            raise failure.extend(
                after="The account's list does not show a new AuthKey yet. Run the task again; it looks there first.",
                changed=True,
            ) from failure


def _post_key(client: Client, spec: AuthKeySpec, backoff: Backoff) -> AuthKey:
    """Create the key, one request; raises DigicertError."""
    path = "/account/auth-key" + ("" if spec.ttl_days is None else f"/{spec.ttl_days}")
    purpose = f"create {spec}"
    response = client.request("POST", path, purpose, backoff=backoff)
    key = _read_key(client, purpose, response, response.payload)
    if (key.expires is None) != (spec.ttl_days is None):
        raise unexpected_response_error(client, purpose, response, "an AuthKey with another validity")
    if key.expires is not None and key.expires <= client.now():
        raise unexpected_response_error(client, purpose, response, "an AuthKey that has expired")
    return key


def _adopt(
    client: Client, spec: AuthKeySpec, known: t.AbstractSet[str], refusal: DigicertError, is_ours: bool
) -> AuthKey:
    """Return the existing permanent key; raise `refusal` with an explanation if the list does not show it.

    `is_ours` says that a try whose response was lost may have created it, so a failure here counts as a change.
    """
    backoff = Backoff(VISIBLE_WITHIN)
    while True:
        try:
            key = spec.select_new(list_keys(client), known, client.now())
        except DigicertError as error:
            raise error.extend(changed=is_ours) from error
        if key is not None:
            return key
        if not backoff.wait():
            raise refusal.extend(
                after=f"However, the account's list has not shown a new permanent AuthKey for {VISIBLE_WITHIN:.0f} "
                "seconds. Run the task again, or check the account's AuthKeys in CertCentral.",
                changed=is_ours,
            )


def _find_created(
    client: Client, spec: AuthKeySpec, known: t.AbstractSet[str], failure: LostResponseError, backoff: Backoff
) -> AuthKey | None:
    """Return the key that a create with a lost response made, or None if the list does not show one.

    A service that did not respond may still be working, so it gets the same time again to show the key.
    """
    give_up = time.monotonic() + (client.timeout if failure.silent else 0.0)
    while True:
        try:
            keys = list_keys(client, backoff)
        except DigicertError as error:
            raise failure.extend(
                after="Whether the AuthKey was created is unknown, because reading the list failed too: "
                f"{error.message} Run the task again.",
                changed=True,
            ) from error
        made = spec.select_new(keys, known, client.now())
        if made is not None or time.monotonic() >= give_up or not backoff.wait():
            return made


def _read_key(client: Client, purpose: str, response: Response, raw: t.Any) -> AuthKey:
    """Return the AuthKey that a value in a response describes; raises DigicertError, without showing the value."""
    values = as_dict(raw)
    auth_key_id, auth_key = values.get("auth_key_id"), values.get("auth_key")
    if isinstance(auth_key_id, int) and not isinstance(auth_key_id, bool):
        auth_key_id = str(auth_key_id)
    for name, value in (("auth_key_id", auth_key_id), ("auth_key", auth_key)):
        # Keys do not contain control characters or lone surrogates, which would break code that uses the key.
        if not isinstance(value, str) or not value.isprintable() or not value:
            raise unexpected_response_error(client, purpose, response, f"no {name}")
    expiration = values.get("expiration_datetime")
    expires = parse_datetime(expiration)
    # Any character may separate date and time, even one that must not be in a result.
    if expiration is not None and (expires is None or not expiration.isascii() or not expiration.isprintable()):
        raise unexpected_response_error(client, purpose, response, "an expiration_datetime that is not a date")
    return AuthKey(t.cast(str, auth_key_id), t.cast(str, auth_key), expiration, expires)
