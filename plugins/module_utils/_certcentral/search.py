# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Find the order of a certificate, even if a reissue has replaced the certificate since."""

from __future__ import annotations

import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.certificates import (
    Reissue,
    list_known_reissues,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, NotFoundError
from ansible_collections.community.digicert.plugins.module_utils._certcentral.orders import (
    LARGEST_PAGE,
    Order,
    get_order,
    iterate_orders,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import same_serial_number

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client

MOST_LOOKED_AT = 100  # orders whose reissues are read


class FoundCertificate(t.NamedTuple):
    """An order, and the reissued certificate that was searched for; None if it is the primary one."""

    order: Order
    reissue: Reissue | None


def find_by_serial_number(
    client: Client, serial_number: str, common_name: str | None = None
) -> FoundCertificate | None:
    """Return the order of a certificate, or None when the account has none.

    Order info finds the primary certificate, which is the one issued last, with one request. An older one is in the
    list of reissues of its order.

    Args:
        client: connection to the account.
        serial_number: hexadecimal.
        common_name: common name of the certificate, A-labels, which makes the search shorter.

    Raises:
        DigicertError: the service refused, or no usable response came, or there are too many orders to search.
    """
    try:
        return FoundCertificate(get_order(client, serial_number), None)
    except NotFoundError:
        pass
    filters = {"common_name": common_name} if common_name else {}
    looked_at = 0
    for order in iterate_orders(client, filters, page_size=LARGEST_PAGE):
        if order.serial_number is not None and same_serial_number(order.serial_number, serial_number):
            return FoundCertificate(get_order(client, order.order_id), None)
        if order.reissues_count == 0:
            continue
        looked_at += 1
        if looked_at > MOST_LOOKED_AT:
            raise DigicertError(
                f"The certificate with the serial number {serial_number} is not among the reissues of the "
                f"{MOST_LOOKED_AT} newest orders. Set order_id instead."
            )
        for reissue in list_known_reissues(client, order.order_id):
            if reissue.serial_number is not None and same_serial_number(reissue.serial_number, serial_number):
                return FoundCertificate(get_order(client, order.order_id), reissue)
    return None


def find_by_certificate_id(client: Client, certificate_id: int) -> FoundCertificate | None:
    """Return the order of a certificate by the certificate's id, as `find_by_serial_number` does."""
    looked_at = 0
    for order in iterate_orders(client, {}, page_size=LARGEST_PAGE):
        if order.certificate_id == certificate_id:
            return FoundCertificate(get_order(client, order.order_id), None)
        if order.reissues_count == 0 or looked_at >= MOST_LOOKED_AT:
            continue
        looked_at += 1
        for reissue in list_known_reissues(client, order.order_id):
            if reissue.certificate_id == certificate_id:
                return FoundCertificate(get_order(client, order.order_id), reissue)
    return None
