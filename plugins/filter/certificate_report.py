# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: certificate_report
short_description: Compare the orders of a CertCentral account with the certificates on hosts
version_added: 0.3.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Matches the orders of an account with the certificates that are installed on hosts, by serial number.
  - Shows which certificates expire, which orders end, which paid certificates no host uses, and which installed
    certificates are not from the account.
  - The playbook C(community.digicert.certificate_report) uses it to write an HTML page and a JSON file.
positional: installed
options:
  _input:
    description:
      - The list of orders that M(community.digicert.digicert_order_info) returned.
    type: list
    elements: dict
    required: true
  installed:
    description:
      - What is installed on hosts, one entry for each file.
      - An entry can also be the variables of a host, from C(hostvars), whose C(certificate_report__found) is the
        registered result of M(community.digicert.digicert_certificate_info). If C(certificate_report_managed) is not
        set, the filter uses V(true).
    type: list
    elements: dict
    required: true
    suboptions:
      host:
        description: Name of the host.
        type: str
      path:
        description: File of the certificate on the host.
        type: str
      serial_number:
        description: Serial number of the certificate, hexadecimal. Omit it if the host has none.
        type: str
      dns_names:
        description: DNS names of the certificate.
        type: list
        elements: str
      not_before:
        description: When the certificate becomes valid (ISO 8601).
        type: str
      not_after:
        description: When the certificate expires (ISO 8601).
        type: str
      managed:
        description: Whether a scheduled run of the role renews the certificate.
        type: bool
      error:
        description: Why the host could not be read.
        type: str
  now:
    description:
      - The time to count days from (ISO 8601). If not set, the filter uses the controller's clock.
    type: str
seealso:
  - module: community.digicert.digicert_order_info
  - module: community.digicert.digicert_certificate_info
  - ref: ansible_collections.community.digicert.docsite.dv_certificate_guide
    description: How to compare the account with the certificates on your hosts.
"""

EXAMPLES = r"""
- name: List the orders of the account
  community.digicert.digicert_order_info:
    api_key: "{{ digicert_api_key }}"
  register: account

- name: Show the certificates that nobody renews
  ansible.builtin.debug:
    msg: "{{ report.rows | selectattr('renewal', 'eq', 'none') }}"
  vars:
    report: "{{ account.orders | community.digicert.certificate_report(installed) }}"
"""

RETURN = r"""
_value:
  description: The comparison.
  type: dictionary
  contains:
    generated:
      description: The time from which days are counted (UTC, ISO 8601).
      type: str
    totals:
      description: How many certificates have which problem, and how many orders and hosts there are.
      type: dict
    rows:
      description: One entry for each certificate, the one that expires first at the top.
      type: list
      elements: dict
    months:
      description: How many certificates expire and how many orders end in each of the next twelve months.
      type: list
      elements: dict
    unreachable:
      description: Hosts that could not be read, with the reason.
      type: list
      elements: dict
"""

import math
import time
import typing as t
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

from ansible.errors import AnsibleFilterError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.unsafe_proxy import wrap_var

SOON_DAYS = 30.0
ORDER_SOON_DAYS = 90.0
MONTHS = 12
DAY = 86400.0
# Orders in these states do not have a certificate to install.
CLOSED = ("canceled", "rejected", "revoked", "expired")

Row = t.Dict[str, t.Any]


def certificate_report(orders: object, installed: object, now: str | None = None) -> dict[str, t.Any]:
    """Return the comparison of orders and installed certificates, see RETURN; raises AnsibleFilterError."""
    moment = datetime.fromtimestamp(time.time(), timezone.utc) if now is None else _moment(now)
    if moment is None:
        raise AnsibleFilterError("now must be a date in ISO 8601 format, such as 2026-11-27T00:00:00+00:00.")
    known = {serial: order for order in _dicts("The input", orders) for serial in _serial_numbers(order)}
    places = [place for entry in _dicts("installed", installed) for place in _places(entry)]
    rows = _installed_rows(places, known)
    rows += _uninstalled_rows(_dicts("The input", orders), {row["serial_number"] for row in rows})
    for row in rows:
        _judge(row, moment)
    rows.sort(key=lambda row: (row["not_after"] or "9999", row["name"]))
    report = {
        "generated": moment.replace(microsecond=0).isoformat(),
        "totals": _totals(rows, orders, places),
        "rows": rows,
        "months": _months(rows, moment),
        "unreachable": [{"host": p.get("host"), "error": p["error"]} for p in places if p.get("error")],
    }
    # Names come from hosts and from the service, so templates must not evaluate them.
    return t.cast("dict[str, t.Any]", wrap_var(report))


def _dicts(name: str, value: object) -> list[t.Any]:
    """Return a list of dictionaries; raises AnsibleFilterError with the argument's name."""
    if isinstance(value, (list, tuple)) and all(isinstance(each, Mapping) for each in value):
        return list(value)
    raise AnsibleFilterError(f"{name} must be a list of dictionaries.")


