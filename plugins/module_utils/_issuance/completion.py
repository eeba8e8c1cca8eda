# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""From a pending order to a verified certificate: wait, check domain control, download, verify.

The rules are those of sections 4, 6 and 8 of the API page. A returned certificate always has the CSR's public key, all
names, and a chain.
"""

from __future__ import annotations

import contextlib
import typing as t
from datetime import timedelta

from ansible_collections.community.digicert.plugins.module_utils._certcentral.certificates import (
    Reissue,
    download,
    list_known_reissues,
    list_reissues,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Backoff
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    LostResponseError,
    NotFoundError,
    RefusedError,
    printable,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.orders import Order, get_order
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import same_serial_number
from ansible_collections.community.digicert.plugins.module_utils._certcentral.validation import (
    DcvResult,
    check_dcv,
    get_random_value,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.context import forget_order
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import REISSUE
from ansible_collections.community.digicert.plugins.module_utils._issuance.states import (
    CLOSED,
    EXPIRED,
    ISSUED,
    REISSUE_PENDING,
    another_order_error,
    closed_error,
    is_another,
    is_under_way,
    overdue_error,
    stuck_error,
)
from ansible_collections.community.digicert.plugins.module_utils._x509.certificates import (
    Bundle,
    Certificate,
    build_chain,
    read_certificates,
)

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._issuance.context import CertificateContext
    from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import Submission

MOST_IDS = 5  # that are tried for one certificate, whatever the service says
SKEW = timedelta(days=1)  # a certificate's validity may begin slightly in the future


class Completion:
    """Gets the certificate of an issued or pending order."""

    def __init__(self, context: CertificateContext, submission: Submission | None) -> None:
        """Keep the context, and the submission for it; None to fetch the certificate of another run."""
        self._context = context
        self._client = context.client
        self._submission = submission
        self._reissues: tuple[Reissue, ...] = ()

    def wait_until_issued(self, order: Order, is_new: bool) -> Order:
        """Return the order when its certificate is issued, or at once if the user does not want to wait.

        Args:
            order: as last seen.
            is_new: it was just sent, so a user who does not wait gets it unchanged.

        Raises:
            DigicertError: it ended, or its certificate was not issued in time.
        """
        context, patience = self._context, Backoff(self._context.time_left)
        dcv: DcvResult | None = None
        failure: DigicertError | None = None
        while True:
            context.progress.order = order
            error = closed_error(order) if order.status in CLOSED else stuck_error(order)
            if error is not None:
                raise error
            resolved = self._resolve(order)
            if resolved is not None:
                return resolved
            if is_new and not context.options.wait:
                return self._unseen(order)
            is_new = False
            if is_under_way(order) and (dcv is None or not dcv.valid):
                order, dcv, failure = self._check_dcv(order)
                resolved = self._resolve(order) if order.status == ISSUED else None
                if resolved is not None:
                    return resolved
            if not context.options.wait:
                return self._unseen(order)
            if not patience.wait():
                order = self._with_random_value(order)
                raise overdue_error(order, dcv, failure, self._advice(order))
            order = self._read_again(order)

    def fetch(self, order: Order) -> Bundle:
        """Return the certificate of an issued order, verified.

        Raises:
            DigicertError: the certificate is not the requested one, or could not be downloaded.
        """
        if order.chain is not None:
            # If the response to the order is damaged, the certificate may still be right.
            with contextlib.suppress(_WrongCertificateError):
                return self._verify(order, order.chain)
        patience = Backoff(min(self._context.time_left, 90.0))
        tried: list[int | None] = []
        certificate_id = order.certificate_id
        while True:
            try:
                tried.append(certificate_id)
                return self._verify(order, download(self._client, certificate_id, order.order_id))
            except (_WrongCertificateError, NotFoundError) as error:
                # For some orders two ids give one certificate, and reads lag behind (API page, section 6).
                failure = error
            other = self._other_id(order, tried) if len(set(tried)) < MOST_IDS else None
            if other is not None:
                certificate_id = other
            elif getattr(failure, "is_old", True) is False or not patience.wait():
                raise failure

    def _resolve(self, order: Order) -> Order | None:
        """Return an order with the certificate to fetch; None if it is not issued, or not visible, yet."""
        submission = self._submission
        if order.chain is not None:
            return order
        if order.status == EXPIRED:
            raise DigicertError(
                f"Order {order.order_id} expired before its certificate was downloaded. Run the task again."
            )
        if order.status != ISSUED:
            return None
        if submission is None or submission.kind != REISSUE:
            return order
        if submission.certificate_id is not None and order.certificate_id == submission.certificate_id:
            return order
        if self._context.is_ours(order.csr) and self._is_new(order.certificate_id, order.serial_number):
            return order
        self._reissues = list_reissues(self._client, order.order_id)
        mine = [row for row in self._reissues if self._context.is_ours(row.csr) and self._is_new_row(row)]
        there = [row for row in mine if row.status != "pending" and row.status != "rejected"]
        if there:
            return order._replace(certificate_id=there[0].certificate_id)
        if mine and all(row.status == "rejected" for row in mine):
            self._context.remember(self._context.entry._replace(submission=None))
            raise DigicertError(
                f"The reissue of order {order.order_id} was rejected or canceled in CertCentral. Its page there says "
                "why. The next run reissues the certificate again if it is due."
            )
        return None

    def _is_new_row(self, row: Reissue) -> bool:
        return self._is_new(row.certificate_id, row.serial_number)

    def _is_new(self, certificate_id: int | None, serial_number: str | None) -> bool:
        """Return whether a certificate did not exist before the reissue."""
        submission = self._submission
        if submission is None:
            return not self._context.is_installed(serial_number)
        old = submission.old_serial_number
        replaced = None not in (old, serial_number) and same_serial_number(t.cast(str, old), t.cast(str, serial_number))
        return (
            certificate_id not in submission.others and not replaced and not self._context.is_installed(serial_number)
        )

    def _other_id(self, order: Order, tried: list[int | None]) -> int | None:
        """Return the id of another certificate of the order that may be the one; None also if that cannot be read."""
        if self._submission is None:
            return None
        ids: list[int | None]
        try:
            if self._submission.kind == REISSUE:
                rows = list_known_reissues(self._client, order.order_id)
                ids = [row.certificate_id for row in rows if self._context.is_ours(row.csr) and self._is_new_row(row)]
            else:  # the journal may have its id from a wrong response
                ids = [get_order(self._client, order.order_id).certificate_id]
        except DigicertError:
            return None
        return next((number for number in ids if number is not None and number not in tried), None)

    def _check_dcv(self, order: Order) -> tuple[Order, DcvResult | None, DigicertError | None]:
        """Ask for the check of domain control; return the order afterwards, and the result or the error."""
        try:
            result = check_dcv(self._client, order)
        except LostResponseError as error:
            return order, None, error
        except RefusedError as error:
            if not isinstance(error, NotFoundError):
                raise
            return order, None, error
        # The response also says `pending` for a reissue.
        status = result.order.status
        keeps = status == "pending" and order.status != "pending"
        return result.order._replace(status=order.status if keeps else status), result, None

    def _read_again(self, order: Order) -> Order:
        try:
            seen = get_order(self._client, order.order_id)
        except NotFoundError:
            return order  # reads lag behind
        submission = self._context.entry.submission
        if submission is not None and is_another(seen, submission):
            forget_order(self._context, submission)
            raise another_order_error(seen)
        return seen._replace(
            dcv_random_value=seen.dcv_random_value or order.dcv_random_value,
            order_valid_till=seen.order_valid_till or order.order_valid_till,
        )

    def _with_random_value(self, order: Order) -> Order:
        """Return an order with the value that can be published instead of a token (API page, section 8)."""
        if order.dcv_random_value is None and is_under_way(order):
            with contextlib.suppress(DigicertError):  # not every order has one
                order = order._replace(dcv_random_value=get_random_value(self._client, order.order_id))
        self._context.progress.order = order
        return order

    def _unseen(self, order: Order) -> Order:
        """Return an order as pending if its new certificate is not issued yet, even if a lagging read says so."""
        order = self._with_random_value(order)
        return order._replace(status=REISSUE_PENDING) if order.status == ISSUED else order

    def _advice(self, order: Order) -> str:
        context = self._context
        if context.journal.path is None and not context.options.is_hint and context.options.order_id is None:
            return f", then run the task with order_id={order.order_id}, which continues this order."
        return ", then run the task again, which continues this order."

    def _verify(self, order: Order, text: str) -> Bundle:
        """Return the certificate and the chain in a text; raises _WrongCertificateError."""
        request, now = self._context.request, self._client.now()
        try:
            certificates = read_certificates(text)
            bundle = build_chain(certificates, request.csr.public_key)
            fault = _leaf_fault(bundle.leaf, request.names, self._client.now())
            if fault is None and bundle.invalid_intermediates(now + SKEW if now < bundle.leaf.not_before else now):
                fault = "an intermediate certificate in its chain has expired."
        except DigicertError as error:
            raise _WrongCertificateError(order, error.message) from None
        is_replaced = self._submission is not None and not self._is_new(None, bundle.leaf.serial_number)
        if fault is None and is_replaced:
            raise _WrongCertificateError(order, "it is the certificate that has to be replaced.", is_old=True)
        if fault is not None:
            raise _WrongCertificateError(order, fault)
        return bundle


class _WrongCertificateError(DigicertError):
    """The download is not the requested certificate; `is_old` if that may only be because reads lag behind."""

    def __init__(self, order: Order, reason: str, is_old: bool = False) -> None:
        super().__init__(
            f"The certificate that CertCentral returned for order {order.order_id} was not installed: {reason} Run the "
            "task again to download it again without a new order; if that fails too, ask DigiCert about it."
        )
        self.is_old = is_old


def _leaf_fault(leaf: Certificate, names: t.Iterable[str], now: t.Any) -> str | None:
    """Return what is wrong with a certificate at `now`, by the service's clock, as the end of a sentence, or None."""
    missing = [name for name in names if not leaf.covers(name)]
    if missing:
        return f"the certificate does not cover {printable(', '.join(missing), 500)}."
    early = now < leaf.not_before <= now + SKEW
    fault = leaf.leaf_fault(leaf.not_before if early else now)
    return None if fault is None else f"the certificate {fault}"
