# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Delete an AuthKey of a CertCentral account, and say correctly whether that changed anything.

The calls are those of section 2, "AuthKeys", of the API page. This file does not import Ansible.
"""

from __future__ import annotations

import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.auth_keys import (
    VISIBLE_WITHIN,
    AuthKeyChange,
    AuthKeySpec,
    get_key,
    key_path,
    list_keys,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Backoff
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    LostResponseError,
    NotFoundError,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import expect_no_content

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client


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
        return _delete_permanent(client, dry_run)
    if not auth_key_id:
        raise DigicertError(
            "With state=absent, auth_key_id must not be empty. To delete the account's permanent AuthKey, set "
            "permanent=true instead."
        )
    key = get_key(client, auth_key_id)
    deleted = key is not None and (dry_run or delete_key(client, key.auth_key_id))
    return AuthKeyChange(deleted, key if deleted else None, None)


def _delete_permanent(client: Client, dry_run: bool) -> AuthKeyChange:
    """Delete the permanent key, also when the list still shows one that another run has replaced."""
    gone: set[str] = set()
    backoff = Backoff(VISIBLE_WITHIN)
    while True:
        keys = list_keys(client)
        key = AuthKeySpec().select([key for key in keys if key.auth_key_id not in gone], client.now())
        if key is not None:
            if dry_run or delete_key(client, key.auth_key_id):
                return AuthKeyChange(True, key, None)
            gone.add(key.auth_key_id)
        elif gone.isdisjoint(key.auth_key_id for key in keys):
            return AuthKeyChange(False, None, None)
        if not backoff.wait():
            raise DigicertError(
                f"{client.where('delete the permanent AuthKey')}the list of AuthKeys still shows one that does not "
                f"exist, after {VISIBLE_WITHIN:.0f} seconds. Check the AuthKeys of the account in CertCentral."
            )


def delete_key(client: Client, auth_key_id: str) -> bool:
    """Delete an AuthKey; return False if somebody else has already deleted it.

    If a response does not say whether the key was deleted, this reads the key: if it is gone, it was deleted. If it is
    still there, it is deleted again, which is harmless, and read until reads can no longer lag behind.

    Raises:
        DigicertError: the service refused or could not be reached; `changed` is True when the outcome is unknown.
    """
    path, purpose = key_path(auth_key_id), f"delete the AuthKey {auth_key_id}"
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
