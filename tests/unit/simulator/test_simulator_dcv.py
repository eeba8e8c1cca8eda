# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sections 3 and 4 of the API page: domain control validation when an order is placed and when it is asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.simulator import DcvTargets, Fault, Simulator
from tests.simulator.auth_keys import AuthKey
from tests.support.challenges import Challenges
from tests.support.order_bodies import (
    CSR,
    FLEX,
    assert_trusted,
    certificate_id_in,
    chain_of,
    names_of,
    order_body,
    pem_csr,
    token,
)
from tests.support.pki import KEY
from tests.support.service_calls import Call, error_code, port_of


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
    challenges.records = {place: ['"v=spf1 -all"', f'"ours" "{text}"']}
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


def test_only_the_auth_key_that_the_order_names_counts(
    call: Call, sim: Simulator, challenges: Challenges, auth_key: AuthKey
) -> None:
    expiring = sim.seed_auth_key(expiration=datetime.now(timezone.utc) + timedelta(days=1))
    named = order_body(auth_key_id=expiring.auth_key_id)
    for key, proves_unnamed in ((expiring, False), (auth_key, True)):
        challenges.files["example.com"] = token(key.auth_key)
        assert ("certificate_id" in call("POST", FLEX, json=order_body()).json()) == proves_unnamed
        assert ("certificate_id" in call("POST", FLEX, json=named).json()) != proves_unnamed
    sim.advance(days=2)
    for body in (named, order_body(auth_key_id="unknown")):
        refused = call("POST", FLEX, json=body)
        assert (refused.status_code, error_code(refused)) == (400, "invalid_value:auth_key_id")
    assert len(sim.orders()) == 4


def test_deleting_a_key_voids_its_tokens(call: Call, challenges: Challenges, auth_key: AuthKey) -> None:
    placed = call("POST", FLEX, json=order_body()).json()
    challenges.files["example.com"] = token(auth_key.auth_key)
    assert call("DELETE", f"/account/auth-key/{auth_key.auth_key_id}").ok
    assert call("PUT", f"/order/certificate/{placed['id']}/check-dcv").status_code == 400


@pytest.mark.parametrize(
    ("record", "proves"),
    [
        ('"{token}"', True),
        ('"{first}" "{rest}"', False),
        ('"{year} {token}"', False),
        ('"{token} {year}"', True),
    ],
)
def test_a_txt_record_is_one_text(
    call: Call, challenges: Challenges, auth_key: AuthKey, record: str, proves: bool
) -> None:
    text = token(auth_key.auth_key)
    challenges.records = {
        "_dnsauth.example.com": [record.format(token=text, first=text[:30], rest=text[30:], year=text[:4])]
    }
    answer = call("POST", FLEX, json=order_body(dcv_method="dns-txt-token")).json()
    assert ("certificate_id" in answer) == proves


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


@pytest.mark.parametrize(
    ("location", "proves"),
    [
        ("/moved", True),
        ("http://www.example.com/moved", True),
        ("http://www.example.com:8080/moved", False),
        ("http://elsewhere.test/moved", False),
    ],
)
def test_redirected_file(call: Call, challenges: Challenges, auth_key: AuthKey, location: str, proves: bool) -> None:
    challenges.redirects["example.com"] = location
    for name in ("example.com", "www.example.com", "elsewhere.test"):
        challenges.redirects.setdefault(name, "/moved")
        challenges.files[name] = token(auth_key.auth_key)
    assert ("certificate_id" in call("POST", FLEX, json=order_body()).json()) == proves


def test_https_comes_first_and_hides_http(
    call: Call, sim: Simulator, challenges: Challenges, auth_key: AuthKey
) -> None:
    challenges.files["example.com"] = token(auth_key.auth_key)
    targets = DcvTargets(http=challenges.http, https=f"127.0.0.1:{port_of(sim.url)}")
    sim.set_dcv_targets(targets)
    assert "certificate_id" in call("POST", FLEX, json=order_body()).json(), "404 over https hides nothing"
    sim.inject(Fault(path="fileauth.txt", body="Welcome"))
    assert "certificate_id" not in call("POST", FLEX, json=order_body()).json()
    sim.set_dcv_targets(replace(targets, schemes=("http",)))
    assert "certificate_id" in call("POST", FLEX, json=order_body()).json()


def test_unreachable_servers_prove_nothing(
    call: Call, sim: Simulator, challenges: Challenges, auth_key: AuthKey
) -> None:
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
