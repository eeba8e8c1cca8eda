# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""X.509: what a CSR asks for, what a certificate says, and whether a chain links up.

This file knows no Ansible and sends nothing. Rules: RFC 5280 (certificates and chains), RFC 9525 (names).
"""

from __future__ import annotations

import hashlib
import re
import traceback
import typing as t
from base64 import b64decode
from datetime import datetime, timezone

from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._request_tokens import order_csr

CRYPTOGRAPHY_IMPORT_ERROR: str | None = None
try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
except ImportError:  # pragma: no cover
    CRYPTOGRAPHY_IMPORT_ERROR = traceback.format_exc()
else:
    # What cryptography raises for data that it cannot read, or does not know.
    UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension)

_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_LONGEST_NAME = 253  # RFC 1035, 2.3.4, as text without the last dot


class Csr(t.NamedTuple):
    """A certificate signing request.

    Attributes:
        text: as it was given.
        fingerprint: SHA-256 of its DER form, hexadecimal.
        public_key: SubjectPublicKeyInfo, DER.
        common_name: of its subject, or None.
        dns_names: its subject alternative names of type DNS.
        has_other_names: whether it has subject alternative names of other types.
    """

    text: str
    fingerprint: str
    public_key: bytes
    common_name: str | None
    dns_names: tuple[str, ...]
    has_other_names: bool


class Certificate(t.NamedTuple):
    """A certificate.

    Attributes:
        pem: PEM text in its canonical form, LF line ends.
        public_key: SubjectPublicKeyInfo, DER.
        subject: RFC 4514 string.
        names: its subject alternative names of type DNS, lower case.
        serial_number: hexadecimal, upper case, an even number of digits, as CertCentral shows it.
        not_before: aware datetime, UTC.
        not_after: aware datetime, UTC.
        raw: the object of the `cryptography` library.
    """

    pem: str
    public_key: bytes
    subject: str
    names: tuple[str, ...]
    serial_number: str
    not_before: datetime
    not_after: datetime
    raw: x509.Certificate

    def covers(self, name: str) -> bool:
        """Return whether a name (A-labels, lower case) is one of the certificate's, or falls under a wildcard of it."""
        # RFC 9525, 6.3: a wildcard stands for exactly one label.
        return name in self.names or "*." + name.partition(".")[2] in self.names


class Bundle(t.NamedTuple):
    """A certificate with its chain, each certificate signed by the next; `root` is None when it did not come along."""

    leaf: Certificate
    intermediates: tuple[Certificate, ...]
    root: Certificate | None

    @property
    def chain(self) -> str:
        """PEM text of the intermediate certificates."""
        return "".join(certificate.pem for certificate in self.intermediates)

    def full_chain(self, include_root: bool) -> str | None:
        """Return the certificate and its chain as PEM text; None when the root is asked for and not known."""
        if not include_root:
            return self.leaf.pem + self.chain
        return None if self.root is None else self.leaf.pem + self.chain + self.root.pem


def read_csr(text: str) -> Csr:
    """Return what a CSR, PEM text or the base64 body of it, asks for.

    Raises:
        DigicertError: the text is no CSR, or its signature does not fit its key. The text is not shown.
    """
    der = b64decode(order_csr(text))
    try:
        request = x509.load_der_x509_csr(der)
        public_key = _public_key(request)
        signed = request.is_signature_valid
        common_names = [
            str(attribute.value) for attribute in request.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        ]
        names, others = _alternative_names(request)
    except UNREADABLE:
        raise DigicertError("csr is damaged, or has a key or a name of a kind that is not known here.") from None
    if not signed:
        raise DigicertError("csr has a signature that does not fit its public key. Make the CSR anew.")
    common_name = common_names[0].strip() if common_names else None
    return Csr(text, hashlib.sha256(der).hexdigest(), public_key, common_name or None, names, others)


def csr_fingerprint(text: str) -> str | None:
    """Return the fingerprint, as in `Csr`, of a CSR in whatever form an answer holds it; None when it is no CSR."""
    try:
        return hashlib.sha256(b64decode(order_csr(text.strip()))).hexdigest()
    except DigicertError:
        return None


def read_certificates(text: str) -> list[Certificate]:
    """Return the certificates in a text, in its order; text around them and any line ends are allowed.

    Raises:
        DigicertError: one of them cannot be read; the message is the end of a sentence.
    """
    return [_certificate(block, number) for number, block in enumerate(_BLOCK.findall(text), 1)]


