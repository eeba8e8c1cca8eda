# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""From an order request to a checked certificate: which order to continue, when to place one, waiting, checking.

This file knows no Ansible.
"""

from __future__ import annotations

import time
import typing as t
from datetime import timedelta
from itertools import islice

from ansible_collections.community.digicert.plugins.module_utils._certificates import (
    Bundle,
    Certificate,
    chained,
    csr_fingerprint,
    read_certificates,
    same_serial_number,
)
from ansible_collections.community.digicert.plugins.module_utils._client import Backoff
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._order_marker import Marker, Record
from ansible_collections.community.digicert.plugins.module_utils._order_placing import Placing, Progress
from ansible_collections.community.digicert.plugins.module_utils._order_states import (
    CLOSED,
    ISSUED,
    PENDING,
    ended,
    other_request,
    overdue,
)
from ansible_collections.community.digicert.plugins.module_utils._orders import (
    Order,
    check_dcv,
    download,
    get_order,
    list_orders,
)

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._client import Client
    from ansible_collections.community.digicert.plugins.module_utils._order_request import OrderRequest

MOST_LOOKED_AT = 20  # orders


class Wishes(t.NamedTuple):
    """How to go about it.

    Attributes:
        due: the certificate in place is missing, does not fit, or is about to expire.
        force: get another certificate although nothing is due, or although the remembered order is closed or for
            another request.
        order_id: continue this order, and place none.
        wait: wait until the order is issued.
        wait_timeout: seconds to wait.
        installed: the certificate in place.
    """

    due: bool
    force: bool = False
    order_id: int | None = None
    wait: bool = True
    wait_timeout: float = 600.0
    installed: Certificate | None = None


class Issuance:
    """The work on one certificate."""

    def __init__(
        self, client: Client, request: OrderRequest, marker: Marker, wishes: Wishes, progress: Progress
    ) -> None:
        """Take what is needed; nothing is sent yet.

        Args:
            client: connection to the account.
            request: what to order.
            marker: memory of the order, loaded and locked.
            wishes: how to go about it.
            progress: is kept up to date.
        """
        self.client = client
        self.request = request
        self.marker = marker
        self.wishes = wishes
        self.progress = progress
        self.placing = Placing(client, request, marker, progress, wishes.installed)

    def obtain(self) -> Bundle | None:
        """Return the certificate of the order at hand, or of a new one, checked.

        Returns:
            None when there is nothing to install: nothing is due, what is in place is the order's certificate, or the
            order is not issued yet and the user does not want to wait.

        Raises:
            DigicertError: the order ended, the service refused or could not be reached, or what came back is wrong.
        """
        order = self._order_at_hand()
        if order is None:
            if not (self.wishes.due or self.wishes.force):
                return None
            order = self.placing.place_once()
            if order.status != ISSUED and not self.wishes.wait:
                return None
        order = self._settled(order)
        if order.status != ISSUED:
            return None
        if self.placing.is_installed(order):
            if self.wishes.due:
                raise DigicertError(
                    f"The certificate of order {order.order_id} is in place already, and a new one is due. "
                    "Leave order_id out to order it."
                )
            return None
        return checked(self.client, self.request, order, order.chain or download(self.client, order))

    def _order_at_hand(self) -> Order | None:
        """Return the order that is named or remembered and can be continued; raises DigicertError."""
        record = self.marker.record
        if self.wishes.order_id is not None:
            return self._named(self.wishes.order_id, record)
        if record is None:
            return None
        order = self._remembered(record)
        if order is None:
            if not self.wishes.due and not self.wishes.force:
                self.marker.forget()
            return None
        if order.status == ISSUED and self.placing.is_installed(order):
            # An earlier run was cut off when all that was left was to drop the marker.
            self.marker.forget()
            if not self.wishes.due:
                return order
            self.progress.order = None
            return None
        if self._left_behind(order, record):
            self.progress.order = None
            return None
        return order

    def _named(self, order_id: int, record: Record | None) -> Order:
        if record is not None and record.order_id not in (None, order_id):
            raise DigicertError(
                f"order_id names the order {order_id}, but order {record.order_id} is under way for this certificate, "
                f"as {self.marker.path} remembers. Leave order_id out to continue that one, or remove the file."
            )
        order = self._found(order_id, "Check order_id, too.")
        fingerprint = None if order.csr is None else csr_fingerprint(order.csr)
        if fingerprint not in (None, self.request.csr.fingerprint):
            raise DigicertError(
                f"Order {order_id} was placed for another CSR. Give that one in csr, or leave order_id out."
            )
        return order

    def _remembered(self, record: Record) -> Order | None:
        if record.order_id is None:
            # The service may still be at work on an order that was sent moments ago.
            patience = record.last_sent + self.client.timeout - time.time()
            return self.placing.look_for(record, min(max(0.0, patience), self.client.timeout), self.client.backoff())
        return self._found(
            record.order_id,
            f"{self.marker.path} remembers it as under way. If it does not exist any more, remove the file.",
        )

    def _found(self, order_id: int, advice: str) -> Order:
        try:
            order = get_order(self.client, order_id)
        except DigicertError as error:
            if error.not_found:
                error.message += f" {advice}"
            raise
        self.progress.order = order
        return order

    def _left_behind(self, order: Order, record: Record) -> bool:
        """Return whether to go on without a remembered order; raises DigicertError when the user has to decide."""
        ours = _identity(record) == _identity(self.placing.new_record())
        closed = order.status in CLOSED
        if ours and not closed:
            return False
        # For another request, a closed order is none to decide about.
        if self.wishes.force or (closed and not ours and self.wishes.due):
            return True
        error = ended(order, self.marker, False) or other_request(order.order_id, self.marker)
        if self.wishes.due:
            raise error
        self._warn(f"{error.message} The certificate in place is not due for renewal and stays.")
        if closed:
            self.marker.forget()
        return True

    def _settled(self, order: Order) -> Order:
        """Return the order once it is issued, or as it is when the user does not want to wait; raises DigicertError."""
        patience = Backoff(self.wishes.wait_timeout)
        named = self.wishes.order_id is not None
        dcv: DigicertError | None = None
        valid = False
        while True:
            self.progress.order = order
            error = ended(order, self.marker, named)
            if error is not None:
                raise error
            if order.status == ISSUED:
                return order
            if order.status == PENDING and not valid:
                order, valid, dcv = self._ask_for_dcv(order)
                if order.status != PENDING:
                    continue
            if not self.wishes.wait:
                return order
            if not patience.wait():
                raise overdue(order, self.marker, named, dcv)
            seen = get_order(self.client, order.order_id)
            order = seen._replace(dcv_random_value=seen.dcv_random_value or order.dcv_random_value)

    def _ask_for_dcv(self, order: Order) -> tuple[Order, bool, DigicertError | None]:
        """Ask for the DCV check.

        Returns:
            The order afterwards, whether the domains are validated, and why that is not so or not known.
        """
        try:
            order, valid = check_dcv(self.client, order)
        except DigicertError as error:
            if error.status != 400 and not error.lost:
                raise
            return order, False, error
        return order, valid, None

    def _warn(self, sentence: str) -> None:
        self.progress.warnings.append(sentence)


def _identity(record: Record) -> tuple[str, str, frozenset[str]]:
    """Return what makes two records ask for the same certificate."""
    return record.csr_sha256, record.product, frozenset((record.common_name, *record.dns_names))


def checked(client: Client, request: OrderRequest, order: Order, text: str) -> Bundle:
    """Return the certificate and the chain that a text holds.

    Args:
        client: for the time, by the service's clock.
        request: what was ordered.
        order: where the text comes from.
        text: certificate, intermediates and maybe the root in this order, PEM.

    Raises:
        DigicertError: they are not what was ordered.
    """
    try:
        certificates = read_certificates(text)
        fault = _fault(certificates[0], request, client) if certificates else None
        if fault is not None:
            raise DigicertError(fault)
        return chained(certificates)
    except DigicertError as error:
        raise DigicertError(
            f"What CertCentral returned for order {order.order_id} is not installed: {error.message} The files stay as "
            "they are, and the next run fetches it again without a new order. If that fails too, look at the order in "
            "CertCentral, and ask DigiCert for a correction."
        ) from None


def _fault(leaf: Certificate, request: OrderRequest, client: Client) -> str | None:
    """Return what is wrong with a certificate, or None."""
    if leaf.public_key != request.csr.public_key:
        return "the public key of its first certificate is not that of the CSR."
    missing = [name for name in request.names if not leaf.covers(name)]
    if missing:
        return f"the certificate does not cover {', '.join(missing)}."
    if leaf.not_after <= client.now():
        return f"the certificate expired on {leaf.not_after:%Y-%m-%d}."
    return None


def issued_chain(
    client: Client, request: OrderRequest, leaf: Certificate, order_id: int | None, progress: Progress
) -> Bundle:
    """Return a certificate with its chain, from the order that it came from.

    Args:
        client: connection to the account.
        request: what the certificate is for.
        leaf: the certificate.
        order_id: the order, if the user named it.
        progress: is kept up to date.

    Raises:
        DigicertError: there is no such order, or the service refused or could not be reached.
    """
    order = _order_of(client, leaf, request.common_name) if order_id is None else get_order(client, order_id)
    bundle = None
    if order is not None:
        progress.order = order
        bundle = checked(client, request, order, download(client, order))
    if bundle is None or bundle.leaf.serial_number != leaf.serial_number:
        raise DigicertError(
            f"The certificate in place (serial number {leaf.serial_number}) is good, but its chain is in none of the "
            f"files, and it comes from {'no order of the account' if order_id is None else 'another order'}. "
            "Put the chain in place yourself, name the order in order_id, or run the task once with "
            "force=true to order another certificate."
        )
    return bundle


def _order_of(client: Client, certificate: Certificate, common_name: str) -> Order | None:
    """Return the order that a certificate came from, or None when the account shows none; raises DigicertError."""
    # The list has no serial numbers, and its dates may be those of another time zone.
    days = [f"{certificate.not_after + timedelta(days=days):%Y-%m-%d}" for days in (-1, 0, 1)]
    rows = (row for row in list_orders(client, common_name) if (row.valid_till or days[0])[:10] in days)
    for row in islice(rows, MOST_LOOKED_AT):
        order = get_order(client, row.order_id)
        if order.serial_number is not None and same_serial_number(order.serial_number, certificate.serial_number):
            return order
    return None
