# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Orders and certificates as responses describe them, and when a list is known to be complete."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral import certificates, orders, validation
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    LostResponseError,
    RefusedError,
    UnusableResponseError,
)

from tests.support.script import Script

NAME = "a.example"


def row(order_id: int, **values: t.Any) -> dict[str, t.Any]:
    certificate = {"common_name": NAME, "dns_names": [NAME, "B.example"], **values.pop("certificate", {})}
    return {"id": order_id, "status": "issued", "certificate": certificate, **values}


def coded(code: str) -> dict[str, t.Any]:
    return {"errors": [{"code": code, "message": "Text."}]}


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("values", "field", "read"),
    [
        ({}, "names", frozenset({NAME, "b.example"})),
        ({"certificate": {"dns_names": None}}, "names", None),
        ({"certificate": {"dns_names": [NAME, 7]}}, "names", None),
        ({"certificate": {"common_name": "ä.example", "dns_names": []}}, "names", frozenset({"ä.example"})),
        ({"certificate": {"valid_till": "2027-01-31"}}, "valid_till", utc(2027, 1, 31, 23, 59, 59)),
        ({"certificate": {"valid_till": "2027-01-31T10:00:00+02:00"}}, "valid_till", utc(2027, 1, 31, 8)),
        ({"order_valid_till": "2027-01-31"}, "order_valid_till", utc(2027, 1, 31, 23, 59, 59)),
        ({"order_valid_till": "soon"}, "order_valid_till", None),
        ({"date_created": "2026-11-27T00:00:00"}, "created", utc(2026, 11, 27)),
        ({"date_created": "9999-12-31T23:59:59-10:00"}, "created", None),
        ({"is_renewed": 1}, "is_renewed", True),
        ({"is_renewed": "false"}, "is_renewed", False),
        ({"is_renewed": []}, "is_renewed", None),
        ({"auto_reissue": "1"}, "auto_reissue", True),
        ({"reissues_count": 0}, "reissues_count", 0),
        ({"renewed_order_id": "12"}, "renewed_order_id", 12),
        ({"renewed_order_id": 10**30}, "renewed_order_id", None),
        ({"dcv_random_value": "a\x1b[31m"}, "dcv_random_value", None),
        ({"requests": [{"id": 2, "type": "reissue", "status": "pending"}]}, "requests", ((2, "reissue", "pending"),)),
    ],
)
def test_what_order_info_says(
    client: Client, script: Script, values: dict[str, t.Any], field: str, read: t.Any
) -> None:
    script.answer(row(1, **values))
    assert getattr(orders.get_order(client, 1), field) == read


@pytest.mark.parametrize(
    ("asked", "payload"),
    [
        (1, row(2)),
        (1, {"id": 1}),
        (1, []),
        ("0A", row(1, certificate={"serial_number": "0b"})),
    ],
)
def test_another_order_is_no_answer(client: Client, script: Script, asked: int | str, payload: t.Any) -> None:
    script.answer(payload)
    with pytest.raises(UnusableResponseError, match="contains no such order"):
        orders.get_order(client, asked)


def test_an_order_is_found_by_its_serial_number_however_it_is_spelled(client: Client, script: Script) -> None:
    script.answer(row(1, certificate={"serial_number": "0A:BC"}))
    assert orders.get_order(client, "abc").order_id == 1
    assert script.calls == ["GET /order/certificate/abc"]


