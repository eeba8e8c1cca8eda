# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""How to get a certificate that is due: by a free reissue, by a paid order, or not at all.

This is "Decision, when a certificate is due" in section 6 of the API page. An order is bought only if there is none, or
if the issued one is too short, has ended, or is for other names. A refused reissue never leads to an order.
"""

from __future__ import annotations

import secrets
import typing as t
from datetime import timedelta

from ansible_collections.community.digicert.plugins.module_utils._certcentral.certificates import list_reissues
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import same_serial_number
from ansible_collections.community.digicert.plugins.module_utils._issuance.context import (
    CONTINUED,
    NONE,
    ORDERED,
    REISSUED,
    RENEWED,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.installed import EXPIRES
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import (
    EMPTY,
    ORDER,
    REISSUE,
    Submission,
    add_id,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.lookup import (
    GUARD,
    ID_LENGTH,
    OrderFinder,
    Survey,
    is_tied,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.plan import Plan
from ansible_collections.community.digicert.plugins.module_utils._issuance.states import (
    CANCEL_REISSUE,
    CLOSED,
    EXPIRED,
    ISSUED,
    closed_error,
    is_under_way,
    mismatched_order_error,
)

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.orders import Order
    from ansible_collections.community.digicert.plugins.module_utils._issuance.context import CertificateContext

MOST_CLOCK_DIFFERENCE = timedelta(hours=1)
FIRST_LINK, LAST_LINK = timedelta(days=90), timedelta(days=1)  # before the end of the order that is renewed
QUIET_REISSUES = timedelta(days=1)  # a certificate that is due again so soon after a reissue is kept


class Decider:
    """Decides for one certificate that is due, or that the user wants with force=true."""

    def __init__(self, context: CertificateContext, reasons: tuple[str, ...], was_under_way: bool = False) -> None:
        """Keep what decides; nothing is sent yet.

        Args:
            context: the certificate.
            reasons: why it is due, as reasons of `installed`.
            was_under_way: the journal had something under way, or refused, when the run began.
        """
        self._context = context
        self._client, self._options = context.client, context.options
        self._finder = OrderFinder(context)
        self._reasons = reasons
        self._was_under_way = was_under_way

    def decide(self) -> Plan:
        """Return what to do.

        Raises:
            DigicertError: the user has to decide.
        """
        is_first = self._context.entry._replace(last_purchase=None) == EMPTY and self._context.installed.leaf is None
        is_first = is_first and not self._options.is_hint
        if is_first and not self._was_under_way and self._options.renewal == "order" and self._options.order_id is None:
            return self._purchase(None, Survey())
        order = self._finder.current()
        self._check_due_by_service()
        return self._without_order() if order is None else self._with_order(order)

    def _with_order(self, order: Order) -> Plan:
        self._context.progress.order = order
        same_names = self._finder.has_same_names(order)
        self._check_wider(order if same_names else None)
        if self._options.is_hint and (same_names is False or self._finder.is_wider(order)):
            # The host names an order that is not for exactly the names of the play, so it must not be used.
            return self._without_order()
        if is_under_way(order):
            return self._continue(order)
        if order.status in CLOSED:
            return self._after_closed(order)
        if self._is_adoptable(order):
            return Plan(CONTINUED, order)
        if same_names is None:
            same_names = self._known_by_journal(order)
        if order.is_renewed:
            plan = self._successor(order, same_names)
            if plan is not None:
                return plan
        if self._may_reissue(order, same_names):
            return self._reissue(order, same_names)
        # The order that renewed it has the old names.
        if order.is_renewed and same_names and not (self._options.force and self._options.renewal == "order"):
            raise DigicertError(
                f"Order {order.order_id} was already renewed, but the account does not show an issued order that "
                "renews it, so no order was placed. Look up the renewal in CertCentral, and set order_id to its "
                "id."
            )
        return self._purchase(order, None)

    def _after_closed(self, order: Order) -> Plan:
        if not self._options.force:
            raise closed_error(order)
        return self._purchase(order, None)

    def _without_order(self) -> Plan:
        survey = self._finder.survey()
        return self._use(survey) or self._purchase(None, survey)

    def _use(self, survey: Survey, known: Order | None = None) -> Plan | None:
        """Return a plan that does not buy, from other orders of the account for these names."""
        pending, good = survey.pending, survey.good
        # An order with a pending reissue is paid for; force=true skips only orders that wait for their first
        # certificate.
        is_passed_by = pending is not None and self._options.force and not _is_reissuing(pending)
        if pending is not None and (self._context.is_ours(pending.csr) or not is_passed_by):
            self._context.progress.order = pending
            return self._continue(pending)
        if good is None:
            return None
        if self._is_adoptable(good):
            return Plan(CONTINUED, good)
        if self._options.renewal == "order":
            # A newer order whose certificate is not due is what this run would buy; the journal may come from a backup.
            newer = known is None or good.order_id > known.order_id
            if self._options.force or self._is_due(good) or not newer:
                return None
        return self._reissue(good, True)

    def _successor(self, order: Order, same_names: bool | None) -> Plan | None:
        """Return a plan for the order that renewed this one; None if the account does not show one."""
        if not same_names:
            return None
        self._context.progress.warn(
            f"Order {order.order_id} was renewed in CertCentral. The module now uses the order that renews it."
        )
        good = self._finder.survey(order).good
        if good is None:
            return None
        return Plan(CONTINUED, good) if self._is_adoptable(good) else self._reissue(good, True)

    def _known_by_journal(self, order: Order) -> bool | None:
        """Return an order's names according to the journal; the journal of a host does not count."""
        entry = self._context.entry
        is_known = not self._options.is_hint and entry.order_id == order.order_id and is_tied(self._context, order)
        return set(entry.names) == set(self._context.request.names) if is_known and entry.names else None

    def _is_adoptable(self, order: Order) -> bool:
        """Return whether an order's certificate is for our CSR, not installed, and not due: it is already paid for."""
        context, entry = self._context, self._context.entry
        if order.status != ISSUED or order.certificate_status == "revoked":
            return False
        earlier = [number for number in (entry.serial_number, entry.replaced_serial_number) if number is not None]
        number = order.serial_number
        was_installed = number is None or any(same_serial_number(number, each) for each in earlier)
        if self._options.force and was_installed:
            return False
        if not context.is_ours(order.csr) or context.is_installed(order.serial_number):
            return False
        return not self._is_due(order)

    def _is_due(self, order: Order) -> bool:
        """Return whether an order's certificate ends so soon that another one would be due."""
        return order.valid_till is not None and order.valid_till <= self._client.now() + self._finder.least_left(order)

    def _may_reissue(self, order: Order, same_names: bool | None) -> bool:
        """Return whether the rule allows a reissue in an issued order; raises DigicertError if it allows nothing."""
        options = self._options
        end = order.order_valid_till
        if order.status == EXPIRED or (end is not None and end < self._client.now()):
            return False
        if options.renewal == "order" and options.order_id is None:
            return False
        if same_names is None:
            raise DigicertError(
                f"CertCentral does not show the names of order {order.order_id}, so it is unknown whether the "
                "order matches, and no order was placed. Run the task again, or set order_id."
            )
        if not same_names and (options.renewal == "auto" or options.is_hint):
            return False
        if options.renewal == "reissue" or options.order_id is not None:
            return options.force or self._is_worth_it(order)
        return self._finder.is_long_enough(order)

    def _is_worth_it(self, order: Order) -> bool:
        """Return whether a reissued certificate would end later than the installed one."""
        end, leaf = self._finder.new_end(order), self._context.installed.leaf
        return bool(self._context.installed.faults) or leaf is None or end is None or end > leaf.not_after + LAST_LINK

    def _continue(self, order: Order) -> Plan:
        """Return the plan for a pending order or reissue that the journal does not know."""
        if not _is_reissuing(order):
            if not self._context.is_ours(order.csr):
                raise mismatched_order_error(order)
            return Plan(CONTINUED, order)
        submission = self._submission(REISSUE, order)._replace(accepted=True)
        for row in list_reissues(self._client, order.order_id):
            if row.status == "pending" and self._context.is_ours(row.csr):
                return Plan(CONTINUED, order, submission._replace(certificate_id=row.certificate_id))
        raise mismatched_order_error(order)

    def _reissue(self, order: Order, same_names: bool | None) -> Plan:
        context = self._context
        context.progress.order = order
        if self._options.is_hint and not self._finder.has_same_names(order):
            raise DigicertError(
                f"CertCentral does not show that order {order.order_id} is for exactly the requested names, so "
                "nothing was reissued. Run the task again."
            )
        if context.was_reissued_within(QUIET_REISSUES) and self._reasons == (EXPIRES,) and not self._options.force:
            context.progress.warn(
                "The certificate was reissued within the last day and is due again, because order "
                f"{order.order_id} ends too soon for a longer one. It was kept; lower remaining_days, or run the "
                "task with renewal=order."
            )
            return Plan(NONE, order)
        if not same_names:
            context.progress.warn(
                f"The names differ from those of order {order.order_id}. If a name is removed or the common name "
                "changes, DigiCert revokes all earlier certificates of the order within 72 hours; added names "
                "may be charged."
            )
        if order.auto_reissue:
            context.progress.warn(
                f"DigiCert also reissues order {order.order_id} automatically (auto_reissue). Turn that off in "
                "CertCentral; to cancel a reissue that DigiCert started, use "
                f"{CANCEL_REISSUE.format(order_id=order.order_id)}."
            )
        if self._finder.has_same_product(order) is False:
            context.progress.warn(
                f"Order {order.order_id} is for {printable(str(order.product))}; the next paid order will be for "
                f"{context.request.product}."
            )
        submission = self._submission(REISSUE, order)
        return Plan(REISSUED, order, submission, context.request.reissue_body())

    def _purchase(self, old: Order | None, survey: Survey | None) -> Plan:
        """Return the plan to buy; raises DigicertError if that is not allowed."""
        context, options, client = self._context, self._options, self._client
        self._check_allowed(old)
        if survey is None:
            survey = self._finder.survey(old)
            plan = self._use(survey, old)
            if plan is not None:
                return plan
        self._check_wider(survey.wider)
        self._check_guard(old, survey)
        # DigiCert renews with the old names.
        is_renewing = old is not None and old.auto_renew and self._lasts(old) and self._finder.has_same_names(old)
        if old is not None and is_renewing and not options.force:
            return self._leave_to_digicert(old)
        difference = client.clock_difference
        if difference is not None and abs(difference) > MOST_CLOCK_DIFFERENCE:
            raise DigicertError(
                f"The clock of the host differs from the service's by {_hours(difference)}, so no order was "
                "placed. Correct the host's clock, then run the task again."
            )
        self._check_end()
        link = context.request.renewal_of_order_id
        if link is None and old is not None and old.status == ISSUED and old.order_valid_till is not None:
            left = old.order_valid_till - client.now()
            link = old.order_id if LAST_LINK <= left <= FIRST_LINK and not old.is_renewed else None
        submission = self._submission(ORDER, old)._replace(renewal_of_order_id=link)
        body = context.request.order_body(t.cast(str, submission.alternative_order_id), link)
        return Plan(ORDERED if link is None else RENEWED, None, submission, body)

    def _submission(self, kind: str, order: Order | None) -> Submission:
        """Return the journal's record of a request that is about to be sent."""
        context, entry = self._context, self._context.entry
        request, leaf = context.request, context.installed.leaf
        if kind == REISSUE:
            others = add_id(entry.known_certificates, None if order is None else order.certificate_id)
        else:
            linked = context.request.renewal_of_order_id
            others = add_id(add_id(entry.known_orders, linked), None if order is None else order.order_id)
        unique = "" if context.journal.path is None and not self._options.is_hint else "-" + secrets.token_hex(8)
        return Submission(
            kind=kind,
            csr_sha256=request.csr.fingerprint,
            product=request.product,
            common_name=request.common_name,
            dns_names=request.dns_names,
            alternative_order_id=request.csr.fingerprint[:ID_LENGTH] + unique if kind == ORDER else None,
            order_id=order.order_id if kind == REISSUE and order is not None else None,
            others=others,
            old_serial_number=entry.serial_number or (leaf and leaf.serial_number),
        )

    def _check_due_by_service(self) -> None:
        """Raise DigicertError if a certificate is due only by the clock of the host."""
        installed, options = self._context.installed, self._options
        if self._reasons != (EXPIRES,) or options.force:
            return
        # Ignore a difference of seconds.
        if not installed.due_reasons(options.remaining_days, self._client.now() + MOST_CLOCK_DIFFERENCE):
            difference = self._client.clock_difference
            raise DigicertError(
                "The certificate is due only by the clock of the host, which differs from the service's by "
                f"{'an unknown time' if difference is None else _hours(difference)}, so nothing was ordered. "
                "Correct the host's clock."
            )

    def _check_allowed(self, old: Order | None) -> None:
        if self._options.order_id is not None:
            raise DigicertError(
                f"Order {self._options.order_id} cannot be used for another certificate, because it ends too "
                "soon or is for other names. No order was placed; omit order_id to place one."
            )
        if self._options.renewal == "reissue":
            what = (
                "The account does not show an order that can be reissued"
                if old is None
                else (f"Order {old.order_id} ends too soon for a longer certificate")
            )
            raise DigicertError(
                f"{what}, and renewal=reissue never places an order. Run the task with renewal=auto to place one."
            )

    def _check_wider(self, order: Order | None) -> None:
        """Raise DigicertError if the journal is a host's and an order covers more names than the play's."""
        if order is None or self._options.force or not self._finder.is_wider(order):
            return
        raise DigicertError(
            f"Order {order.order_id} also covers names that were not requested, so nothing was reissued or "
            "ordered. Request all its names, or run the task once with force=true to place an order."
        )

    def _check_guard(self, old: Order | None, survey: Survey) -> None:
        """Raise DigicertError when these names were paid for less than seven days ago, by the service's clock."""
        if self._options.force:
            return
        entry, recent = self._context.entry, survey.recent
        if old is not None and self._finder.has_same_names(old) and self._finder.is_recent(old.created):
            recent = old
        same = not entry.names or set(entry.names) == set(self._context.request.names)
        if recent is None and not (same and self._finder.is_recent(entry.last_purchase)):
            return
        named = f"order {recent.order_id if recent is not None else entry.order_id}"
        raise DigicertError(
            f"A certificate for these names was paid for less than {GUARD.days} days ago ({named}), so no other "
            "order was placed. Check it in CertCentral; to order anyway, run the task once with force=true."
        )

    def _leave_to_digicert(self, old: Order) -> Plan:
        sentence = (
            f"Order {old.order_id} is renewed by DigiCert (auto_renew), so no order was placed. Turn that off in "
            "CertCentral to let this task renew it, or run the task once with force=true."
        )
        if self._reasons and self._reasons != (EXPIRES,):
            raise DigicertError(sentence)
        self._context.progress.warn(sentence)
        return Plan(NONE, old)

    def _check_end(self) -> None:
        """Raise DigicertError when a certificate of a new order would be due at once."""
        ends, remaining = self._context.request.ends, self._options.remaining_days
        least = timedelta(days=min(remaining or 0, 10000))
        if ends is not None and ends - self._client.now() <= least:
            raise DigicertError(
                "order_validity.custom_expiration_date ends the order so soon that the certificate would be due "
                "for renewal at once, so no order was placed. Choose a later date."
            )

    def _lasts(self, order: Order) -> bool:
        return order.order_valid_till is not None and order.order_valid_till > self._client.now()


def _is_reissuing(order: Order) -> bool:
    """Return whether a pending order waits for a reissue instead of its first certificate."""
    return order.status in ("reissue_pending", "processing", "approved")


def _hours(difference: timedelta) -> str:
    return f"{abs(difference) / timedelta(hours=1):.1f} hours"
