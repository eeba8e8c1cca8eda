# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters and sort keys of the list of orders (section 4 of the API page)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .errors import bad_request
from .order_rows import order_row
from .orders import Order
from .state import State

_RANGE = re.compile(r"(?P<least>.*)\.\.\.(?P<most>.*)|>(?P<after>.*)|<(?P<before>.*)")


def _serial(order: Order) -> str:
    return order.certificate.serial_number if order.certificate else ""


def _end(order: Order) -> str:
    return order.certificate.validity.end.date().isoformat() if order.certificate else ""


_TEXTS: dict[str, Callable[[Order], str]] = {
    "id": lambda order: str(order.id),
    "order_id": lambda order: str(order.id),
    "common_name": lambda order: order.primary.request.common_name,
    "serial_number": _serial,
    "product_name_id": lambda order: order.request.product,
    "container_id": lambda order: str(order.request.container_id),
}
_DATES: dict[str, Callable[[Order], str]] = {
    "date_created": lambda order: order.created.date().isoformat(),
    "valid_till": _end,
    "order_valid_till": lambda order: order.until.date().isoformat(),
}
_SORT_KEYS: dict[str, Callable[[Order], Any]] = {
    **_TEXTS,
    **_DATES,
    "id": lambda order: order.id,
    "order_id": lambda order: order.id,
    "date_created": lambda order: (order.created, order.id),
    "status": lambda order: order.status,
}


def filtered(orders: list[Order], options: dict[str, str], state: State) -> list[Order]:
    """Return the orders that pass every filter of a query.

    Raises:
        ApiError: 400 when an option is not a filter of the API.
    """
    ignored = state.service_behaviour.list_ignores
    for option, wanted in options.items():
        name = option.removeprefix("filters[").removesuffix("]")
        if option != f"filters[{name}]" or name not in (*_TEXTS, *_DATES, "status"):
            known = ", ".join((*_TEXTS, *_DATES, "status"))
            raise bad_request(f"The list takes sort, limit, offset and filters[…] of {known}.")
        if "filters" in ignored or name in ignored:
            continue
        if name == "status":
            orders = [order for order in orders if order_row(order, state)["status"] == wanted]
        elif name in _DATES:
            orders = [order for order in orders if _within(_DATES[name](order), wanted)]
        else:
            orders = [order for order in orders if _TEXTS[name](order).lower() == wanted.lower()]
    return orders


def sorted_orders(orders: list[Order], sort: str) -> list[Order]:
    """Return the orders sorted by the keys of ``sort``, separated by commas; a minus turns a key round.

    Raises:
        ApiError: 400 when a key is not known.
    """
    for key in reversed(sort.split(",")):
        name = key.removeprefix("-")
        if name not in _SORT_KEYS:
            raise bad_request(f"The list sorts by {', '.join(_SORT_KEYS)}.")
        orders = sorted(orders, key=_SORT_KEYS[name], reverse=key.startswith("-"))
    return orders


def _within(day: str, wanted: str) -> bool:
    """Tell whether ``day`` (ISO, or empty when there is none) is the day or in the range that is wanted."""
    limits = _RANGE.fullmatch(wanted)
    if not day or limits is None:
        return bool(day) and day == wanted[:10]
    if limits["least"] is not None:
        return limits["least"][:10] <= day <= limits["most"][:10]
    if limits["after"] is not None:
        return day > limits["after"][:10]
    return day < limits["before"][:10]
