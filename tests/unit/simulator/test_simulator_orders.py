# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Section 4 of the API page: orders, from the request to the certificate."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.verification import PolicyBuilder, Store

from tests.simulator import DcvTargets, Fault, OrderBehaviour, Simulator
from tests.simulator.auth_keys import AuthKey
from tests.simulator.issuer import longest_life
from tests.unit.simulator.challenges import Challenges, serve_challenges
from tests.unit.simulator.client import Call, error_code
from tests.unit.simulator.ordering import CSR, FORGED_CSR, KEY, base64_csr, order_body, pem_csr, token

FLEX = "/order/certificate/ssl_dv_geotrust_flex"


@pytest.fixture(scope="module")
def serving() -> Iterator[Challenges]:
    with serve_challenges() as challenges:
        yield challenges


@pytest.fixture
def challenges(serving: Challenges, sim: Simulator) -> Challenges:
    for published in (serving.files, serving.records, serving.redirects, serving.asked):
        published.clear()
    sim.set_dcv_targets(DcvTargets(http=serving.http, dns=serving.dns))
    return serving


@pytest.fixture
def auth_key(sim: Simulator) -> AuthKey:
    return sim.seed_auth_key()


def chain_of(answer: requests.Response) -> list[x509.Certificate]:
    return [x509.load_pem_x509_certificate(link["pem"].encode()) for link in answer.json()["certificate_chain"]]


def assert_trusted(sim: Simulator, chain: list[x509.Certificate], name: str) -> None:
    root = x509.load_pem_x509_certificate(sim.ca_file.read_bytes())
    assert chain[-1] == root
    verifier = PolicyBuilder().store(Store([root])).build_server_verifier(x509.DNSName(name))
    assert verifier.verify(chain[0], chain[1:-1]) == chain


def certificate_id_in(sim: Simulator) -> int:
    (order,) = sim.orders()
    assert order.certificate is not None
    return order.certificate.id


def names_of(certificate: x509.Certificate) -> list[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)


def test_immediate_issuance_by_http(call: Call, sim: Simulator, challenges: Challenges, auth_key: AuthKey) -> None:
    names = ("example.com", "www.example.com", "example.com")
    challenges.files = {name: f"# ours\r\n{token(auth_key.auth_key)}\r\n" for name in names}
    answer = call("POST", FLEX, json=order_body(*names))
    assert answer.status_code == 201
    assert set(answer.json()) == {"id", "requests", "certificate_id", "certificate_chain"}
    assert answer.json()["requests"][0]["status"] == "approved"

    chain = chain_of(answer)
    assert_trusted(sim, chain, "www.example.com")
    assert names_of(chain[0]) == ["example.com", "www.example.com"]
    assert chain[0].public_key() == KEY.public_key()
    common_names = [link["subject_common_name"] for link in answer.json()["certificate_chain"]]
    assert common_names == [
        "example.com",
        "CertCentral Simulator DV CA",
        "CertCentral Simulator Root CA",
    ]
    assert all(link["pem"].count("\r\n") == link["pem"].count("\n") for link in answer.json()["certificate_chain"])
    assert challenges.asked == ["example.com", "www.example.com"], "each domain is checked once"
    assert [check.proof for check in sim.dcv_checks] == ["request_token"] * 2


@pytest.mark.parametrize("place", ["example.com", "_dnsauth.example.com", "_dnsauth.a.example.com", "a.example.com"])
def test_immediate_issuance_by_dns(
    call: Call, sim: Simulator, challenges: Challenges, auth_key: AuthKey, place: str
) -> None:
    text = token(auth_key.auth_key)
    challenges.records = {place: ['"v=spf1 -all"', f'"{text[:30]}" "{text[30:]}"']}
    body = order_body("*.a.example.com", "b.a.example.com", dcv_method="dns-txt-token")
    answer = call("POST", FLEX, json=body)
    chain = chain_of(answer)
    assert names_of(chain[0]) == ["*.a.example.com", "b.a.example.com"]
    assert_trusted(sim, chain, "c.a.example.com")


