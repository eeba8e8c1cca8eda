# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Certificate orders as the API knows them: one function for each call.

The calls are those of sections 4 to 8 of the API page. You pay for an order; its certificates are in `certificates`.
This file does not import Ansible.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone
from urllib.parse import quote, urlencode

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    NoRouteError,
    NotFoundError,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import (
    as_count,
    as_dict,
    as_flag,
    as_id,
    as_list,
    as_text,
    as_word,
    expect_no_content,
    parse_date_end,
    parse_datetime,
    same_serial_number,
    unexpected_response_error,
)

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import (
        Backoff,
        Client,
        Response,
    )

PATH = "/order/certificate"
PAGE_SIZE = 100  # orders
LARGEST_PAGE = 500  # orders; more would exceed the largest body
MOST_ORDERS = 100_000  # a service that sends ever new ones is left


class OrderRequestRow(t.NamedTuple):
    """A request within an order: `type` is, for example, `new_request`; None if the response does not say."""

    request_id: int | None
    type: str | None
    status: str | None


class Order(t.NamedTuple):
    """An order as a response describes it; what the response does not say is None or empty.

    Attributes:
        order_id: its id.
        status: for example `pending` or `issued`, see sections 4 and 6 of the API page; empty when unknown.
        certificate_id: id of its primary certificate.
        names: common name and DNS names, lower case, as the API spells them; None when not all of them are known.
        csr: as the API gives it.
        serial_number: hexadecimal, of its primary certificate.
        valid_till: end of its primary certificate.
        product: the API's identifier of the product.
        created: when it was placed.
        order_valid_till: end of the paid order.
        is_renewed: whether the order was already renewed.
        renewed_order_id: the order that this one renews.
        auto_reissue: DigiCert starts reissues automatically; None if the response does not say, as in a list.
        auto_renew: DigiCert renews the order automatically; likewise.
        reissues_count: how often it was reissued.
        certificate_status: state of its primary certificate.
        chain: certificate, intermediates, and root as PEM text, if the response contains them.
        dcv_random_value: what can be published, instead of a request token, to prove control of the domain.
        requests: the requests within the order.
        alternative_order_id: the id that its client gave it.
        common_name: as the API spells it.
        valid_from: beginning of its primary certificate.
    """

    order_id: int
    status: str = ""
    certificate_id: int | None = None
    names: frozenset[str] | None = None
    csr: str | None = None
    serial_number: str | None = None
    valid_till: datetime | None = None
    product: str | None = None
    created: datetime | None = None
    order_valid_till: datetime | None = None
    is_renewed: bool | None = None
    renewed_order_id: int | None = None
    auto_reissue: bool | None = None
    auto_renew: bool | None = None
    reissues_count: int | None = None
    certificate_status: str | None = None
    chain: str | None = None
    dcv_random_value: str | None = None
    requests: tuple[OrderRequestRow, ...] = ()
    alternative_order_id: str | None = None
    common_name: str | None = None
    valid_from: datetime | None = None


class OrderList(t.NamedTuple):
    """Orders, newest first; `complete` says that the account does not have more orders that could match."""

    orders: tuple[Order, ...]
    complete: bool


def post_order(client: Client, product: str, body: dict[str, t.Any], purpose: str, backoff: Backoff | None) -> Order:
    """Place an order, one request; the caller makes sure that this happens only once.

    Raises:
        RefusedError, NotSentError: there is no order.
        LostResponseError: there may be an order.
    """
    response = client.request(
        "POST", f"{PATH}/{quote(product, safe='')}", purpose, body=body, backoff=backoff, repeat_limited=False
    )
    order_id = as_id(as_dict(response.payload).get("id"))
    if order_id is None:
        raise unexpected_response_error(client, purpose, response, "no order id")
    return _submitted(response, order_id, "pending")


def post_reissue(client: Client, order_id: int, body: dict[str, t.Any], purpose: str, backoff: Backoff | None) -> Order:
    """Reissue an order's certificate, one request; the caller makes sure that this happens only once.

    Raises:
        RefusedError, NotSentError: nothing was reissued.
        LostResponseError: a reissue may be pending.
    """
    response = client.request(
        "POST", f"{PATH}/{order_id}/reissue", purpose, body=body, backoff=backoff, repeat_limited=False
    )
    if as_id(as_dict(response.payload).get("id")) != order_id:
        raise unexpected_response_error(client, purpose, response, "another order or none")
    return _submitted(response, order_id, "reissue_pending")


def _submitted(response: Response, order_id: int, pending: str) -> Order:
    """Return the order as the response to an order or a reissue describes it."""
    payload = as_dict(response.payload)
    chain = _chain(payload.get("certificate_chain"))
    requests = _requests(payload.get("requests"))
    status = "issued" if chain is not None else pending
    if chain is None and any(row.status == "needs_approval" for row in requests):
        status = "needs_approval"
    return Order(
        order_id,
        status,
        certificate_id=as_id(payload.get("certificate_id")),
        chain=chain,
        dcv_random_value=as_word(payload.get("dcv_random_value")),
        requests=requests,
    )