PEM = [{"pem": "one\r\n"}, {"pem": "two"}]


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ({"id": 5, "certificate_chain": PEM}, "issued"),
        ({"id": 5, "requests": [{"id": 1, "status": "pending"}], "dcv_random_value": "v"}, "pending"),
        ({"id": 5, "requests": [{"id": 1, "status": "needs_approval"}]}, "needs_approval"),
    ],
)
def test_what_was_submitted(client: Client, script: Script, payload: t.Any, status: str) -> None:
    script.answer(payload, status=201)
    script.answer(payload, status=201)
    order = orders.post_order(client, "a/b", {"x": 1}, "order", None)
    reissue = orders.post_reissue(client, 5, {"x": 1}, "reissue", None)
    assert (order.order_id, order.status) == (5, status)
    assert (reissue.order_id, reissue.status) == (5, "reissue_pending" if status == "pending" else status)
    assert order.chain == ("one\r\n\ntwo" if status == "issued" else None)
    assert script.calls == ["POST /order/certificate/a%2Fb", "POST /order/certificate/5/reissue"]


@pytest.mark.parametrize("payload", [{}, None, {"id": "x"}, {"id": True}, {"id": 6, "errors": [{"code": "a"}]}])
def test_a_success_without_the_order_may_have_been_carried_out(client: Client, script: Script, payload: t.Any) -> None:
    for _ignored in range(2):
        script.answer(payload)
    with pytest.raises(LostResponseError):
        orders.post_order(client, "p", {}, "order", None)
    with pytest.raises(LostResponseError):
        orders.post_reissue(client, 5, {}, "reissue", None)


def listing(script: Script, *pages: tuple[list[dict[str, t.Any]], int | None]) -> None:
    for rows, total in pages:
        script.answer({"orders": rows, **({} if total is None else {"page": {"total": total}})})


@pytest.mark.parametrize(
    ("pages", "ids", "complete"),
    [
        ([([row(1), row(2)], 2)], [2, 1], True),
        ([([], 0)], [], True),
        ([([row(1)], 2), ([row(2)], 2)], [2, 1], True),
        ([([row(1)], None), ([], None)], [1], True),
        ([([row(1)], 5), ([row(1)], 5)], [1], False),
        ([([row(i) for i in range(1, 101)], 1200)], list(range(100, 0, -1)), False),
        ([([row(1, date_created="2026-01-02"), row(2, date_created="2026-01-01")], 2)], [1, 2], True),
        ([([row(1), row(2, certificate={"common_name": "b.example", "dns_names": ["c.example"]})], 2)], [1], True),
        ([([row(1, certificate={"common_name": "b.example", "dns_names": None})], 1)], [1], True),
        ([([row(1, certificate={"common_name": "ä.example", "dns_names": ["ä.example"]})], 1)], [1], True),
        ([([row(1, product={"name_id": "other"}), row(2, product={"name_id": "P"})], 2)], [2], True),
    ],
)
def test_a_list_is_complete_only_when_the_service_says_or_shows_it(
    client: Client, script: Script, pages: t.Any, ids: list[int], complete: bool
) -> None:
    listing(script, *pages)
    found = orders.list_orders(client, common_name=NAME, product="p")
    assert ([order.order_id for order in found.orders], found.complete) == (ids, complete)
    query = parse_qs(urlsplit(script.requests[0][1]).query)
    assert query["filters[common_name]"] == [NAME]
    assert (query["sort"], query["limit"]) == (["-date_created"], ["100"])


def test_all_orders_come_page_by_page(client: Client, script: Script) -> None:
    listing(script, ([row(1), row(2, status="pending")], 3), ([row(3)], 3))
    assert [order.order_id for order in orders.iterate_orders(client, {"status": "issued"}, page_size=2)] == [1, 3]


def test_a_list_without_an_end_is_left(client: Client, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "MOST_ORDERS", 4)
    listing(script, *(([row(2 * number + 1), row(2 * number + 2)], 1000) for number in range(2)))
    with pytest.raises(DigicertError, match="goes on after 4 orders"):
        list(orders.iterate_orders(client, {}))


@pytest.mark.parametrize("payload", [{}, [], {"orders": {}}, {"orders": [row(1), {"status": "issued"}]}])
def test_what_is_no_list_is_a_clear_error(client: Client, script: Script, payload: t.Any) -> None:
    script.answer(payload)
    with pytest.raises(UnusableResponseError):
        orders.list_orders(client)