def _places(entry: t.Mapping[str, t.Any]) -> list[Row]:
    """Return the files of a host from its variables, or an entry as it is."""
    if "inventory_hostname" not in entry:
        return [dict(entry)]
    # If the host was not read, this is a fact that it set itself.
    found = entry["certificate_report__found"]
    looks = (found.get("results") or [found]) if isinstance(found, Mapping) else []
    managed = entry.get("certificate_report_managed", True)
    places = []
    for look in looks if isinstance(looks, (list, tuple)) and all(isinstance(each, Mapping) for each in looks) else []:
        place = {name: look.get(name) for name in ("serial_number", "dns_names", "not_before", "not_after")}
        place.update(host=entry["inventory_hostname"], path=look.get("certificate_report__path"), managed=managed)
        if "serial_number" not in look:
            place["error"] = str(look.get("msg") or "no answer")
        places.append(place)
    return places


def _texts(value: object) -> list[str]:
    """Return a list of texts, empty for any other value, because a host may lie."""
    return [str(each) for each in value] if isinstance(value, (list, tuple)) else []


def _plain(serial_number: object) -> str:
    """Return a serial number in canonical form: hexadecimal, upper case, without colons or leading zeros."""
    text = "".join(str(serial_number or "").replace(":", " ").split())
    return text.lstrip("0").upper()


def _serial_numbers(order: Row) -> list[str]:
    rows = [order, *_dicts("certificates", order.get("certificates") or [])]
    return [serial for serial in (_plain(row.get("serial_number")) for row in rows) if serial]


def _installed_rows(places: list[Row], known: dict[str, Row]) -> list[Row]:
    """Return a row for each certificate that is installed somewhere, with all its places."""
    found: dict[str, Row] = {}
    for place in places:
        serial = _plain(place.get("serial_number"))
        if not serial:
            continue
        row = found.setdefault(serial, _row(serial, known.get(serial), place))
        row["places"].append({"host": str(place.get("host")), "path": str(place.get("path") or "")})
        row["managed"] = row["managed"] or boolean(place.get("managed") or False, strict=False)
    return list(found.values())


def _uninstalled_rows(orders: list[Row], seen: set[str]) -> list[Row]:
    """Return a row for each order without an installed certificate."""
    return [
        _row(_plain(order.get("serial_number")), order, {})
        for order in orders
        if not seen.intersection(_serial_numbers(order)) and order.get("status") not in CLOSED
    ]


