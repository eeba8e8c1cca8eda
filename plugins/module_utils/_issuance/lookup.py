# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Find the order of a certificate, and the account's other orders for the same names.

Only a complete list proves that there is no order. Fields that a row lacks are read from the order itself.
"""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta

from ansible_collections.community.digicert.plugins.module_utils._certcentral.certificates import list_known_reissues
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    NotFoundError,
    RateLimitedError,
    RefusedError,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.orders import (
    Order,
    get_order,
    list_orders,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import same_serial_number
from ansible_collections.community.digicert.plugins.module_utils._issuance.context import known_names
from ansible_collections.community.digicert.plugins.module_utils._issuance.installed import companions
from ansible_collections.community.digicert.plugins.module_utils._issuance.lifetime import (
    longest_certificate,
    renewal_threshold,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.states import ISSUED, is_under_way
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import csr_fingerprint

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client
    from ansible_collections.community.digicert.plugins.module_utils._issuance.context import CertificateContext

END_TOLERANCE = timedelta(days=1)  # the end of an order is a date
ID_LENGTH = 32  # characters of the CSR's fingerprint that an alternative order id begins with
LAG = timedelta(seconds=90)  # reads lag behind by up to a minute
GUARD = timedelta(days=7)  # no second paid order for the same names without force=true


class Survey(t.NamedTuple):
    """The account's orders for the names: the newest pending one, the newest valid one, and a recent purchase.

    `wider` is an order that covers more names; it is searched for only if a host keeps the journal.
    """

    pending: Order | None = None
    good: Order | None = None
    recent: Order | None = None
    wider: Order | None = None


class OrderFinder:
    """Searches the account for one certificate."""

    def __init__(self, context: CertificateContext) -> None:
        """Keep the context; nothing is sent yet."""
        self._context = context
        self._client: Client = context.client
        self._orders: dict[int, Order] = {}  # as read by the current survey

    def current(self) -> Order | None:
        """Return the order in `order_id`, else the one in the journal, else the one of the installed certificate.

        Raises:
            DigicertError: that order does not exist, or the service could not be reached.
        """
        context, entry = self._context, self._context.entry
        if context.options.order_id is not None:
            return self._get(context.options.order_id, "Check order_id, too.")
        if entry.order_id is not None:
            where = f"{context.journal.path or 'The journal'} names it. Delete that file if the order no longer exists."
            try:
                order = self._get(entry.order_id, where)
            except NotFoundError:
                if entry.order_valid_till is not None and entry.order_valid_till < self._client.now():
                    return None
                raise
            if not is_foreign(context, order, self.has_same_names(order)):
                return order
            bought = entry.last_purchase
            if bought is not None and self._client.now() - bought < LAG:
                raise DigicertError(
                    f"CertCentral's response to the order contained the id {order.order_id}, which belongs to another "
                    "order, and the account may not show the right one yet. Run the task again in two minutes."
                )
            context.progress.warn(
                f"The journal names order {order.order_id}, but that order is for other names and did not issue this "
                "host's certificate, so it is not used. The module searches the account instead."
            )
        leaf = context.installed.leaf
        if leaf is None or leaf.is_self_signed:
            return None
        try:
            return get_order(self._client, leaf.serial_number)
        except RefusedError as error:
            # An older certificate of an order is not found by its serial number, nor is one of another CA.
            if isinstance(error, RateLimitedError) or error.http_status not in (400, 404):
                raise
            return None

    def survey(self, known: Order | None = None) -> Survey:
        """Return the account's orders for these names and this product, besides a known order.

        Raises:
            DigicertError: the list cannot be read, is not complete, or an order contradicts it.
        """
        request = self._context.request
        self._orders.clear()
        listing = list_orders(self._client, common_name=request.common_name)
        pending = good = recent = wider = None
        for row in listing.orders:
            if known is not None and row.order_id == known.order_id:
                continue
            order = self._complete(row)
            if order is None:
                continue
            if self.is_wider(order):
                wider = wider or (order if order.status == ISSUED or is_under_way(order) else None)
            elif is_under_way(order):
                pending = pending or order
            elif order.status == ISSUED and self.is_long_enough(order) and (good is None or good.is_renewed):
                good = order if good is None or not order.is_renewed else good
            if recent is None and self.is_recent(order.created):
                recent = order
        if not listing.complete and (pending or good) is None:
            raise DigicertError(
                f"Whether the account has an order for {request.common_name} is unknown, because the list of its "
                "orders is too long to search, so no order was placed. Set order_id to the order to use, or run "
                "the task once with renewal=order and force=true to place one."
            )
        return Survey(self._confirm(pending), self._confirm(good), recent, wider)

    def has_same_names(self, order: Order) -> bool | None:
        """Return whether an order is for the requested names; None if it does not say."""
        names = known_names(order.names)
        if names is None:
            return None
        wanted = set(self._context.request.names)
        # Names that the CA added were never requested.
        return wanted <= names and names - wanted <= companions(wanted)

    def is_wider(self, order: Order) -> bool:
        """Return whether an order covers more names, so that a host must not choose it for a reissue."""
        names = known_names(order.names)
        return self._context.options.is_hint and bool(names and names - set(self._context.request.names))

    def has_same_product(self, order: Order) -> bool | None:
        """Return whether an order is for the requested product, in any spelling; None if it does not say."""
        if order.product is None:
            return None
        return _plain(order.product) == _plain(self._context.request.product)

    def new_end(self, order: Order) -> datetime | None:
        """Return when a certificate would end that is reissued now; None if the order's end is unknown."""
        if order.order_valid_till is None:
            return None
        now = self._client.now()
        return min(now + longest_certificate(now, self._context.request.cert_validity_days), order.order_valid_till)

    def is_long_enough(self, order: Order) -> bool:
        """Return whether a reissue would not be due again at once; an unknown end is not a reason to buy."""
        end = self.new_end(order)
        tolerance = END_TOLERANCE if end == order.order_valid_till else timedelta(0)
        return end is None or end > self._client.now() + self.least_left() + tolerance

    def least_left(self, order: Order | None = None) -> timedelta:
        """Return how much validity a new certificate, or that of an order, must have left to be useful."""
        life = longest_certificate(self._client.now(), self._context.request.cert_validity_days)
        if order is not None and None not in (order.valid_from, order.valid_till):
            # It may be shorter than in the table, because CAs shorten certificates before the required date.
            life = min(life, t.cast(datetime, order.valid_till) - t.cast(datetime, order.valid_from))
        return renewal_threshold(life, self._context.options.remaining_days)

    def is_recent(self, moment: datetime | None) -> bool:
        """Return whether something was bought, by the service's clock, less than seven days ago."""
        return moment is not None and self._client.now() - moment < GUARD

    def _complete(self, row: Order) -> Order | None:
        """Return an order with all fields for the decision, or None if it is for other names or another product."""
        for order in (row, None):
            order = order or self._read(row)
            if order is None or False in (self.has_same_names(order), self.has_same_product(order)):
                return None
            facts = (self.has_same_names(order), self.has_same_product(order), order.status or None, order.created)
            if None not in facts and (order.order_valid_till is not None or order.status != ISSUED):
                return order
        return order

    def _confirm(self, row: Order | None) -> Order | None:
        """Return an order like `_read`; a reissue within an order for other names would revoke its certificates."""
        order = self._read(row)
        if order is not None and (
            False in (self.has_same_names(order), self.has_same_product(order)) or self.is_wider(order)
        ):
            raise DigicertError(
                f"The list of orders says that order {order.order_id} is for these names and this product, but "
                "the order itself does not, so nothing was ordered or reissued. Run the task again later, or set "
                "order_id to the order to use."
            )
        return order

    def _read(self, row: Order | None) -> Order | None:
        """Return an order with all its fields, including those that only the list has."""
        if row is None:
            return None
        if row.order_id not in self._orders:
            order = get_order(self._client, row.order_id)
            self._orders[row.order_id] = order._replace(
                names=order.names or row.names,
                product=order.product or row.product,
                created=order.created or row.created,
                order_valid_till=order.order_valid_till or row.order_valid_till,
            )
        return self._orders[row.order_id]

    def _get(self, order_id: int, advice: str) -> Order:
        try:
            return get_order(self._client, order_id)
        except NotFoundError as error:
            raise error.extend(after=advice) from error


