# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The bodies of an order and of a reissue, checked before anything is sent.

They are those of section 4, "DV orders with immediate issuance", and of section 6, "Reissue", of the API page. This
file sends nothing.
"""

from __future__ import annotations

import copy
import re
import typing as t
from datetime import datetime, timedelta, timezone

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import MOST_NAMES
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import (
    Csr,
    ascii_name,
    order_csr,
    read_csr,
)

LONGEST_YEAR = 366  # days
LARGEST_NUMBER = 2**63
MANAGED = "because the module sets it"
# Fields of the body that other options set, and the name of the option.
OWN_FIELDS = {
    "certificate.common_name": "common_name",
    "certificate.dns_names": "dns_names",
    "certificate.csr": "csr",
    "certificate.cert_validity": "cert_validity_days",
    "order_validity": "order_validity",
    "dcv_method": "dcv_method",
    "use_auth_key": "use_auth_key",
    "auth_key_id": "auth_key_id",
    "skip_approval": "skip_approval",
    "payment_method": "payment_method",
    "comments": "comments",
    "renewal_of_order_id": "renewal_of_order_id",
    "custom_fields": "custom_fields",
    "container": "container_id",
    "alternative_order_id": MANAGED,
}
# Fields that an order has and a reissue does not (API page, section 6).
ORDER_ONLY = ("order_validity", "payment_method", "container", "custom_fields", "renewal_of_order_id")


class IssuanceOptions(t.NamedTuple):
    """How to get the certificate.

    Attributes:
        renewal: `auto` reissues within an order that is still valid, `reissue` never orders, `order` never reissues.
        remaining_days: a certificate with fewer days left is due; None for the default, see `lifetime`.
        force: get another certificate even if none is due, or if a guard refuses an order.
        order_id: work with this order, and place none.
        wait: wait until the certificate is issued.
        wait_timeout: seconds that the run may wait in total for another run, for a lost response, and for the issuance.
        check_revoked: ask whether the installed certificate was revoked.
        is_hint: the journal comes from a host, so it alone is never a reason to send anything.
    """

    renewal: str = "auto"
    remaining_days: int | None = None
    force: bool = False
    order_id: int | None = None
    wait: bool = True
    wait_timeout: float = 600.0
    check_revoked: bool = False
    is_hint: bool = False


# The options of the module that this package reads, and their defaults.
DEFAULTS: dict[str, t.Any] = {
    "common_name": None,
    "dns_names": None,
    "product": "ssl_dv_geotrust_flex",
    "dcv_method": "http-token",
    "use_auth_key": True,
    "auth_key_id": None,
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
    "renewal": "auto",
    "remaining_days": None,
    "force": False,
    "order_id": None,
    "wait": True,
    "wait_timeout": 600,
    "check_revoked": False,
}


def issuance_options(options: t.Mapping[str, t.Any], is_hint: bool = False) -> IssuanceOptions:
    """Return how to get the certificate, from the module's options; the names are those of DEFAULTS."""
    given = {name: options[name] for name in IssuanceOptions._fields if name in options}
    return IssuanceOptions(**given)._replace(is_hint=is_hint)


class CertificateRequest(t.NamedTuple):
    """The requested certificate.

    Attributes:
        csr: the CSR, parsed.
        product: the API's identifier of the product.
        common_name: A-labels, lower case.
        dns_names: the other names, likewise.
        body: of an order, without the fields that differ for each order.
        more: the user's additional fields.
        ends: end of the day (UTC) on which the order ends, if the user set a date; else None.
        cert_validity_days: days that the user wants certificates to be valid, None for the longest.
        renewal_of_order_id: the order that the user wants a new order to be linked to.
    """

    csr: Csr
    product: str
    common_name: str
    dns_names: tuple[str, ...]
    body: dict[str, t.Any]
    more: t.Mapping[str, t.Any]
    ends: datetime | None = None
    cert_validity_days: int | None = None
    renewal_of_order_id: int | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All names that the certificate must cover, the common name first."""
        return (self.common_name, *self.dns_names)

    def order_body(self, alternative_order_id: str, renewal_of_order_id: int | None) -> dict[str, t.Any]:
        """Return the body of an order."""
        own: dict[str, t.Any] = {"alternative_order_id": alternative_order_id}
        if renewal_of_order_id is not None:
            own["renewal_of_order_id"] = renewal_of_order_id
        return {**_merge(self.body, self.more), **own}

    def reissue_body(self) -> dict[str, t.Any]:
        """Return the body of a reissue, with the user's additional fields for the certificate only."""
        body = {name: value for name, value in self.body.items() if name not in ORDER_ONLY}
        return _merge(body, {name: value for name, value in self.more.items() if name == "certificate"})


