# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Certificate orders as the API knows them: one function for each call.

The calls are those of section 4, "DV orders with immediate issuance", of the API page. This file knows no Ansible.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone
from urllib.parse import quote, urlencode

from ansible_collections.community.digicert.plugins.module_utils._answers import odd_answer, parsed_datetime

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._client import Backoff, Client

PAGE_SIZE = 100  # orders
MAX_PAGES = 10
LONGEST_WORD = 200  # characters; states, ids of products and random values are far shorter
PATH = "/order/certificate"


class Order(t.NamedTuple):
    """An order as an answer describes it; what the answer does not say is None or empty.

    Attributes:
        order_id: its id.
        status: for example `pending` or `issued`, see section 4 of the API page; empty when unknown.
        certificate_id: id of its certificate.
        names: common name and DNS names, lower case.
        csr: as the API gives it.
        serial_number: hexadecimal, of its certificate.
        valid_till: last day of its certificate, as the API gives it.
        product: the API's identifier of the product.
        created: when it was placed, aware datetime.
        chain: certificate, intermediates and root as PEM text, when the order was issued at once.
        dcv_random_value: what can be published, instead of a request token, to prove the control of the domain.
    """

    order_id: int
    status: str
    certificate_id: int | None = None
    names: tuple[str, ...] = ()
    csr: str | None = None
    serial_number: str | None = None
    valid_till: str | None = None
    product: str | None = None
    created: datetime | None = None
    chain: str | None = None
    dcv_random_value: str | None = None


def post_order(client: Client, product: str, body: dict[str, t.Any], purpose: str, backoff: Backoff) -> Order:
    """Place an order, one request; the caller sees to it that this happens once.

    Raises:
        DigicertError: the service refused, or no usable answer came; `lost` says whether there may be an order.
    """
    answer = client.request("POST", f"{PATH}/{quote(product, safe='')}", purpose, body=body, backoff=backoff)
    payload = _dict(answer.payload)
    order_id = _number(payload.get("id"))
    if order_id is None:
        raise odd_answer(client, purpose, answer, "no order id")
    chain = _chain(payload.get("certificate_chain"))
    return Order(
        order_id,
        "pending" if chain is None else "issued",
        certificate_id=_number(payload.get("certificate_id")),
        chain=chain,
        dcv_random_value=_word(payload.get("dcv_random_value")),
    )


def get_order(client: Client, order_id: int, backoff: Backoff | None = None) -> Order:
    """Return an order, one request; raises DigicertError."""
    purpose = f"read the order {order_id}"
    answer = client.request("GET", f"{PATH}/{order_id}", purpose, backoff=backoff)
    order = _parsed(answer.payload)
    if order is None or order.order_id != order_id or not order.status:
        raise odd_answer(client, purpose, answer, "no such order")
    return order


def list_orders(client: Client, common_name: str, backoff: Backoff | None = None) -> list[Order]:
    """Return the orders for a common name (A-labels), newest first, without their CSRs; raises DigicertError."""
    purpose = f"list the orders for {common_name}"
    orders: list[Order] = []
    for page in range(MAX_PAGES):
        query = {
            "filters[common_name]": common_name,
            "sort": "-date_created",
            "limit": PAGE_SIZE,
            "offset": page * PAGE_SIZE,
        }
        answer = client.request("GET", f"{PATH}?{urlencode(query)}", purpose, backoff=backoff)
        rows = _dict(answer.payload).get("orders")
        # An account without such orders may leave the list out, but says that there are none.
        if rows is None and _dict(_dict(answer.payload).get("page")).get("total") == 0:
            rows = []
        if not isinstance(rows, list):
            raise odd_answer(client, purpose, answer, "no list orders")
        parsed = [_parsed(row) for row in rows]
        if None in parsed:
            raise odd_answer(client, purpose, answer, "an order without id")
        orders += [order for order in parsed if order and (common_name in order.names or not order.names)]
        if len(rows) < PAGE_SIZE:
            break
    # The filter and the sort are wishes to a service that may read them in its own way.
    return sorted(orders, key=lambda order: (order.created or _FAR_FUTURE, order.order_id), reverse=True)


def check_dcv(client: Client, order: Order) -> tuple[Order, bool]:
    """Ask for the DCV check of an order now.

    Returns:
        The order as it is then, and whether its domains are validated.

    Raises:
        DigicertError: the domains could not be validated (status 400), or the call failed.
    """
    purpose = f"ask for the domain control validation of the order {order.order_id}"
    payload = _dict(client.request("PUT", f"{PATH}/{order.order_id}/check-dcv", purpose).payload)
    afterwards = order._replace(
        status=_word(payload.get("order_status")) or order.status,
        certificate_id=_number(payload.get("certificate_id")) or order.certificate_id,
    )
    return afterwards, payload.get("dcv_status") == "valid"


def download(client: Client, order: Order) -> str:
    """Return the certificate of an issued order, its intermediates and root as PEM text; raises DigicertError."""
    purpose = f"download the certificate of the order {order.order_id}"
    if order.certificate_id is None:
        path = f"/certificate/download/order/{order.order_id}/format/pem_all"
    else:
        path = f"/certificate/{order.certificate_id}/download/format/pem_all"
    text: str = client.request("GET", path, purpose, text=True).payload
    return text


_FAR_FUTURE = datetime.max.replace(tzinfo=timezone.utc)


def _parsed(raw: t.Any) -> Order | None:
    """Return the order that a value in an answer describes, or None when it has no id."""
    values = _dict(raw)
    certificate = _dict(values.get("certificate"))
    order_id = _number(values.get("id"))
    if order_id is None:
        return None
    dns_names = certificate.get("dns_names")
    names = [certificate.get("common_name"), *(dns_names if isinstance(dns_names, list) else [])]
    return Order(
        order_id,
        _word(values.get("status")) or "",
        certificate_id=_number(certificate.get("id")),
        names=tuple(name.lower() for name in names if isinstance(name, str)),
        csr=_text(certificate.get("csr")),
        serial_number=_word(certificate.get("serial_number")),
        valid_till=_word(certificate.get("valid_till")),
        product=_word(_dict(values.get("product")).get("name_id")),
        created=parsed_datetime(values.get("date_created")),
        dcv_random_value=_word(values.get("dcv_random_value")),
    )


def _chain(links: t.Any) -> str | None:
    """Return `certificate_chain` of an answer as one PEM text, or None when there is none."""
    if not isinstance(links, list) or not links:
        return None
    texts = [_dict(link).get("pem") for link in links]
    return "\n".join(text if isinstance(text, str) else "" for text in texts)


def _dict(value: t.Any) -> dict[str, t.Any]:
    return value if isinstance(value, dict) else {}


def _number(value: t.Any) -> int | None:
    """Return an id; some clients have seen ids as strings of digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _text(value: t.Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _word(value: t.Any) -> str | None:
    """Return a short text; anything that would spoil a message or a result, such as control characters, is none."""
    return value if isinstance(value, str) and value.isprintable() and 0 < len(value) <= LONGEST_WORD else None