def _row(serial: str, order: Row | None, place: Row) -> Row:
    order = order or {}
    current = _plain(order.get("serial_number"))
    # A host must not improve what the account says about its current certificate.
    known = order if serial == current else {}
    names = _texts(known.get("dns_names")) or _texts(place.get("dns_names")) or _texts(order.get("dns_names"))
    name = str(order.get("common_name") or (names[0] if names else "") or serial)
    ends = [end for end in (_iso(known.get("certificate_valid_till")), _iso(place.get("not_after"))) if end]
    return {
        "name": name,
        "dns_names": names,
        "serial_number": serial,
        "order_id": order.get("order_id"),
        "order_status": order.get("status"),
        "product": order.get("product"),
        "superseded": bool(order and current and serial and current != serial),
        "is_renewed": bool(order.get("is_renewed")),
        "auto_reissue": bool(order.get("auto_reissue")),
        "auto_renew": bool(order.get("auto_renew")),
        "not_before": _iso(place.get("not_before") or order.get("certificate_valid_from")),
        "not_after": min(ends) if ends else _iso(order.get("certificate_valid_till")),
        "order_valid_till": _iso(order.get("order_valid_till")),
        "places": [],
        "managed": False,
    }


def _judge(row: Row, now: datetime) -> None:
    """Add values that depend on the time: days left, problems, and who renews the certificate."""
    row["days_left"] = _days(row["not_after"], now)
    row["order_days_left"] = _days(row["order_valid_till"], now)
    row["renewal"] = _renewal(row)
    days, order_days = row["days_left"], row["order_days_left"]
    checks = {
        "expired": days is not None and days < 0,
        "expires_soon": days is not None and 0 <= days < SOON_DAYS,
        "order_ends_soon": order_days is not None and 0 <= order_days < ORDER_SOON_DAYS and not row["is_renewed"],
        "unknown_to_account": bool(row["places"]) and row["order_id"] is None,
        "not_installed": not row["places"] and row["order_status"] == "issued" and (days is None or days >= 0),
        "pending": row["order_status"] not in (None, "issued", *CLOSED),
        "revoked": row["order_status"] == "revoked",
        "superseded": row["superseded"],
        "not_renewed": bool(row["places"]) and row["renewal"] == "none",
    }
    row["problems"] = [problem for problem, present in checks.items() if present]


def _renewal(row: Row) -> str:
    """Return who renews a certificate: `role`, `digicert` (which still leaves the installation), or `none`."""
    if row["managed"]:
        return "role"
    return "digicert" if row["auto_reissue"] or row["auto_renew"] else "none"


def _totals(rows: list[Row], orders: object, places: list[Row]) -> dict[str, int]:
    problems = (problem for row in rows for problem in row["problems"])
    totals = {"certificates": len(rows), "installed": sum(bool(row["places"]) for row in rows)}
    totals["orders"] = len(_dicts("The input", orders))
    totals["hosts"] = len({str(place.get("host")) for place in places})
    for problem in problems:
        totals[problem] = totals.get(problem, 0) + 1
    return totals


def _months(rows: list[Row], now: datetime) -> list[dict[str, t.Any]]:
    """Return, for this month and those after it, how many certificates expire and how many orders end."""
    months = [_month_after(now, number) for number in range(MONTHS)]
    counts: dict[str, dict[str, t.Any]] = {month: {"month": month, "certificates": 0, "orders": 0} for month in months}
    orders = {row["order_id"]: row["order_valid_till"] for row in rows if row["order_id"] is not None}
    for kind, ends in (("certificates", [row["not_after"] for row in rows]), ("orders", list(orders.values()))):
        for end in ends:
            if end is not None and end[:7] in counts and (_days(end, now) or 0) >= 0:
                counts[end[:7]][kind] += 1
    return list(counts.values())


def _month_after(now: datetime, number: int) -> str:
    year, month = divmod(now.year * 12 + now.month - 1 + number, 12)
    return f"{year:04}-{month + 1:02}"


def _moment(value: object) -> datetime | None:
    """Return the moment of an ISO 8601 text, or the end of the day if it has no time, or None."""
    text = str(value or "").strip()
    try:
        moment = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
        if len(text) == len("2026-11-27"):
            moment += timedelta(days=1)
        return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def _iso(value: object) -> str | None:
    moment = _moment(value)
    return None if moment is None else moment.isoformat()


def _days(end: str | None, now: datetime) -> int | None:
    moment = _moment(end)
    return None if moment is None else math.floor((moment - now).total_seconds() / DAY)


class FilterModule:
    """The filter, for Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"certificate_report": certificate_report}
