# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates for orders: the chain, its PEM text, and deliberate defects."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import NameOID

from .pki import Authority, Validity, certificate_pem, new_key

# Section 4: from that day on, no certificate lives for more days. Of 2027 and 2029 it tells no day: that of 2026.
LONGEST_LIFE = ((date(2029, 2, 24), 46), (date(2027, 2, 24), 99), (date(2026, 2, 24), 199), (date.min, 397))
CertificateDefect = Literal["none", "other_key", "other_names", "expired", "wrong_order", "garbage"]
_GARBAGE = "-----BEGIN CERTIFICATE-----\r\nbm90IGEgY2VydGlmaWNhdGU=\r\n-----END CERTIFICATE-----\r\n"


@dataclass(frozen=True)
class ChainLink:
    """One certificate of a chain: PEM text with CRLF line ends."""

    subject_common_name: str
    pem: str


@dataclass(frozen=True)
class IssuedCertificate:
    """A certificate of an order.

    Attributes:
        id: its id in the API.
        chain: leaf, intermediate, root; unless a defect was asked for.
        validity: of the leaf.
        serial_number: hexadecimal, upper case, an even number of digits.
        thumbprint: SHA-1 of the DER form, hexadecimal, upper case.
        issued: aware datetime.
    """

    id: int
    chain: list[ChainLink]
    validity: Validity
    serial_number: str
    thumbprint: str
    issued: datetime

    def pem(self, links: int) -> str:
        """Return the first ``links`` of the chain as one text."""
        return "".join(link.pem for link in self.chain[:links])


class Issuer:
    """Issues leaf certificates from an intermediate below a root."""

    def __init__(self, root: Authority) -> None:
        self._root = root
        self._intermediate = root.intermediate("CertCentral Simulator DV CA")

    def issue(
        self,
        certificate_id: int,
        names: list[str],
        public_key: CertificatePublicKeyTypes,
        validity: Validity,
        defect: CertificateDefect,
    ) -> IssuedCertificate:
        """Issue a certificate on the first second of its validity.

        Args:
            certificate_id: its id in the API.
            names: DNS names; the first is the common name.
            public_key: the key to certify.
            validity: as it will be.
            defect: the deliberate defect.
        """
        if defect == "other_key":
            public_key = new_key().public_key()
        if defect == "other_names":
            names = ["other.invalid"]
        if defect == "expired":
            life = validity.end - validity.start
            validity = Validity(validity.start - life - timedelta(days=1), validity.end - life - timedelta(days=1))
        leaf = self._intermediate.issue(names, public_key, validity)
        chain = [_link(link) for link in (leaf, self._intermediate.certificate, self._root.certificate)]
        if defect == "wrong_order":
            chain[1:] = reversed(chain[1:])
        if defect == "garbage":
            chain[0] = ChainLink(names[0], _GARBAGE)
        thumbprint = leaf.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303
        serial_number = leaf.serial_number.to_bytes(leaf.serial_number.bit_length() // 8 + 1, "big").hex().upper()
        return IssuedCertificate(certificate_id, chain, validity, serial_number, thumbprint, validity.start)


def longest_life(day: date) -> timedelta:
    """Return how long a certificate issued on ``day`` may be valid (section 4)."""
    return timedelta(days=next(days for start, days in LONGEST_LIFE if day >= start))


def _link(certificate: x509.Certificate) -> ChainLink:
    (common_name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return ChainLink(str(common_name.value), certificate_pem(certificate).replace("\n", "\r\n"))