@pytest.mark.parametrize(
    ("payload", "status", "found"),
    [
        (row(1), 200, [1]),
        ({"orders": [row(1), row(2)]}, 200, [1, 2]),
        ([row(1)], 200, [1]),
        (coded("not_found|order"), 404, []),
        (coded("not_found|route"), 404, None),
    ],
)
def test_alternative_ids(client: Client, script: Script, payload: t.Any, status: int, found: list[int] | None) -> None:
    script.answer(payload, status=status)
    result = orders.find_by_alternative_id(client, "a/b")
    assert (None if result is None else [order.order_id for order in result]) == found
    assert script.calls == ["GET /order/alternate/a%2Fb"]


@pytest.mark.parametrize(
    ("payload", "status", "valid", "unproven", "state"),
    [
        ({"order_status": "issued", "dcv_status": "valid", "certificate_id": 9}, 200, True, (), "issued"),
        ({"order_status": "pending", "dcv_status": "pending"}, 200, False, (), "pending"),
        (
            {
                "dcv_status": "pending",
                "dns_name_validations": [{"dns_name": "a", "status": "valid"}, {"dns_name": "b"}],
            },
            200,
            False,
            ("b",),
            "pending",
        ),
        (coded("invalid_dns_txt"), 400, False, (), "pending"),
    ],
)
def test_both_forms_of_the_check(
    client: Client, script: Script, payload: t.Any, status: int, valid: bool, unproven: tuple[str, ...], state: str
) -> None:
    script.answer(payload, status=status)
    result = validation.check_dcv(client, orders.Order(1, "pending"))
    assert (result.valid, result.unproven, result.order.status) == (valid, unproven, state)
    assert ("invalid_dns_txt" in result.reason) == (status == 400)


def test_a_check_that_is_forbidden_is_an_error(client: Client, script: Script) -> None:
    script.answer(coded("access_denied|x"), status=403)
    with pytest.raises(RefusedError):
        validation.check_dcv(client, orders.Order(1))


def test_reissues_newest_first_without_the_certificate_that_is_repeated(client: Client, script: Script) -> None:
    rows = [{"id": 1, "serial_number": "0A"}, {"id": 2, "serial_number": "a"}, {"id": 3}, {"id": 4}]
    script.answer({"certificates": rows})
    assert [reissue.certificate_id for reissue in certificates.list_reissues(client, 7)] == [4, 3, 1]
    script.answer({"certificates": None})
    with pytest.raises(DigicertError, match="no list certificates"):
        certificates.list_reissues(client, 7)
    script.answer(coded("not_found"), status=404)
    assert certificates.list_known_reissues(client, 7) == ()


def test_the_writes_have_the_bodies_of_the_api(client: Client, script: Script) -> None:
    script.answer(status=204)
    script.answer({"id": 3, "status": "pending"}, status=201)
    script.answer(status=204)
    script.answer({"dcv_random_value": "v"})
    orders.cancel(client, 1, "why")
    revoked = certificates.revoke_certificate(client, "0A", reason="superseded", comments="c", skip_approval=False)
    assert revoked == (3, "pending")
    assert certificates.revoke_order(client, 1, reason="superseded", comments="", skip_approval=True) == (None, None)
    assert validation.get_random_value(client, 1) == "v"
    assert [(call, body) for call, (*_more, body) in zip(script.calls, script.requests)] == [
        ("PUT /order/certificate/1/status", b'{"status": "canceled", "note": "why"}'),
        (
            "PUT /certificate/0A/revoke",
            b'{"revocation_reason": "superseded", "comments": "c", "skip_approval": false}',
        ),
        (
            "PUT /order/certificate/1/revoke",
            b'{"revocation_reason": "superseded", "comments": "", "skip_approval": true}',
        ),
        ("PUT /order/certificate/1/dcv-random-value", b""),
    ]
