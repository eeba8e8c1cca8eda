# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The body of an order: required fields and their meaning (section 4 of the API page)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from .dcv import DNS_TXT_TOKEN, HTTP_TOKEN, METHODS
from .decisions import (
    CODE_CERTIFICATE_OUTLIVES_ORDER,
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
_SECOND = timedelta(seconds=1)
_PEM_CSR = re.compile(
    r"-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----(.*)-----END (?:NEW )?CERTIFICATE REQUEST-----", re.DOTALL
)
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(\*\.)?({_LABEL}\.)+(?![0-9]+$){_LABEL}", re.ASCII | re.IGNORECASE)
_OPTIONAL: dict[str, type] = {
    "payment_method": str,
    "skip_approval": bool,
    "use_auth_key": bool,
    "auth_key_id": str,
    "alternative_order_id": str,
    "container": dict,
    "comments": str,
    "renewal_of_order_id": int,
    "custom_fields": list,
}
_CERTIFICATE_OPTIONAL: dict[str, type] = {
    "dns_names": list,
    "signature_hash": str,
    "server_platform": dict,
    "cert_validity": dict,
}


@dataclass(frozen=True, kw_only=True)
class CertificateRequest:
    """A valid request for a certificate.

    Attributes:
        common_name: A-labels, maybe a wildcard.
        dns_names: as sent, without the common name.
        csr: exactly the string sent.
        public_key: of the CSR.
        life: requested lifetime of the certificate, or None.
        dcv_method: one of ``dcv.METHODS``.
        use_auth_key: whether request tokens are checked at once.
        auth_key_id: the AuthKey that made them; None for the permanent one.
        skip_approval: whether to skip the approval.
        comments: of the requester.
    """

    common_name: str
    dns_names: list[str]
    csr: str
    public_key: CertificatePublicKeyTypes
    life: timedelta | None = None
    dcv_method: str = HTTP_TOKEN
    use_auth_key: bool = False
    auth_key_id: str | None = None
    skip_approval: bool = True
    comments: str = ""

    @property
    def names(self) -> list[str]:
        """Every name of the certificate once, the common name first."""
        return list(dict.fromkeys([self.common_name, *self.dns_names]))

    @property
    def domains(self) -> list[str]:
        """The domains to be proven: every name once, without ``*.``."""
        return list(dict.fromkeys(name.removeprefix("*.") for name in self.names))


@dataclass(frozen=True, kw_only=True)
class OrderRequest(CertificateRequest):
    """A valid order.

    Attributes:
        product: one of ``PRODUCTS``.
        until: end of the order, without the unused time of a renewed order.
        to_a_date: whether ``until`` is a day that the customer chose.
        renewal_of_order_id: the order that this one renews, or None.
        alternative_order_id: the customer's own id, or None.
        container_id: where the order is kept, or None.
    """

    product: str
    until: datetime
    to_a_date: bool = False
    renewal_of_order_id: int | None = None
    alternative_order_id: str | None = None
    container_id: Any = None


def parse_order(product: str, body: Any, now: datetime) -> OrderRequest:
    """Return the order that a request asks for.

    Args:
        product: from the path.
        body: the JSON value of the body, None when it is not JSON.
        now: the current second.

    Raises:
        ApiError: 404 ``not_found|product``; 400 when something is missing or wrong.
    """
    if product not in PRODUCTS:
        raise not_found("product")
    wanted = _certificate_fields(body, default_method=None)
    validity = _field(body, "order_validity", dict)
    until = _end(validity, now)
    if not now < until <= now + LONGEST_ORDER:
        raise ApiError(400, CODE_INVALID_VALIDITY, "The validity has passed already or is too long.")
    if wanted["life"] and now + wanted["life"] - _SECOND > until:
        raise ApiError(
            400, CODE_CERTIFICATE_OUTLIVES_ORDER, "The certificate would be valid for longer than its order."
        )
    order = OrderRequest(
        product=product,
        until=until,
        to_a_date="custom_expiration_date" in validity,
        renewal_of_order_id=body.get("renewal_of_order_id"),
        alternative_order_id=body.get("alternative_order_id"),
        container_id=body.get("container", {}).get("id"),
        **wanted,
    )
    check_names(order, product)
    return order


def parse_reissue(product: str, body: Any, default_method: str) -> CertificateRequest:
    """Return the certificate that a reissue asks for; ``product`` and ``default_method`` are those of the order.

    Raises:
        ApiError: 400 when something is missing or wrong.
    """
    wanted = CertificateRequest(**_certificate_fields(body, default_method))
    check_names(wanted, product)
    return wanted


def _certificate_fields(body: Any, default_method: str | None) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise bad_request("The body is not a JSON object.")
    certificate = _field(body, "certificate", dict)
    for name, kind in _OPTIONAL.items():
        _field(body, name, kind, required=False)
    for name, kind in _CERTIFICATE_OPTIONAL.items():
        _field(certificate, name, kind, required=False)
    csr = _field(certificate, "csr", str)
    dns_names = certificate.get("dns_names", [])
    if not all(isinstance(name, str) for name in dns_names):
        raise bad_request("The field dns_names is a list of strings.")
    method = _field(body, "dcv_method", str, required=default_method is None)
    return {
        "common_name": _field(certificate, "common_name", str),
        "dns_names": dns_names,
        "csr": csr,
        "public_key": public_key_of(csr),
        "life": _life(certificate.get("cert_validity")),
        "dcv_method": method or default_method,
        "use_auth_key": body.get("use_auth_key", False),
        "auth_key_id": body.get("auth_key_id"),
        "skip_approval": body.get("skip_approval", False),
        "comments": body.get("comments", ""),
    }


def _field(values: dict[str, Any], name: str, kind: type, required: bool = True) -> Any:
    value = values.get(name)
    if name not in values and not required:
        return None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise bad_request(f"The field {name} is missing or not of the right type.")
    return value


def public_key_of(csr: str) -> CertificatePublicKeyTypes:
    """Return the public key of a CSR in any of the forms of section 3, with any line breaks.

    Raises:
        ApiError: 400 when it does not parse, its signature is bad or its key unsuitable.
    """
    try:
        body = _PEM_CSR.fullmatch(csr.strip())
        der = base64.b64decode("".join((body[1] if body else csr).split()), validate=True)
        request = x509.load_der_x509_csr(der)
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


def _life(cert_validity: dict[str, Any] | None) -> timedelta | None:
    if cert_validity is None:
        return None
    days = cert_validity.get("days")
    if not isinstance(days, int) or isinstance(days, bool) or not 0 < days <= LONGEST_ORDER.days:
        raise ApiError(400, CODE_INVALID_VALIDITY, "The validity of the certificate is not understood.")
    return timedelta(days=days)


def _end(validity: dict[str, Any], now: datetime) -> datetime:
    if len(validity) != 1:
        raise bad_request("A validity has exactly one of years, days and custom_expiration_date.")
    ((unit, value),) = validity.items()
    try:
        if unit == "custom_expiration_date":
            return datetime.combine(date.fromisoformat(value), time.max, timezone.utc).replace(microsecond=0)
        if isinstance(value, int) and not isinstance(value, bool):
            return now + {"years": YEAR, "days": timedelta(days=1)}[unit] * value - _SECOND
    except (KeyError, OverflowError, TypeError, ValueError):
        pass
    raise ApiError(400, CODE_INVALID_VALIDITY, "The validity is not understood.")


def check_names(request: CertificateRequest, product: str) -> None:
    """Check the names against the product and the ``dcv_method``.

    Raises:
        ApiError: 400 if they do not match.
    """
    for name in request.names:
        if len(name) > 253 or not _NAME.fullmatch(name):
            raise ApiError(400, CODE_INVALID_NAME, f"{name!r} is not a DNS name in ASCII.")
    if len(request.common_name) > 64:
        raise ApiError(400, CODE_INVALID_NAME, "The common name has more than 64 characters.")
    if product != ANY_NAMES_PRODUCT and request.common_name.startswith("*.") != product.startswith("wildcard_"):
        raise ApiError(400, CODE_INVALID_NAME, "The product and the common name disagree about wildcards.")
    if request.dcv_method not in METHODS:
        raise ApiError(400, CODE_INVALID_DCV_METHOD, f"The dcv_method must be one of {', '.join(METHODS)}.")
    if request.dcv_method != DNS_TXT_TOKEN and any(name.startswith("*.") for name in request.names):
        raise ApiError(400, CODE_INVALID_DCV_METHOD, f"A wildcard needs the dcv_method {DNS_TXT_TOKEN}.")
