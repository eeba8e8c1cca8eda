# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bodies of orders and reissues, and what is refused before anything is sent."""

from __future__ import annotations

import ipaddress
import typing as t
from datetime import datetime, timedelta, timezone

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._issuance.lifetime import (
    longest_certificate,
    renewal_threshold,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.request import (
    DEFAULTS,
    CertificateRequest,
    certificate_request,
)
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import order_csr
from cryptography import x509

from tests.support.pki import new_csr

MANY = range(300)  # names, more than DigiCert allows


def request_for(*names: str, csr: str | None = None, **options: t.Any) -> CertificateRequest:
    """Return a request for names or a CSR."""
    return certificate_request(csr or new_csr(*names), {**DEFAULTS, "dcv_method": "dns-txt-token", **options})


def test_the_bodies() -> None:
    csr = new_csr("www.example.com", "example.com")
    more = {"certificate": {"signature_hash": "sha384"}, "locale": "de"}
    options: dict[str, t.Any] = {"auth_key_id": "k", "csr_format": "pem_line", "cert_validity_days": 90}
    request = request_for(csr=csr, additional_fields=more, container_id=7, comments="why", **options)
    certificate = {
        "common_name": "www.example.com",
        "dns_names": ["example.com"],
        "csr": order_csr(csr, "pem_line"),
        "signature_hash": "sha384",
        "server_platform": {"id": -1},
        "cert_validity": {"days": 90},
    }
    common = {
        "certificate": certificate,
        "dcv_method": "dns-txt-token",
        "use_auth_key": True,
        "auth_key_id": "k",
        "skip_approval": True,
        "comments": "why",
    }
    assert request.reissue_body() == common
    assert request.order_body("alternative", 5) == {
        **common,
        "order_validity": {"years": 1},
        "container": {"id": 7},
        "locale": "de",
        "alternative_order_id": "alternative",
        "renewal_of_order_id": 5,
    }
    assert "renewal_of_order_id" not in request.order_body("alternative", None)


@pytest.mark.parametrize(
    ("names", "common_name", "options", "expected"),
    [
        (["b.example", "a.example"], None, {}, ("b.example", "a.example")),
        (["a.example"], "b\u00fccher.example", {}, ("xn--bcher-kva.example", "a.example")),
        (["a.example"], "a.example", {"common_name": "c.example"}, ("c.example", "a.example")),
        (
            ["a.example"],
            "a.example",
            {"dns_names": ["D.example", "a.example", "d.example"]},
            ("a.example", "d.example"),
        ),
        (["a.example", "b.example"], "a.example", {"dns_names": []}, ("a.example",)),
        ([], "a.example", {}, ("a.example",)),
        (["A.example.", "a.example", "b.example."], "a.example.", {}, ("a.example", "b.example")),
        (["a.example", "*.a.example"], "*.a.example", {}, ("*.a.example", "a.example")),
        (["xn--bcher-kva.example"], None, {"common_name": "B\u00dcCHER.example"}, ("xn--bcher-kva.example",)),
        ([f"{n}.example" for n in MANY], None, {}, tuple(f"{n}.example" for n in MANY)),
    ],
)
def test_names(names: list[str], common_name: str | None, options: dict[str, t.Any], expected: tuple[str, ...]) -> None:
    assert request_for(csr=new_csr(*names, common_name=common_name), **options).names == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"order_validity": {"years": 0}}, "order_validity.years must be a number from 1"),
        ({"order_validity": {"days": 10**20}}, "order_validity.days must be a number from 1"),
        ({"order_validity": {"years": 1, "days": 5}}, "exactly one of"),
        ({"order_validity": {"years": None}}, "exactly one of"),
        ({"order_validity": {"custom_expiration_date": "2030-02-30"}}, "must be a date"),
        ({"order_validity": {"custom_expiration_date": "9999-12-31"}}, "must be a date"),
        ({"order_validity": {"days": 30}, "remaining_days": 30}, "must be less than the days of order_validity"),
        ({"cert_validity_days": 0}, "cert_validity_days must be a number from 1"),
        ({"cert_validity_days": 30, "remaining_days": 30}, "must be less than cert_validity_days"),
        ({"cert_validity_days": 91, "order_validity": {"days": 90}}, "longer than the order is valid"),
        ({"remaining_days": -1}, "remaining_days must be 0 or more"),
        ({"remaining_days": 10**30}, "must be less than the days of order_validity"),
        ({"container_id": 0}, "container_id must be a positive number"),
        ({"order_id": 10**4000}, "order_id must be a positive number"),
        ({"product": "../account"}, "product must be an identifier"),
        ({"auth_key_id": ""}, "auth_key_id must be the id of an AuthKey"),
        ({"auth_key_id": "k", "use_auth_key": False}, "auth_key_id needs use_auth_key=true"),
        ({"additional_fields": {"dcv_method": "email"}}, "must not contain dcv_method. Use the option dcv_method"),
        ({"additional_fields": {"certificate": {"csr": "x"}}}, "certificate.csr. Use the option csr"),
        ({"additional_fields": {"alternative_order_id": "x"}}, "because the module sets it"),
        ({"additional_fields": {"certificate": []}}, "must be a dictionary"),
        ({"common_name": "no name"}, "is no.* DNS name"),
        ({"dns_names": [f"{number}.example" for number in range(1001)]}, "There are 1001 names, .* at most 1000"),
    ],
)
def test_nonsense_is_refused(options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(DigicertError, match=words) as caught:
        request_for("a.example", **options)
    assert caught.value.message.endswith(".")
    assert len(caught.value.message) < 300


def test_names_that_no_dv_certificate_has_are_refused() -> None:
    csr = new_csr("a.example", others=[x509.IPAddress(ipaddress.ip_address("192.0.2.1"))])
    with pytest.raises(DigicertError, match="not DNS names"):
        request_for(csr=csr)
    assert request_for(csr=csr, dns_names=["b.example"]).names == ("a.example", "b.example")
    with pytest.raises(DigicertError, match="neither a common name nor DNS names"):
        request_for(csr=new_csr(common_name=None))
    with pytest.raises(DigicertError, match=r"\*.example.com cannot be validated"):
        request_for("example.com", "*.example.com", dcv_method="http-token")


def test_the_one_table_of_lifetimes() -> None:
    days = [longest_certificate(datetime(year, 4, 1, tzinfo=timezone.utc)).days for year in (2025, 2026, 2027, 2029)]
    assert days == [397, 199, 99, 46]
    assert longest_certificate(datetime(2026, 4, 1, tzinfo=timezone.utc), 90).days == 90


@pytest.mark.parametrize(
    ("life", "remaining_days", "expected"),
    [(199, None, 30), (99, None, 30), (45, None, 15), (45, 40, 40), (45, 45, 15), (199, 250, 66), (199, 10**10, 66)],
)
def test_how_much_validity_must_be_left(life: int, remaining_days: int | None, expected: int) -> None:
    assert renewal_threshold(timedelta(days=life), remaining_days).days == expected
