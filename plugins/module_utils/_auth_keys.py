# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""AuthKeys of a CertCentral account: which one to reuse, when to create, how to create exactly once.

The calls are those of section 2, "AuthKeys", of the API page. This file knows no Ansible.
"""

from __future__ import annotations

import re
import time
import typing as t
from datetime import datetime

from ansible_collections.community.digicert.plugins.module_utils._answers import odd_answer, parsed_datetime
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._client import Answer, Backoff, Client

SECONDS_A_DAY = 86400.0
# Clocks differ, and a service may count days by a calendar with daylight-saving time.
TOLERANCE_DAYS = 1 / 24


class AuthKey(t.NamedTuple):
    """An AuthKey as the API describes it; `expires` is `expiration_datetime` parsed, None for a permanent key."""

    auth_key_id: str
    auth_key: str
    expiration_datetime: str | None
    expires: datetime | None

    def remaining_days(self, now: datetime) -> float | None:
        """Return the days (24 hours each) left at `now`, negative when expired; None for a permanent key."""
        return None if self.expires is None else (self.expires - now).total_seconds() / SECONDS_A_DAY


class Wanted(t.NamedTuple):
    """The AuthKey that is asked for: permanent when `ttl_days` is None, else one valid for that many days."""

    ttl_days: int | None = None
    min_remaining_days: float = 0.0

    @classmethod
    def of(cls, ttl_days: int | None, min_remaining_days: float | None) -> Wanted:
        """Return what is wanted, with `min_remaining_days` one third of `ttl_days` unless given.

        Raises:
            DigicertError: a number is out of range.
        """
        if ttl_days is None:
            return cls()
        if ttl_days < 1:
            raise DigicertError(
                f"ttl_days must be at least 1, and is {ttl_days}. Leave it out for the permanent AuthKey."
            )
        if min_remaining_days is None:
            return cls(ttl_days, ttl_days / 3)
        if not 0 <= min_remaining_days <= ttl_days:
            raise DigicertError(
                f"min_remaining_days must lie between 0 and ttl_days ({ttl_days}), and is {min_remaining_days:g}."
            )
        return cls(ttl_days, min_remaining_days)

    def best(self, keys: t.Iterable[AuthKey], now: datetime) -> AuthKey | None:
        """Return the key to reuse, the one that lives longest of several, or None when none fits."""
        if self.ttl_days is None:
            return next((key for key in keys if key.expires is None), None)
        lives = [(key.remaining_days(now), key) for key in keys]
        longest = self.ttl_days + TOLERANCE_DAYS
        fitting = [
            (days, key) for days, key in lives if days is not None and self.min_remaining_days <= days <= longest
        ]
        return max(fitting)[1] if fitting else None

    def fresh(self, keys: t.Iterable[AuthKey], now: datetime) -> AuthKey | None:
        """Return a key that a create sent moments before `now` can have made, or None."""
        if self.ttl_days is None:
            return self.best(keys, now)
        return self._replace(min_remaining_days=self.ttl_days - TOLERANCE_DAYS).best(keys, now)

    def __str__(self) -> str:
        return "the permanent AuthKey" if self.ttl_days is None else f"an AuthKey valid for {self.ttl_days} days"


class Outcome(t.NamedTuple):
    """What was done: whether anything changed (or would), and the key in question before and after."""

    changed: bool
    before: AuthKey | None
    after: AuthKey | None


def ensure_present(client: Client, wanted: Wanted, *, force: bool = False, dry_run: bool = False) -> Outcome:
    """Make sure that the account has the AuthKey that is wanted.

    Args:
        client: connection to the account.
        wanted: the key to reuse or to create.
        force: create anew even though a fitting key exists; the permanent key is deleted first.
        dry_run: only predict; nothing is created or deleted, and `after` is None where a key would be created.

    Raises:
        DigicertError: the service refused or could not be reached.
    """
    keys = list_keys(client)
    reusable = wanted.best(keys, client.now())
    if reusable is not None and not force:
        return Outcome(False, reusable, reusable)
    if dry_run:
        return Outcome(True, reusable, None)
    known = {key.auth_key_id for key in keys}
    if reusable is None or wanted.ttl_days is not None:
        key, created = _create(client, wanted, known)
        return Outcome(created, reusable, key)
    delete_key(client, reusable.auth_key_id)
    try:
        return Outcome(True, reusable, _create(client, wanted, known)[0])
    except DigicertError as error:
        error.changed = True
        error.message = (
            f"The permanent AuthKey {reusable.auth_key_id} was deleted, but its successor was not created: "
            f"{error.message} The account is left without a permanent AuthKey until the task runs again."
        )
        raise


def ensure_absent(client: Client, auth_key_id: str | None, *, dry_run: bool = False) -> Outcome:
    """Make sure that the account does not have an AuthKey.

    Args:
        client: connection to the account.
        auth_key_id: the key to delete, active or not; None means the permanent one.
        dry_run: only predict.

    Raises:
        DigicertError: the service refused or could not be reached.
    """
    key = Wanted().best(list_keys(client), client.now()) if auth_key_id is None else get_key(client, auth_key_id)
    if key is None:
        return Outcome(False, None, None)
    return Outcome(dry_run or delete_key(client, key.auth_key_id), key, None)


def list_keys(client: Client, backoff: Backoff | None = None) -> list[AuthKey]:
    """Return the active AuthKeys of the account, one request; raises DigicertError."""
    purpose = "list the AuthKeys"
    try:
        answer = client.request("GET", "/account/auth-keys", purpose, backoff=backoff)
    except DigicertError as error:
        if not error.no_route:
            raise
        return _only_key(client, backoff)
    rows = answer.payload.get("auth_keys") if isinstance(answer.payload, dict) else None
    if not isinstance(rows, list):
        raise odd_answer(client, purpose, answer, "no list auth_keys")
    return [_parsed(client, purpose, answer, row) for row in rows]


def _only_key(client: Client, backoff: Backoff | None) -> list[AuthKey]:
    """Return the AuthKeys of an older instance, which shows a key only when it is the only one."""
    purpose = "list the AuthKeys"
    try:
        answer = client.request("GET", "/account/auth-key", purpose, backoff=backoff)
    except DigicertError as error:
        if error.not_found or error.code == "auth_key_not_setup":
            return []
        raise
    return [_parsed(client, purpose, answer, answer.payload)]


def get_key(client: Client, auth_key_id: str) -> AuthKey | None:
    """Return one AuthKey, be it active, inactive or expired, or None when there is none of that id.

    Raises:
        DigicertError: the id cannot be one, or the service refused or could not be reached.
    """
    purpose = f"read the AuthKey {auth_key_id}"
    try:
        answer = client.request("GET", _key_path(auth_key_id), purpose)
    except DigicertError as error:
        if error.not_found:
            return None
        raise
    key = _parsed(client, purpose, answer, answer.payload)
    if key.auth_key_id != auth_key_id:
        raise odd_answer(client, purpose, answer, "another AuthKey")
    return key


def delete_key(client: Client, auth_key_id: str) -> bool:
    """Delete an AuthKey; return False when somebody else was faster; raises DigicertError."""
    try:
        client.request("DELETE", _key_path(auth_key_id), f"delete the AuthKey {auth_key_id}")
    except DigicertError as error:
        if error.not_found:
            # After a try whose answer was lost, "not found" means that this try deleted the key.
            return error.after_loss
        # Any body is allowed here (API page, section 2), and a gateway's page looks like one: is the key gone?
        answered = error.status is not None and 200 <= error.status <= 299
        if not answered or get_key(client, auth_key_id) is not None:
            raise
    return True


def _key_path(auth_key_id: str) -> str:
    # Anything but unreserved characters (RFC 3986, 2.3), "." or nothing at all could make it another path.
    if not re.fullmatch("[A-Za-z0-9._~-]*[A-Za-z0-9_~-][A-Za-z0-9._~-]*", auth_key_id):
        raise DigicertError("auth_key_id is no id of an AuthKey. Give one as digicert_auth_key_info lists it.")
    return "/account/auth-key/" + auth_key_id


def _create(client: Client, wanted: Wanted, known: t.AbstractSet[str]) -> tuple[AuthKey, bool]:
    """Create the wanted key exactly once.

    A create whose answer is lost is not sent again before the list shows that it made no key.

    Args:
        client: connection to the account.
        wanted: the key to create.
        known: ids of the keys that were there before.

    Returns:
        The key, and whether this run created it (or can have created it).
    """
    path = "/account/auth-key" + ("" if wanted.ttl_days is None else f"/{wanted.ttl_days}")
    purpose = f"create {wanted}"
    backoff = client.backoff()
    lost_tries = 0
    while True:
        try:
            answer = client.request("POST", path, purpose, backoff=backoff)
            key = _parsed(client, purpose, answer, answer.payload)
            if (key.expires is None) != (wanted.ttl_days is None):
                raise odd_answer(client, purpose, answer, "an AuthKey of another validity")
            return key, True
        except DigicertError as error:
            if error.code == "auth_key_exists_for_account" and wanted.ttl_days is None:
                return _faster_ones_key(client, wanted, known, error, backoff), lost_tries > 0
            if not error.lost:
                raise
            failure = error
        lost_tries += 1
        time_left = backoff.wait(failure.retry_after)
        made = _look_for(client, wanted, known, failure, backoff)
        if made is not None:
            return made, True
        # A server that answers nonsense, or nothing at all, twice will do so a third time.
        if not time_left or (lost_tries > 1 and not failure.transient):
            failure.message += " No new AuthKey is in the account's list."
            raise failure


def _faster_ones_key(
    client: Client, wanted: Wanted, known: t.AbstractSet[str], refusal: DigicertError, backoff: Backoff
) -> AuthKey:
    """Return the permanent key that another run created meanwhile; raise `refusal`, explained, when there is none."""
    key = wanted.fresh(_unknown(list_keys(client, backoff), known), client.now())
    if key is None:
        refusal.message += (
            " The account's list shows no new AuthKey without expiry, though. "
            "Run the task again, or look at the account's AuthKeys in CertCentral."
        )
        raise refusal
    return key


def _look_for(
    client: Client, wanted: Wanted, known: t.AbstractSet[str], failure: DigicertError, backoff: Backoff
) -> AuthKey | None:
    """Return the key that a create with a lost answer made, or None when it made none.

    A service that did not answer in time (`failure` has no status and is not a broken connection) may still be at work:
    it gets as long again to show the key.
    """
    patience = 0.0 if failure.transient or failure.status else client.timeout
    give_up = time.monotonic() + patience
    while True:
        try:
            keys = list_keys(client, backoff)
        except DigicertError as error:
            error.message = (
                f"{failure.message} Whether the AuthKey was created all the same is unknown, as the look at the list "
                f"failed too: {error.message} Run the task again."
            )
            raise
        made = wanted.fresh(_unknown(keys, known), client.now())
        if made is not None or time.monotonic() >= give_up or not backoff.wait():
            return made


def _unknown(keys: t.Iterable[AuthKey], known: t.AbstractSet[str]) -> list[AuthKey]:
    return [key for key in keys if key.auth_key_id not in known]


def _parsed(client: Client, purpose: str, answer: Answer, raw: t.Any) -> AuthKey:
    """Return the AuthKey that a value in an answer describes; raises DigicertError, without showing the value."""
    if not isinstance(raw, dict):
        raise odd_answer(client, purpose, answer, "no AuthKey")
    for field in ("auth_key_id", "auth_key"):
        # Control characters and lone surrogates are no part of a key, and would break what works with it.
        if not isinstance(raw.get(field), str) or not raw[field].isprintable() or not raw[field]:
            raise odd_answer(client, purpose, answer, f"no {field}")
    expiration = raw.get("expiration_datetime")
    if expiration is None:
        return AuthKey(raw["auth_key_id"], raw["auth_key"], None, None)
    expires = parsed_datetime(expiration)
    if expires is None:
        raise odd_answer(client, purpose, answer, "an expiration_datetime that is no date")
    return AuthKey(raw["auth_key_id"], raw["auth_key"], expiration, expires)
