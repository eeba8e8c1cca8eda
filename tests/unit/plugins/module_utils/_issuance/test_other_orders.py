# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The response to an order may contain the id of another order: nothing is reissued there or bought twice."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    LostResponseError,
    NotFoundError,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import JournalEntry

from tests.support.issuance import ALTERNATE, DOWNLOAD, INFO, NAME, POST, REISSUE, REISSUES, Case

Order = t.Dict[str, t.Any]
ENDS_SOON = {"order_valid_till": 25}
BOUGHT = "POST /order/certificate/ssl_dv_geotrust_flex"
REISSUED = "POST /order/certificate/7/reissue"
FOREIGN = {"common_name": "other.example", "dns_names": ["other.example"], "serial_number": "f0", "id": 99}


@pytest.mark.parametrize(
    ("foreign", "own", "options", "expected"),
    [
        ({}, {}, {}, "reissued"),
        ({}, {}, {"renewal": "reissue"}, "reissued"),
        ({}, {}, {"force": True}, "reissued"),
        ({"status": "pending"}, {}, {}, "reissued"),
        ({"status": "revoked"}, {}, {}, "reissued"),
        ({"order_valid_till": 20}, None, {}, "ordered"),
        ({"order_valid_till": 20}, ENDS_SOON, {}, "renewed"),
        ({}, None, {"renewal": "reissue"}, "an order that can be reissued"),
        ({"names": None}, {}, {}, "does not show the names of order 9"),
    ],
)
def test_an_order_of_others_that_a_response_named_is_left_alone(
    case: Case, foreign: Order, own: Order | None, options: dict[str, t.Any], expected: str
) -> None:
    case.install(JournalEntry(order_id=9, names=(NAME,), serial_number=f"{case.old.serial_number:X}"))
    foreign, names = dict(foreign), FOREIGN
    if "order_valid_till" in foreign:
        foreign["order_valid_till"] = case.day(foreign["order_valid_till"])
    if "names" in foreign:
        names = {**FOREIGN, "common_name": None, "dns_names": foreign.pop("names")}
    ends = {name: case.day(days) for name, days in (own or {}).items()}
    case.client.on("GET /order/certificate/9$", {**case.order(certificate=names, **foreign), "id": 9})
    serial = f"0*{case.old.serial_number:X}"
    case.client.on(f"GET /order/certificate/{serial}$", NotFoundError("No.", http_status=404))
    if own is not None:
        case.orders(case.order(**ends))
        case.client.on(f"GET /order/certificate/({serial}|7)$", case.order(**ends))
    if expected in ("ordered", "renewed", "reissued"):
        outcome = case.run(**options)
        assert outcome.action == expected
        assert case.sent == [REISSUED if expected == "reissued" else BOUGHT]
        assert case.client.bodies[-1].get("renewal_of_order_id") == (7 if expected == "renewed" else None)
        assert case.entry.order_id == (7 if expected == "reissued" else 8)
    else:
        with pytest.raises(DigicertError, match=expected):
            case.run(**options)
        assert case.sent == []


@pytest.mark.parametrize("shows_id", [True, False])
def test_a_pending_order_under_the_id_of_another_one_is_looked_for(case: Case, shows_id: bool) -> None:
    case.client.on(POST, {"id": 9, "requests": []})
    case.client.on("PUT .*/dcv-random-value$", {"dcv_random_value": "random"})
    case.client.on("PUT .*/check-dcv$", {"order_status": "pending"})
    foreign = case.order(status="pending", certificate=FOREIGN)
    case.client.on(INFO, {**foreign, "id": 9, **({"alternative_order_id": "theirs"} if shows_id else {})})
    with pytest.raises(DigicertError, match="contained the id 9, which belongs to another order"):
        case.run(wait_timeout=60)
    certificate = {"csr": case.csr, "serial_number": "ab", "valid_till": case.day(198)}
    ours = {**case.order(certificate=certificate, date_created=case.day(0)), "id": 8}
    case.client.on(ALTERNATE, ours)
    case.client.on("GET /order/certificate/8$", ours)
    assert case.run().action == "continued"
    assert (case.entry.order_id, case.sent.count(BOUGHT)) == (8, 1)


@pytest.mark.parametrize("status", ["issued", "pending"])
@pytest.mark.parametrize("other", [{"certificate": FOREIGN}, {"product": {"name_id": "ssl_dv_rapidssl"}}], ids=str)
def test_an_order_that_contradicts_the_list_is_left_alone(case: Case, other: Order, status: str) -> None:
    case.orders(case.order(status=status))
    case.client.on("GET /order/certificate/7$", case.order(status=status, **other))
    with pytest.raises(DigicertError, match="The list of orders says that order 7 is for these names"):
        case.run()
    assert case.sent == []


def test_a_moment_after_an_order_under_another_id_force_does_not_buy_again(case: Case) -> None:
    bought = case.client.now()
    case.install(JournalEntry(order_id=9, names=(NAME,), serial_number="AB", last_purchase=bought))
    case.client.on("GET /order/certificate/9$", {**case.order(certificate=FOREIGN), "id": 9})
    with pytest.raises(DigicertError, match="in two minutes"):
        case.run(force=True)
    assert case.sent == []


@pytest.mark.parametrize("csr", [None, "x" * 4000])
def test_an_order_whose_csr_cannot_be_read_may_be_the_lost_one(case: Case, csr: str | None) -> None:
    case.client.on(POST, LostResponseError("Lost."))
    new = case.order(certificate={"csr": csr, "serial_number": None}, date_created=case.day(0))
    case.orders(new)
    case.client.on(INFO, new)
    with pytest.raises(DigicertError, match="does not show its CSR"):
        case.run(wait_timeout=700, renewal="order")
    assert case.sent == [BOUGHT]


@pytest.mark.parametrize("kind", ["order", "reissue"])
def test_a_service_with_another_id_at_each_read_is_asked_a_few_times(case: Case, kind: str) -> None:
    own = {"csr": case.csr, "dns_names": [NAME], "common_name": NAME}
    ids = range(100, 200)
    for call in (POST, REISSUE):
        case.client.on(call, {"id": 7, "certificate_id": 99, "certificate_chain": [{"pem": "no certificate"}]})
    case.client.on(DOWNLOAD, "no certificate")
    if kind == "reissue":
        case.install()
        case.client.on(REISSUES, *({"certificates": [{**own, "id": number, "status": "issued"}]} for number in ids))
    else:
        case.client.on(INFO, *(case.order(certificate={**own, "id": number, "serial_number": "5"}) for number in ids))
    with pytest.raises(DigicertError, match="was not installed"):
        case.run()
    downloads = [call for call in case.client.calls if call.endswith("pem_all")]
    assert (len(downloads), len(set(downloads))) == (5, 5), case.client.calls


@pytest.mark.parametrize("download", ["right", "wrong"])
def test_a_damaged_response_to_an_order_does_not_hide_the_certificate(case: Case, download: str) -> None:
    case.client.on(POST, {"id": 8, "certificate_id": 90, "certificate_chain": [{"pem": "no certificate"}]})
    if download == "right":
        assert case.run().action == "ordered"
        assert case.client.calls[-1] == "GET /certificate/90/download/format/pem_all"
    else:
        case.client.on(DOWNLOAD, "no certificate")
        case.client.on(INFO, LostResponseError("Lost."))
        with pytest.raises(DigicertError, match="was not installed"):
            case.run()
