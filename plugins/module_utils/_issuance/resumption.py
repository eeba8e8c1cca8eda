# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Continue an earlier run, and answer other questions about a certificate that is not due."""

from __future__ import annotations

import contextlib
import typing as t
from datetime import datetime, timedelta

from ansible_collections.community.digicert.plugins.module_utils._certcentral.certificates import (
    download,
    list_known_reissues,
    list_reissues,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, NotFoundError
from ansible_collections.community.digicert.plugins.module_utils._certcentral.orders import (
    Order,
    get_order,
    list_orders,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import same_serial_number
from ansible_collections.community.digicert.plugins.module_utils._issuance.context import forget_order, known_names
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import ORDER, REISSUE, add_id
from ansible_collections.community.digicert.plugins.module_utils._issuance.lifetime import longest_certificate
from ansible_collections.community.digicert.plugins.module_utils._issuance.lookup import is_foreign
from ansible_collections.community.digicert.plugins.module_utils._issuance.states import (
    CLOSED,
    ISSUED,
    closed_error,
    is_another,
    mismatched_order_error,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.submission import Submitter
from ansible_collections.community.digicert.plugins.module_utils._x509.certificates import (
    build_chain,
    read_certificates,
)

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._issuance.context import CertificateContext
    from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import Submission
    from ansible_collections.community.digicert.plugins.module_utils._x509.certificates import Bundle, Certificate

MOST_LOOKED_AT = 20  # orders
A_DAY = timedelta(days=1)


class Resumption:
    """Continues what the journal records as sent."""

    def __init__(self, context: CertificateContext) -> None:
        """Keep the context; nothing is sent yet."""
        self._context = context
        self._client = context.client

    def resume(self, submission: Submission, is_due: bool) -> Order | None:
        """Return the order whose certificate is to be fetched, or None.

        If it is None and the journal has no pending submission any more, decide as if nothing had been sent. If it is
        None and the journal has one, change nothing.

        Raises:
            DigicertError: what was sent may still be pending, or the user has to decide.
        """
        context, options = self._context, self._context.options
        is_wanted = is_due or options.force
        order = self._find(submission, is_wanted)
        if order is None:
            return None
        submission = t.cast("Submission", context.entry.submission)
        context.progress.order = order
        if options.is_hint and set(known_names(order.names) or ()) != set(context.request.names):
            self._leave_foreign(order)
            return None
        if options.order_id not in (None, order.order_id) and not options.force:
            raise DigicertError(
                f"order_id names the order {options.order_id}, but order {order.order_id} is pending for this "
                "certificate. Omit order_id to continue the pending one."
            )
        if order.status in CLOSED:
            self._after_closed(order, submission, is_due)
            return None
        is_replaced = self._is_replaced(submission, order)
        if self._is_ours(submission) and not is_replaced and not self._has_expired(submission, order):
            number = submission.certificate_id
            return order if number is None or submission.kind == REISSUE else order._replace(certificate_id=number)
        if order.status == ISSUED:
            # It was paid for, so reissue within its order.
            self._drop(submission, order)
            return None
        if options.force and submission.kind == ORDER:
            self._drop(submission, None)
            return None
        if is_wanted:
            raise mismatched_order_error(order)
        context.progress.warn(
            f"{mismatched_order_error(order).message} The installed certificate is not due and was kept."
        )
        return None

    def _find(self, submission: Submission, is_wanted: bool) -> Order | None:
        """Return the order of what was sent, with its CSR if known; None if there is none, or none is visible."""
        order = self._read(submission) if submission.accepted else None
        if order is not None and is_another(order, submission):
            submission, order = forget_order(self._context, submission), None
        if order is not None:
            return order
        found = Submitter(self._context).resume(submission, is_wanted)
        if found is None or found.csr is not None:
            return found
        # A row does not have all fields that decide.
        return self._read(t.cast("Submission", self._context.entry.submission))

    def _leave_foreign(self, order: Order) -> None:
        """Forget an order that a host names and that is not for the names of the play; raises DigicertError."""
        if self._context.options.force:
            self._context.remember(self._context.entry._replace(submission=None))
            return
        raise DigicertError(
            f"The journal of the host names order {order.order_id}, which is not for exactly the requested "
            "names, so nothing was ordered. Request the names of that order, or delete the journal if it is "
            "wrong."
        )

    def _read(self, submission: Submission) -> Order:
        try:
            order = get_order(self._client, t.cast(int, submission.order_id))
        except NotFoundError as error:
            where = self._context.journal.path or "The journal"
            raise error.extend(
                after=f"{where} names it as pending. Delete that file if the order no longer exists."
            ) from error
        return order

    def _has_expired(self, submission: Submission, order: Order) -> bool:
        """Return whether the certificate expired before anybody fetched it."""
        if order.status != ISSUED:
            return False
        if not self._context.is_ours(order.csr):
            return self._end_behind(submission, order) - self._client.now() < A_DAY
        if order.valid_till is None:
            return False
        old, number = submission.old_serial_number, order.serial_number
        is_old = old is not None and number is not None and same_serial_number(old, number)
        return not is_old and order.valid_till - self._client.now() < A_DAY

    def _end_behind(self, submission: Submission, order: Order) -> datetime:
        """Return when what was sent ends, at the latest, if another host has reissued in the order since."""
        if submission.kind == REISSUE and submission.certificate_id is not None:
            rows = list_reissues(self._client, order.order_id)
            ends = [row.valid_till for row in rows if row.certificate_id == submission.certificate_id]
            if ends and ends[0] is not None:
                return ends[0]
        sent = submission.first_sent or self._client.now()
        return sent + longest_certificate(sent, self._context.request.cert_validity_days)

    def _is_replaced(self, submission: Submission, order: Order) -> bool:
        """Return whether another host reissued within an order, so nothing shows its first certificate any more."""
        if submission.kind != ORDER or order.status != ISSUED or order.csr is None or self._context.is_ours(order.csr):
            return False
        return submission.certificate_id is None or self._context.options.force

    def _is_ours(self, submission: Submission) -> bool:
        """Return whether this run wants what was sent."""
        request = self._context.request
        names = set(submission.names) == set(request.names)
        same_product = submission.kind == REISSUE or submission.product == request.product
        return submission.csr_sha256 == request.csr.fingerprint and names and same_product

    def _after_closed(self, order: Order, submission: Submission, is_due: bool) -> None:
        """Continue after somebody ended an order; raises DigicertError if the user has to confirm that."""
        context = self._context
        ours = self._is_ours(submission)
        if not context.options.force and is_due and ours:
            raise closed_error(order)
        if not is_due and not context.options.force:
            context.progress.warn(f"{closed_error(order).message} The installed certificate is not due and was kept.")
        self._drop(submission, None)

    def _drop(self, submission: Submission, order: Order | None) -> None:
        """Remove the submission from the journal, which keeps the order or its earlier content."""
        context, entry = self._context, self._context.entry
        kept = entry._replace(submission=None)
        if order is not None:
            kept = kept._replace(order_id=order.order_id, names=submission.names, product=submission.product)
        elif submission.kind == ORDER and entry.order_id == submission.order_id:
            kept = kept._replace(order_id=None, order_valid_till=None)
        context.remember(kept._replace(known_orders=add_id(entry.known_orders, submission.order_id)))


def is_in_place(context: CertificateContext, submission: Submission, order: Order) -> bool:
    """Return whether the certificate of what was sent is the installed one; raises DigicertError.

    Args:
        context: the certificate.
        submission: what was sent, and accepted.
        order: its order, as last read.
    """
    leaf, old = context.installed.leaf, submission.old_serial_number
    if leaf is None or context.installed.faults or order.status != ISSUED:
        return False
    if old is not None and same_serial_number(old, leaf.serial_number):
        return False
    if context.is_ours(order.csr):
        # Reads lag behind, and an earlier certificate of the order may have the same CSR.
        is_earlier = submission.kind == REISSUE and order.certificate_id in submission.others
        return context.is_installed(order.serial_number) and not is_earlier
    # Another host has reissued within the order since, so order info is about that host's certificate.
    if submission.kind == REISSUE:
        rows = [row for row in list_reissues(context.client, order.order_id) if context.is_ours(row.csr)]
        rows = [row for row in rows if row.certificate_id not in submission.others]
        return any(context.is_installed(row.serial_number) for row in rows)
    if submission.certificate_id is None:
        return False
    found = read_certificates(download(context.client, submission.certificate_id, order.order_id))
    return any(context.is_installed(each.serial_number) for each in found)


def is_revoked(context: CertificateContext) -> bool:
    """Return whether CertCentral shows the installed certificate as revoked; raises DigicertError."""
    leaf, client = context.installed.leaf, context.client
    if leaf is None:
        return False
    order = _order_of(context, leaf)
    if order is None:
        context.progress.warn(
            "The account does not show an order for the installed certificate, so check_revoked has no effect."
        )
        return False
    if order.status == "revoked":
        return True
    if context.is_installed(order.serial_number) and order.certificate_status is not None:
        return order.certificate_status == "revoked"
    rows = list_reissues(client, order.order_id)
    return any(row.status == "revoked" and context.is_installed(row.serial_number) for row in rows)


def missing_chain(context: CertificateContext, leaf: Certificate) -> Bundle:
    """Return an installed certificate with its chain from its order.

    Raises:
        DigicertError: the order does not exist, or the service refused or could not be reached.
    """
    order = _order_of(context, leaf)
    if order is None:
        raise DigicertError(
            f"The installed certificate (serial number {leaf.serial_number}) is valid, but its chain is in none "
            "of the files, and CertCentral does not show its order. Install the chain yourself, set order_id, or "
            "run the task once with force=true to get another certificate."
        )
    context.progress.order = order
    number = order.certificate_id
    if not context.is_installed(order.serial_number):
        rows = list_reissues(context.client, order.order_id)
        number = next((row.certificate_id for row in rows if context.is_installed(row.serial_number)), number)
    text = download(context.client, number, order.order_id)
    try:
        # Lists may not show an older certificate of the order. The intermediates of a later one work if they issued it.
        others = [each for each in read_certificates(text) if each.public_key != leaf.public_key]
        return build_chain([leaf, *others], leaf.public_key)
    except DigicertError as error:
        raise DigicertError(
            f"The chain that CertCentral returned for order {order.order_id} was not installed: {error.message} Run "
            "the task again; if that fails too, install the chain yourself, or run the task once with force=true to "
            "get another certificate."
        ) from None


def _order_of(context: CertificateContext, leaf: Certificate) -> Order | None:
    """Return the order of a certificate, or None if the account does not show one; raises DigicertError."""
    client, entry = context.client, context.entry
    if context.options.order_id is not None:
        return get_order(client, context.options.order_id)
    for name in (entry.order_id, leaf.serial_number):
        with contextlib.suppress(NotFoundError):
            order = None if name is None else get_order(client, name)
            if order is not None and not (name == entry.order_id and is_foreign(context, order, None)):
                return order
    listing = list_orders(client, common_name=context.request.common_name)
    for row in listing.orders[:MOST_LOOKED_AT]:
        if row.order_valid_till is not None and row.order_valid_till < leaf.not_before:
            continue
        numbers = [reissue.serial_number for reissue in list_known_reissues(client, row.order_id)]
        if any(map(context.is_installed, [row.serial_number, *numbers])):
            return get_order(client, row.order_id)
    return None
