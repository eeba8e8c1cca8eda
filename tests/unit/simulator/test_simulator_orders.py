# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Section 4 of the API page: orders, from the request to the certificate."""

from __future__ import annotations

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs7

from tests.simulator import Fault, OrderBehaviour, Simulator
from tests.simulator.auth_keys import AuthKey
from tests.simulator.issuer import longest_life
from tests.support.challenges import Challenges
from tests.support.order_bodies import (
    CSR,
    FLEX,
    FORGED_CSR,
    base64_csr,
    certificate_id_in,
    chain_of,
    names_of,
    order_body,
    pem_csr,
    token,
)
from tests.support.service_calls import Call, error_code


def test_order_without_an_auth_key(call: Call, sim: Simulator) -> None:
    sim.seed_auth_key(enabled=False)
    answer = call("POST", FLEX, json=order_body())
    assert (answer.status_code, error_code(answer)) == (400, "auth_key_not_setup")
    assert sim.orders() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"csr": None},
        {"common_name": None},
        {"order_validity": None},
        {"dcv_method": None},
        {"certificate": None},
        {"csr": 7},
        {"dns_names": "www.example.com"},
        {"dns_names": [7]},
        {"use_auth_key": "yes"},
        {"skip_approval": 1},
        {"renewal_of_order_id": True},
        {"renewal_of_order_id": "1"},
        {"order_validity": {}},
        {"order_validity": {"years": 1, "days": 1}},
    ],
)
def test_body_of_the_wrong_shape(call: Call, sim: Simulator, auth_key: AuthKey, changes: dict[str, Any]) -> None:
    answer = call("POST", FLEX, json=order_body(**changes))
    assert (answer.status_code, error_code(answer)) == (400, "bad_request_format")
    assert (sim.orders(), sim.auth_keys()) == ([], [auth_key])


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("csr_invalid_cannot_parse", {"csr": ""}),
        ("csr_invalid_cannot_parse", {"csr": "bm90IGEgQ1NS"}),
        ("csr_invalid_cannot_parse", {"csr": pem_csr()[:-60]}),
        ("csr_invalid_cannot_parse", {"csr": FORGED_CSR}),
        ("csr_invalid_cannot_parse", {"csr": base64_csr(rsa.generate_private_key(65537, 1024))}),  # noqa: S505
        ("invalid_dns_name", {"common_name": "bücher.example"}),
        ("invalid_dns_name", {"common_name": "\N{KELVIN SIGN}elvin.example"}),
        ("invalid_dns_name", {"common_name": "localhost"}),
        ("invalid_dns_name", {"dns_names": [".".join(["a" * 62] * 4) + ".example"]}),
        ("invalid_dns_name", {"common_name": "192.0.2.1"}),
        ("invalid_dns_name", {"common_name": "a." * 40 + "example.com"}),
        ("invalid_dns_name", {"dns_names": ["a_b.example.com"]}),
        ("invalid_dns_name", {"dns_names": ["a.*.example.com"]}),
        ("invalid_dcv_method", {"dcv_method": "email"}),
        ("invalid_dcv_method", {"common_name": "*.example.com"}),
        ("invalid_dcv_method", {"dns_names": ["*.example.com"]}),
        ("invalid_validity", {"order_validity": {"years": 0}}),
        ("invalid_validity", {"order_validity": {"years": 4}}),
        ("invalid_validity", {"order_validity": {"days": "9"}}),
        ("invalid_validity", {"order_validity": {"days": 10**20}}),
        ("invalid_validity", {"order_validity": {"decades": 1}}),
        ("invalid_validity", {"order_validity": {"custom_expiration_date": "2020-01-01"}}),
        ("invalid_validity", {"order_validity": {"custom_expiration_date": "soon"}}),
        ("cert_validity_exceeds_order_validity", {"order_validity": {"days": 10}, "cert_validity": {"days": 20}}),
        ("invalid_validity", {"cert_validity": {"days": 0}}),
        ("invalid_validity", {"cert_validity": {}}),
    ],
)
def test_values_that_are_refused(
    call: Call, sim: Simulator, auth_key: AuthKey, code: str, changes: dict[str, Any]
) -> None:
    answer = call("POST", FLEX, json=order_body(**changes))
    assert (answer.status_code, error_code(answer)) == (400, code)
    assert (sim.orders(), sim.auth_keys()) == ([], [auth_key])


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"'])
def test_body_that_is_no_object(call: Call, body: bytes) -> None:
    answer = call("POST", FLEX, data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, error_code(answer)) == (400, "bad_request_format")


def test_products(call: Call, sim: Simulator) -> None:
    sim.set_order_behaviour(OrderBehaviour(validation="never"))
    sim.seed_auth_key()
    unknown = call("POST", "/order/certificate/ssl_ev", json=order_body())
    assert (unknown.status_code, error_code(unknown)) == (404, "not_found|product")
    for product in ("rapidssl", "geotrust"):
        for prefix, name in (("ssl_dv_", "example.com"), ("wildcard_dv_", "*.example.com")):
            path = f"/order/certificate/{prefix}{product}"
            assert call("POST", path, json=order_body(name, dcv_method="dns-txt-token")).status_code == 201
            other = order_body("*.example.com" if name == "example.com" else "example.com", dcv_method="dns-txt-token")
            assert error_code(call("POST", path, json=other)) == "invalid_dns_name"


