# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control plane below ``/_simulator``: ``Simulator`` for scripts. README.md lists its calls."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, Response, jsonify, request

from .auth_keys import AuthKey
from .behaviour import OrderBehaviour, ServiceBehaviour
from .dcv import DcvTargets
from .errors import ApiError
from .faults import Fault
from .orders import Enrollment, Order
from .rate_limit import Limit
from .request_tokens import check_request_token

if TYPE_CHECKING:
    from .simulator import Simulator


def create_control(simulator: Simulator) -> Flask:
    """Return the application that reads and steers ``simulator``."""
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.register_blueprint(_general_calls(simulator), url_prefix="/_simulator")
    app.register_blueprint(_timing_calls(simulator), url_prefix="/_simulator")
    app.register_blueprint(_validation_calls(simulator), url_prefix="/_simulator")
    app.register_blueprint(_account_calls(simulator), url_prefix="/_simulator")
    for kind in (ApiError, AttributeError, KeyError, TypeError, ValueError):
        app.register_error_handler(kind, _bad_value)
    return app


def _general_calls(simulator: Simulator) -> Blueprint:
    calls = Blueprint("general", __name__)

    @calls.get("")
    def facts() -> Response:
        return jsonify(simulator.facts)

    @calls.post("/reset")
    def reset() -> Response:
        simulator.reset()
        return Response(status=204)

    @calls.get("/log")
    def log() -> Response:
        return jsonify({"entries": [entry.to_json() for entry in simulator.log]})

    @calls.put("/limits")
    def set_limits() -> Response:
        value = _object("limits", "retry_after")
        limits = [Limit(limit["requests"], limit["seconds"]) for limit in value["limits"]]
        simulator.set_limits(limits, retry_after=value.get("retry_after", False))
        return Response(status=204)

    @calls.put("/service")
    def set_service_behaviour() -> Response:
        value = _object(*_names(ServiceBehaviour))
        value |= {name: tuple(value[name]) for name in ("list_ignores", "rows_without") if name in value}
        simulator.set_service_behaviour(ServiceBehaviour(**value))
        return Response(status=204)

    @calls.put("/transport")
    def set_transport() -> Response:
        simulator.set_transport(**_object("certificate", "keep_alive"))
        return Response(status=204)

    return calls


def _timing_calls(simulator: Simulator) -> Blueprint:
    calls = Blueprint("timing", __name__)

    @calls.get("/clock")
    def clock() -> Response:
        return jsonify({"now": simulator.now().isoformat()})

    @calls.put("/clock")
    def set_clock() -> Response:
        value = _object("now", "days", "hours", "seconds")
        moment = value.pop("now", None)
        if (moment is None) == (not value):
            raise ValueError("expected either now, or some of days, hours and seconds")
        now = simulator.set_clock(datetime.fromisoformat(moment)) if moment else simulator.advance(**value)
        return jsonify({"now": now.isoformat()})

    @calls.get("/faults")
    def faults() -> Response:
        return jsonify({"faults": [fault.to_json() for fault in simulator.faults]})

    @calls.post("/faults")
    def add_faults() -> Response:
        value = request.get_json()
        simulator.inject(*[Fault.from_json(item) for item in (value if isinstance(value, list) else [value])])
        return Response(status=204)

    @calls.delete("/faults")
    def clear_faults() -> Response:
        simulator.clear_faults()
        return Response(status=204)

    return calls


def _validation_calls(simulator: Simulator) -> Blueprint:
    calls = Blueprint("validation", __name__)

    @calls.get("/dcv")
    def dcv_checks() -> Response:
        return jsonify({"checks": [vars(check) for check in simulator.dcv_checks]})

    @calls.put("/dcv")
    def set_dcv_targets() -> Response:
        simulator.set_dcv_targets(DcvTargets(**_object(*_names(DcvTargets))))
        return Response(status=204)

    @calls.put("/orders")
    def set_order_behaviour() -> Response:
        simulator.set_order_behaviour(OrderBehaviour(**_object(*_names(OrderBehaviour))))
        return Response(status=204)

    @calls.post("/request-token")
    def check_token() -> Response:
        return jsonify(vars(check_request_token(**_object("text", "csr", "auth_key"))))

    return calls


