# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What the states of an order mean to the user: which ones end it, and what to do in each.

The states are those of sections 4 and 6 of the API page. This file sends nothing.
"""

from __future__ import annotations

import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    RefusedError,
    printable,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import ORDER
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import csr_fingerprint

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.orders import Order
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.validation import DcvResult
    from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import Submission

ISSUED, REISSUE_PENDING = "issued", "reissue_pending"
# An order in these states does not get a certificate any more.
CLOSED = {
    "rejected": "was rejected; its page in CertCentral says why.",
    "denied": "was denied; its page in CertCentral says why.",
    "canceled": "was canceled in CertCentral.",
    "revoked": "was revoked.",
}
EXPIRED = "expired"
# Somebody has to act before the certificate is issued.
STUCK = {
    "needs_approval": (
        "is waiting for approval. Approve it in CertCentral, then run the task again; with skip_approval=true, "
        "orders skip the approval if the API key is allowed to."
    ),
    "waiting_pickup": (
        "is waiting to be picked up by the person that it was made for. Finish that in CertCentral, then run the "
        "task again."
    ),
}
CANCEL_ORDER = "digicert_order_cancel with order_id={order_id}"
CANCEL_REISSUE = CANCEL_ORDER + " and target=reissue"


def is_under_way(order: Order) -> bool:
    """Return whether a certificate may still be issued."""
    return order.status not in (ISSUED, EXPIRED) and order.status not in CLOSED


def is_another(order: Order, submission: Submission) -> bool:
    """Return whether an order is not the one that was sent: a response may contain the id of another one."""
    if submission.kind != ORDER or csr_fingerprint(order.csr) in (None, submission.csr_sha256):
        return False
    # Another host may have reissued within the order, but not before its first certificate is issued.
    ids = (order.alternative_order_id, submission.alternative_order_id)
    return order.status == "pending" if None in ids else ids[0] != ids[1]


def closed_error(order: Order) -> DigicertError:
    """Return the error for an order that somebody ended."""
    return DigicertError(
        f"Order {order.order_id} {CLOSED[order.status]} No file was changed; to place a new order anyway, run "
        "the task once with force=true."
    )


def stuck_error(order: Order) -> DigicertError | None:
    """Return the error for a state in which waiting does not help, or None."""
    if order.status in STUCK:
        return DigicertError(f"Order {order.order_id} {STUCK[order.status]}")
    return None


def overdue_error(order: Order, dcv: DcvResult | None, failure: DigicertError | None, continues: str) -> DigicertError:
    """Return the error for an order or a reissue whose certificate was not issued in time.

    Args:
        order: as last read.
        dcv: what the last check of domain control found.
        failure: why that is not known.
        continues: what to do, as the end of a sentence that begins with what the user has to do first.
    """
    facts: dict[str, t.Any] = {} if failure is None else {"http_status": failure.http_status, "code": failure.code}
    if dcv is not None and not dcv.valid and order.status != ISSUED:
        unproven = f"Not proven: {printable(', '.join(dcv.unproven), 500)}. " if dcv.unproven else ""
        reason = f"{dcv.reason} " if dcv.reason else ""
        return DigicertError(
            f"Order {order.order_id} is still waiting for domain control validation after wait_timeout. "
            f"{unproven}{reason}Publish the request token, or the random value in dcv_random_value, where DigiCert "
            f"looks for it{continues}",
            **facts,
        )
    said = "" if failure is None else f"{failure.message} "
    return DigicertError(
        f"The certificate of order {order.order_id} was not issued within wait_timeout; the order is "
        f"{order.status}. {said}Wait{continues}",
        **facts,
    )


def another_order_error(order: Order) -> DigicertError:
    """Return the error for an order whose response contained the id of another one."""
    return DigicertError(
        f"CertCentral's response to the order contained the id {order.order_id}, which belongs to another order. Run "
        "the task again; it searches for the right one, and does not order again."
    )


def mismatched_order_error(order: Order) -> DigicertError:
    """Return the error for a pending order or reissue with another CSR, other names, or another product."""
    named, cancel = ("has a reissue", CANCEL_REISSUE) if order.status == REISSUE_PENDING else ("is", CANCEL_ORDER)
    return DigicertError(
        f"Order {order.order_id} {named} pending for this certificate, with another CSR, other names, or another "
        "product. Finish it with its own CSR, or cancel it in CertCentral or by "
        f"{cancel.format(order_id=order.order_id)}, then run the task again."
    )


def refused_reissue_error(order_id: int, error: RefusedError) -> DigicertError:
    """Return the error for a reissue that the service refused, with advice; it never leads to an order."""
    return error.extend(
        after=f"The reissue of order {order_id} was refused, and no order was placed instead. Correct the cause "
        "and run the task again, or run it with renewal=order, which places a paid order."
    )
