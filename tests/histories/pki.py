# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real keys, CSRs and certificates, made quickly: P-256 throughout, keys and CSRs kept."""

from __future__ import annotations

import functools
import itertools
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_serials = itertools.count(0x0123456789ABCDEF0123456789)


class Issued(NamedTuple):
    """A certificate: serial number, hexadecimal and upper case as the API has it, ends, and PEM texts of the chain."""

    serial_number: str
    not_after: float
    chain: tuple[str, str, str]


@functools.cache
def key(number: int | str) -> ec.EllipticCurvePrivateKey:
    """Return the private key of that number."""
    del number
    return ec.generate_private_key(ec.SECP256R1())


@functools.cache
def csr(key_number: int, names: tuple[str, ...], serial: int = 0) -> str:
    """Return a CSR, PEM; another one for each serial, with the same content."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0]), _number(serial)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
    return builder.sign(key(key_number), hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def _number(serial: int) -> x509.NameAttribute[str]:
    return x509.NameAttribute(NameOID.SERIAL_NUMBER, str(serial))


@functools.lru_cache(4096)
def read_csr(text: str) -> tuple[bytes, ec.EllipticCurvePublicKey]:
    """Return DER and public key of a CSR, given as PEM or as the base64 of its body."""
    if "-----BEGIN" not in text:
        text = f"-----BEGIN CERTIFICATE REQUEST-----\n{text}\n-----END CERTIFICATE REQUEST-----\n"
    head, _label, rest = text.partition("REQUEST-----")
    body, _label, tail = rest.partition("-----END")
    request = x509.load_pem_x509_csr(f"{head}REQUEST-----\n{body.strip()}\n-----END{tail}".encode())
    public_key = request.public_key()
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    return request.public_bytes(Encoding.DER), public_key


@functools.cache
def _authority(name: str) -> tuple[x509.Name, str]:
    """Return name and certificate, PEM, of the root or of the intermediate."""
    issuer = "root"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime(2020, 1, 1, tzinfo=timezone.utc)
    builder = _builder(subject, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]), key(name).public_key())
    builder = builder.not_valid_before(begin).not_valid_after(begin + timedelta(days=20000))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return subject, _pem(builder.sign(key(issuer), hashes.SHA256()))


def issue(csr_text: str, names: tuple[str, ...], now: float, end: float) -> Issued:
    """Return a certificate for the CSR's key and these names (A-labels), valid from now to the end."""
    _der, public_key = read_csr(csr_text)
    issuer, intermediate = _authority("intermediate")
    _key, root = _authority("root")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    builder = _builder(subject, issuer, public_key)
    builder = builder.not_valid_before(datetime.fromtimestamp(now, timezone.utc))
    builder = builder.not_valid_after(datetime.fromtimestamp(end, timezone.utc))
    sans = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    builder = builder.add_extension(sans, critical=False).add_extension(usage, critical=False)
    leaf = builder.sign(key("intermediate"), hashes.SHA256())
    chain = (_pem(leaf), intermediate, root)
    return Issued(f"{leaf.serial_number:X}", float(int(end)), chain)


@functools.cache
def public_key_of(number: int) -> bytes:
    """Return the public key of a number, DER."""
    return key(number).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _builder(subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
    return builder.serial_number(next(_serials))


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode().replace("\n", "\r\n")