def _account_calls(simulator: Simulator) -> Blueprint:
    calls = Blueprint("accounts", __name__)

    @calls.get("/accounts/<account>/auth-keys")
    def auth_keys(account: str) -> Response:
        return jsonify({"auth_keys": [_auth_key_json(key) for key in simulator.auth_keys(account)]})

    @calls.post("/accounts/<account>/auth-keys")
    def seed_auth_key(account: str) -> Response:
        value = _object("auth_key_id", "auth_key", "expiration_datetime", "enabled")
        expiration = value.pop("expiration_datetime", None)
        key = simulator.seed_auth_key(account, expiration=expiration and datetime.fromisoformat(expiration), **value)
        return jsonify(_auth_key_json(key))

    @calls.get("/accounts/<account>/orders")
    def orders(account: str) -> Response:
        return jsonify({"orders": [_order_json(order) for order in simulator.orders(account)]})

    @calls.post("/accounts/<account>/orders/<int:order_id>")
    def finish_order(account: str, order_id: int) -> Response:
        return jsonify(_order_json(simulator.finish_order(order_id, account=account, **_object("outcome"))))

    @calls.put("/accounts/<account>/orders/<int:order_id>")
    def configure_order(account: str, order_id: int) -> Response:
        settings = _object("auto_reissue", "auto_renew")
        return jsonify(_order_json(simulator.configure_order(order_id, account=account, **settings)))

    @calls.post("/accounts/<account>/orders")
    def seed_order(account: str) -> Response:
        value = _object("names", "product", "created", "days", "csr", "outcome")
        names, created = value.pop("names"), value.pop("created", None)
        created = created and datetime.fromisoformat(created)
        return jsonify(_order_json(simulator.seed_order(*names, account=account, created=created, **value)))

    return calls


def _names(kind: type) -> list[str]:
    return [field.name for field in fields(kind)]


def _object(*fields: str) -> dict[str, Any]:
    value = request.get_json()
    if not isinstance(value, dict) or not value.keys() <= set(fields):
        raise ValueError(f"expected a JSON object with fields of {', '.join(fields)}")
    return value


def _auth_key_json(key: AuthKey) -> dict[str, Any]:
    return {"expiration_datetime": None} | key.to_json() | {"enabled": key.enabled, "active": key.active}


def _order_json(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "status": order.status,
        "certificate_id": order.certificate.id if order.certificate else None,
        "product": order.request.product,
        "common_name": order.request.common_name,
        "dns_names": order.request.dns_names,
        "csr": order.request.csr,
        "dcv_method": order.request.dcv_method,
        "dcv_random_value": order.random_value,
        "date_created": order.created.isoformat(),
        "order_valid_till": order.until.isoformat(),
        "is_renewed": order.is_renewed,
        "renewal_of_order_id": order.request.renewal_of_order_id,
        "alternative_order_id": order.request.alternative_order_id,
        "auto_reissue": order.auto_reissue,
        "auto_renew": order.auto_renew,
        "certificates": [_certificate_json(one) for one in order.enrollments],
    }


def _certificate_json(one: Enrollment) -> dict[str, Any]:
    issued = one.certificate
    return {
        "id": one.id,
        "type": one.type,
        "status": "revoked" if one.revoked else one.status,
        "common_name": one.request.common_name,
        "dns_names": one.request.dns_names,
        "csr": one.request.csr,
        "date_created": one.created.isoformat(),
        "serial_number": issued.serial_number if issued else None,
        "valid_till": issued.validity.end.isoformat() if issued else None,
        "revoke_at": one.revoke_at.isoformat() if one.revoke_at else None,
    }


def _bad_value(error: Exception) -> tuple[Response, int]:
    return jsonify({"error": str(error)}), 400
