# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of an order: what it must hold, and what it means (section 4 of the API page)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from .dcv import DNS_TXT_TOKEN, METHODS
from .decisions import (
    CODE_INVALID_CSR,
    CODE_INVALID_DCV_METHOD,
    CODE_INVALID_NAME,
    CODE_INVALID_VALIDITY,
    LONGEST_ORDER,
    SMALLEST_RSA_KEY,
    YEAR,
)
from .errors import ApiError, bad_request, not_found

PRODUCTS = frozenset(
    {
        "ssl_dv_geotrust_flex",
        "ssl_dv_rapidssl",
        "wildcard_dv_rapidssl",
        "ssl_dv_geotrust",
        "wildcard_dv_geotrust",
    }
)
ANY_NAMES_PRODUCT = "ssl_dv_geotrust_flex"
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(\*\.)?({_LABEL}\.)+(?![0-9]+$){_LABEL}", re.ASCII | re.IGNORECASE)
_OPTIONAL: dict[str, type] = {
    "payment_method": str,
    "skip_approval": bool,
    "use_auth_key": bool,
    "container": dict,
    "comments": str,
    "renewal_of_order_id": int,
    "custom_fields": list,
}
_CERTIFICATE_OPTIONAL: dict[str, type] = {"signature_hash": str, "server_platform": dict, "cert_validity": dict}


@dataclass(frozen=True)
class OrderRequest:
    """A valid order.

    Attributes:
        product: one of ``PRODUCTS``.
        common_name: A-labels, maybe a wildcard.
        dns_names: as sent, without the common name.
        csr: exactly the string sent.
        public_key: of the CSR.
        until: last second of the certificate, before the industry maximum.
        dcv_method: one of ``dcv.METHODS``.
        use_auth_key: whether request tokens are looked for at once.
        renewal_of_order_id: the order that this one renews, or None.
    """

    product: str
    common_name: str
    dns_names: list[str]
    csr: str
    public_key: CertificatePublicKeyTypes
    until: datetime
    dcv_method: str
    use_auth_key: bool
    renewal_of_order_id: int | None

    @property
    def names(self) -> list[str]:
        """Every name of the certificate once, the common name first."""
        return list(dict.fromkeys([self.common_name, *self.dns_names]))

    @property
    def domains(self) -> list[str]:
        """The domains to be proven: every name once, without ``*.``."""
        return list(dict.fromkeys(name.removeprefix("*.") for name in self.names))


def parse_order(product: str, body: Any) -> OrderRequest:
    """Return the order that a request asks for.

    Args:
        product: from the path.
        body: the JSON value of the body, None when it is not JSON.

    Raises:
        ApiError: 404 ``not_found|product``; 400 when something is missing or wrong.
    """
    if product not in PRODUCTS:
        raise not_found("product")
    if not isinstance(body, dict):
        raise bad_request("The body is no JSON object.")
    certificate = _field(body, "certificate", dict)
    for name, kind in _OPTIONAL.items():
        _field(body, name, kind, required=False)
    for name, kind in _CERTIFICATE_OPTIONAL.items():
        _field(certificate, name, kind, required=False)
    csr = _field(certificate, "csr", str)
    dns_names = _field(certificate, "dns_names", list)
    if not all(isinstance(name, str) for name in dns_names):
        raise bad_request("The field dns_names is a list of strings.")
    order = OrderRequest(
        product=product,
        common_name=_field(certificate, "common_name", str),
        dns_names=dns_names,
        csr=csr,
        public_key=_public_key(csr),
        until=_until(_field(body, "order_validity", dict), certificate.get("cert_validity")),
        dcv_method=_field(body, "dcv_method", str),
        use_auth_key=body.get("use_auth_key", False),
        renewal_of_order_id=body.get("renewal_of_order_id"),
    )
    _check_names(order)
    return order


def _field(values: dict[str, Any], name: str, kind: type, required: bool = True) -> Any:
    value = values.get(name)
    if name not in values and not required:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise bad_request(f"The field {name} is missing or not of the right type.")
    return value


def _public_key(csr: str) -> CertificatePublicKeyTypes:
    try:
        if "-----BEGIN" in csr:
            request = x509.load_pem_x509_csr(csr.encode())
        else:
            request = x509.load_der_x509_csr(base64.b64decode("".join(csr.split()), validate=True))
        key = request.public_key()
        valid = request.is_signature_valid
    except Exception as error:  # cryptography raises many kinds for texts and keys it cannot read
        raise ApiError(400, CODE_INVALID_CSR, "The CSR does not parse.") from error
    strong = isinstance(key, ec.EllipticCurvePublicKey) or (
        isinstance(key, rsa.RSAPublicKey) and key.key_size >= SMALLEST_RSA_KEY
    )
    if not (valid and strong):
        raise ApiError(400, CODE_INVALID_CSR, "The CSR has a bad signature or an unsuitable key.")
    return key


def _until(order_validity: dict[str, Any], cert_validity: dict[str, Any] | None) -> datetime:
    now = datetime.now(timezone.utc).replace(microsecond=0)
    ends = [_end(order_validity, now)]
    if cert_validity is not None:
        ends.append(_end({"days": cert_validity.get("days")}, now))
    if not all(now < end <= now + LONGEST_ORDER for end in ends):
        raise ApiError(400, CODE_INVALID_VALIDITY, "The validity has passed already or is too long.")
    return min(ends)


def _end(validity: dict[str, Any], now: datetime) -> datetime:
    if len(validity) != 1:
        raise bad_request("A validity has exactly one of years, days and custom_expiration_date.")
    ((unit, value),) = validity.items()
    second = timedelta(seconds=1)
    try:
        if unit == "custom_expiration_date":
            return datetime.combine(date.fromisoformat(value), time.max, timezone.utc).replace(microsecond=0)
        if isinstance(value, int) and not isinstance(value, bool):
            return now + {"years": YEAR, "days": timedelta(days=1)}[unit] * value - second
    except (KeyError, OverflowError, TypeError, ValueError):
        pass
    raise ApiError(400, CODE_INVALID_VALIDITY, "The validity is not understood.")


def _check_names(order: OrderRequest) -> None:
    for name in order.names:
        if len(name) > 253 or not _NAME.fullmatch(name):
            raise ApiError(400, CODE_INVALID_NAME, f"{name!r} is not a DNS name in ASCII.")
    if len(order.common_name) > 64:
        raise ApiError(400, CODE_INVALID_NAME, "The common name has more than 64 characters.")
    if order.product != ANY_NAMES_PRODUCT and order.common_name.startswith("*.") != order.product.startswith(
        "wildcard_"
    ):
        raise ApiError(400, CODE_INVALID_NAME, "The product and the common name disagree about wildcards.")
    if order.dcv_method not in METHODS:
        raise ApiError(400, CODE_INVALID_DCV_METHOD, f"The dcv_method must be one of {', '.join(METHODS)}.")
    if order.dcv_method != DNS_TXT_TOKEN and any(name.startswith("*.") for name in order.names):
        raise ApiError(400, CODE_INVALID_DCV_METHOD, f"A wildcard needs the dcv_method {DNS_TXT_TOKEN}.")