def test_international_name_as_a_label(call: Call, sim: Simulator) -> None:
    sim.set_order_behaviour(OrderBehaviour(validation="never"))
    sim.seed_auth_key()
    answer = call("POST", FLEX, json=order_body("xn--bcher-kva.example"))
    assert names_of(chain_of(answer)[0]) == ["xn--bcher-kva.example"]


@pytest.mark.parametrize(
    ("day", "days"),
    [
        (date(2026, 2, 23), 397),
        (date(2026, 2, 24), 199),
        (date(2027, 2, 23), 199),
        (date(2027, 2, 24), 99),
        (date(2029, 2, 23), 99),
        (date(2029, 2, 24), 46),
        (date(2099, 1, 1), 46),
    ],
)
def test_longest_life(day: date, days: int) -> None:
    assert longest_life(day) == timedelta(days=days)


@pytest.mark.parametrize(
    ("changes", "days"),
    [
        ({"order_validity": {"years": 3}}, None),
        ({"order_validity": {"days": 10}}, 10),
        ({"order_validity": {"years": 1}, "cert_validity": {"days": 20}}, 20),
        ({"order_validity": {"days": 10}, "cert_validity": {"days": 10}}, 10),
    ],
)
def test_validity_of_the_certificate(call: Call, sim: Simulator, changes: dict[str, Any], days: int | None) -> None:
    sim.set_order_behaviour(OrderBehaviour(validation="never"))
    sim.seed_auth_key()
    leaf = chain_of(call("POST", FLEX, json=order_body(**changes)))[0]
    expected = timedelta(days=days) if days else longest_life(leaf.not_valid_before_utc.date())
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc in (
        expected - timedelta(seconds=1),
        expected - timedelta(seconds=2),  # the second may have changed between request and issuance
    )
    assert abs(leaf.not_valid_before_utc - datetime.now(timezone.utc)) < timedelta(seconds=10)


def test_validity_to_a_date(call: Call, sim: Simulator) -> None:
    sim.set_order_behaviour(OrderBehaviour(validation="never"))
    sim.seed_auth_key()
    day = datetime.now(timezone.utc).date() + timedelta(days=9)
    body = order_body(order_validity={"custom_expiration_date": day.isoformat()})
    leaf = chain_of(call("POST", FLEX, json=body))[0]
    assert leaf.not_valid_after_utc == datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=timezone.utc)


def test_order_info(call: Call, sim: Simulator, challenges: Challenges, auth_key: AuthKey) -> None:
    placed = call("POST", FLEX, json=order_body("example.com", "www.example.com")).json()
    pending = call("GET", f"/order/certificate/{placed['id']}").json()
    assert pending["certificate"] == {
        "id": sim.orders()[0].primary.id,
        "status": "pending",
        "common_name": "example.com",
        "dns_names": ["example.com", "www.example.com"],
        "csr": CSR,
    }
    assert (pending["id"], pending["status"]) == (placed["id"], "pending")
    assert challenges.asked == ["example.com", "www.example.com"]

    challenges.files = dict.fromkeys(("example.com", "www.example.com"), token(auth_key.auth_key))
    call("PUT", f"/order/certificate/{placed['id']}/check-dcv")
    issued = call("GET", f"/order/certificate/{placed['id']}").json()
    assert issued["status"] == "issued"
    leaf = x509.load_pem_x509_certificates(
        call("GET", f"/certificate/download/order/{placed['id']}/format/pem_all").content
    )[0]
    certificate = issued["certificate"]
    assert certificate["id"] == certificate_id_in(sim)
    assert int(certificate["serial_number"], 16) == leaf.serial_number
    assert certificate["valid_from"] == leaf.not_valid_before_utc.date().isoformat()
    assert certificate["valid_till"] == leaf.not_valid_after_utc.date().isoformat()
    assert set(certificate) >= {"thumbprint", "date_issued", "csr"}


def test_unknown_ids(call: Call) -> None:
    for method, path, code in (
        ("GET", "/order/certificate/1", "not_found|order"),
        ("PUT", "/order/certificate/1/check-dcv", "not_found|order"),
        ("GET", "/certificate/download/order/1/format/pem_all", "not_found|order"),
        ("GET", "/certificate/1/download/format/pem_all", "not_found|certificate"),
        ("PUT", "/certificate/1/revoke", "not_found|certificate"),
        ("GET", "/order/certificate/one", "not_found|order"),
        ("GET", "/order/alternate/one", "not_found|order"),
        ("PUT", "/order/certificate/one/check-dcv", "not_found|route"),
    ):
        answer = call(method, path)
        assert (answer.status_code, error_code(answer)) == (404, code)