def test_records_elsewhere_prove_nothing(call: Call, sim: Simulator, challenges: Challenges, auth_key: AuthKey) -> None:
    places = ("com", "_dnsauth.com", "b.example.com", "other.example.com", "_dnsauth.other.example.com")
    challenges.records = {place: [token(auth_key.auth_key)] for place in places}
    answer = call("POST", FLEX, json=order_body("a.example.com", dcv_method="dns-txt-token"))
    assert (answer.status_code, "certificate_id" in answer.json()) == (201, False)
    assert [check.proof for check in sim.dcv_checks] == [None]


@pytest.mark.parametrize("csr", [CSR, pem_csr(), pem_csr().replace("\n", "\r\n")], ids=["base64", "pem", "crlf"])
def test_token_is_made_of_the_string_sent(call: Call, challenges: Challenges, auth_key: AuthKey, csr: str) -> None:
    challenges.files["example.com"] = token(auth_key.auth_key, csr)
    assert "certificate_id" in call("POST", FLEX, json=order_body(csr=csr)).json()
    other = pem_csr() if csr == CSR else CSR
    assert "certificate_id" not in call("POST", FLEX, json=order_body(csr=other)).json()


def test_rsa_key_and_new_header(call: Call, challenges: Challenges, auth_key: AuthKey) -> None:
    key = rsa.generate_private_key(65537, 2048)
    csr = pem_csr(key).replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")
    challenges.files["example.com"] = token(auth_key.auth_key, csr)
    assert chain_of(call("POST", FLEX, json=order_body(csr=csr)))[0].public_key() == key.public_key()


def test_any_active_auth_key_counts(call: Call, sim: Simulator, challenges: Challenges, auth_key: AuthKey) -> None:
    second = sim.seed_auth_key(expiration=datetime.now(timezone.utc) + timedelta(days=1))
    challenges.files["example.com"] = token(second.auth_key)
    assert "certificate_id" in call("POST", FLEX, json=order_body()).json()
    assert call("DELETE", f"/account/auth-key/{second.auth_key_id}").ok
    assert "certificate_id" not in call("POST", FLEX, json=order_body()).json(), "deleting a key voids its tokens"
    assert auth_key in sim.auth_keys()


def test_one_domain_not_proven_keeps_the_order_pending(
    call: Call, sim: Simulator, challenges: Challenges, auth_key: AuthKey
) -> None:
    challenges.files["example.com"] = token(auth_key.auth_key)
    answer = call("POST", FLEX, json=order_body("example.com", "www.example.com"))
    assert answer.status_code == 201
    assert set(answer.json()) == {"id", "requests", "dcv_random_value"}
    assert answer.json()["requests"][0]["status"] == "pending"
    assert [check.proof for check in sim.dcv_checks] == ["request_token", None]

    order = f"/order/certificate/{answer.json()['id']}"
    missing = call("PUT", f"{order}/check-dcv")
    assert (missing.status_code, error_code(missing)) == (400, "file_random_value_not_found")
    assert "status 404" in missing.text
    assert call("GET", order).json()["status"] == "pending"
    challenges.files["www.example.com"] = token(auth_key.auth_key)
    checked = call("PUT", f"{order}/check-dcv").json()
    assert checked == {
        "order_status": "issued",
        "dcv_status": "valid",
        "certificate_id": certificate_id_in(sim),
    }
    assert call("PUT", f"{order}/check-dcv").json() == checked


@pytest.mark.parametrize("method", ["http-token", "dns-txt-token"])
def test_classical_flow_by_random_value(call: Call, sim: Simulator, challenges: Challenges, method: str) -> None:
    placed = call("POST", FLEX, json=order_body(use_auth_key=None, dcv_method=method)).json()
    assert challenges.asked == [], "without use_auth_key nothing is looked for"
    order = f"/order/certificate/{placed['id']}"
    code = "file_random_value_not_found" if method == "http-token" else "invalid_dns_txt"
    assert error_code(call("PUT", f"{order}/check-dcv")) == code

    challenges.files["example.com"] = placed["dcv_random_value"]
    challenges.records["_dnsauth.example.com"] = [placed["dcv_random_value"]]
    checked = call("PUT", f"{order}/check-dcv").json()
    assert (checked["order_status"], sim.dcv_checks[-1].proof) == ("issued", "random_value")
    pem = call("GET", f"/certificate/{checked['certificate_id']}/download/format/pem_all")
    assert pem.headers["Content-Type"] == "application/x-pem-file"
    assert_trusted(sim, x509.load_pem_x509_certificates(pem.content), "example.com")


