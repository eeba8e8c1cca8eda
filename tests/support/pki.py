# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys, CSRs and certificates, made for tests that run on Python 3.8 too."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

PrivateKey = t.Union[ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey]


def ec_key() -> ec.EllipticCurvePrivateKey:
    """Return a new private key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def rsa_key() -> rsa.RSAPrivateKey:
    """Return a new RSA private key."""
    return rsa.generate_private_key(65537, 2048)


KEY = ec_key()


def pem(thing: x509.Certificate | x509.CertificateSigningRequest) -> str:
    """Return a certificate or CSR as PEM text."""
    return thing.public_bytes(serialization.Encoding.PEM).decode()


def der(thing: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    """Return a certificate or CSR as DER bytes."""
    return thing.public_bytes(serialization.Encoding.DER)


def private_pem(key: PrivateKey) -> str:
    """Return a private key as PEM text, unencrypted."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def name_of(common_name: str | None) -> x509.Name:
    """Return a subject with this common name, or an empty one."""
    return x509.Name([] if common_name is None else [x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def build_csr(
    *names: str,
    common_name: str | None = "",
    key: PrivateKey | None = None,
    others: t.Sequence[x509.GeneralName] = (),
) -> x509.CertificateSigningRequest:
    """Return a CSR for a new key, or for `key`.

    Args:
        names: DNS names; the first is the common name unless that is given.
        common_name: None for a CSR without one.
        key: signs the CSR.
        others: names that are no DNS names.
    """
    common = (names[0] if names else None) if common_name == "" else common_name
    builder = x509.CertificateSigningRequestBuilder().subject_name(name_of(common))
    alternatives = [*(x509.DNSName(name) for name in names), *others]
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(key or ec_key(), hashes.SHA256())


def new_csr(*names: str, **options: t.Any) -> str:
    """Return PEM text of `build_csr`."""
    return pem(build_csr(*names, **options))


class Authority:
    """A CA."""

    def __init__(self, name: str, issuer: Authority | None = None, key: PrivateKey | None = None) -> None:
        """Make a CA that signs its own certificate, or has `issuer` sign it."""
        self.key = key or ec_key()
        self.name = name_of(name)
        signer = issuer or self
        self.certificate = signer.sign(self.name, self.key, days=3650, ca=True)

    def sign(
        self,
        subject: x509.Name,
        key: PrivateKey,
        *,
        days: float,
        ca: bool = False,
        names: t.Sequence[str] = (),
        age: float = 1,
        serial_number: int | None = None,
    ) -> x509.Certificate:
        """Return a certificate with `days` left, `age` days old."""
        now = datetime.now(timezone.utc)
        serial = x509.random_serial_number() if serial_number is None else serial_number
        builder = (
            x509.CertificateBuilder(self.name, subject, key.public_key(), serial)
            .not_valid_before(now - timedelta(days=age))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(alternatives, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def leaf(self, *names: str, days: float = 198, age: float = 1, key: PrivateKey | None = None) -> x509.Certificate:
        """Return a certificate for `KEY` or `key`, with `days` left, `age` days old."""
        return self.sign(name_of(names[0]), key or KEY, days=days, names=names, age=age)


ROOT = Authority("Root")
MIDDLE = Authority("Intermediate", ROOT)


def pem_all(leaf: x509.Certificate) -> str:
    """Return a leaf of MIDDLE with intermediate and root, CRLF line ends as the API has them."""
    return "".join(map(pem, (leaf, MIDDLE.certificate, ROOT.certificate))).replace("\n", "\r\n")


def aged_certificate(name: str, key: PrivateKey, days_left: float, serial_number: int | None = 0x1234) -> str:
    """Return PEM text of a self-signed certificate of 100 days, of which some are left."""
    signer = Authority(name, key=key)
    more: dict[str, t.Any] = {"names": [name], "serial_number": serial_number}
    return pem(signer.sign(signer.name, key, days=days_left, age=100 - days_left, **more))
