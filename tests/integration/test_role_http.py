# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role dv_certificate with http validation: nginx shows the token, and then the certificate."""

from __future__ import annotations

import typing as t
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.support.calls import AUTH_KEY
from tests.support.fleet import FIRST, Fleet, changes, notified
from tests.support.network_guard import NetworkGuard
from tests.support.servers import HOST, Nginx

SITE = "www.example.com"


@pytest.mark.smoke
def test_from_nothing_to_what_a_tls_client_sees_and_then_nothing(fleet: Fleet, nginx: Nginx) -> None:
    predicted = fleet.run("--check")
    assert (predicted.rc, fleet.calls(), fleet.hosts_seen()) == (0, [], set()), predicted.output
    assert "Make sure that the directory exists" in changes(predicted)

    service = urlsplit(fleet.simulator.url).netloc
    https = f"{HOST}:443"  # where the check connects first, like DigiCert
    guard = NetworkGuard(fleet.directory.parent / "network", service, nginx.address, https)
    fleet.ansible.env.update(guard.env)
    first = fleet.run("-vvv", "--diff")
    assert (guard.denied(), first.rc) == ([], 0), first.output
    assert set(guard.seen("address")) == {service, nginx.address, https}
    assert fleet.calls() == [AUTH_KEY, *FIRST]
    installed = fleet.verify(SITE)
    assert fleet.served(nginx, SITE) == installed
    assert (notified(first), nginx.files()) == ([SITE], [])
    files = fleet.files(SITE)
    journal = f".{SITE}.pem.order.json"
    assert files == {journal, *(f"{SITE}.{ending}" for ending in ("key", "csr", "pem", "chain.pem", "fullchain.pem"))}
    secrets = [fleet.simulator.keys["full"], fleet.simulator.auth_keys()[0].auth_key]
    secrets.append(fleet.path(SITE, "key").read_text().splitlines()[1])
    assert not [secret for secret in secrets if secret in first.output]

    [result] = [task.result["msg"] for task in first.of("Show the result")]
    [order] = fleet.simulator.orders()
    assert order.certificate is not None
    assert (result["changed"], result["action"], result["order_id"]) == (True, "ordered", order.id)
    assert result["order_valid_till"] > result["not_after"]
    assert int(result["serial_number"], 16) == installed.serial_number

    second = fleet.run()
    [again] = [task.result["msg"] for task in second.of("Show the result")]
    assert again == {**result, "changed": False, "action": "none"}
    assert (second.rc, changes(second), notified(second), fleet.calls()) == (0, [], [], []), second.output
    assert fleet.files(SITE) == files

    fleet.path(SITE, "pem").chmod(0o600)
    fleet.path(SITE, "chain.pem").unlink()
    corrected = fleet.run()
    assert changes(corrected) == ["Install the certificate"], corrected.output
    assert (notified(corrected), fleet.calls()) == ([SITE], [])
    assert fleet.verify(SITE) == installed
    assert fleet.path(SITE, "pem").stat().st_mode & 0o777 == 0o644


def test_names_keys_and_validity(fleet: Fleet, nginx: Nginx) -> None:
    hosts: dict[str, dict[str, t.Any]] = {
        "rsa": {"common_name": "rsa.example.com", "private_key_type": "RSA"},
        "many": {"common_name": "many.example.com", "dns_names": ["www.many.example.com", "Other.example.org"]},
        "idn": {"common_name": "b\u00fccher.example", "dns_names": ["www.B\u00fccher.example"], "name": "idn"},
        "curve": {"common_name": "curve.example.com", "private_key_curve": "secp384r1", "cert_validity_days": 47},
    }
    names = {"rsa": "rsa.example.com", "many": "many.example.com", "idn": "idn", "curve": "curve.example.com"}
    more = {"www.many.example.com": "many", "other.example.org": "many"}
    more.update({"xn--bcher-kva.example": "idn", "www.xn--bcher-kva.example": "idn"})
    for name, host in [*more.items(), *((name, host) for host, name in names.items())]:
        if name != host:
            (nginx.webroot / name).symlink_to(host)
    run = fleet.run(hosts=hosts)
    assert run.rc == 0, run.output
    assert sorted(fleet.calls()) == sorted([AUTH_KEY] + FIRST * 4)
    certificates = {host: fleet.verify(host, name) for host, name in names.items()}
    assert isinstance(certificates["rsa"].public_key(), rsa.RSAPublicKey)
    curve = certificates["curve"].public_key()
    assert isinstance(curve, ec.EllipticCurvePublicKey)
    assert curve.curve.name == "secp384r1"
    assert (certificates["curve"].not_valid_after_utc - certificates["curve"].not_valid_before_utc).days in (46, 47)
    ordered = {order.request.common_name: sorted(order.request.names) for order in fleet.simulator.orders()}
    assert ordered["many.example.com"] == ["many.example.com", "other.example.org", "www.many.example.com"]
    assert ordered["xn--bcher-kva.example"] == ["www.xn--bcher-kva.example", "xn--bcher-kva.example"]
    for name in ordered["many.example.com"]:
        assert fleet.served(nginx, "many", name, "many.example.com") == certificates["many"]
    assert fleet.served(nginx, "idn", "www.xn--bcher-kva.example", "idn") == certificates["idn"]
