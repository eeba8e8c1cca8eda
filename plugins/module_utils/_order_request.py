# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What a certificate order asks for, checked before anything is sent.

The body of an order is that of section 4, "DV orders with immediate issuance", of the API page. This file knows no
Ansible and sends nothing.
"""

from __future__ import annotations

import copy
import re
import typing as t
from datetime import datetime, timedelta, timezone

from ansible_collections.community.digicert.plugins.module_utils._certificates import Csr, ascii_name, read_csr
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._request_tokens import order_csr

LONGEST_YEAR = 366  # days
# Fields of the body that options of their own set, and which option it is.
OWN_FIELDS = {
    "certificate.common_name": "common_name",
    "certificate.dns_names": "dns_names",
    "certificate.csr": "csr",
    "certificate.cert_validity": "cert_validity_days",
    "order_validity": "order_validity",
    "dcv_method": "dcv_method",
    "use_auth_key": "use_auth_key",
    "skip_approval": "skip_approval",
    "payment_method": "payment_method",
    "comments": "comments",
    "renewal_of_order_id": "renewal_of_order_id",
    "custom_fields": "custom_fields",
    "container": "container_id",
}


class OrderRequest(t.NamedTuple):
    """An order as it would be placed.

    Attributes:
        csr: what the CSR asks for.
        product: the API's identifier of the product.
        common_name: A-labels, lower case.
        dns_names: the other names, likewise.
        body: of the POST.
        ends: when the order ends on a date that the user gave, the end of that day, UTC; else None.
        remaining_days: a certificate with less days left is due for renewal.
    """

    csr: Csr
    product: str
    common_name: str
    dns_names: tuple[str, ...]
    body: dict[str, t.Any]
    ends: datetime | None
    remaining_days: int

    @property
    def names(self) -> tuple[str, ...]:
        """All names that the certificate must cover."""
        return (self.common_name, *self.dns_names)

    def check_end(self, now: datetime) -> None:
        """Raise DigicertError when a certificate of this order would be due for renewal already at `now`."""
        if self.ends is not None and self.ends - now <= timedelta(days=self.remaining_days):
            raise DigicertError(
                f"order_validity.custom_expiration_date ends the order in less than remaining_days "
                f"({self.remaining_days}), so that the certificate would be due for renewal at once. No order was "
                "placed. Choose a later date."
            )


def order_request(csr_text: str, options: t.Mapping[str, t.Any]) -> OrderRequest:
    """Return the order that a CSR and the module's options ask for.

    Args:
        csr_text: the CSR, PEM text or the base64 body of it.
        options: the options of the module `digicert_certificate` by their names, None where not given.

    Raises:
        DigicertError: an option, or the CSR, is not what it should be.
    """
    csr = read_csr(csr_text)
    common_name, dns_names = _names(csr, options["common_name"], options["dns_names"])
    if options["order_id"] is None and options["dcv_method"] == "http-token":
        wildcard = next((name for name in (common_name, *dns_names) if name.startswith("*.")), None)
        if wildcard is not None:
            raise DigicertError(f"{wildcard} cannot be validated with dcv_method=http-token. Use dns-txt-token.")
    if not re.fullmatch("[A-Za-z0-9_-]+", options["product"]):
        raise DigicertError("product must be an identifier such as ssl_dv_geotrust_flex.")
    for name in ("container_id", "renewal_of_order_id", "order_id"):
        if options[name] is not None and options[name] < 1:
            raise DigicertError(f"{name} must be a positive number, and is {options[name]}.")
    validity, ends = _order_validity(options["order_validity"])
    _check_days(validity, options["cert_validity_days"], options["remaining_days"])
    certificate: dict[str, t.Any] = {
        "common_name": common_name,
        "dns_names": list(dns_names),
        "csr": order_csr(csr_text, options["csr_format"]),
        "signature_hash": "sha256",
        "server_platform": {"id": -1},
    }
    if options["cert_validity_days"] is not None:
        certificate["cert_validity"] = {"days": options["cert_validity_days"]}
    body = {"certificate": certificate, "order_validity": validity, **_plain_fields(options)}
    return OrderRequest(
        csr=csr,
        product=options["product"],
        common_name=common_name,
        dns_names=dns_names,
        body=_merged(body, options["additional_fields"]),
        ends=ends,
        remaining_days=options["remaining_days"],
    )


def _names(csr: Csr, common_name: str | None, dns_names: list[str] | None) -> tuple[str, tuple[str, ...]]:
    """Return the common name and the other names, each once; raises DigicertError."""
    if dns_names is None:
        if csr.has_other_names:
            raise DigicertError(
                "csr asks for names that are no DNS names, such as IP addresses, which DV certificates do not have. "
                "Leave them out of the CSR, or give dns_names."
            )
        dns_names = list(csr.dns_names)
    first = common_name or csr.common_name or (dns_names[0] if dns_names else None)
    if first is None:
        raise DigicertError("csr holds neither a common name nor DNS names. Give common_name and dns_names.")
    first = ascii_name(first)
    return first, tuple(name for name in dict.fromkeys(map(ascii_name, dns_names)) if name != first)


def _order_validity(given: t.Mapping[str, t.Any] | None) -> tuple[dict[str, t.Any], datetime | None]:
    """Return `order_validity` of the body, and the end of the order when it is a date; raises DigicertError."""
    values = {name: value for name, value in (given or {"years": 1}).items() if value is not None}
    if len(values) != 1:
        raise DigicertError("order_validity must have exactly one of years, days and custom_expiration_date.")
    ((unit, value),) = values.items()
    if unit != "custom_expiration_date":
        if value < 1:
            raise DigicertError(f"order_validity.{unit} must be at least 1, and is {value}.")
        return values, None
    try:
        if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise ValueError
        day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=timezone.utc)
    except ValueError:
        raise DigicertError("order_validity.custom_expiration_date must be a date, such as 2027-01-31.") from None
    return values, day + timedelta(days=1)


def _check_days(validity: t.Mapping[str, t.Any], cert_validity_days: int | None, remaining_days: int) -> None:
    """Raise DigicertError when the validity asked for is nonsense, or each certificate would be due at once."""
    if remaining_days < 0:
        raise DigicertError(f"remaining_days must be 0 or more, and is {remaining_days}.")
    order_days = validity.get("days") or validity.get("years", 0) * LONGEST_YEAR or None
    days = [("cert_validity_days", cert_validity_days), ("the days of order_validity", order_days)]
    if cert_validity_days is not None and cert_validity_days < 1:
        raise DigicertError(f"cert_validity_days must be at least 1, and is {cert_validity_days}.")
    if cert_validity_days is not None and order_days is not None and cert_validity_days > order_days:
        raise DigicertError(f"cert_validity_days ({cert_validity_days}) is more than the order is valid.")
    for name, value in days:
        if value is not None and value <= remaining_days:
            raise DigicertError(
                f"remaining_days ({remaining_days}) must be less than {name} ({value}), or the certificate would be "
                "due for renewal at once, and each run would place an order."
            )


def _plain_fields(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the fields of the body that options fill directly, without those that were not given."""
    container = options["container_id"]
    fields = {
        "dcv_method": options["dcv_method"],
        "use_auth_key": options["use_auth_key"],
        "skip_approval": options["skip_approval"],
        "payment_method": options["payment_method"],
        "container": None if container is None else {"id": container},
        "comments": options["comments"],
        "renewal_of_order_id": options["renewal_of_order_id"],
        "custom_fields": options["custom_fields"],
    }
    return {name: value for name, value in fields.items() if value is not None}


def _merged(body: dict[str, t.Any], more: t.Mapping[str, t.Any] | None, prefix: str = "") -> dict[str, t.Any]:
    """Return a body with more fields: dictionaries are merged, other values take the place of those that were there.

    Raises:
        DigicertError: a field belongs to an option of its own.
    """
    merged = dict(body)
    for name, value in (more or {}).items():
        field = prefix + str(name)
        if field in OWN_FIELDS:
            raise DigicertError(f"additional_fields must not hold {field}. Use the option {OWN_FIELDS[field]}.")
        if field == "certificate" and not isinstance(value, dict):
            raise DigicertError("additional_fields.certificate must be a dictionary.")
        present = merged.get(name)
        if isinstance(present, dict) and isinstance(value, dict):
            merged[name] = _merged(present, value, field + ".")
        else:
            merged[name] = copy.deepcopy(value)
    return merged