def get_order(client: Client, order_id: int | str, backoff: Backoff | None = None) -> Order:
    """Return an order, one request.

    Args:
        client: connection to the account.
        order_id: its id, or the hexadecimal serial number of its primary certificate.
        backoff: allowance of retry time to share with other calls.

    Raises:
        NotFoundError: the account has no such order.
        DigicertError: the service refused, or no usable response came.
    """
    purpose = f"read the order {order_id}" if isinstance(order_id, int) else "read the order of the certificate"
    response = client.request("GET", f"{PATH}/{quote(str(order_id), safe='')}", purpose, backoff=backoff)
    order = _order(response.payload)
    if order is None or not order.status or not _is_order(order, order_id):
        raise unexpected_response_error(client, purpose, response, "no such order")
    return order


def _is_order(order: Order, order_id: int | str) -> bool:
    if isinstance(order_id, int):
        return order.order_id == order_id
    return order.serial_number is None or same_serial_number(order.serial_number, order_id)


def find_by_alternative_id(
    client: Client, alternative_order_id: str, backoff: Backoff | None = None
) -> tuple[Order, ...] | None:
    """Return the orders to which their client gave this id, one request; None if the API does not have this call.

    Raises:
        DigicertError: the service refused, or no usable response came.
    """
    purpose = "look for the order by its alternative_order_id"
    path = f"/order/alternate/{quote(alternative_order_id, safe='')}"
    try:
        response = client.request("GET", path, purpose, backoff=backoff)
    except NoRouteError:
        return None
    except NotFoundError:
        return ()
    payload = response.payload
    rows = payload if isinstance(payload, list) else as_dict(payload).get("orders", [payload])
    orders = [_order(row) for row in as_list(rows)]
    found = tuple(order for order in orders if order is not None)
    if len(found) != len(orders) or rows is None:
        raise unexpected_response_error(client, purpose, response, "no order id")
    return found


def list_orders(
    client: Client,
    *,
    common_name: str | None = None,
    serial_number: str | None = None,
    product: str | None = None,
    backoff: Backoff | None = None,
    most: int = PAGE_SIZE,
) -> OrderList:
    """Return the newest orders that match, without their CSRs.

    The service may ignore filters and sort order. Rows that certainly do not match are dropped here; rows that do not
    say are kept. The list is complete only if the service says, or shows, that there are no more rows.

    Args:
        client: connection to the account.
        common_name: common name, A-labels.
        serial_number: hexadecimal serial number of the primary certificate.
        product: the API's identifier of the product.
        backoff: allowance of retry time to share with other calls.
        most: rows to read.

    Raises:
        DigicertError: the service refused, or no usable response came.
    """
    wishes = {"common_name": common_name, "serial_number": serial_number, "product_name_id": product}
    filters = {name: value for name, value in wishes.items() if value is not None}
    purpose = f"list the orders for {common_name}" if common_name else "list the orders"
    orders: list[Order] = []
    complete = False
    for rows, complete in _pages(client, filters, purpose, min(most, PAGE_SIZE), backoff):
        orders += rows
        if len(orders) >= most:
            complete = complete and len(orders) <= most
            break
    newest = sorted(orders[:most], key=lambda order: (order.created or _FAR_FUTURE, order.order_id), reverse=True)
    return OrderList(tuple(order for order in newest if _may_match(order, filters)), complete)


def iterate_orders(
    client: Client, filters: t.Mapping[str, str], *, page_size: int = PAGE_SIZE, backoff: Backoff | None = None
) -> t.Iterator[Order]:
    """Yield all orders that match as the service sends them, page by page; raises DigicertError.

    Args:
        client: connection to the account.
        filters: the API's names of filters, such as `status`, and their values; rows that certainly do not match are
            dropped here, as far as the field is known.
        page_size: orders to ask for at a time, at most 500.
        backoff: allowance of retry time to share with other calls.
    """
    for rows, _complete in _pages(client, filters, "list the orders", min(page_size, LARGEST_PAGE), backoff):
        yield from (order for order in rows if _may_match(order, filters))


