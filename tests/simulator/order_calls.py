# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls on orders and certificates (section 4 of the API page)."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, Response, g, jsonify, request

from .accounts import Account
from .dcv import HTTP_TOKEN, DcvCheck, check_domain
from .decisions import DEFAULT_PAGE
from .errors import ApiError, bad_request, not_found
from .order_request import parse_order
from .orders import Order
from .request_tokens import check_request_token
from .state import State

order_calls = Blueprint("orders", __name__)
_REQUEST_STATUS = {"issued": "approved", "rejected": "rejected", "canceled": "canceled"}


def _account() -> Account:
    return cast(Account, g.account)


@order_calls.post("/order/certificate/<product>")
def place(product: str) -> tuple[Response, int]:
    """Place an order; with request tokens for every domain the certificate is in the answer."""
    wanted = parse_order(product, request.get_json(silent=True))
    if wanted.use_auth_key and not _account().auth_keys.active():
        raise ApiError(400, "auth_key_not_setup", "The account has no AuthKey.")
    order = _account().orders.place(wanted, g.state.order_behaviour)
    if wanted.use_auth_key and not _failed_checks(order):
        order = _account().orders.prove(order.id)
    status = _REQUEST_STATUS.get(order.status, "pending")
    answer: dict[str, Any] = {"id": order.id, "requests": [{"id": order.request_id, "status": status}]}
    if order.certificate is not None:
        answer["certificate_id"] = order.certificate.id
        answer["certificate_chain"] = [vars(link) for link in order.certificate.chain]
    elif order.status == "pending":
        answer["dcv_random_value"] = order.random_value
    return jsonify(answer), 201


@order_calls.get("/order/certificate/<int:order_id>")
def info(order_id: int) -> Response:
    """Show one order."""
    order = _account().orders.poll(order_id)
    answer = _row(order)
    answer["dcv_method"] = order.request.dcv_method
    answer["certificate"]["csr"] = order.request.csr
    if order.certificate is not None:
        answer["certificate"] |= {
            "valid_from": order.certificate.validity.start.date().isoformat(),
            "date_issued": order.certificate.issued.isoformat(),
            "serial_number": order.certificate.serial_number,
            "thumbprint": order.certificate.thumbprint,
        }
    return jsonify(answer)


@order_calls.get("/order/certificate")
def list_orders() -> Response:
    """List orders, filtered, sorted and cut into pages."""
    options = request.args.to_dict()
    limit, offset = (_count(options.pop(name, default)) for name, default in (("limit", DEFAULT_PAGE), ("offset", 0)))
    newest_first = {"-date_created": True, "date_created": False}.get(options.pop("sort", "-date_created"))
    if newest_first is None or not options.keys() <= {"filters[common_name]", "filters[status]"}:
        raise bad_request("The list takes filters[common_name], filters[status], sort=date_created, limit and offset.")
    common_name, status = options.get("filters[common_name]"), options.get("filters[status]")
    orders = [
        order
        for order in _account().orders.all()
        if common_name in (None, order.request.common_name) and status in (None, order.status)
    ]
    rows = [_row(order) for order in (reversed(orders) if newest_first else orders)]
    page = {"total": len(rows), "limit": limit, "offset": offset}
    return jsonify({"orders": rows[offset : offset + limit], "page": page})


@order_calls.put("/order/certificate/<int:order_id>/check-dcv")
def check_dcv(order_id: int) -> Response:
    """Validate the domains of a pending order now."""
    order = _account().orders.get(order_id)
    if order.status == "pending" and not order.proven:
        failed = _failed_checks(order)
        if failed:
            code = "file_random_value_not_found" if failed[0].method == HTTP_TOKEN else "invalid_dns_txt"
            raise ApiError(400, code, "No proof found. " + "; ".join(line for check in failed for line in check.seen))
        order = _account().orders.prove(order_id)
    answer: dict[str, Any] = {"order_status": order.status, "dcv_status": "valid" if order.proven else "pending"}
    if order.certificate is not None:
        answer["certificate_id"] = order.certificate.id
    return jsonify(answer)


@order_calls.get("/certificate/<int:certificate_id>/download/format/<format_>")
def download(certificate_id: int, format_: str) -> Response:
    """Download a certificate."""
    return _download(_account().orders.with_certificate(certificate_id), format_)


@order_calls.get("/certificate/download/order/<int:order_id>/format/<format_>")
def download_of_order(order_id: int, format_: str) -> Response:
    """Download the certificate of an order."""
    return _download(_account().orders.get(order_id), format_)


@order_calls.put("/certificate/<int:certificate_id>/revoke")
def revoke(certificate_id: int) -> tuple[Response, int]:
    """Revoke a certificate."""
    order = _account().orders.revoke(certificate_id)
    return jsonify({"id": order.request_id, "type": "revoke", "status": "approved"}), 201


def _failed_checks(order: Order) -> list[DcvCheck]:
    """Check every domain that must still be proven; return the checks that found no proof."""
    state = cast(State, g.state)
    checks = [
        check_domain(domain, order.request.dcv_method, state.dcv_targets, lambda text: _proof_in(text, order))
        for domain in _account().orders.unproven_domains(order)
    ]
    state.dcv_checks.extend(checks)
    return [check for check in checks if check.proof is None]


def _proof_in(text: str, order: Order) -> str | None:
    if order.random_value in text:
        return "random_value"
    keys = _account().auth_keys.active() if order.request.use_auth_key else []
    if any(check_request_token(text, order.request.csr, key.auth_key).token for key in keys):
        return "request_token"
    return None


def _row(order: Order) -> dict[str, Any]:
    certificate: dict[str, Any] = {"common_name": order.request.common_name, "dns_names": order.request.names}
    if order.certificate is not None:
        certificate["id"] = order.certificate.id
        certificate["valid_till"] = order.certificate.validity.end.date().isoformat()
    return {
        "id": order.id,
        "status": order.status,
        "date_created": order.created.isoformat(),
        "product": {"name_id": order.request.product},
        "certificate": certificate,
    }


def _count(value: str | int) -> int:
    if not str(value).isdecimal():
        raise bad_request("limit and offset are counts.")
    return int(value)


def _download(order: Order, format_: str) -> Response:
    if format_ not in ("pem_all", "pem_noroot"):
        raise bad_request(f"The format {format_} is not known.")
    if order.certificate is None:
        raise not_found("certificate")
    return Response(order.certificate.pem(with_root=format_ == "pem_all"), content_type="application/x-pem-file")
