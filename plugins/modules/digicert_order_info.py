#!/usr/bin/python

# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: digicert_order_info
short_description: List the certificate orders of a DigiCert CertCentral account
version_added: 0.3.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Returns orders of a DigiCert CertCentral account and their certificates.
  - An order is what you pay for. It usually lasts longer than its certificates, which are reissued within it.
  - An API key that is restricted to View Only is enough. The result contains no secret.
extends_documentation_fragment:
  - community.digicert._options
  - community.digicert._attributes
  - community.digicert._attributes.api_module
  - community.digicert._attributes.info_module
options:
  order_id:
    description:
      - Return this order only, with all details.
    type: int
  serial_number:
    description:
      - Return the order of the certificate with this hexadecimal serial number, with all details.
      - If the certificate was replaced by a reissue, the module looks through the orders and their reissues for it.
    type: str
  common_name:
    description:
      - Return orders for this common name.
    type: str
  product:
    description:
      - Return orders of this product, such as V(ssl_dv_geotrust_flex).
    type: str
  status:
    description:
      - Return orders in this state, such as V(issued) or V(pending).
    type: str
  container_id:
    description:
      - Return orders of this container (division).
    type: int
  expiring_within_days:
    description:
      - Return orders whose current certificate expires within this many days, and has not expired yet.
    type: int
  order_ending_within_days:
    description:
      - Return orders that end within this many days, and have not ended yet.
    type: int
  include_details:
    description:
      - Whether to read each order separately. This costs one more request for each order, and returns
        RV(orders[].auto_reissue) and RV(orders[].auto_renew), which lists do not contain.
    type: bool
    default: false
  include_reissues:
    description:
      - Whether to return the reissued certificates of each order in RV(orders[].certificates). This costs one more
        request for each order that was reissued.
    type: bool
    default: false
seealso:
  - module: community.digicert.digicert_certificate_info
  - module: community.digicert.digicert_certificate_revoke
  - module: community.digicert.digicert_order_cancel
  - ref: ansible_collections.community.digicert.docsite.dv_certificate_guide
    description: How to compare the account with the certificates on your hosts.
"""

EXAMPLES = r"""
- name: List the orders whose certificates expire within two weeks
  community.digicert.digicert_order_info:
    api_key: "{{ digicert_api_key }}"
    status: issued
    expiring_within_days: 14
  delegate_to: localhost
  run_once: true
  register: expiring

- name: Show an order and all of its certificates
  community.digicert.digicert_order_info:
    api_key: "{{ digicert_api_key }}"
    order_id: 123456789
    include_reissues: true
