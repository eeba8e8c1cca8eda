# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Make sure that a CertCentral account has an AuthKey, whatever becomes of the responses.

The calls are those of section 2, "AuthKeys", of the API page. This file does not import Ansible.
"""

from __future__ import annotations

import time
import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.auth_keys import (
    VISIBLE_WITHIN,
    AuthKey,
    AuthKeyChange,
    AuthKeySpec,
    list_keys,
    read_key,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Backoff
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    LostResponseError,
    RefusedError,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import unexpected_response_error

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client

EXISTS = "auth_key_exists_for_account"


def ensure_present(client: Client, spec: AuthKeySpec, *, force: bool = False, dry_run: bool = False) -> AuthKeyChange:
    """Make sure that the account has the requested AuthKey.

    Args:
        client: connection to the account.
        spec: the key to reuse or to create.
        force: create a key even if a suitable one exists; the permanent key is deleted first, so `before` is the key
            that was replaced, and None for an expiring one, which is one more.
        dry_run: only predict; nothing is created or deleted, and `after` is None where a key would be created.

    Raises:
        DigicertError: the service refused or could not be reached; `changed` is True also when that is unknown.
    """
    keys = list_keys(client)
    reusable = spec.select(keys, client.now())
    if reusable is not None and not force:
        return AuthKeyChange(False, reusable, reusable)
    replaced = reusable if spec.ttl_days is None else None
    if dry_run:
        return AuthKeyChange(True, replaced, None)
    known = {key.auth_key_id for key in keys}
    if replaced is not None:
        return _replace(client, spec, replaced, known)
    key, created = _create(client, spec, known)
    if force and not created:
        raise _not_replaced_error(client, key)
    return AuthKeyChange(created, None, key, _misfit(client, spec, key))


def _replace(client: Client, spec: AuthKeySpec, old: AuthKey, known: t.AbstractSet[str]) -> AuthKeyChange:
    """Delete the permanent key and create another one; `known` are the ids of all keys."""
    # Imported here because most tasks delete nothing.
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.auth_key_deletion import delete_key

    deleted = delete_key(client, old.auth_key_id)
    try:
        key, created = _create(client, spec, known)
    except DigicertError as error:
        raise error.extend(
            before=f"The permanent AuthKey {old.auth_key_id} was deleted, but its replacement was not created:",
            after="The account may be left without a permanent AuthKey until the task runs again.",
            changed=deleted or error.changed,
        ) from error
    if not created and not deleted:
        raise _not_replaced_error(client, key)
    return AuthKeyChange(True, old, key)


def _not_replaced_error(client: Client, key: AuthKey) -> DigicertError:
    """Return the error for a rotation that neither deleted nor created a key, because another run was faster."""
    return DigicertError(
        f"{client.where('replace the permanent AuthKey')}another run created the AuthKey {key.auth_key_id} at the same "
        "time, or up to a minute before this run. Run the task again in a minute to replace it too."
    )


def _misfit(client: Client, spec: AuthKeySpec, key: AuthKey) -> str:
    """Return a warning if a new key is not one that the next run reuses."""
    if spec.select([key], client.now()) is not None:
        return ""
    return (
        f"The new AuthKey {key.auth_key_id} expires at {key.expiration_datetime}, which does not fit ttl_days "
        f"({spec.ttl_days}) and min_remaining_days ({spec.min_remaining_days:g}), so later runs create another AuthKey "
        "each time. Compare ttl_days with the limits of the account, and the expiry with the time of "
        f"{_clock(client)}, {client.now():%Y-%m-%d %H:%M} UTC."
    )


def _clock(client: Client) -> str:
    return "this machine" if client.service_time is None else "the service"


def _create(client: Client, spec: AuthKeySpec, known: t.AbstractSet[str]) -> tuple[AuthKey, bool]:
    """Create the key: the permanent one exactly once, another one once where the list shows it in time.

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
    key = read_key(client, purpose, response, response.payload)
    if (key.expires is None) != (spec.ttl_days is None):
        raise unexpected_response_error(client, purpose, response, "an AuthKey with another validity")
    if key.expires is not None and key.expires <= client.now():
        # It exists, so this response was not lost, and another try would create another one like it.
        raise DigicertError(
            f"{client.where(purpose)}the service created the AuthKey {key.auth_key_id}, which expires at "
            f"{key.expiration_datetime}, but by the clock of {_clock(client)} it is {client.now():%Y-%m-%d %H:%M} UTC. "
            "Check these clocks before you run the task again.",
            http_status=response.status,
            changed=True,
        )
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