def _pages(
    client: Client, filters: t.Mapping[str, str], purpose: str, page_size: int, backoff: Backoff | None
) -> t.Iterator[tuple[list[Order], bool]]:
    """Yield each page of the list of orders, without rows seen before, and whether it is the last one."""
    seen: set[int] = set()
    offset = 0
    while True:
        query = {f"filters[{name}]": value for name, value in filters.items()}
        query.update(sort="-date_created", limit=str(page_size), offset=str(offset))
        response = client.request("GET", f"{PATH}?{urlencode(query)}", purpose, backoff=backoff)
        page = as_dict(as_dict(response.payload).get("page"))
        total = as_count(page.get("total"))
        rows = as_dict(response.payload).get("orders")
        # For an account without such orders, the service may omit the list, but says that there are none.
        if rows is None and total == 0:
            rows = []
        if not isinstance(rows, list):
            raise unexpected_response_error(client, purpose, response, "no list orders")
        orders = [order for order in map(_order, rows) if order is not None]
        if len(orders) != len(rows):
            raise unexpected_response_error(client, purpose, response, "an order without an id")
        fresh = [order for order in orders if order.order_id not in seen]
        seen.update(order.order_id for order in fresh)
        offset += len(rows)
        # A service may send fewer rows than requested, so only its total, or an empty page, marks the end.
        complete = len(seen) >= total if total is not None else not rows
        yield fresh, complete
        if complete or not fresh:
            return
        if len(seen) >= MOST_ORDERS:
            raise DigicertError(
                f"{client.where(purpose)}the list goes on after {MOST_ORDERS} orders. Use filters to make it shorter."
            )


def _may_match(order: Order, filters: t.Mapping[str, str]) -> bool:
    """Whether an order does not contradict the filters."""
    name, serial = filters.get("common_name"), filters.get("serial_number")
    # A name that is not ASCII may be another spelling of the same name.
    names = {each.rstrip(".") for each in order.names or () if each.isascii()}
    if name and order.names and len(names) == len(order.names) and name.lower().rstrip(".") not in names:
        return False
    if serial and order.serial_number and not same_serial_number(order.serial_number, serial):
        return False
    known = {"product_name_id": order.product, "status": order.status}
    return all(
        not value or name not in filters or value.lower() == filters[name].lower() for name, value in known.items()
    )


def cancel(client: Client, order_id: int, note: str, backoff: Backoff | None = None) -> None:
    """Cancel a pending order, or the pending reissue of an issued one; raises DigicertError.

    After a lost response, a second try could cancel the order itself, if the first try canceled its reissue.
    """
    body = {"status": "canceled", "note": note}
    purpose = f"cancel the order {order_id}"
    response = client.request("PUT", f"{PATH}/{order_id}/status", purpose, body=body, backoff=backoff, once=True)
    expect_no_content(client, purpose, response)


_FAR_FUTURE = datetime.max.replace(tzinfo=timezone.utc)


def _order(raw: t.Any) -> Order | None:
    """Return the order that a value in a response describes, or None when it has no id."""
    values = as_dict(raw)
    certificate = as_dict(values.get("certificate"))
    order_id = as_id(values.get("id"))
    if order_id is None:
        return None
    return Order(
        order_id,
        as_word(values.get("status")) or "",
        certificate_id=as_id(certificate.get("id")),
        names=read_names(certificate),
        csr=as_text(certificate.get("csr")),
        serial_number=as_word(certificate.get("serial_number")),
        valid_till=parse_date_end(certificate.get("valid_till")),
        product=as_word(as_dict(values.get("product")).get("name_id")),
        created=parse_datetime(values.get("date_created")),
        order_valid_till=parse_date_end(values.get("order_valid_till")),
        is_renewed=as_flag(values.get("is_renewed")),
        renewed_order_id=as_id(values.get("renewed_order_id")),
        auto_reissue=as_flag(values.get("auto_reissue")),
        auto_renew=as_flag(values.get("auto_renew")),
        reissues_count=as_count(values.get("reissues_count")),
        certificate_status=as_word(certificate.get("status")),
        dcv_random_value=as_word(values.get("dcv_random_value")),
        requests=_requests(values.get("requests")),
        alternative_order_id=as_word(values.get("alternative_order_id")),
        common_name=as_word(certificate.get("common_name")),
        valid_from=parse_datetime(certificate.get("valid_from")),
    )


def read_names(certificate: t.Mapping[str, t.Any]) -> frozenset[str] | None:
    """Return common name and DNS names of a certificate in a response, lower case; None unless all are known."""
    dns_names = certificate.get("dns_names")
    if not isinstance(dns_names, list):
        return None
    common_name = certificate.get("common_name")
    names = [*dns_names, *([] if common_name in (None, "") else [common_name])]
    if not names or not all(isinstance(name, str) and name for name in names):
        return None
    return frozenset(name.lower() for name in names)


def _requests(rows: t.Any) -> tuple[OrderRequestRow, ...]:
    return tuple(
        OrderRequestRow(as_id(row.get("id")), as_word(row.get("type")), as_word(row.get("status")))
        for row in map(as_dict, as_list(rows))
    )


def _chain(links: t.Any) -> str | None:
    """Return `certificate_chain` of a response as one PEM text, or None when there is none."""
    texts = [as_text(as_dict(link).get("pem")) for link in as_list(links)]
    return "\n".join(text or "" for text in texts) if texts else None
