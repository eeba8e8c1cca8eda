# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Send an order or a reissue exactly once, and find one whose response was lost.

It is written to the journal before it is sent. If its response is lost, it is sent again after ten minutes at the
earliest, and only if complete lists do not show it. The CSR decides whether a result is what was sent. Orders cost
money, so doubt is an error. See sections 1, 4 and 6 of the API page.
"""

from __future__ import annotations

import time
import typing as t
from datetime import datetime, timedelta

from ansible_collections.community.digicert.plugins.module_utils._certcentral.certificates import list_reissues
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Backoff, local_time
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    LostResponseError,
    NotSentError,
    RateLimitedError,
    RefusedError,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.orders import (
    Order,
    find_by_alternative_id,
    get_order,
    list_orders,
    post_order,
    post_reissue,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import same_serial_number
from ansible_collections.community.digicert.plugins.module_utils._issuance import quiet_time
from ansible_collections.community.digicert.plugins.module_utils._issuance.context import known_names
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import ORDER, add_id
from ansible_collections.community.digicert.plugins.module_utils._issuance.reservation import seconds_left
from ansible_collections.community.digicert.plugins.module_utils._issuance.states import (
    CLOSED,
    ISSUED,
    REISSUE_PENDING,
    is_under_way,
    refused_reissue_error,
)
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import csr_fingerprint

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client
    from ansible_collections.community.digicert.plugins.module_utils._issuance.context import CertificateContext
    from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import Submission

GRACE = 15.0  # seconds beyond wait_timeout: the ten minutes begin at the first search, after the run starts
# Dates of rows may lack zone and time of day.
DATE_TOLERANCE = timedelta(hours=38)


class Submitter:
    """Sends the order or reissue for one certificate, once."""

    def __init__(self, context: CertificateContext) -> None:
        """Take the certificate; nothing is sent yet."""
        self._context = context
        self._client: Client = context.client

    def submit_once(self, submission: Submission, body: dict[str, t.Any]) -> Order | None:
        """Send an order or a reissue exactly once.

        Returns:
            The order from the response, or as it was found in the account; the journal records it. None if the response
            was lost, the service did not carry it out, and sending it again needs another reservation.

        Raises:
            DigicertError: the service refused, or the response was lost and it is too early to send it again.
        """
        context, before = self._context, self._context.entry._replace(submission=None)
        # If a library is missing, the journal must not record an order.
        self._client.prepare()
        submission = submission._replace(first_sent=submission.first_sent or self._client.service_time)
        while True:
            context.journal.save(before._replace(submission=submission))
            try:
                return self.accept(submission, self._post(submission, body))
            except NotSentError:
                context.remember(before)
                raise
            except RefusedError as error:
                # The refusal may come from a gateway, so a run within the next minutes searches before it sends.
                refused = submission._replace(lost_at=self._client.service_time, noted_at=local_time())
                context.remember(before._replace(refused=refused))
                if submission.kind != ORDER:
                    raise refused_reissue_error(t.cast(int, submission.order_id), error) from error
                raise
            except LostResponseError as error:
                failure = error
            context.progress.submitted = True
            was_reserved = submission.run_id is not None
            # Without the reservation, which is used up: no other process of this run will send it later.
            submission = submission._replace(first_sent=submission.first_sent or self._client.service_time, run_id=None)
            found = self._search(submission, failure, time.monotonic() + quiet_time.QUIET)
            if found is not None:
                return self.accept(t.cast("Submission", context.entry.submission), found)
            if was_reserved:
                return None
            submission = submission._replace(lost_at=None, noted_at=None)

    def resume(self, submission: Submission, is_wanted: bool) -> Order | None:
        """Find what an earlier run sent without getting a response, or wait until it may be sent again.

        Args:
            submission: from the journal.
            is_wanted: a certificate is due. Otherwise one search is enough, and changes nothing if it finds nothing.

        Returns:
            The order; None if there is none and the journal no longer records it, or if nothing is wanted.

        Raises:
            DigicertError: it may still be pending, or that is unknown.
        """
        context, begun = self._context, time.monotonic()
        found = self._look(submission)
        submission = self._note_loss(submission)
        # The result of a search is valid for the moment when it began.
        is_over = quiet_time.left(submission, self._client) + time.monotonic() - begun <= 0
        if found is None and is_wanted:
            found = self._search(submission, None, time.monotonic() + quiet_time.left(submission, self._client))
        if found is not None:
            return self.accept(t.cast("Submission", context.entry.submission), found)
        if is_wanted or is_over:
            context.remember(context.entry._replace(submission=None))
        else:
            context.progress.warn(
                "The response to a request of an earlier run was lost, and the account does not show the result yet. "
                "A later run checks again."
            )
        return None

    def look_after_refusal(self, is_due: bool) -> None:
        """Make sure that a refused submission in the journal was not carried out, or record that it was.

        Args:
            is_due: another certificate is due; otherwise nothing is sent anyway.

        Raises:
            DigicertError: that is still unknown.
        """
        context, refused, found = self._context, self._context.entry.refused, None
        if refused is None or not (is_due or context.options.force):
            return
        try:
            found = self._look(refused)
            left = quiet_time.left(refused, self._client, quiet_time.LEAST_LOOK)
            if found is None and left > 0:
                found = self._search(refused, None, time.monotonic() + left)
        except DigicertError:
            if quiet_time.left(refused, self._client) > 0:
                raise
        entry = context.entry._replace(refused=None)
        if found is None:
            context.remember(entry)
        else:
            context.journal.entry = entry
            self.accept(refused, found)

    def accept(self, submission: Submission, order: Order) -> Order:
        """Record that the service accepted what was sent; return the order."""
        context = self._context
        context.progress.submitted = True
        context.progress.order = order
        entry, now = context.entry, self._client.now()
        submission = submission._replace(accepted=True, order_id=order.order_id, certificate_id=order.certificate_id)
        if submission.kind == ORDER:
            # An order that was found may be older than this moment.
            entry = entry._replace(
                order_id=order.order_id,
                order_valid_till=order.order_valid_till,
                product=submission.product,
                names=submission.names,
                last_purchase=now if order.created is None else min(now, order.created),
                known_orders=add_id(entry.known_orders, order.order_id),
            )
        else:
            entry = entry._replace(last_reissue=min(now, submission.first_sent or now))
        certificates = add_id(entry.known_certificates, order.certificate_id)
        context.remember(entry._replace(submission=submission, known_certificates=certificates))
        return order

    def _post(self, submission: Submission, body: dict[str, t.Any]) -> Order:
        """Send it, and send it again if the rate limit refused it and a search does not find it."""
        backoff = self._client.backoff()
        if submission.run_id is not None:
            run_id = submission.run_id
            backoff = Backoff(min(backoff.remaining, seconds_left(run_id)), lambda: seconds_left(run_id) > 0)
        while True:
            try:
                return self._post_once(submission, body, backoff)
            except RateLimitedError as error:
                if not backoff.wait(error.retry_after, rate_limited=True):
                    raise
                limit = error
            try:
                found = self._look(submission, is_brief=True)
            except DigicertError:
                raise limit from None
            if found is not None:
                return found
            if submission.run_id is not None and seconds_left(submission.run_id) <= 0:
                raise limit

    def _post_once(self, submission: Submission, body: dict[str, t.Any], backoff: Backoff) -> Order:
        name = submission.common_name
        if submission.kind == ORDER:
            return post_order(self._client, submission.product, body, f"order the certificate for {name}", backoff)
        order_id = t.cast(int, submission.order_id)
        purpose = f"reissue the certificate for {name} within the order {order_id}"
        return post_reissue(self._client, order_id, body, purpose, backoff)

    def _search(self, submission: Submission, failure: LostResponseError | None, end: float) -> Order | None:
        """Search for what was lost until it may be sent again, or until the run must not wait any longer.

        Args:
            submission: what was sent.
            failure: the error of the lost response, if this run sent it.
            end: when it may be sent again, by the monotonic clock.

        Returns:
            What was found; None if `end` has passed and complete lists do not show it.
        """
        now = time.monotonic()
        give_up = self._context.give_up
        stop = end if end <= give_up + GRACE else max(give_up, min(now + quiet_time.LEAST_LOOK, end))
        patience = Backoff(stop - now)
        while True:
            unknown: DigicertError | None = None
            begun = time.monotonic()
            try:
                found = self._look(submission)
                submission = self._note_loss(submission)
                if found is not None:
                    return found
            except DigicertError as error:
                unknown = error
                if isinstance(error, RefusedError) and not isinstance(error, RateLimitedError):
                    break
            if begun >= stop:
                break
            patience.wait()
        # A search that began before the end may have missed it.
        if unknown is None and begun >= end:
            return None
        raise self._undecided_error(submission, failure, unknown, end)

    def _undecided_error(
        self, submission: Submission, failure: LostResponseError | None, unknown: DigicertError | None, end: float
    ) -> DigicertError:
        what = "order" if submission.kind == ORDER else "reissue"
        then = self._client.now() + timedelta(seconds=max(0.0, end - time.monotonic()))
        again = f"after {then:%Y-%m-%d %H:%M:%S} UTC"
        lost = "" if failure is None else failure.message
        if unknown is not None:
            text = f"Whether the {what} was carried out is unknown: {unknown.message}"
        else:
            text = f"The account does not show the {what} yet."
        context = self._context
        if unknown is None and self._client.service_time is None:
            least = f"{quiet_time.whole(submission):.0f}"
            advice = f"The responses lack the Date header, so run the task with wait_timeout={least} or more."
        elif context.journal.path is None and not context.options.is_hint:
            advice = f"Run the task again with the same CSR {again}; it checks the account first."
        else:
            again += " at the earliest"
            advice = f"Run the task again. It checks the account first, and sends the {what} again {again}."
        if submission == context.entry.refused:
            lost = f"The service refused the {what} a moment ago; this is checked before it is sent again."
        elif failure is None:
            lost = f"The response to the {what} of an earlier run was lost."
        base = failure or unknown or DigicertError("")
        return DigicertError(
            f"{lost} {text} {advice}",
            http_status=base.http_status,
            code=base.code,
            changed=failure is not None,
        )

    def _note_loss(self, submission: Submission) -> Submission:
        """Record the first time after the loss; later runs count the ten minutes from it."""
        if submission == self._context.entry.refused:
            return submission
        noted = quiet_time.note(submission, self._client)
        if noted != submission:
            self._context.remember(self._context.entry._replace(submission=noted))
        return noted

    def _look(self, submission: Submission, is_brief: bool = False) -> Order | None:
        """Return the result of a submission, None if complete lists do not show it; raises DigicertError in doubt.

        A brief search asks for an order by its alternative id only.
        """
        if submission.kind != ORDER:
            return self._find_reissue(submission)
        backoff = self._client.backoff()
        order = self._find_by_id(submission, backoff)
        return order if is_brief or order is not None else self._find_order(submission, backoff)

    def _find_by_id(self, submission: Submission, backoff: Backoff) -> Order | None:
        if submission.alternative_order_id is None:
            return None
        rows = find_by_alternative_id(self._client, submission.alternative_order_id, backoff) or ()
        # If two orders have the same id, use neither, and read the list.
        if len({row.order_id for row in rows}) != 1:
            return None
        order = rows[0] if rows[0].csr else get_order(self._client, rows[0].order_id, backoff)
        return order if self._is_result(order, submission) else None

    def _find_order(self, submission: Submission, backoff: Backoff) -> Order | None:
        listing = list_orders(self._client, common_name=submission.common_name, backoff=backoff)
        unsure = None
        for row in listing.orders:
            if self._is_other(row, submission):
                continue
            order = get_order(self._client, row.order_id, backoff)
            is_result = self._is_result(order, submission)
            if is_result:
                return order
            unsure = order if is_result is None else unsure
        if unsure is not None:
            raise DigicertError(
                f"order {unsure.order_id} may be the one, but CertCentral does not show its CSR. Compare the "
                f"order there, and run the task with order_id={unsure.order_id} if it is the same."
            )
        if not listing.complete:
            raise DigicertError(
                f"the list of orders for {submission.common_name} is longer than what was searched. Look for the "
                "order in CertCentral, and run the task with its order_id."
            )
        return None

    def _is_other(self, row: Order, submission: Submission) -> bool:
        """Return whether a row of the list is certainly another order; missing fields are not a reason."""
        names = known_names(row.names)
        other_names = names is not None and not set(submission.names) <= names
        return row.order_id in submission.others or other_names or self._is_older(row.created, submission)

    def _is_result(self, order: Order, submission: Submission) -> bool | None:
        """Return whether an order is what was sent; None if that is unknown."""
        is_known = order.order_id in submission.others or self._context.is_installed(order.serial_number)
        if is_known or self._is_older(order.created, submission):
            return False
        ids = (order.alternative_order_id, submission.alternative_order_id)
        if None not in ids and ids[0] != ids[1]:
            return False
        fingerprint = csr_fingerprint(order.csr)
        if fingerprint is None:
            return True if None not in ids else None
        return fingerprint == submission.csr_sha256

    def _is_older(self, created: datetime | None, submission: Submission) -> bool:
        first = submission.first_sent
        return created is not None and first is not None and created < first - DATE_TOLERANCE

    def _find_reissue(self, submission: Submission) -> Order | None:
        order_id = t.cast(int, submission.order_id)
        backoff = self._client.backoff()
        rows = list_reissues(self._client, order_id, backoff)
        unsure = False
        for row in rows:
            known = row.certificate_id is None or row.certificate_id in submission.others
            if known or self._is_older(row.created, submission) or self._is_replaced(row.serial_number, submission):
                continue
            fingerprint = csr_fingerprint(row.csr)
            if fingerprint is None:
                unsure = unsure or row.status != "rejected"
            elif fingerprint == submission.csr_sha256 and row.status != "rejected":
                status = REISSUE_PENDING if row.status == "pending" else ISSUED
                return Order(order_id, status, certificate_id=row.certificate_id)
        order = get_order(self._client, order_id, backoff)
        is_known = order.certificate_id in submission.others or self._is_replaced(order.serial_number, submission)
        if not is_known and csr_fingerprint(order.csr) == submission.csr_sha256:
            return order
        if unsure or (is_under_way(order) and order.status not in CLOSED):
            raise DigicertError(
                f"order {order.order_id} has a pending reissue, and CertCentral does not show whether it is this "
                "one. Check it in CertCentral."
            )
        return None

    def _is_replaced(self, serial_number: str | None, submission: Submission) -> bool:
        """Return whether a serial number belongs to an earlier certificate."""
        old = submission.old_serial_number
        if serial_number is None:
            return False
        return self._context.is_installed(serial_number) or (old is not None and same_serial_number(serial_number, old))