def is_foreign(context: CertificateContext, order: Order, same_names: bool | None) -> bool:
    """Return whether the order in the journal is not the one that was placed; raises DigicertError.

    The response to an order may contain the id of another order. A reissue there would revoke other users'
    certificates.

    Args:
        context: the certificate.
        order: as the service shows it.
        same_names: whether it is for the requested names; None if it does not say.
    """
    entry = context.entry
    names = known_names(order.names)
    remembered = set(entry.names)
    if same_names or names is None or not remembered or remembered <= names <= remembered | companions(remembered):
        return False
    if is_tied(context, order):
        return False
    rows = list_known_reissues(context.client, order.order_id)
    return not any(
        is_tied(context, Order(order.order_id, csr=row.csr, serial_number=row.serial_number)) for row in rows
    )


def is_tied(context: CertificateContext, order: Order) -> bool:
    """Return whether an order shows a certificate or an id that belongs to the host."""
    entry, number, fingerprint = context.entry, order.serial_number, csr_fingerprint(order.csr)
    known = [each for each in (entry.serial_number, entry.replaced_serial_number) if each is not None]
    if number is not None and (context.is_installed(number) or any(same_serial_number(number, each) for each in known)):
        return True
    if fingerprint is not None and fingerprint in (entry.csr_sha256, context.request.csr.fingerprint):
        return True
    return bool(entry.csr_sha256 and (order.alternative_order_id or "").startswith(entry.csr_sha256[:ID_LENGTH]))


def _plain(product: str) -> str:
    return re.sub("[^a-z0-9]", "", product.lower())