def certificate_request(csr: str | bytes, options: t.Mapping[str, t.Any]) -> CertificateRequest:
    """Return the request from a CSR and the module's options.

    Args:
        csr: the CSR, from the option or from a file.
        options: the options of the module `digicert_certificate` by their names, None if not set.

    Raises:
        DigicertError: an option or the CSR is invalid.
    """
    request = read_csr(csr)
    common_name, dns_names = wanted_names(request, options["common_name"], options["dns_names"])
    _check_words(options, (common_name, *dns_names))
    validity, ends = _order_validity(options["order_validity"])
    _check_days(validity, options["cert_validity_days"], options["remaining_days"])
    certificate: dict[str, t.Any] = {
        "common_name": common_name,
        "dns_names": list(dns_names),
        "csr": order_csr(request.text, options["csr_format"]),
        "signature_hash": "sha256",
        "server_platform": {"id": -1},
    }
    if options["cert_validity_days"] is not None:
        certificate["cert_validity"] = {"days": options["cert_validity_days"]}
    body = {"certificate": certificate, "order_validity": validity, **_plain_fields(options)}
    more = options["additional_fields"] or {}
    _merge(body, more)  # this finds forbidden fields before anything is sent
    return CertificateRequest(
        csr=request,
        product=options["product"],
        common_name=common_name,
        dns_names=dns_names,
        body=body,
        more=more,
        ends=ends,
        cert_validity_days=options["cert_validity_days"],
        renewal_of_order_id=options["renewal_of_order_id"],
    )


def wanted_names(csr: Csr, common_name: str | None, dns_names: list[str] | None) -> tuple[str, tuple[str, ...]]:
    """Return the common name and the other names, A-labels, each once: from the options, else from the CSR.

    Raises:
        DigicertError: there are none, or too many, or one is no DNS name.
    """
    if dns_names is None:
        if csr.has_other_names:
            raise DigicertError(
                "csr requests names that are not DNS names, such as IP addresses, which DV certificates cannot "
                "contain. Remove them from the CSR, or set dns_names."
            )
        dns_names = list(csr.dns_names)
    first = common_name or csr.common_name or (dns_names[0] if dns_names else None)
    if first is None:
        raise DigicertError("csr contains neither a common name nor DNS names. Set common_name and dns_names.")
    if len(dns_names) > MOST_NAMES:
        raise DigicertError(
            f"There are {len(dns_names)} names, but a certificate can have at most {MOST_NAMES}. Split them."
        )
    first = ascii_name(first)
    return first, tuple(name for name in dict.fromkeys(map(ascii_name, dns_names)) if name != first)


def _check_words(options: t.Mapping[str, t.Any], names: tuple[str, ...]) -> None:
    """Raise DigicertError for names, identifiers, and numbers that a request cannot contain."""
    wildcard = next((name for name in names if name.startswith("*.")), None)
    if options["order_id"] is None and options["dcv_method"] == "http-token" and wildcard is not None:
        raise DigicertError(f"{wildcard} cannot be validated with dcv_method=http-token. Use dns-txt-token.")
    if not re.fullmatch("[A-Za-z0-9_-]{1,100}", options["product"]):
        raise DigicertError("product must be an identifier such as ssl_dv_geotrust_flex.")
    for name in ("container_id", "renewal_of_order_id", "order_id"):
        if options[name] is not None and not 1 <= options[name] < LARGEST_NUMBER:
            raise DigicertError(f"{name} must be a positive number of at most 18 digits.")
    auth_key_id = options["auth_key_id"]
    if auth_key_id is None:
        return
    if not options["use_auth_key"]:
        raise DigicertError("auth_key_id needs use_auth_key=true. Omit one of them.")
    if not re.fullmatch("[!-~]{1,200}", auth_key_id):
        raise DigicertError("auth_key_id must be the id of an AuthKey. Omit it for the permanent AuthKey.")


