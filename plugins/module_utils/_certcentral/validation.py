# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Domain control validation of a pending order or reissue: sections 4 and 8 of the API page."""

from __future__ import annotations

import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import RefusedError
from ansible_collections.community.digicert.plugins.module_utils._certcentral.orders import PATH, Order
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import (
    as_dict,
    as_id,
    as_list,
    as_word,
    unexpected_response_error,
)

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Backoff, Client

PROVEN = ("valid", "validated")  # states of a domain whose control is proven


class DcvResult(t.NamedTuple):
    """What a check of domain control found.

    Attributes:
        order: the order as it is after the check.
        valid: whether all of its domains are proven.
        unproven: the domains that are not proven, as far as the response names them.
        reason: what the service says about them, printable; empty when it says nothing.
    """

    order: Order
    valid: bool
    unproven: tuple[str, ...] = ()
    reason: str = ""


def check_dcv(client: Client, order: Order, backoff: Backoff | None = None) -> DcvResult:
    """Ask for the check of domain control of an order; this reads both forms of the response.

    Raises:
        DigicertError: the call failed for another reason than that a domain is not proven.
    """
    purpose = f"ask for the domain control validation of the order {order.order_id}"
    try:
        response = client.request("PUT", f"{PATH}/{order.order_id}/check-dcv", purpose, backoff=backoff)
    except RefusedError as error:
        if error.http_status != 400:
            raise
        return DcvResult(order, False, reason=error.message)
    payload = as_dict(response.payload)
    afterwards = order._replace(
        status=as_word(payload.get("order_status")) or order.status,
        certificate_id=as_id(payload.get("certificate_id")) or order.certificate_id,
    )
    rows = [as_dict(row) for row in as_list(payload.get("dns_name_validations"))]
    unproven = [as_word(row.get("dns_name")) for row in rows if row.get("status") not in PROVEN]
    named = tuple(name for name in unproven if name)
    return DcvResult(afterwards, payload.get("dcv_status") == "valid" and not named, named)


def get_random_value(client: Client, order_id: int, backoff: Backoff | None = None) -> str:
    """Return a new or still valid random value for an order's domains; raises DigicertError."""
    purpose = f"get a random value for the order {order_id}"
    response = client.request("PUT", f"{PATH}/{order_id}/dcv-random-value", purpose, backoff=backoff)
    value = as_word(as_dict(response.payload).get("dcv_random_value"))
    if value is None:
        raise unexpected_response_error(client, purpose, response, "no dcv_random_value")
    return value
