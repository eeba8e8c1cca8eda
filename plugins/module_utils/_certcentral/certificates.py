# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Certificates of an order as the API knows them: one function for each call.

The calls are those of sections 4, 6 and 7 of the API page. `_x509` reads the contents of certificates.
"""

from __future__ import annotations

import typing as t
from datetime import datetime
from urllib.parse import quote

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import NotFoundError
from ansible_collections.community.digicert.plugins.module_utils._certcentral.orders import PATH, read_names
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import (
    as_dict,
    as_id,
    as_text,
    as_word,
    expect_no_content,
    parse_date_end,
    parse_datetime,
    unexpected_response_error,
)

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Backoff, Client

REVOCATION_REASONS = ("unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation")


class Reissue(t.NamedTuple):
    """One certificate of an order's list of reissues; what the response does not say is None or empty.

    Attributes:
        certificate_id: its id.
        status: `issued`, `pending` or `rejected`; empty when unknown.
        serial_number: hexadecimal.
        names: common name and DNS names, lower case, as the API spells them; None when not all of them are known.
        csr: as the API gives it.
        created: when the reissue was requested.
        issued: when the certificate was issued.
        valid_till: end of the certificate.
    """

    certificate_id: int | None
    status: str
    serial_number: str | None
    names: frozenset[str] | None
    csr: str | None
    created: datetime | None
    issued: datetime | None
    valid_till: datetime | None


class Revocation(t.NamedTuple):
    """The answer to a revocation: the id of the request that has to be approved, and its state; both None when done."""

    request_id: int | None
    status: str | None


def list_known_reissues(client: Client, order_id: int) -> tuple[Reissue, ...]:
    """Return `list_reissues`, empty for an order without a certificate, which may not have that list."""
    try:
        return list_reissues(client, order_id)
    except NotFoundError:
        return ()


def list_reissues(client: Client, order_id: int, backoff: Backoff | None = None) -> tuple[Reissue, ...]:
    """Return the reissued certificates of an order, the newest first as far as ids tell; raises DigicertError.

    One request. Rows with a repeated serial number are dropped: for some orders, the list repeats the primary
    certificate.
    """
    purpose = f"list the reissues of the order {order_id}"
    response = client.request("GET", f"{PATH}/{order_id}/reissue", purpose, backoff=backoff)
    rows = as_dict(response.payload).get("certificates")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise unexpected_response_error(client, purpose, response, "no list certificates")
    reissues: list[Reissue] = []
    seen: set[str] = set()
    for row in rows:
        reissue = _reissue(row)
        serial_number = (reissue.serial_number or "").lower().lstrip("0")
        if not serial_number or serial_number not in seen:
            reissues.append(reissue)
        seen.add(serial_number)
    return tuple(
        sorted(reissues, key=lambda each: (each.certificate_id is None, each.certificate_id or 0), reverse=True)
    )


def _reissue(row: dict[str, t.Any]) -> Reissue:
    return Reissue(
        as_id(row.get("id")),
        as_word(row.get("status")) or "",
        as_word(row.get("serial_number")),
        read_names(row),
        as_text(row.get("csr")),
        parse_datetime(row.get("date_created")),
        parse_datetime(row.get("date_issued")),
        parse_date_end(row.get("valid_till")),
    )


def download(client: Client, certificate_id: int | None, order_id: int, backoff: Backoff | None = None) -> str:
    """Return a certificate, its intermediates and root as PEM text.

    Args:
        client: connection to the account.
        certificate_id: id of the certificate; None means the current one of the order.
        order_id: id of the order.
        backoff: allowance of retry time to share with other calls.

    Raises:
        DigicertError: the service refused, or no usable response came.
    """
    path = f"/certificate/{certificate_id}/download/format/pem_all"
    if certificate_id is None:
        path = f"/certificate/download/order/{order_id}/format/pem_all"
    purpose = f"download the certificate of the order {order_id}"
    text: str = client.request("GET", path, purpose, text=True, backoff=backoff).payload
    return text


def revoke_certificate(
    client: Client, certificate: int | str, *, reason: str, comments: str, skip_approval: bool
) -> Revocation:
    """Ask for the revocation of one certificate, or revoke it if the API key may skip the approval.

    Args:
        client: connection to the account.
        certificate: id, or hexadecimal serial number.
        reason: one of REVOCATION_REASONS.
        comments: why, for the administrator; may be empty.
        skip_approval: skip the approval of an administrator.

    Raises:
        DigicertError: the service refused, or no usable response came; see its subclasses.
    """
    what = f"certificate {certificate}"
    return _revoke(client, f"/certificate/{quote(str(certificate), safe='')}", what, reason, comments, skip_approval)


def revoke_order(client: Client, order_id: int, *, reason: str, comments: str, skip_approval: bool) -> Revocation:
    """Ask for the revocation of every certificate of an order; arguments as of `revoke_certificate`."""
    return _revoke(client, f"{PATH}/{order_id}", f"order {order_id}", reason, comments, skip_approval)


def _revoke(client: Client, path: str, what: str, reason: str, comments: str, skip_approval: bool) -> Revocation:
    body: dict[str, t.Any] = {"revocation_reason": reason, "comments": comments, "skip_approval": skip_approval}
    # A second try after a lost response would be a second request for an administrator to approve.
    purpose = f"revoke the {what}"
    response = client.request("PUT", f"{path}/revoke", purpose, body=body, once=True)
    payload = as_dict(response.payload)
    request_id = as_id(payload.get("id"))
    if request_id is None:
        expect_no_content(client, purpose, response)
    return Revocation(request_id, as_word(payload.get("status")))
