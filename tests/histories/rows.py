# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model's orders in responses: sections 4 to 6 of the API page, with rows that lack as much as it allows."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.histories.clocks import day, iso
from tests.histories.orders import Cert, Order

# What a service may do to its lists; a view has any of them.
HABITS = (
    "no names",
    "null names",
    "no product",
    "no dates",
    "naive dates",
    "no serial",
    "no ends",
    "no flags",
    "no status",
    "text ids",
    "unicode",
    "ignores filters",
    "ignores sort",
    "capped",
    "primary repeated",
    "bare order",
)
CAP = 10  # rows of a list that is cut off


class View(NamedTuple):
    """How a run sees the service: how far reads lag behind, seconds, and the habits of its lists."""

    lag: float = 0.0
    habits: frozenset[str] = frozenset()


def order_info(order: Order, view: View) -> dict[str, Any]:
    """Return order info for an order."""
    primary = order.primary
    requests = [
        {"id": cert.certificate_id * 10, "type": cert.kind, "status": _request_status(cert), "date": iso(cert.created)}
        for cert in order.certs
    ]
    info: dict[str, Any] = {
        "id": order.order_id,
        "status": order.status,
        "certificate": _certificate(primary, view, in_list=False),
        "date_created": iso(order.created),
        "order_valid_till": day(order.end),
        "is_renewal": order.renewed_order_id is not None,
        "is_renewed": order.is_renewed,
        "auto_reissue": int(order.auto_reissue),
        "auto_renew": int(order.auto_renew),
        "has_reissues": len(order.certs) > 1,
        "reissues_count": len(order.certs) - 1,
        "product": {"name_id": order.product},
        "requests": requests,
    }
    if order.renewed_order_id is not None:
        info["renewed_order_id"] = order.renewed_order_id
    if order.random_value is not None:
        info["dcv_random_value"] = order.random_value
    if order.alternative_id is not None and "bare order" not in view.habits:
        info["alternative_order_id"] = order.alternative_id
    return info


def order_row(order: Order, view: View) -> dict[str, Any]:
    """Return the row of an order in the list."""
    row = order_info(order, view)
    for name in ("requests", "dcv_random_value", "alternative_order_id", "auto_reissue", "auto_renew", "is_renewal"):
        row.pop(name, None)
    row["certificate"] = _certificate(order.primary, view, in_list=True)
    row["date_created"] = _date(order.created, view)
    for habit, fields in (
        ("no product", ("product",)),
        ("no dates", ("date_created",)),
        ("no ends", ("order_valid_till",)),
        ("no flags", ("is_renewed", "reissues_count", "has_reissues", "renewed_order_id")),
        ("no status", ("status",)),
    ):
        if habit in view.habits:
            for name in fields:
                row.pop(name, None)
    if "text ids" in view.habits:
        row["id"] = str(row["id"])
    return row


def reissue_row(cert: Cert, view: View) -> dict[str, Any]:
    """Return the row of a certificate in the list of reissues."""
    row = _certificate(cert, view, in_list=False)
    row.pop("valid_from", None)
    row["status"] = cert.status
    row["date_created"] = iso(cert.created)
    if cert.issued is not None:
        row["date_issued"] = iso(cert.issued)
    return row


def _certificate(cert: Cert, view: View, *, in_list: bool) -> dict[str, Any]:
    names = list(cert.names)
    if "unicode" in view.habits:
        names = [name.encode().decode("idna") for name in names]
    values: dict[str, Any] = {"id": cert.certificate_id, "common_name": names[0], "dns_names": names}
    if not in_list:
        values["csr"] = cert.csr
    if cert.certificate is not None:
        values["valid_till"] = day(cert.certificate.not_after)
        values["valid_from"] = day(cert.issued or cert.created)
        values["serial_number"] = cert.certificate.serial_number
    if in_list:
        _impoverish(values, view)
    return values


def _impoverish(values: dict[str, Any], view: View) -> None:
    if "no names" in view.habits:
        del values["dns_names"]
    elif "null names" in view.habits:
        values["dns_names"] = None
    if "no serial" in view.habits:
        values.pop("serial_number", None)
    if "no ends" in view.habits:
        values.pop("valid_till", None)


def _date(moment: float, view: View) -> str:
    text = iso(moment)
    return text[:19] if "naive dates" in view.habits else text


def _request_status(cert: Cert) -> str:
    return {"issued": "approved", "revoked": "approved", "rejected": "rejected"}.get(cert.status, "pending")