def test_request_token_needs_use_auth_key(call: Call, challenges: Challenges, auth_key: AuthKey) -> None:
    challenges.files["example.com"] = token(auth_key.auth_key)
    placed = call("POST", FLEX, json=order_body(use_auth_key=False)).json()
    assert call("PUT", f"/order/certificate/{placed['id']}/check-dcv").status_code == 400


def test_redirected_file_and_unreachable_servers_prove_nothing(
    call: Call, sim: Simulator, challenges: Challenges, auth_key: AuthKey
) -> None:
    challenges.files["www.example.com"] = token(auth_key.auth_key)
    challenges.redirects["example.com"] = "/moved"
    challenges.files["example.com"] = token(auth_key.auth_key)
    assert "certificate_id" not in call("POST", FLEX, json=order_body()).json()
    sim.set_dcv_targets(DcvTargets(http="127.0.0.1:1", dns="127.0.0.1:1", http_by_domain={"a.test": challenges.http}))
    challenges.files["a.test"] = token(auth_key.auth_key)
    assert "certificate_id" in call("POST", FLEX, json=order_body("a.test")).json()
    assert "certificate_id" not in call("POST", FLEX, json=order_body("b.test")).json()
    assert "refused" in sim.dcv_checks[-1].seen[0]


def test_silent_name_server_costs_one_timeout(call: Call, sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.simulator.dcv.TIMEOUT", 0.1)
    sim.seed_auth_key()
    sim.set_dcv_targets(DcvTargets(dns="127.0.0.1:1"))
    assert "certificate_id" not in call("POST", FLEX, json=order_body("a.b.test", dcv_method="dns-txt-token")).json()
    assert len(sim.dcv_checks[0].seen) == 1


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
        {"dns_names": None},
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
        ("invalid_csr", {"csr": ""}),
        ("invalid_csr", {"csr": "bm90IGEgQ1NS"}),
        ("invalid_csr", {"csr": pem_csr()[:-60]}),
        ("invalid_csr", {"csr": FORGED_CSR}),
        ("invalid_csr", {"csr": base64_csr(rsa.generate_private_key(65537, 1024))}),  # noqa: S505
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
        (date(2026, 3, 14), 398),
        (date(2026, 3, 15), 200),
        (date(2027, 3, 14), 200),
        (date(2027, 3, 15), 100),
        (date(2029, 3, 14), 100),
        (date(2029, 3, 15), 47),
        (date(2099, 1, 1), 47),
    ],
)
def test_industry_maximum(day: date, days: int) -> None:
    assert longest_life(day) == timedelta(days=days)


@pytest.mark.parametrize(
    ("changes", "days"),
    [
        ({"order_validity": {"years": 3}}, None),
        ({"order_validity": {"days": 10}}, 10),
        ({"order_validity": {"years": 1}, "cert_validity": {"days": 20}}, 20),
        ({"order_validity": {"days": 10}, "cert_validity": {"days": 20}}, 10),
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
        ("GET", "/order/certificate/one", "not_found|route"),
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
    assert row["certificate"] == {"common_name": "b.test", "dns_names": ["b.test"]}, "no CSR in the rows"
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
        assert call("GET", path + "p7b").status_code == 400
    pending = call("POST", FLEX, json=order_body(use_auth_key=False)).json()["id"]
    assert call("GET", f"/certificate/download/order/{pending}/format/pem_all").status_code == 404


def test_revoke(call: Call, sim: Simulator) -> None:
    sim.set_order_behaviour(OrderBehaviour(validation="never"))
    sim.seed_auth_key()
    placed = call("POST", FLEX, json=order_body()).json()
    assert call("PUT", f"/certificate/{placed['certificate_id']}/revoke").status_code == 201
    assert call("GET", f"/order/certificate/{placed['id']}").json()["status"] == "revoked"
    assert call("PUT", f"/certificate/{placed['certificate_id']}/revoke").status_code == 400


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