"""

RETURN = r"""
orders:
  description: The orders, newest first. Empty when none matches.
  returned: success
  type: list
  elements: dict
  contains:
    order_id:
      description: Id of the order.
      returned: always
      type: int
      sample: 123456789
    status:
      description: State of the order, for example V(pending), V(issued), V(reissue_pending), or V(revoked).
      returned: always
      type: str
      sample: issued
    product:
      description: Identifier of the product.
      returned: always
      type: str
      sample: ssl_dv_geotrust_flex
    common_name:
      description: Common name of the current certificate.
      returned: always
      type: str
      sample: www.example.com
    dns_names:
      description: All names of the current certificate, sorted. V(none) when the service does not say.
      returned: always
      type: list
      elements: str
      sample: [example.com, www.example.com]
    certificate_id:
      description: Id of the current certificate.
      returned: always
      type: int
      sample: 456789123
    certificate_status:
      description: State of the current certificate. V(none) when the service does not say.
      returned: always
      type: str
      sample: issued
    serial_number:
      description: Serial number of the current certificate, hexadecimal.
      returned: always
      type: str
      sample: 0A1B2C3D4E5F60718293A4B5C6D7E8F9
    certificate_valid_from:
      description: When the current certificate becomes valid (UTC, ISO 8601).
      returned: always
      type: str
      sample: "2026-11-27T00:00:00+00:00"
    certificate_valid_till:
      description: When the current certificate expires (UTC, ISO 8601).
      returned: always
      type: str
      sample: "2027-06-14T23:59:59+00:00"
    certificate_days_left:
      description: Full days until the current certificate expires, negative after that.
      returned: always
      type: int
      sample: 199
    created:
      description: When the order was placed (UTC, ISO 8601).
      returned: always
      type: str
      sample: "2026-11-27T10:00:00+00:00"
    order_valid_till:
      description: When the order ends (UTC, ISO 8601). Until then, reissues are free.
      returned: always
      type: str
      sample: "2027-11-27T23:59:59+00:00"
    order_days_left:
      description: Full days until the order ends, negative after that.
      returned: always
      type: int
      sample: 365
    is_renewed:
      description: Whether another order renews this one. V(none) when the service does not say.
      returned: always
      type: bool
      sample: false
    renewed_order_id:
      description: Id of the order that this one renews.
      returned: always
      type: int
      sample: 123456000
    reissues_count:
      description: How often the order was reissued. V(none) when the service does not say.
      returned: always
      type: int
      sample: 1
    auto_reissue:
      description:
        - Whether DigiCert starts a reissue automatically when the certificate is about to expire.
        - V(none) unless the order was read separately, see O(include_details).
      returned: always
      type: bool
      sample: false
    auto_renew:
      description:
        - Whether DigiCert renews the order automatically.
        - V(none) unless the order was read separately, see O(include_details).
      returned: always
      type: bool
      sample: false
    certificates:
      description: The reissued certificates, as the service lists them.
      returned: O(include_reissues=true)
      type: list
      elements: dict
      contains:
        certificate_id:
          description: Id of the certificate.
          returned: always
          type: int
          sample: 456789124
        status:
          description: State of the certificate.
          returned: always
          type: str
          sample: issued
        serial_number:
          description: Serial number, hexadecimal.
          returned: always
          type: str
          sample: 0B1B2C3D4E5F60718293A4B5C6D7E8F9
        dns_names:
          description: All names, sorted. V(none) when the service does not say.
          returned: always
          type: list
          elements: str
          sample: [www.example.com]
        valid_till:
          description: When the certificate expires (UTC, ISO 8601).
          returned: always
          type: str
          sample: "2027-11-27T23:59:59+00:00"
http_status:
  description: HTTP status of the response that made the task fail.
  returned: failure, when there was a response
  type: int
  sample: 403
code:
  description: Error code of the API.
  returned: failure, when the response had one
  type: str
  sample: access_denied|missing_permission
