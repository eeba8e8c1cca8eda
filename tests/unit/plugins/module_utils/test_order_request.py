# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an order asks for, and what is refused before anything is sent."""

from __future__ import annotations

import ipaddress
import typing as t
from datetime import datetime, timezone

import pytest
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._request_tokens import order_csr
from cryptography import x509

from tests.support.orders import request_for
from tests.support.pki import new_csr


def test_smallest_order() -> None:
    csr = new_csr("www.example.com", "example.com")
    order = request_for(csr=csr)
    assert order.body == {
        "certificate": {
            "common_name": "www.example.com",
            "dns_names": ["example.com"],
            "csr": order_csr(csr),
            "signature_hash": "sha256",
            "server_platform": {"id": -1},
        },
        "order_validity": {"years": 1},
        "dcv_method": "dns-txt-token",
        "use_auth_key": True,
        "skip_approval": True,
    }
    assert order.names == ("www.example.com", "example.com")


@pytest.mark.parametrize(
    ("names", "common_name", "options", "expected"),
    [
        (["b.example", "a.example"], None, {}, ("b.example", "a.example")),
        (["a.example"], "bücher.example", {}, ("xn--bcher-kva.example", "a.example")),
        (["a.example"], "a.example", {"common_name": "c.example"}, ("c.example", "a.example")),
        (
            ["a.example"],
            "a.example",
            {"dns_names": ["D.example", "a.example", "d.example"]},
            ("a.example", "d.example"),
        ),
        (["a.example", "b.example"], "a.example", {"dns_names": []}, ("a.example",)),
        ([], "a.example", {}, ("a.example",)),
    ],
)
def test_names(names: list[str], common_name: str | None, options: dict[str, t.Any], expected: tuple[str, ...]) -> None:
    assert request_for(csr=new_csr(*names, common_name=common_name), **options).names == expected


def test_fields_are_merged() -> None:
    body = request_for(
        "a.example", additional_fields={"certificate": {"signature_hash": "sha384", "x": [1]}, "y": {"z": 1}}
    ).body
    assert body["certificate"]["signature_hash"] == "sha384"
    assert (body["certificate"]["x"], body["y"]) == ([1], {"z": 1})
    assert body["certificate"]["server_platform"] == {"id": -1}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"order_validity": {"years": 0}}, "order_validity.years must be at least 1, and is 0"),
        ({"order_validity": {"days": -3}}, "order_validity.days must be at least 1"),
        ({"order_validity": {"years": 1, "days": 5}}, "exactly one of"),
        ({"order_validity": {"years": None}}, "exactly one of"),
        ({"order_validity": {"custom_expiration_date": "31.01.2030"}}, "must be a date"),
        ({"order_validity": {"custom_expiration_date": "2030-02-30"}}, "must be a date"),
        ({"order_validity": {"custom_expiration_date": "20300101"}}, "must be a date"),
        ({"order_validity": {"days": 30}}, "must be less than the days of order_validity"),
        ({"cert_validity_days": 0}, "cert_validity_days must be at least 1"),
        ({"cert_validity_days": 30}, "must be less than cert_validity_days"),
        ({"cert_validity_days": 91, "order_validity": {"days": 90}}, "more than the order is valid"),
        ({"cert_validity_days": 367}, "more than the order is valid"),
        ({"remaining_days": -1}, "remaining_days must be 0 or more"),
        ({"remaining_days": 366}, "must be less than the days of order_validity"),
        ({"container_id": 0}, "container_id must be a positive number"),
        ({"renewal_of_order_id": -1}, "renewal_of_order_id must be a positive number"),
        ({"order_id": 0}, "order_id must be a positive number"),
        ({"product": "../account"}, "product must be an identifier"),
        ({"product": ""}, "product must be an identifier"),
        ({"additional_fields": {"dcv_method": "email"}}, "must not hold dcv_method. Use the option dcv_method"),
        ({"additional_fields": {"certificate": {"csr": "x"}}}, "certificate.csr. Use the option csr"),
        ({"additional_fields": {"container": {"id": 1}}}, "Use the option container_id"),
        ({"additional_fields": {"certificate": []}}, "must be a dictionary"),
        ({"common_name": "no name"}, "is no DNS name"),
        ({"dns_names": ["192.0.2.1/24"]}, "is no DNS name"),
    ],
)
def test_nonsense_is_refused(options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(DigicertError, match=words) as caught:
        request_for("a.example", **options)
    assert caught.value.message.endswith(".")


def test_names_that_no_dv_certificate_has_are_refused() -> None:
    csr = new_csr("a.example", others=[x509.IPAddress(ipaddress.ip_address("192.0.2.1"))])
    with pytest.raises(DigicertError, match="no DNS names"):
        request_for(csr=csr)
    assert request_for(csr=csr, dns_names=["b.example"]).names == ("a.example", "b.example")
    with pytest.raises(DigicertError, match="neither a common name nor DNS names"):
        request_for(csr=new_csr(common_name=None))


def test_a_wildcard_needs_dns() -> None:
    with pytest.raises(DigicertError, match=r"\*.example.com cannot be validated"):
        request_for("example.com", "*.example.com", dcv_method="http-token")
    assert request_for("*.example.com", dcv_method="http-token", order_id=5).common_name == "*.example.com"


def test_an_order_that_ends_on_a_date() -> None:
    order = request_for("a.example", order_validity={"custom_expiration_date": "2027-01-31"})
    assert order.body["order_validity"] == {"custom_expiration_date": "2027-01-31"}
    order.check_end(datetime(2027, 1, 1, tzinfo=timezone.utc))
    with pytest.raises(DigicertError, match="No order was placed"):
        order.check_end(datetime(2027, 1, 2, tzinfo=timezone.utc))
    request_for("a.example").check_end(datetime(2099, 1, 2, tzinfo=timezone.utc))
