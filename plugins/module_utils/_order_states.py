# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What the states of an order mean to the user: which end it, what to do in each.

The states are those of section 4 of the API page. This file knows no Ansible and sends nothing.
"""

from __future__ import annotations

import typing as t

from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._order_marker import Marker
    from ansible_collections.community.digicert.plugins.module_utils._orders import Order

ISSUED = "issued"
PENDING = "pending"
# No certificate comes from these any more.
CLOSED = {
    "rejected": "was rejected; its page in CertCentral says why.",
    "canceled": "was canceled in CertCentral.",
    "expired": "has expired.",
    "revoked": "has a certificate that was revoked.",
}
# Somebody has to act before a certificate comes.
STUCK = {
    "needs_approval": (
        "waits for approval. Approve it in CertCentral{run_again} With skip_approval=true, orders do not wait for "
        "approval, if the API key may do so."
    ),
    "waiting_pickup": "waits to be picked up by the person that it was made for. Finish that in CertCentral{run_again}",
    "reissue_pending": "has a reissue under way. Finish or cancel the reissue in CertCentral{run_again}",
}


def ended(order: Order, marker: Marker, order_id_given: bool) -> DigicertError | None:
    """Return the error of a state in which waiting is of no use, or None when the order is issued or under way.

    Args:
        order: the order.
        marker: where the order is remembered.
        order_id_given: whether the user named the order.
    """
    if order.status in CLOSED:
        return DigicertError(
            f"Order {order.order_id} {CLOSED[order.status]} {_order_anew(marker, order_id_given)} No file was changed."
        )
    if order.status in STUCK:
        sentence = STUCK[order.status].format(run_again=_run_again(order, marker, order_id_given))
        return DigicertError(f"Order {order.order_id} {sentence}")
    return None


def overdue(order: Order, marker: Marker, order_id_given: bool, dcv: DigicertError | None) -> DigicertError:
    """Return the error of an order that was not issued in time.

    Args:
        order: the order.
        marker: where the order is remembered.
        order_id_given: whether the user named the order.
        dcv: why the domain could not be validated, or why that is not known, if one of them is so.
    """
    run_again = _run_again(order, marker, order_id_given)
    if dcv is None or dcv.status != 400:
        failure = "" if dcv is None else f"{dcv.message} "
        return DigicertError(
            f"Order {order.order_id} was not issued within wait_timeout and is {order.status}. {failure}"
            f"Wait a while{run_again}",
            status=None if dcv is None else dcv.status,
            code=None if dcv is None else dcv.code,
        )
    return DigicertError(
        f"Order {order.order_id} waits for domain control validation, which failed until wait_timeout was over. "
        f"{dcv.message} Publish the request token, or the random value in dcv_random_value, where DigiCert looks for "
        f"it{run_again}",
        status=dcv.status,
        code=dcv.code,
    )


def other_request(order_id: int, marker: Marker) -> DigicertError:
    """Return the error of a remembered order that was placed for another CSR, other names or another product."""
    return DigicertError(
        f"Order {order_id} is under way for this certificate, with another CSR, other names or another product, as "
        f"{marker.path} remembers. Finish it with the CSR of then, or cancel it in CertCentral and run the task again, "
        "or run the task once with force=true to leave it and place a new order."
    )


def _run_again(order: Order, marker: Marker, order_id_given: bool) -> str:
    if marker.path is None and not order_id_given:
        return f", then run the task with order_id={order.order_id}, which continues this order."
    return ", then run the task again, which continues this order."


def _order_anew(marker: Marker, order_id_given: bool) -> str:
    if order_id_given:
        return "To place a new order, run the task without order_id."
    if marker.path is None:
        return "The next run places a new order."
    return "So that no run orders in vain, a new order is placed only when the task is run once with force=true."
