# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Placing an order exactly once, and finding an order whose answer was lost.

An order costs money. So it is remembered in a marker before it is placed, and an order whose answer is lost is looked
for in the account before it is placed again. This file knows no Ansible.
"""

from __future__ import annotations

import contextlib
import time
import typing as t
from datetime import datetime, timedelta, timezone

from ansible_collections.community.digicert.plugins.module_utils._certificates import (
    Certificate,
    csr_fingerprint,
    same_serial_number,
)
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._order_marker import Marker, Record
from ansible_collections.community.digicert.plugins.module_utils._orders import (
    Order,
    get_order,
    list_orders,
    post_order,
)

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._client import Backoff, Client
    from ansible_collections.community.digicert.plugins.module_utils._order_request import OrderRequest

# An order is dated by the service's clock. How far ours is from it is known from its answers; this is for the rest.
CLOCK_TOLERANCE = timedelta(hours=1)


class Progress:
    """What is known of the order so far, also when the work fails.

    Attributes:
        order: as last seen; None as long as there is none.
        placed: whether this run placed an order, or may have placed one.
        warnings: sentences for the user.
    """

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.order: Order | None = None
        self.placed = False
        self.warnings: list[str] = []


class Placing:
    """The placing of one order."""

    def __init__(
        self,
        client: Client,
        request: OrderRequest,
        marker: Marker,
        progress: Progress,
        installed: Certificate | None,
    ) -> None:
        """Take what is needed; nothing is sent yet.

        Args:
            client: connection to the account.
            request: what to order.
            marker: memory of the order, loaded and locked.
            progress: is kept up to date.
            installed: the certificate that is in place, whose order is not the one looked for.
        """
        self.client = client
        self.request = request
        self.marker = marker
        self.progress = progress
        self.installed = installed

    def place_once(self) -> Order:
        """Place the order exactly once.

        An order whose answer is lost is not sent again before the account shows that there is none, and not in this run
        when the service did not answer at all.

        Returns:
            The order as the answer describes it, or as it was found in the account.

        Raises:
            DigicertError: the service refused, or no usable answer came and the account shows no order.
        """
        self.request.check_end(self.client.now())
        purpose = f"order the certificate for {self.request.common_name}"
        backoff = self.client.backoff()
        record = self.new_record()
        lost_tries = 0
        while True:
            record = record._replace(last_sent=time.time())
            self.marker.save(record)
            try:
                order = post_order(self.client, self.request.product, self.request.body, purpose, backoff)
                return self._placed(record, order)
            except DigicertError as error:
                if not error.lost:
                    if lost_tries == 0:
                        self.marker.forget()
                    raise
                failure = error
            lost_tries += 1
            time_left = backoff.wait(failure.retry_after)
            found = self._look_after(record, failure, backoff)
            if found is not None:
                return self._placed(record, found)
            # A service that was silent may place the order later yet. One that answers nonsense twice will do so again.
            silent = failure.status is None and not failure.transient
            if not time_left or silent or (lost_tries > 1 and not failure.transient):
                failure.message += f" The account shows no new order. {self._next_run()}"
                raise failure

    def _placed(self, record: Record, order: Order) -> Order:
        self.progress.placed = True
        self.progress.order = order
        # Without its id, for example because the disk is full, the next run finds the order by its CSR.
        with contextlib.suppress(DigicertError):
            self.marker.save(record._replace(order_id=order.order_id))
        return order

    def _look_after(self, record: Record, failure: DigicertError, backoff: Backoff) -> Order | None:
        """Return the order that a try with a lost answer placed, or None; explains why looking failed."""
        try:
            # A service, or what is behind a gateway that gave up, may still be at work.
            return self.look_for(record, self.client.timeout, backoff)
        except DigicertError as error:
            self.progress.placed = True
            error.message = (
                f"{failure.message} Whether the order was placed all the same is unknown, as the look at the account's "
                f"orders failed too: {error.message} {self._next_run()}"
            )
            raise

    def _next_run(self) -> str:
        if self.marker.path is None:
            return "Look there again before the task runs again, and give order_id if there is an order by then."
        return "The next run looks again before it orders."

    def look_for(self, record: Record, patience: float, backoff: Backoff) -> Order | None:
        """Return the order that was placed for a record, or None when there is none after `patience` seconds.

        Raises:
            DigicertError: the service refused or could not be reached, or an order cannot be told from others.
        """
        give_up = time.monotonic() + patience
        while True:
            found = self._placed_for(record, backoff)
            if found is not None or time.monotonic() >= give_up or not backoff.wait():
                return found

    def _placed_for(self, record: Record, backoff: Backoff) -> Order | None:
        """Return the newest order for the record's CSR that was placed since its beginning, or None."""
        names = {record.common_name, *record.dns_names}
        rows = list_orders(self.client, record.common_name, backoff)
        clock_offset = self.client.now() - datetime.now(timezone.utc)
        since = datetime.fromtimestamp(record.first_sent, timezone.utc) + clock_offset - CLOCK_TOLERANCE
        for row in rows:
            too_old = row.created is not None and row.created < since
            other = row.product not in (None, record.product) or bool(row.names and not names <= set(row.names))
            if too_old or other or row.order_id in record.other_orders:
                continue
            order = get_order(self.client, row.order_id, backoff)
            fingerprint = None if order.csr is None else csr_fingerprint(order.csr)
            if fingerprint is None:
                raise DigicertError(
                    f"Order {order.order_id} may be the one that was placed, but CertCentral does not show its CSR. "
                    f"Compare it there, and run the task with order_id={order.order_id} if it is."
                )
            if fingerprint == record.csr_sha256 and not self.is_installed(order):
                return order
        return None

    def is_installed(self, order: Order) -> bool:
        """Return whether an order's certificate is the one in place."""
        return (
            self.installed is not None
            and order.serial_number is not None
            and same_serial_number(order.serial_number, self.installed.serial_number)
        )

    def new_record(self) -> Record:
        """Return the record of a new order, which knows the orders that are others."""
        old = self.marker.record
        others = () if old is None else (*old.other_orders, *(() if old.order_id is None else (old.order_id,)))
        renewed = self.request.body.get("renewal_of_order_id")
        now = time.time()
        return Record(
            csr_sha256=self.request.csr.fingerprint,
            product=self.request.product,
            common_name=self.request.common_name,
            dns_names=self.request.dns_names,
            first_sent=now,
            last_sent=now,
            other_orders=others if renewed is None else (*others, renewed),
        )