def _order_validity(given: t.Mapping[str, t.Any] | None) -> tuple[dict[str, t.Any], datetime | None]:
    """Return `order_validity` of the body, and the end of the order if it is a date; raises DigicertError."""
    values = {name: value for name, value in (given or {"years": 1}).items() if value is not None}
    if len(values) != 1:
        raise DigicertError("order_validity must have exactly one of years, days, and custom_expiration_date.")
    ((unit, value),) = values.items()
    if unit != "custom_expiration_date":
        if not 1 <= value <= 10000:
            raise DigicertError(f"order_validity.{unit} must be a number from 1 to 10000.")
        return values, None
    try:
        if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise ValueError
        return values, datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=timezone.utc) + timedelta(days=1)
    except (ValueError, OverflowError):
        raise DigicertError("order_validity.custom_expiration_date must be a date, such as 2027-01-31.") from None


def _check_days(validity: t.Mapping[str, t.Any], cert_validity_days: int | None, remaining_days: int | None) -> None:
    """Raise DigicertError if the requested validity is impossible, or each certificate would be due at once."""
    if remaining_days is not None and remaining_days < 0:
        raise DigicertError("remaining_days must be 0 or more.")
    order_days = validity.get("days") or validity.get("years", 0) * LONGEST_YEAR or None
    if cert_validity_days is not None and not 1 <= cert_validity_days <= 10000:
        raise DigicertError("cert_validity_days must be a number from 1 to 10000.")
    if cert_validity_days is not None and order_days is not None and cert_validity_days > order_days:
        raise DigicertError(f"cert_validity_days ({cert_validity_days}) must not be longer than the order is valid.")
    for name, value in (("cert_validity_days", cert_validity_days), ("the days of order_validity", order_days)):
        if value is not None and remaining_days is not None and value <= remaining_days:
            raise DigicertError(
                f"remaining_days ({printable(str(remaining_days), 20)}) must be less than {name} ({value}), or the "
                "certificate would be due for renewal at once."
            )


def _plain_fields(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the fields of the body that options set directly, without unset options."""
    container = options["container_id"]
    fields = {
        "dcv_method": options["dcv_method"],
        "use_auth_key": options["use_auth_key"],
        "auth_key_id": options["auth_key_id"],
        "skip_approval": options["skip_approval"],
        "payment_method": options["payment_method"],
        "container": None if container is None else {"id": container},
        "comments": options["comments"],
        "custom_fields": options["custom_fields"],
    }
    return {name: value for name, value in fields.items() if value is not None}


def _merge(body: dict[str, t.Any], more: t.Mapping[str, t.Any], prefix: str = "") -> dict[str, t.Any]:
    """Return a body with more fields: dictionaries are merged, other values replace existing ones.

    Raises:
        DigicertError: another option sets the field.
    """
    merged = dict(body)
    for name, value in more.items():
        field = prefix + str(name)
        if field in OWN_FIELDS:
            own = OWN_FIELDS[field]
            advice = f"Omit it, {own}." if own == MANAGED else f"Use the option {own}."
            raise DigicertError(f"additional_fields must not contain {field}. {advice}")
        if field == "certificate" and not isinstance(value, dict):
            raise DigicertError("additional_fields.certificate must be a dictionary.")
        present = merged.get(name)
        if isinstance(present, dict) and isinstance(value, dict):
            merged[name] = _merge(present, value, field + ".")
        else:
            merged[name] = copy.deepcopy(value)
    return merged