def _certificate(block: str, number: int) -> Certificate:
    try:
        raw = x509.load_der_x509_certificate(b64decode("".join(block.split()), validate=True))
        return Certificate(
            pem=raw.public_bytes(serialization.Encoding.PEM).decode("ascii"),
            public_key=_public_key(raw),
            subject=raw.subject.rfc4514_string(),
            names=_alternative_names(raw)[0],
            serial_number=serial_number(raw.serial_number),
            not_before=_utc(raw, "not_valid_before"),
            not_after=_utc(raw, "not_valid_after"),
            raw=raw,
        )
    except UNREADABLE:
        raise DigicertError(f"certificate {number} in it cannot be read.") from None


def chained(certificates: t.Sequence[Certificate]) -> Bundle:
    """Return certificates, leaf first, as certificate and chain.

    Raises:
        DigicertError: there is no intermediate, or one did not sign the one before it; the message is the end of a
            sentence.
    """
    if not certificates:
        raise DigicertError("it holds no certificate.")
    for child, issuer in zip(certificates, certificates[1:]):
        if not _issued(child.raw, issuer.raw):
            raise DigicertError(f"its chain is broken: {child.subject} was not issued by {issuer.subject}.")
    leaf, *rest = certificates
    root = rest.pop() if rest and rest[-1].raw.subject == rest[-1].raw.issuer else None
    if not rest:
        raise DigicertError("it holds no intermediate certificate.")
    return Bundle(leaf, tuple(rest), root)


def _issued(child: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Return whether a certificate was issued by the holder of another one (RFC 5280, 6.1.3 (a)(1), (a)(4))."""
    try:
        if child.issuer != issuer.subject or not _is_ca(issuer):
            return False
        key, algorithm = issuer.public_key(), child.signature_hash_algorithm
        # Baseline Requirements 7.1.3.2: RSA and ECDSA are all that public TLS certificates are signed with.
        if isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            key.verify(child.signature, child.tbs_certificate_bytes, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(child.signature, child.tbs_certificate_bytes, ec.ECDSA(algorithm))
        else:
            return False
    except (InvalidSignature, *UNREADABLE):
        return False
    return True


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def serial_number(value: int) -> str:
    """Return a serial number as in `Certificate`."""
    digits = f"{value:X}"
    return digits.zfill(len(digits) + len(digits) % 2)


def same_serial_number(one: str, other: str) -> bool:
    """Return whether two hexadecimal serial numbers, however they are written, are the same."""

    def plain(text: str) -> str:
        return text.replace(":", "").replace(" ", "").lstrip("0").upper()

    return plain(one) == plain(other)


def ascii_name(name: str) -> str:
    """Return a DNS name as certificates hold it: A-labels, lower case, no dot at the end.

    Raises:
        DigicertError: it is no DNS name.
    """
    wildcard, plain = ("*.", name[2:]) if name.startswith("*.") else ("", name)
    plain = plain[:-1] if plain.endswith(".") else plain
    encoded = plain.lower() if plain.isascii() else _a_labels(plain)
    labels = encoded.split(".")
    # An IP address has a number where a name has its top-level domain.
    named = all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()
    if not named or len(wildcard + encoded) > _LONGEST_NAME:
        raise DigicertError(f"{name!r} is no DNS name. Certificates are ordered for DNS names and wildcards of them.")
    return wildcard + encoded


def _a_labels(name: str) -> str:
    """Return a name that has other characters than ASCII in A-labels (RFC 5891)."""
    try:
        import idna  # comes with requests
    except ImportError:
        raise DigicertError(
            f"{name!r} can only be turned into A-labels with the Python library idna. Give the name as xn--…"
        ) from None
    try:
        return str(idna.encode(name, uts46=True).decode("ascii"))
    except idna.IDNAError:
        raise DigicertError(f"{name!r} is no valid internationalized DNS name.") from None


def _public_key(holder: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    return holder.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _alternative_names(holder: x509.Certificate | x509.CertificateSigningRequest) -> tuple[tuple[str, ...], bool]:
    """Return the subject alternative names of type DNS, and whether there are others."""
    try:
        names = holder.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), False
    dns_names = names.get_values_for_type(x509.DNSName)
    return tuple(name.lower() for name in dns_names), len(dns_names) < len(list(names))


def _utc(certificate: x509.Certificate, field: str) -> datetime:
    """Return a date of a certificate; cryptography 42 added the aware ones and deprecated the others."""
    aware = getattr(certificate, field + "_utc", None)
    return t.cast(datetime, aware or getattr(certificate, field).replace(tzinfo=timezone.utc))
