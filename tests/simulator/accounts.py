# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fixed API keys, their roles and the accounts they belong to (section 1). None of them is a secret."""

from __future__ import annotations

from dataclasses import dataclass

from .auth_keys import AuthKeyStore
from .clock import Clock
from .issuer import Issuer
from .order_store import Ids, OrderStore

UNKNOWN = "unknown"


@dataclass(frozen=True)
class ApiKey:
    """An API key.

    Attributes:
        role: names it in logs.
        value: what is sent.
        account: the account that it belongs to.
        may_change: the areas in which it may do more than read.
        skips_approval: whether its orders and reissues need no approval when they say so.
        administrator: whether it approves requests, and revokes without an approval.
    """

    role: str
    value: str
    account: str
    may_change: frozenset[str]
    skips_approval: bool = True
    administrator: bool = False


API_KEYS = (
    ApiKey("full", "SIMULATOR-KEY-FULL-ACCESS", "main", frozenset({"auth_keys", "orders"}), administrator=True),
    ApiKey("view_only", "SIMULATOR-KEY-VIEW-ONLY", "main", frozenset()),
    ApiKey("orders", "SIMULATOR-KEY-ORDERS", "main", frozenset({"orders"})),
    ApiKey("requester", "SIMULATOR-KEY-REQUESTER", "main", frozenset({"orders"}), skips_approval=False),
    ApiKey(
        "other_full", "SIMULATOR-KEY-OTHER-ACCOUNT", "other", frozenset({"auth_keys", "orders"}), administrator=True
    ),
)
ROLE_TO_KEY = {api_key.role: api_key.value for api_key in API_KEYS} | {UNKNOWN: "SIMULATOR-KEY-UNKNOWN"}
_BY_VALUE = {api_key.value: api_key for api_key in API_KEYS}


@dataclass(frozen=True)
class Account:
    """The contents of one account."""

    orders: OrderStore
    auth_keys: AuthKeyStore


def new_accounts(issuer: Issuer, clock: Clock) -> dict[str, Account]:
    """Return every account, empty, by name; ``issuer`` signs their certificates."""
    ids = Ids()
    names = dict.fromkeys(api_key.account for api_key in API_KEYS)
    return {name: Account(OrderStore(issuer, ids, clock), AuthKeyStore(clock)) for name in names}


def find_api_key(value: str) -> ApiKey | None:
    """Return the API key with this ``value``, or None when no account has it."""
    return _BY_VALUE.get(value)


def hide_api_keys(text: str) -> str:
    """Return ``text`` with every API key in it replaced by ``<its role>``."""
    for role, value in ROLE_TO_KEY.items():
        text = text.replace(value, f"<{role}>")
    return text
