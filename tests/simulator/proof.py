# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the domains of a certificate are proven (sections 3 and 8 of the API page)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from flask import g

from .accounts import Account
from .dcv import DNS_TXT_TOKEN, DcvCheck, check_domain
from .orders import Enrollment, Order
from .request_tokens import check_request_token
from .state import State


def failed_checks(order: Order, pending: Enrollment) -> list[DcvCheck]:
    """Check every domain of ``pending`` that must still be proven; return the checks that found no proof."""
    state, account = cast(State, g.state), cast(Account, g.account)
    request = pending.request
    checks = [
        check_domain(domain, request.dcv_method, state.dcv_targets, lambda text: _proof_in(text, order, pending))
        for domain in account.orders.unproven_domains(pending)
    ]
    state.dcv_checks.extend(checks)
    return [check for check in checks if check.proof is None]


def look_by_itself(orders: Iterable[Order]) -> bool:
    """Check pending orders for proofs, as the service does on its own; return whether any was found."""
    state, account = cast(State, g.state), cast(Account, g.account)
    found = False
    for order in orders if state.service_behaviour.dcv_polling is not None else ():
        pending = account.orders.look(order.id, state.service_behaviour.dcv_polling or 0)
        if pending is not None and not failed_checks(order, pending):
            account.orders.prove(order.id, pending.id)
            found = True
    return found


def _proof_in(text: str, order: Order, pending: Enrollment) -> str | None:
    state, account = cast(State, g.state), cast(Account, g.account)
    if pending.random_value in text:
        return "random_value"
    request, behaviour = pending.request, pending.behaviour
    ignored = behaviour.ignores_tokens or (pending is not order.enrollments[0] and behaviour.reissue == "pending")
    key = account.auth_keys.used(request.auth_key_id) if request.use_auth_key and not ignored else None
    alone = request.dcv_method == DNS_TXT_TOKEN
    if key and check_request_token(text, request.csr, key.auth_key, state.clock.now(), alone=alone).token:
        return "request_token"
    return None