"""

import math
import re
import typing as t
from datetime import datetime

from ansible_collections.community.digicert.plugins.module_utils._ansible.runner import (
    connection_argument_spec,
    new_module,
    run,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.certificates import Reissue, list_reissues
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._certcentral.orders import (
    LARGEST_PAGE,
    Order,
    get_order,
    iterate_orders,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import SERIAL_NUMBER
from ansible_collections.community.digicert.plugins.module_utils._certcentral.search import find_by_serial_number

SECONDS_A_DAY = 86400.0


class Selection:
    """Which orders to return, and with which details."""

    def __init__(self, params: dict[str, t.Any]) -> None:
        """Check the options; raises DigicertError."""
        if params["serial_number"] is not None and not re.fullmatch(SERIAL_NUMBER, params["serial_number"]):
            raise DigicertError("serial_number must be a hexadecimal number, such as 0A1B2C3D.")
        for name in ("order_id", "container_id", "expiring_within_days", "order_ending_within_days"):
            if params[name] is not None and params[name] < (1 if name.endswith("_id") else 0):
                raise DigicertError(f"{name} must be a positive number, but is {params[name]}.")
        self.params = params

    def orders(self, client: Client) -> t.Iterator[Order]:
        """Yield the orders; raises DigicertError."""
        params = self.params
        if params["order_id"] is not None:
            yield get_order(client, params["order_id"])
        elif params["serial_number"] is not None:
            found = find_by_serial_number(client, params["serial_number"])
            if found is not None:
                yield found.order
        else:
            names = {"common_name": "common_name", "product": "product_name_id", "status": "status"}
            names["container_id"] = "container_id"
            filters = {names[name]: str(params[name]) for name in names if params[name] is not None}
            for order in iterate_orders(client, filters, page_size=LARGEST_PAGE):
                if self.includes(order, client.now()):
                    yield get_order(client, order.order_id) if params["include_details"] else order

    def includes(self, order: Order, now: datetime) -> bool:
        """Return whether an order ends, or its certificate expires, within the days that the user asks for."""
        limits = (("expiring_within_days", order.valid_till), ("order_ending_within_days", order.order_valid_till))
        for name, end in limits:
            days = days_left(end, now)
            if self.params[name] is not None and (days is None or not 0 <= days < self.params[name]):
                return False
        return True


def days_left(end: datetime | None, now: datetime) -> int | None:
    """Return the full days until `end`, negative after it, None when it is unknown."""
    return None if end is None else math.floor((end - now).total_seconds() / SECONDS_A_DAY)


def describe_order(order: Order, now: datetime) -> dict[str, t.Any]:
    """Return an order as in RETURN."""
    return {
        "order_id": order.order_id,
        "status": order.status,
        "product": order.product,
        "common_name": order.common_name,
        "dns_names": sorted_names(order.names),
        "certificate_id": order.certificate_id,
        "certificate_status": order.certificate_status,
        "serial_number": order.serial_number,
        "certificate_valid_from": as_iso(order.valid_from),
        "certificate_valid_till": as_iso(order.valid_till),
        "certificate_days_left": days_left(order.valid_till, now),
        "created": as_iso(order.created),
        "order_valid_till": as_iso(order.order_valid_till),
        "order_days_left": days_left(order.order_valid_till, now),
        "is_renewed": order.is_renewed,
        "renewed_order_id": order.renewed_order_id,
        "reissues_count": order.reissues_count,
        "auto_reissue": order.auto_reissue,
        "auto_renew": order.auto_renew,
    }


def describe_reissue(reissue: Reissue) -> dict[str, t.Any]:
    """Return a reissued certificate as in RETURN."""
    return {
        "certificate_id": reissue.certificate_id,
        "status": reissue.status,
        "serial_number": reissue.serial_number,
        "dns_names": sorted_names(reissue.names),
        "valid_till": as_iso(reissue.valid_till),
    }


def sorted_names(names: frozenset[str] | None) -> list[str] | None:
    """Return names in a fixed order, safe to print, None when they are unknown."""
    return None if names is None else sorted(printable(name, 260) for name in names)


def as_iso(moment: datetime | None) -> str | None:
    """Return a moment as ISO 8601 text, None when it is unknown."""
    return None if moment is None else moment.isoformat()


def list_orders(client: Client, params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the module's result; raises DigicertError."""
    rows = []
    for order in Selection(params).orders(client):
        row = describe_order(order, client.now())
        if params["include_reissues"]:
            # Read the order if its list row does not say how often it was reissued.
            reissues = () if order.reissues_count == 0 else list_reissues(client, order.order_id)
            row["certificates"] = [describe_reissue(reissue) for reissue in reissues]
        rows.append(row)
    rows.sort(key=lambda row: (row["created"] or "", row["order_id"]), reverse=True)
    return {"changed": False, "orders": rows}


def main() -> None:
    """Run the module."""
    module = new_module(
        argument_spec={
            **connection_argument_spec(),
            "order_id": {"type": "int"},
            "serial_number": {"type": "str"},
            "common_name": {"type": "str"},
            "product": {"type": "str"},
            "status": {"type": "str"},
            "container_id": {"type": "int"},
            "expiring_within_days": {"type": "int"},
            "order_ending_within_days": {"type": "int"},
            "include_details": {"type": "bool", "default": False},
            "include_reissues": {"type": "bool", "default": False},
        },
        mutually_exclusive=[
            ("order_id", "serial_number", name)
            for name in ("common_name", "product", "status", "container_id", "expiring_within_days")
        ]
        + [("order_id", "serial_number", "order_ending_within_days")],
        supports_check_mode=True,
    )
    run(module, lambda client: list_orders(client, module.params))


if __name__ == "__main__":
    main()