def test_list(call: Call, sim: Simulator) -> None:
    assert call("GET", "/order/certificate").json() == {
        "orders": [],
        "page": {"total": 0, "limit": 1000, "offset": 0},
    }
    placed = [
        call("POST", FLEX, json=order_body(name, use_auth_key=False)).json()["id"]
        for name in ("a.test", "b.test", "a.test")
    ]
    sim.finish_order(placed[0], "rejected")

    def listed(query: str) -> list[int]:
        return [order["id"] for order in call("GET", f"/order/certificate?{query}").json()["orders"]]

    assert listed("") == listed("sort=-date_created") == placed[::-1]
    assert listed("sort=date_created") == placed
    assert listed("filters[common_name]=a.test") == [placed[2], placed[0]]
    assert listed("filters%5Bcommon_name%5D=a.test&filters[status]=rejected") == [placed[0]]
    assert listed("filters[common_name]=a.tes") == []
    page = call("GET", "/order/certificate?limit=1&offset=1").json()
    assert page["page"] == {"total": 3, "limit": 1, "offset": 1}
    (row,) = page["orders"]
    assert (row["id"], row["status"], row["product"]) == (placed[1], "pending", {"name_id": "ssl_dv_geotrust_flex"})
    assert row["certificate"].keys() == {"id", "common_name", "dns_names"}, "no CSR in the rows"
    assert datetime.fromisoformat(row["date_created"]).tzinfo is not None


@pytest.mark.parametrize("query", ["sort=price", "limit=-1", "offset=x", "filters[csr]=x", "page=2"])
def test_bad_list_parameters(call: Call, query: str) -> None:
    assert error_code(call("GET", f"/order/certificate?{query}")) == "bad_request_format"


def test_downloads(call: Call, sim: Simulator) -> None:
    sim.set_order_behaviour(OrderBehaviour(validation="never"))
    sim.seed_auth_key()
    placed = call("POST", FLEX, json=order_body()).json()
    texts = [link["pem"] for link in placed["certificate_chain"]]
    paths = (
        f"/certificate/{placed['certificate_id']}/download/format/",
        f"/certificate/download/order/{placed['id']}/format/",
    )
    for path in paths:
        assert call("GET", path + "pem_all").text == "".join(texts)
        assert call("GET", path + "pem_noroot").text == "".join(texts[:2])
        assert call("GET", path + "pem_nointermediate").text == texts[0]
        assert len(pkcs7.load_pem_pkcs7_certificates(call("GET", path + "p7b").content)) == 3
        assert call("GET", path + "exe").status_code == 400
    certificate = f"/certificate/{placed['certificate_id']}"
    above = [
        {"subject_common_name": link["subject_common_name"], "pem": link["pem"]} for link in placed["certificate_chain"]
    ]
    assert call("GET", f"{certificate}/chain").json() == {"intermediates": above[1:]}
    archive = zipfile.ZipFile(io.BytesIO(call("GET", f"{certificate}/download/platform").content))
    assert [archive.read(name).decode() for name in archive.namelist()] == texts
    pending = call("POST", FLEX, json=order_body(use_auth_key=False)).json()["id"]
    assert call("GET", f"/certificate/download/order/{pending}/format/pem_all").status_code == 404


def test_renewal_needs_an_order_of_the_account(call: Call, sim: Simulator) -> None:
    sim.seed_auth_key("other")
    first = call("POST", FLEX, json=order_body(use_auth_key=False)).json()["id"]
    renewal = order_body(use_auth_key=False, renewal_of_order_id=first)
    assert call("POST", FLEX, json=renewal).status_code == 201
    assert error_code(call("POST", FLEX, json=renewal, role="other_full")) == "not_found|order"


def test_accounts_and_roles(call: Call, sim: Simulator) -> None:
    body = order_body(use_auth_key=False)
    placed = call("POST", FLEX, json=body, role="orders").json()["id"]
    assert call("POST", FLEX, json=body, role="view_only").status_code == 403
    assert call("PUT", f"/order/certificate/{placed}/check-dcv", role="view_only").status_code == 403
    assert call("GET", f"/order/certificate/{placed}", role="view_only").ok
    assert call("GET", f"/order/certificate/{placed}", role="other_full").status_code == 404
    assert (len(sim.orders()), len(sim.orders("other"))) == (1, 0)


def test_answer_lost_after_the_order_is_placed(call: Call, sim: Simulator) -> None:
    sim.inject(Fault(method="POST", path="/order/", drop="reset", commit=True))
    with pytest.raises(requests.ConnectionError):
        call("POST", FLEX, json=order_body(use_auth_key=False))
    assert [order.request.common_name for order in sim.orders()] == ["example.com"]


def test_orders_at_once_have_their_own_ids(sim: Simulator) -> None:
    sim.set_order_behaviour(OrderBehaviour(validation="never"))
    sim.seed_auth_key()
    headers = {"X-DC-DEVKEY": sim.keys["full"]}

    def place(number: int) -> Any:
        body = order_body(f"host{number}.test")
        return requests.post(sim.http_url + FLEX, json=body, headers=headers, timeout=30).json()

    with ThreadPoolExecutor(30) as hosts:
        placed = list(hosts.map(place, range(30)))
    assert len({order["id"] for order in placed}) == len({order["certificate_id"] for order in placed}) == 30
    assert sum(order.certificate is not None for order in sim.orders()) == 30
