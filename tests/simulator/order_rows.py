# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Orders as answers show them (sections 4 to 6 of the API page)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from .decisions import YEAR
from .orders import OPEN, Enrollment, Order
from .state import State

_REQUEST_STATUS = {"issued": "approved", "rejected": "rejected", "canceled": "canceled"}


def order_row(order: Order, state: State) -> dict[str, Any]:
    """Return an order as the list shows it."""
    row = {
        "id": order.id,
        "status": _status(order, state),
        "is_renewed": order.is_renewed,
        "date_created": order.created.isoformat(),
        "order_valid_till": order.until.date().isoformat(),
        "reissues_count": len(order.reissues),
        "product": {"name_id": order.request.product},
        "container": {"id": order.request.container_id},
        "certificate": _certificate(order.primary),
    }
    if order.request.alternative_order_id is not None:
        row["alternative_order_id"] = order.request.alternative_order_id
    return row


def order_info(order: Order, state: State) -> dict[str, Any]:
    """Return an order as order info shows it."""
    row, primary, service = order_row(order, state), order.primary, state.service_behaviour
    certificate = row.pop("certificate") | {"csr": primary.request.csr}
    if service.certificate_status:
        certificate["status"] = _certificate_status(order, primary)
    if primary.certificate is not None:
        certificate["date_issued"] = primary.certificate.issued.isoformat()
        certificate["thumbprint"] = primary.certificate.thumbprint
        certificate["days_remaining"] = (primary.certificate.validity.end - state.clock.now()).days
    if primary.request.life is not None:
        certificate["cert_validity"] = {"days": primary.request.life.days}
    renewal_of = order.request.renewal_of_order_id
    info = row | {
        "certificate": certificate,
        "dcv_method": order.last.request.dcv_method,
        "is_renewal": renewal_of is not None,
        "has_reissues": bool(order.reissues),
        "has_duplicates": False,
        "order_validity": {"years": round((order.until - order.created) / YEAR)},
        "auto_reissue": order.auto_reissue,
        "auto_renew": order.auto_renew,
        "requests": _requests(order),
    }
    if renewal_of is not None:
        info["renewed_order_id"] = renewal_of
    if service.random_value_in_info and order.open is not None:
        info["dcv_random_value"] = order.random_value
    return info


def reissue_row(one: Enrollment, order: Order, state: State) -> dict[str, Any]:
    """Return a reissue as the list of reissues shows it."""
    key = one.request.public_key
    assert isinstance(key, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey))
    row = {
        "id": one.id,
        "common_name": one.request.common_name,
        "dns_names": one.request.names,
        "status": "pending" if one.status in OPEN else one.status,
        "date_created": one.created.isoformat(),
        "csr": one.request.csr,
        "key_size": key.key_size,
        "purchased_dns_names": order.request.names,
    }
    if one.certificate is not None:
        row |= {
            "thumbprint": one.certificate.thumbprint,
            "serial_number": one.certificate.serial_number,
            "date_issued": one.certificate.issued.isoformat(),
            "valid_till": one.certificate.validity.end.date().isoformat(),
            "days_remaining": (one.certificate.validity.end - state.clock.now()).days,
        }
    return row


def certificate_details(order: Order, one: Enrollment, state: State) -> dict[str, Any]:
    """Return one certificate as it is shown by its id."""
    row = reissue_row(one, order, state) | _certificate(one)
    row["status"] = _certificate_status(order, one)
    return row | {"order_id": order.id, "product": {"name_id": order.request.product}, "signature_hash": "sha256"}


def without(row: dict[str, Any], pointers: Iterable[str]) -> dict[str, Any]:
    """Return ``row`` without the fields that JSON pointers name; missing fields are skipped."""
    for pointer in pointers:
        *path, name = pointer.split("/")[1:]
        holder = row
        for step in path:
            holder = holder.get(step, {})
        holder.pop(name, None)
    return row


def _certificate(one: Enrollment) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": one.id,
        "common_name": one.request.common_name,
        "dns_names": one.request.names,
    }
    if one.certificate is not None:
        shown |= {
            "valid_from": one.certificate.validity.start.date().isoformat(),
            "valid_till": one.certificate.validity.end.date().isoformat(),
            "serial_number": one.certificate.serial_number,
        }
    return shown


def _certificate_status(order: Order, one: Enrollment) -> str:
    return "revoked" if one.revoked or order.revoked else one.status


def _status(order: Order, state: State) -> str:
    if order.status == "reissue_pending":
        return state.service_behaviour.reissue_status
    if order.status == "issued" and order.until <= state.clock.now():
        return state.service_behaviour.ended_status
    return order.status


def _requests(order: Order) -> list[dict[str, Any]]:
    rows = [
        {
            "id": one.request_id,
            "date": one.created.isoformat(),
            "type": one.type,
            "status": _REQUEST_STATUS.get(one.status, "pending"),
            "comments": one.request.comments,
        }
        for one in order.enrollments
    ]
    return rows + [revocation_row(revocation) for revocation in order.revocations]


def revocation_row(revocation: Any) -> dict[str, Any]:
    """Return the request to revoke as answers show it."""
    return {
        "id": revocation.request_id,
        "date": revocation.created.isoformat(),
        "type": "revoke",
        "status": revocation.status,
        "comments": revocation.comments,
    }
