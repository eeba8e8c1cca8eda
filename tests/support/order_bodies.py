# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CSRs, order bodies and tokens for the tests of orders, and what they ask of the certificates."""

from __future__ import annotations

import base64
from datetime import datetime, timezone
from typing import Any

import requests
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from tests.simulator import Simulator
from tests.simulator.request_tokens import request_token
from tests.support.pki import KEY, PrivateKey, new_csr

FLEX = "/order/certificate/ssl_dv_geotrust_flex"


def pem_csr(key: PrivateKey = KEY) -> str:
    """Return a PEM CSR for ``key`` that names nothing the API could use."""
    return new_csr(common_name=None, key=key)


def base64_csr(key: PrivateKey = KEY) -> str:
    """Return the base64 body of ``pem_csr`` on one line."""
    return "".join(pem_csr(key).splitlines()[1:-1])


def _forged(csr: str) -> str:
    der = base64.b64decode(csr)
    return base64.b64encode(der[:-1] + bytes([der[-1] ^ 1])).decode()


CSR = base64_csr()
FORGED_CSR = _forged(CSR)


def token(auth_key: str, csr: str = CSR) -> str:
    """Return the request token of now."""
    return request_token(auth_key, csr, datetime.now(timezone.utc).strftime("%Y%m%d%H%M%S"))


def order_body(*names: str, **changes: Any) -> dict[str, Any]:
    """Return the body of an order with use of the AuthKey; ``changes`` replace fields of it or of its certificate."""
    common_name, *dns_names = names or ("example.com",)
    certificate = {
        "common_name": common_name,
        "dns_names": dns_names,
        "csr": CSR,
        "signature_hash": "sha256",
        "server_platform": {"id": -1},
    }
    body = {
        "certificate": certificate,
        "order_validity": {"years": 1},
        "dcv_method": "http-token",
        "use_auth_key": True,
        "payment_method": "balance",
        "skip_approval": True,
        "container": {"id": 1},
        "comments": "…",
        "custom_fields": [{"metadata_id": 12, "value": "…"}],
    }
    for name, value in changes.items():
        target = certificate if name in (*certificate, "cert_validity") else body
        if value is None:
            del target[name]
        else:
            target[name] = value
    return body


def chain_of(answer: requests.Response) -> list[x509.Certificate]:
    """Return the certificates in the answer to an order."""
    return [x509.load_pem_x509_certificate(link["pem"].encode()) for link in answer.json()["certificate_chain"]]


def assert_trusted(sim: Simulator, chain: list[x509.Certificate], name: str) -> None:
    """Assert that ``chain`` leads from ``name`` to the simulator's root."""
    root = x509.load_pem_x509_certificate(sim.ca_file.read_bytes())
    assert chain[-1] == root
    verifier = PolicyBuilder().store(Store([root])).build_server_verifier(x509.DNSName(name))
    assert verifier.verify(chain[0], chain[1:-1]) == chain


def certificate_id_in(sim: Simulator) -> int:
    """Return the id of the certificate of the one order."""
    (order,) = sim.orders()
    assert order.certificate is not None
    return order.certificate.id


def names_of(certificate: x509.Certificate) -> list[str]:
    """Return the DNS names of ``certificate``."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)
