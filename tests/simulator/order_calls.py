# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls that change orders (sections 4 and 6 to 8 of the API page)."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, Response, g, jsonify, request

from .accounts import Account, ApiKey
from .decisions import (
    CODE_INVALID_AUTH_KEY_ID,
    CODE_INVALID_RENEWAL,
    CODE_INVALID_STATUS,
    CODE_MISSING_PERMISSION,
    CODE_NOTE_REQUIRED,
    CODE_REISSUE_REFUSED,
    RENEWAL_WINDOW,
)
from .errors import ApiError, bad_request
from .order_request import CertificateRequest, OrderRequest, parse_order, parse_reissue
from .orders import Enrollment, Order
from .proof import failed_checks
from .state import State

order_calls = Blueprint("orders", __name__)
REQUEST_STATUS = {"issued": "approved", "rejected": "rejected", "canceled": "canceled"}


@order_calls.post("/order/certificate/<product>")
def place(product: str) -> tuple[Response, int]:
    """Place an order; with request tokens for every domain, the response contains the certificate."""
    state = _state()
    wanted = parse_order(product, request.get_json(silent=True), state.clock.second())
    _check_auth_key(wanted)
    _check_approval(wanted.skip_approval)
    _check_renewal(wanted)
    order = _account().orders.place(wanted, state.order_behaviour)
    return _answer(order, looks_for_tokens=not state.order_behaviour.ignores_tokens)


@order_calls.post("/order/certificate/<int:order_id>/reissue")
def reissue(order_id: int) -> tuple[Response, int]:
    """Ask for another certificate of an order; the answer is like that to an order."""
    behaviour = _state().order_behaviour
    order = _account().orders.get(order_id)
    wanted = parse_reissue(order.request.product, request.get_json(silent=True), order.request.dcv_method)
    _check_auth_key(wanted)
    _check_approval(wanted.skip_approval)
    if behaviour.reissue == "refused":
        raise ApiError(400, CODE_REISSUE_REFUSED, "The field use_auth_key is not accepted for reissues.")
    order = _account().orders.reissue(order_id, wanted, behaviour)
    return _answer(order, looks_for_tokens=not behaviour.ignores_tokens and behaviour.reissue == "issued")


@order_calls.put("/order/certificate/<int:order_id>/check-dcv")
def check_dcv(order_id: int) -> Response:
    """Validate the domains of a pending order or reissue now."""
    order = _account().orders.get(order_id)
    pending = order.open
    if pending is not None and pending.status == "pending" and not pending.proven:
        failed = failed_checks(order, pending)
        if failed and _state().service_behaviour.check_dcv == "validations":
            unproven = {check.domain for check in failed}
            validations = [
                {"dns_name": name, "status": "pending" if name.removeprefix("*.") in unproven else "valid"}
                for name in pending.request.names
            ]
            return jsonify({"order_status": order.status, "dcv_status": "pending", "dns_name_validations": validations})
        if failed:
            code = "file_random_value_not_found" if failed[0].method == "http-token" else "invalid_dns_txt"
            raise ApiError(400, code, "No proof found. " + "; ".join(line for check in failed for line in check.seen))
        order = _account().orders.prove(order_id, pending.id)
    answer: dict[str, Any] = {"order_status": order.status, "dcv_status": "valid" if order.last.proven else "pending"}
    if order.certificate is not None:
        answer["certificate_id"] = order.certificate.id
    return jsonify(answer)


@order_calls.put("/order/certificate/<int:order_id>/dcv-random-value")
def random_value(order_id: int) -> Response:
    """Return the random value of the pending request, a new one if the old one has expired."""
    pending = _account().orders.random_value(order_id)
    expiration = pending.random_value_until.isoformat()
    return jsonify({"dcv_random_value": pending.random_value, "expiration_date": expiration})


@order_calls.put("/order/certificate/<int:order_id>/status")
def change_status(order_id: int) -> Response:
    """Cancel a pending order or reissue."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise bad_request("The body is not a JSON object.")
    if body.get("status") != "canceled":
        raise ApiError(400, CODE_INVALID_STATUS, "The status can only be canceled, in lower case.")
    if not isinstance(body.get("note"), str) or not body["note"]:
        raise ApiError(400, CODE_NOTE_REQUIRED, "A note is required.")
    _account().orders.cancel(order_id)
    return Response(status=204)


@order_calls.put("/request/<int:request_id>/status")
def decide(request_id: int) -> Response:
    """Approve or reject a request, as an administrator."""
    if not _api_key().administrator:
        raise ApiError(403, CODE_MISSING_PERMISSION, "Only an administrator approves requests.")
    body = request.get_json(silent=True)
    status = body.get("status") if isinstance(body, dict) else None
    if status not in ("approved", "rejected"):
        raise ApiError(400, CODE_INVALID_STATUS, "The status is approved or rejected.")
    _account().orders.decide(request_id, approved=status == "approved")
    return Response(status=204)


def _answer(order: Order, *, looks_for_tokens: bool) -> tuple[Response, int]:
    """Check the tokens of the latest request of an order, and return the response."""
    latest = order.last
    if latest.request.use_auth_key and looks_for_tokens and not failed_checks(order, latest):
        order = _account().orders.prove(order.id, latest.id)
    return jsonify(_outcome(order.id, order.last)), 201


def _outcome(order_id: int, latest: Enrollment) -> dict[str, Any]:
    status = REQUEST_STATUS.get(latest.status, "pending")
    answer: dict[str, Any] = {"id": order_id, "requests": [{"id": latest.request_id, "status": status}]}
    if latest.certificate is not None:
        answer["certificate_id"] = latest.certificate.id
        answer["certificate_chain"] = [vars(link) for link in latest.certificate.chain]
    elif latest.status == "pending":
        answer["dcv_random_value"] = latest.random_value
    return answer


def _check_auth_key(wanted: CertificateRequest) -> None:
    if wanted.use_auth_key and _account().auth_keys.used(wanted.auth_key_id) is None:
        if wanted.auth_key_id is None:
            raise ApiError(400, "auth_key_not_setup", "The account has no AuthKey without validity.")
        raise ApiError(400, CODE_INVALID_AUTH_KEY_ID, "The AuthKey is unknown, inactive or expired.")


def _check_approval(skip: bool) -> None:
    if skip and not _api_key().skips_approval:
        raise ApiError(403, CODE_MISSING_PERMISSION, "The API key may not skip the approval.")


def _check_renewal(wanted: OrderRequest) -> None:
    if wanted.renewal_of_order_id is None:
        return
    old = _account().orders.get(wanted.renewal_of_order_id)
    earliest, latest = RENEWAL_WINDOW
    left = old.until - _state().clock.now()
    if _state().service_behaviour.renewal_window and not latest <= left <= earliest:
        raise ApiError(400, CODE_INVALID_RENEWAL, "An order is renewed from 90 days to 1 day before its end.")


def _account() -> Account:
    return cast(Account, g.account)


def _api_key() -> ApiKey:
    return cast(ApiKey, g.api_key)


def _state() -> State:
    return cast(State, g.state)
