# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls on AuthKeys (section 2 of the API page)."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Response, g, jsonify

from .auth_keys import AuthKeyStore
from .decisions import DELETED_STATUS

auth_key_calls = Blueprint("auth_keys", __name__)


def _store() -> AuthKeyStore:
    return cast(AuthKeyStore, g.account.auth_keys)


@auth_key_calls.post("/account/auth-key")
def create_permanent() -> Response:
    """Create the permanent key."""
    return jsonify(_store().create_permanent().to_json())


@auth_key_calls.post("/account/auth-key/<days>")
def create_ttl(days: str) -> Response:
    """Create a key that expires after ``days`` days."""
    return jsonify(_store().create_ttl(days).to_json())


@auth_key_calls.get("/account/auth-keys")
def list_active() -> Response:
    """List the active keys."""
    return jsonify({"auth_keys": [key.to_json() for key in _store().active()]})


@auth_key_calls.get("/account/auth-key")
def get_only() -> Response:
    """Show the account's one key."""
    return jsonify(_store().only().to_json())


@auth_key_calls.get("/account/auth-key/<auth_key_id>")
def get(auth_key_id: str) -> Response:
    """Show one key, active or not."""
    return jsonify(_store().get(auth_key_id).to_json())


@auth_key_calls.delete("/account/auth-key")
def delete_only() -> Response:
    """Delete the account's one key."""
    _store().delete_only()
    return Response(status=DELETED_STATUS)


@auth_key_calls.delete("/account/auth-key/<auth_key_id>")
def delete(auth_key_id: str) -> Response:
    """Delete one key, active or not."""
    _store().delete(auth_key_id)
    return Response(status=DELETED_STATUS)
