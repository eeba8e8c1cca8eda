# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of orders and certificates share: a CA, CSRs, a request, and a client that follows a script."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta, timezone

from ansible_collections.community.digicert.plugins.module_utils._client import Answer
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._order_request import OrderRequest, order_request
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

PrivateKey = t.Union[ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey]
OPTIONS: dict[str, t.Any] = {
    "common_name": None,
    "dns_names": None,
    "product": "ssl_dv_geotrust_flex",
    "dcv_method": "dns-txt-token",
    "use_auth_key": True,
    "csr_format": "base64",
    "order_validity": None,
    "cert_validity_days": None,
    "container_id": None,
    "payment_method": None,
    "skip_approval": True,
    "comments": None,
    "custom_fields": None,
    "renewal_of_order_id": None,
    "additional_fields": None,
    "remaining_days": 30,
    "order_id": None,
}


def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


KEY = ec_key()


def pem(thing: x509.Certificate | x509.CertificateSigningRequest) -> str:
    return thing.public_bytes(serialization.Encoding.PEM).decode()


def new_csr(*names: str, common_name: str | None = "", key: PrivateKey | None = None, **more: t.Any) -> str:
    """Return a CSR; the first name is the common name unless that is given, None for none."""
    common = names[0] if common_name == "" else common_name
    subject = x509.Name([] if common is None else [x509.NameAttribute(NameOID.COMMON_NAME, common)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    alternatives = [x509.DNSName(name) for name in names] + more.get("others", [])
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return pem(builder.sign(key or KEY, hashes.SHA256()))


def request_for(*names: str, csr: str | None = None, **options: t.Any) -> OrderRequest:
    """Return an order request for names, with the key `KEY`."""
    return order_request(csr or new_csr(*names), {**OPTIONS, **options})


class Authority:
    """A CA."""

    def __init__(self, name: str, issuer: Authority | None = None, key: PrivateKey | None = None) -> None:
        self.key = key or ec_key()
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = issuer or self
        self.certificate = signer.sign(self.name, self.key, days=3650, ca=True)

    def sign(
        self, subject: x509.Name, key: PrivateKey, *, days: float, ca: bool, names: t.Sequence[str] = (), age: float = 1
    ) -> x509.Certificate:
        now = datetime.now(timezone.utc)
        builder = (
            x509.CertificateBuilder(self.name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=age))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(alternatives, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def leaf(self, *names: str, days: float = 198, age: float = 1, key: PrivateKey | None = None) -> x509.Certificate:
        """Return a certificate with `days` left, `age` days old."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        return self.sign(subject, key or KEY, days=days, ca=False, names=names, age=age)


ROOT = Authority("Root")
MIDDLE = Authority("Intermediate", ROOT)


def pem_all(leaf: x509.Certificate) -> str:
    """Return a leaf of MIDDLE with intermediate and root, CRLF line ends as the API has them."""
    return "".join(map(pem, (leaf, MIDDLE.certificate, ROOT.certificate))).replace("\n", "\r\n")


class FakeBackoff:
    """Time passes at once; `tries` waits are allowed."""

    def __init__(self, tries: int) -> None:
        self.tries = tries

    def wait(self, _at_least: float = 0.0) -> bool:
        self.tries -= 1
        return self.tries >= 0


class FakeClient:
    """Answers by pattern: the first rule whose pattern fits "METHOD path" answers; a list answers one by one."""

    timeout = 0.0

    def __init__(self, tries: int = 5) -> None:
        self.tries = tries
        self.rules: list[tuple[str, t.Any]] = []
        self.calls: list[str] = []
        self.bodies: list[t.Any] = []

    def on(self, pattern: str, *answers: t.Any) -> FakeClient:
        """Add a rule: values, exceptions to raise, or functions that return either; the last one stays."""
        self.rules.append((pattern, list(answers)))
        return self

    def request(self, method: str, path: str, _purpose: str, **options: t.Any) -> Answer:
        call = f"{method} {path}"
        self.calls.append(re.sub(r"\?.*", "", call))
        self.bodies.append(options.get("body"))
        for pattern, answers in self.rules:
            if re.search(pattern, call):
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                answer = answer() if callable(answer) else answer
                if isinstance(answer, DigicertError):
                    raise answer
                return Answer(200, answer)
        raise AssertionError(call)

    def backoff(self) -> FakeBackoff:
        return FakeBackoff(self.tries)

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def where(self, purpose: str) -> str:
        return f"Cannot {purpose} at the test: "


def lost(**more: t.Any) -> DigicertError:
    """Return the error of a lost answer."""
    return DigicertError("Lost.", lost=True, **more)
