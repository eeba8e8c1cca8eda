# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Certificates and their chains (RFC 5280): the contents of a certificate, and which certificate issued which.

`cryptography` is loaded when the first certificate is read.
"""

from __future__ import annotations

import time
import typing as t
from base64 import b64decode
from datetime import datetime, timezone

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    MissingLibraryError,
    printable,
)
from ansible_collections.community.digicert.plugins.module_utils._x509 import der as _der
from ansible_collections.community.digicert.plugins.module_utils._x509.library import load_cryptography

if t.TYPE_CHECKING:
    from cryptography import x509

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_BASIC_CONSTRAINTS = "2.5.29.19"  # RFC 5280, 4.2.1.9
_EXTENDED_KEY_USAGE = "2.5.29.37"  # RFC 5280, 4.2.1.12
_SERVER_USAGES = {"1.3.6.1.5.5.7.3.1", "2.5.29.37.0"}  # serverAuth, anyExtendedKeyUsage
_TRUE = b"\x01\x01"  # the beginning of a BOOLEAN that is not FALSE
_LONGEST_CHAIN = 10  # certificates above the leaf; public chains have two or three
_LONGEST_SERIAL_NUMBER = 40 * 8  # bits; RFC 5280, 4.1.2.2: 20 bytes
_LONGEST_NAME = 300  # longest name or subject, in characters


class Certificate(t.NamedTuple):
    """A certificate. All text is printable and short, for any certificate.

    Attributes:
        pem: PEM text in its canonical form, LF line ends.
        public_key: SubjectPublicKeyInfo, DER.
        subject: RFC 4514 string.
        issuer: RFC 4514 string.
        names: its subject alternative names of type DNS, lower case.
        serial_number: hexadecimal, upper case, with an even number of digits, as CertCentral shows it.
        not_before: aware datetime, UTC.
        not_after: aware datetime, UTC.
        raw: the object of the `cryptography` library.
        is_self_signed: whether it was signed with its own key, like a placeholder or a root.
        is_ca: whether it may issue certificates.
        allows_server_auth: whether TLS servers may use it; False when it is restricted to other purposes.
        subject_der: subject as DER.
        issuer_der: issuer as DER; names are compared as bytes (Baseline Requirements, 7.1.4.1).
    """

    pem: str
    public_key: bytes
    subject: str
    issuer: str
    names: tuple[str, ...]
    serial_number: str
    not_before: datetime
    not_after: datetime
    raw: x509.Certificate
    is_self_signed: bool
    is_ca: bool
    allows_server_auth: bool
    subject_der: bytes
    issuer_der: bytes

    def covers(self, name: str) -> bool:
        """Return whether the certificate covers a name (A-labels, lower case), directly or with a wildcard."""
        # RFC 9525, 6.3: a wildcard stands for exactly one label.
        return name in self.names or "*." + name.partition(".")[2] in self.names

    def is_valid_at(self, moment: datetime) -> bool:
        """Return whether an aware datetime is in its validity period, which includes the first and the last second."""
        return self.not_before <= moment <= self.not_after

    def leaf_fault(self, moment: datetime) -> str | None:
        """Return why a TLS server cannot use it at an aware datetime, as the end of a sentence; None if it can."""
        if self.is_ca:
            return "is a CA certificate."
        if self.is_self_signed:
            return "is self-signed."
        if not self.allows_server_auth:
            return "is not meant for TLS servers."
        if moment < self.not_before:
            return f"is not valid before {self.not_before.isoformat()}."
        if moment > self.not_after:
            return f"has been expired since {self.not_after.isoformat()}."
        return None


class Bundle(t.NamedTuple):
    """A certificate with its chain, each certificate signed by the next; `root` is None if it is not known."""

    leaf: Certificate
    intermediates: tuple[Certificate, ...]
    root: Certificate | None

    @property
    def chain(self) -> str:
        """PEM text of the intermediate certificates."""
        return "".join(certificate.pem for certificate in self.intermediates)

    def full_chain(self, include_root: bool) -> str | None:
        """Return the certificate and its chain as PEM text; None if the root is requested but not known."""
        if not include_root:
            return self.leaf.pem + self.chain
        return None if self.root is None else self.leaf.pem + self.chain + self.root.pem

    def invalid_intermediates(self, moment: datetime) -> tuple[Certificate, ...]:
        """Return the intermediate certificates that are expired, or not valid yet, at an aware datetime."""
        return tuple(one for one in self.intermediates if not one.is_valid_at(moment))


def read_certificates(text: str, *, skip_damaged: bool = False) -> list[Certificate]:
    """Return the certificates in a text, in its order; text around them and any line ends are allowed.

    Args:
        text: any text.
        skip_damaged: omit certificates that cannot be read, instead of raising an error.

    Raises:
        DigicertError: one of them cannot be read or is cut off; the message is the end of a sentence.
        MissingLibraryError: there is a certificate, and `cryptography` is missing.
    """
    blocks = _blocks(text)
    if not skip_damaged and len(blocks) < text.count(_BEGIN):
        raise DigicertError("a certificate in it is cut off: an END line is missing or damaged.")
    certificates = []
    known: dict[str, Certificate] = {}
    for number, block in enumerate(blocks, 1):
        try:
            known[block] = known.get(block) or _certificate(block, number)
            certificates.append(known[block])
        except MissingLibraryError:
            raise
        except DigicertError:
            if not skip_damaged:
                raise
    return certificates


def _blocks(text: str) -> list[str]:
    """Return what is between BEGIN and END lines, in linear time."""
    blocks: list[str] = []
    position = 0
    while True:
        end = text.find(_END, position)
        if end < 0:
            return blocks
        begin = text.rfind(_BEGIN, position, end)
        if begin >= 0:
            blocks.append(text[begin + len(_BEGIN) : end])
        position = end + len(_END)


def _certificate(block: str, number: int) -> Certificate:
    library = load_cryptography()
    try:
        whole = b64decode("".join(block.split()), validate=True)
        raw = library.x509.load_der_x509_certificate(whole)
        if raw.serial_number.bit_length() > _LONGEST_SERIAL_NUMBER:
            raise ValueError
        fields = [part for part in _der.read_value(whole, _der.SEQUENCE).parts()[0].parts() if part.tag != 0xA0]
        # RFC 5280, 4.1: serial number, signature, issuer, validity, subject, public key, [1], [2], extensions [3].
        _serial, _signature, issuer, _validity, subject, public_key, *rest = fields
        extensions = next((_der.read_extensions(part.parts()[0]) for part in rest if part.tag == 0xA3), {})
        return Certificate(
            pem=raw.public_bytes(library.serialization.Encoding.PEM).decode("ascii"),
            public_key=public_key.whole,
            subject=_name_text(raw, "subject", subject),
            issuer=_name_text(raw, "issuer", issuer),
            names=tuple(printable(name, _LONGEST_NAME) for name in _der.dns_names(extensions)[0]),
            serial_number=serial_number(raw.serial_number),
            not_before=_utc(raw, "not_valid_before"),
            not_after=_utc(raw, "not_valid_after"),
            raw=raw,
            is_self_signed=issuer.whole == subject.whole and _is_signed_by(raw, raw),
            is_ca=_is_ca(extensions),
            allows_server_auth=_allows_server_auth(extensions),
            subject_der=subject.whole,
            issuer_der=issuer.whole,
        )
    except library.unreadable:
        raise DigicertError(f"certificate {number} in it cannot be read.") from None


def build_chain(certificates: t.Sequence[Certificate], public_key: bytes | None = None) -> Bundle:
    """Return a server's certificate with its chain, in order, without duplicates and unrelated certificates.

    Args:
        certificates: in any order. Of several suitable ones, one that is valid now is preferred, then the first one.
        public_key: SubjectPublicKeyInfo (DER) of the server's certificate; None for the first one that did not issue
            any of the others.

    Raises:
        DigicertError: the server's certificate or the intermediate certificate that issued it is missing; the message
            is the end of a sentence.
    """
    known = list({certificate.pem: certificate for certificate in certificates}.values())
    leaf = _find_leaf(known, public_key)
    by_subject: dict[bytes, list[Certificate]] = {}
    for one in known:
        if one is not leaf:
            by_subject.setdefault(one.subject_der, []).append(one)
    above: list[Certificate] = []
    child, root = leaf, None
    while root is None and len(above) < _LONGEST_CHAIN and not child.is_self_signed:
        named = by_subject.get(child.issuer_der, [])
        issuer = next((one for one in _valid_first(named) if _issued(child, one) and one not in above), None)
        if issuer is None:
            if child is leaf:
                raise DigicertError(_missing_issuer(leaf, bool(named)))
            break
        if issuer.is_self_signed:
            root = issuer
        else:
            above.append(issuer)
        child = issuer
    if not above:
        raise DigicertError("it contains no intermediate certificate.")
    return Bundle(leaf, tuple(above), root)


def _find_leaf(known: t.Sequence[Certificate], public_key: bytes | None) -> Certificate:
    """Return the certificate for a server; raises DigicertError."""
    if not known:
        raise DigicertError("it contains no certificate.")
    if public_key is None:
        issuers = {one.issuer_der for one in known if not one.is_self_signed}
        leaves = [one for one in known if not one.is_ca and one.subject_der not in issuers]
        return min(leaves, key=lambda one: one.is_self_signed) if leaves else known[0]
    fitting = [one for one in known if one.public_key == public_key]
    if not fitting:
        raise DigicertError("it contains no certificate for this public key.")
    # A placeholder with the same key can be beside the real one.
    ranked = sorted(_valid_first(fitting), key=lambda one: (one.is_ca, one.is_self_signed))
    return ranked[0]


def _valid_first(certificates: t.Sequence[Certificate]) -> list[Certificate]:
    now = _now()
    return sorted(certificates, key=lambda one: not one.is_valid_at(now))


def _missing_issuer(leaf: Certificate, is_named: bool) -> str:
    if is_named:
        return f"its chain is broken: the certificate of {leaf.issuer} in it did not issue {leaf.subject}."
    return f"it does not contain {leaf.issuer}, the intermediate certificate that issued {leaf.subject}."


def _issued(child: Certificate, issuer: Certificate) -> bool:
    """Return whether a certificate was issued by the holder of another one (RFC 5280, 6.1.3 (a)(1), (a)(4))."""
    return issuer.is_ca and _is_signed_by(child.raw, issuer.raw)


def _is_signed_by(child: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Return whether a certificate was signed with the key of another one; False for keys of unknown kinds."""
    library = load_cryptography()
    try:
        key: t.Any = issuer.public_key()
        algorithm = child.signature_hash_algorithm
        # Baseline Requirements 7.1.3.2: public TLS certificates are signed with RSA or ECDSA only.
        if isinstance(key, library.rsa.RSAPublicKey) and algorithm is not None:
            key.verify(child.signature, child.tbs_certificate_bytes, library.padding.PKCS1v15(), algorithm)
        elif isinstance(key, library.ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(child.signature, child.tbs_certificate_bytes, library.ec.ECDSA(algorithm))
        elif hasattr(key, "verify") and algorithm is None:  # Ed25519, Ed448
            key.verify(child.signature, child.tbs_certificate_bytes)
        else:
            return False
    except (library.InvalidSignature, *library.unreadable):
        return False
    return True


def _is_ca(extensions: t.Mapping[str, bytes]) -> bool:
    content = extensions.get(_BASIC_CONSTRAINTS)
    if content is None:
        return False
    parts = _der.read_value(content, _der.SEQUENCE).parts()
    return bool(parts) and parts[0].whole[:2] == _TRUE and parts[0].content != b"\0"


def _allows_server_auth(extensions: t.Mapping[str, bytes]) -> bool:
    content = extensions.get(_EXTENDED_KEY_USAGE)
    if content is None:
        return True
    return any(_der.oid_text(part) in _SERVER_USAGES for part in _der.read_value(content, _der.SEQUENCE).parts())


def serial_number(value: int) -> str:
    """Return a serial number as in `Certificate`."""
    digits = f"{value:X}"
    return digits.zfill(len(digits) + len(digits) % 2)


def describe(certificates: t.Iterable[Certificate]) -> dict[str, t.Any]:
    """Return what a diff or a result shows of certificates, as printable text."""
    return {
        "certificates": [
            {
                "subject": certificate.subject,
                "dns_names": sorted(certificate.names),
                "serial_number": certificate.serial_number,
                "not_before": certificate.not_before.isoformat(),
                "not_after": certificate.not_after.isoformat(),
            }
            for certificate in certificates
        ]
    }


def _name_text(raw: x509.Certificate, field: str, name: _der.Value) -> str:
    """Return a name of a certificate as RFC 4514 string, or its common name if the library cannot read it."""
    try:
        text = str(getattr(raw, field).rfc4514_string())
    except load_cryptography().unreadable:
        text = f"CN={_der.common_name(name) or ''}"
    return printable(text, _LONGEST_NAME)


def _now() -> datetime:
    return datetime.fromtimestamp(time.time(), timezone.utc)


def _utc(certificate: x509.Certificate, field: str) -> datetime:
    """Return a date of a certificate; cryptography 42 added the aware ones and deprecated the others."""
    aware = getattr(certificate, field + "_utc", None)
    return t.cast(datetime, aware or getattr(certificate, field).replace(tzinfo=timezone.utc))
