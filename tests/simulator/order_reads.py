# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls that read orders (sections 4 to 6 of the API page)."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, Response, g, jsonify, request

from .accounts import Account
from .decisions import REPEATED_ID
from .errors import bad_request, not_found
from .order_list import filtered, sorted_orders
from .order_rows import order_info, order_row, reissue_row, without
from .orders import Order
from .proof import look_by_itself
from .state import State

order_reads = Blueprint("order_reads", __name__)


@order_reads.get("/order/certificate/<order_id>")
def info(order_id: str) -> Response:
    """Show one order, by its id or by the serial number or thumbprint of its primary certificate."""
    lag = _state().service_behaviour.info_lag
    found = _orders().find(order_id)
    look_by_itself([_orders().get(found)])
    now = _orders().poll(found)
    return jsonify(order_info(_orders().get(found, lag) if lag else now, _state()))


@order_reads.get("/order/alternate/<alternative_order_id>")
def alternate(alternative_order_id: str) -> Response:
    """Show the newest order with this id of the customer's own, or all of them."""
    service = _state().service_behaviour
    if service.alternate == "no_route":
        raise not_found("route")
    orders = [
        order
        for order in reversed(_orders().all(service.alternate_lag))
        if order.request.alternative_order_id == alternative_order_id
    ]
    if service.alternate == "orders":
        return jsonify({"orders": [order_row(order, _state()) for order in orders]})
    if not orders:
        raise not_found("order")
    return jsonify(order_info(orders[0], _state()))


@order_reads.get("/order/certificate")
def list_orders() -> Response:
    """List orders, filtered, sorted and cut into pages."""
    service = _state().service_behaviour
    options = request.args.to_dict()
    limit, offset = _count(options.pop("limit", service.largest_page)), _count(options.pop("offset", 0))
    limit = min(limit, service.largest_page)
    sort = options.pop("sort", "-date_created")
    look_by_itself(order for order in _orders().all() if order.open)
    orders = filtered(_orders().all(service.list_lag), options, _state())
    orders = sorted_orders(orders, "-date_created" if "sort" in service.list_ignores else sort)
    rows = [without(order_row(order, _state()), service.rows_without) for order in orders[offset : offset + limit]]
    return jsonify({"orders": rows, "page": {"total": len(orders), "limit": limit, "offset": offset}})


@order_reads.get("/order/certificate/<int:order_id>/reissue")
def list_reissues(order_id: int) -> Response:
    """List the reissues of an order, newest first."""
    service = _state().service_behaviour
    look_by_itself([_orders().get(order_id)])
    order: Order = _orders().get(order_id, service.list_lag)
    rows = [reissue_row(reissue, order, _state()) for reissue in order.reissues]
    if service.reissues_repeat_primary and order.certificate is not None:
        repeated: dict[str, Any] = reissue_row(order.primary, order, _state())
        rows.insert(0, repeated | {"id": order.primary.id + REPEATED_ID})
    return jsonify({"certificates": rows})


def _count(value: str | int) -> int:
    if not (str(value).isdecimal() and str(value).isascii()):
        raise bad_request("limit and offset are counts.")
    return int(value)


def _orders() -> Any:
    return cast(Account, g.account).orders


def _state() -> State:
    return cast(State, g.state)
