# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys and X.509 certificates: the root that signs everything here, and what it signs."""

from __future__ import annotations

import base64
import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_LIFE = timedelta(days=3650)


@dataclass(frozen=True)
class Validity:
    """The first and the last second of a certificate, as aware datetimes."""

    start: datetime
    end: datetime

    @classmethod
    def around_now(cls, before: timedelta, after: timedelta) -> Validity:
        """Return the time from ``before`` ago until ``after`` from now."""
        now = datetime.now(timezone.utc).replace(microsecond=0)
        return cls(now - before, now + after)


@dataclass(frozen=True)
class Authority:
    """A certification authority: an ECDSA P-256 key and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def root(cls, common_name: str) -> Authority:
        """Make a self-signed root with a new key."""
        key = new_key()
        name = _name(common_name)
        builder = _ca_builder(name, name, key, path_length=None)
        return cls(key, builder.sign(key, hashes.SHA256()))

    def intermediate(self, common_name: str) -> Authority:
        """Make an intermediate with a new key, signed by this authority."""
        key = new_key()
        builder = _ca_builder(_name(common_name), self.certificate.subject, key, path_length=0)
        return Authority(key, self._sign(builder))

    def issue(self, names: list[str], public_key: CertificatePublicKeyTypes, validity: Validity) -> x509.Certificate:
        """Issue a TLS server certificate.

        Args:
            names: DNS names (A-labels) and IP addresses; the first is the common name.
            public_key: the key to certify.
            validity: exact; it may lie in the past.
        """
        builder = _builder(_name(names[0]), self.certificate.subject, public_key, validity)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        encrypts = ("key_encipherment",) if isinstance(public_key, rsa.RSAPublicKey) else ()
        builder = builder.add_extension(_key_usage("digital_signature", *encrypts), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        alternative_names = x509.SubjectAlternativeName([_general_name(name) for name in names])
        return self._sign(builder.add_extension(alternative_names, critical=False))

    def _sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return builder.add_extension(issuer, critical=False).sign(self.key, hashes.SHA256())


def new_key() -> ec.EllipticCurvePrivateKey:
    """Return a new ECDSA P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def new_csr() -> str:
    """Return the base64 body of a CSR for a new key that is thrown away."""
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(new_key(), hashes.SHA256())
    return base64.b64encode(request.public_bytes(serialization.Encoding.DER)).decode("ascii")


def certificate_pem(certificate: x509.Certificate) -> str:
    """Return ``certificate`` as PEM with LF line ends."""
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    """Return ``key`` as unencrypted PKCS #8 PEM with LF line ends."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: CertificatePublicKeyTypes, validity: Validity
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.start)
        .not_valid_after(validity.end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _ca_builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, path_length: int | None
) -> x509.CertificateBuilder:
    builder = _builder(subject, issuer, key.public_key(), Validity.around_now(CA_LIFE, CA_LIFE))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
    return builder.add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)


def _key_usage(*allowed: str) -> x509.KeyUsage:
    usages = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{usage: usage in allowed for usage in usages})
