# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The perfect observer: it sees the true time, every file, and everything that the service did or will still do.

It checks each order at the moment when the service carries it out, which may be minutes after it was sent. An order for
a set of names is justified only if all of this holds:

1. The run that sent it may order at all: `renewal=reissue` never does.
2. No run orders twice.
3. Under `renewal=auto`, no live order for the same names and product exists. An order is live if it is pending, or if
   it is issued and lasts for more than 31 days, because its certificate is available without paying. A run with
   `force=true` may ignore one whose first certificate is pending for another CSR, as far as reads show. If the user
   changed the names since the site's last order, the run does not have to know even older orders.
4. Under `renewal=order`, the installed certificate does not match or is due by the true time, or `force=true` is set.
5. Without `force=true`, no order for the same names was placed within the seven days before it. If the user changed the
   names since the site's last order, only orders that lists can show count.
6. With any options, no suitable certificate for the same CSR was issued to this site and never installed, and none is
   pending.

Requests that no read shows yet do not count: a request by another site, or by one whose files were tampered with,
counts if it was carried out a minute before the run began.

A run with `renewal=order` that finds neither certificate nor journal orders without a search, so rules 5 and 6 do not
apply to it.

It checks each reissue likewise: nothing is ever reissued within an unrelated order; for the same CSR, no other
certificate of the account is pending; the latest certificate of an order is not a suitable one for the same CSR that
was never installed, and without `force=true`, the latest one of this order is not suitable at all, unless somebody
deleted or damaged the site's files or restored old ones since.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.histories.clocks import DAY, iso
from tests.histories.orders import Cert, Order
from tests.histories.runs import Stage
from tests.histories.sites import Leaf, Site
from tests.histories.wire import LONGEST_LAG

UNDER_WAY = ("pending", "needs_approval")
LONG_ENOUGH = 31 * DAY
GUARD = 7 * DAY


class Observer:
    """Watches what the service carries out; `complaints` are sentences about violations."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.complaints: list[str] = []
        stage.service.watchers.append(self.judge)

    @property
    def now(self) -> float:
        """The true time."""
        return self.stage.world.now

    def judge(self, order: Order, cert: Cert) -> None:
        """Check an order or a reissue at the moment when the service carries it out."""
        run = cert.origin
        if run is None:
            return
        site: Site = run.site
        found = self._order_faults(order, cert, run) if cert.kind == "new_request" else []
        found += self._csr_faults(order, cert, run, site)
        if order.is_strangers:
            found.append("the order is a stranger's")
        if any(other.is_strangers and other.is_renewed for other in self.stage.service.orders):
            found.append("a stranger's order was renewed")
        kind = "order" if cert.kind == "new_request" else "reissue"
        self.stage.counts[f"{kind}s carried out"] += 1
        self.stage.note(f"carried out: {kind} in {order.order_id}, certificate {cert.certificate_id}")
        what = f"{kind} of certificate {cert.certificate_id} in order {order.order_id}"
        self.complaints += [f"{what}: {fault}" for fault in found]

    def _order_faults(self, order: Order, cert: Cert, run: Any) -> list[str]:
        found = []
        names = frozenset(cert.names)
        looks_nowhere = run.renewal == "order" and run.is_first
        orders = [other for other in self.stage.service.orders if other is not order]
        same = [other for other in orders if self._is_same(other, order) and self._shows_names(other, run)]
        if run.renewal == "reissue":
            found.append("renewal=reissue never orders")
        if any(other.origin is run for other in orders):
            found.append("the run ordered before")
        if run.renewal == "auto" and run.last_names in (None, names):
            live = [other for other in same if self._is_live(other)]
            waiting = [
                other for other in live if self._seen_waiting(other, run) and other.certs[0].csr_der != cert.csr_der
            ]
            found += [f"order {o.order_id} is live" for o in live if not run.force or o not in waiting]
        if run.renewal == "order" and not run.force and not run.is_due:
            found.append("nothing was due")
        if not run.force and not looks_nowhere:
            # The journal does not remember orders for names that the user changed since, and lists are behind.
            is_changed = run.last_names not in (None, names)
            shown = [other for other in same if not is_changed or other.created + LONGEST_LAG < run.begun]
            recent = [other for other in shown if self.now - other.created < GUARD]
            found += [f"order {other.order_id} was placed {iso(other.created)}" for other in recent]
        return found

    def _csr_faults(self, order: Order, cert: Cert, run: Any, site: Site) -> list[str]:
        found: list[str] = []
        if run.renewal == "order" and run.is_first:
            return found
        for owner, other in self._visible_for_csr(cert, run, site):
            # DigiCert revokes it within 72 hours of a reissue in its order that leaves names out.
            is_doomed = any(
                each.created > other.created and not set(other.names) <= set(each.names)
                for each in owner.certs
                if each is not cert
            )
            if other.status == "pending":
                found.append(f"certificate {other.certificate_id} for the same CSR is pending")
            elif self.would_do(other) and frozenset(other.names) == frozenset(cert.names):
                if not site.installed & self.serials_since(other):
                    if not self._is_hidden(owner, other, order if cert.kind == "new_request" else None, site):
                        found.append(f"certificate {other.certificate_id} for the same CSR was never installed")
                elif not (run.force or site.tampered or is_doomed) and (cert.kind == "new_request" or owner is order):
                    found.append(f"certificate {other.certificate_id} for the same CSR would do")
        return found

    def _visible_for_csr(self, cert: Cert, run: Any, site: Site) -> Iterator[tuple[Order, Cert]]:
        """Yield the site's other requests with a CSR, with their orders, as far as the run can know them."""
        for order in self.stage.service.orders:
            for other in order.certs:
                # After another site reissued within an order, no read shows its first certificate. A run that is
                # about to reissue reads the latest certificate of the order, and not the list of earlier ones.
                is_latest = other is self._latest_before(order, cert)
                is_visible = is_latest or (other.kind == "reissue" and cert.kind == "new_request")
                if other is cert or not (is_visible or other.status == "pending"):
                    continue
                is_own = other.origin is not None and other.origin.site is site and other.csr_der == cert.csr_der
                if is_own and self._can_be_known(other, run):
                    yield order, other

    @staticmethod
    def _latest_before(order: Order, cert: Cert) -> Cert | None:
        """Return the certificate of an order that was issued last, except for the one that is checked."""
        issued = [each for each in order.certs if each is not cert and each.issued is not None]
        return max(issued, key=lambda each: (each.issued or 0.0, each.certificate_id), default=None)

    def _is_hidden(self, order: Order, cert: Cert, placed: Order | None, site: Site) -> bool:
        """Return whether a run uses a newer order for the same names, because its journal lost this one.

        That is so if somebody deleted the journal, or if it records a later request for other names.
        """
        orders = [other for other in self.stage.service.orders if other is not order and other is not placed]
        others = [other for other in orders if self._is_same(other, order)]
        newer = [other for other in others if self._is_live(other) and other.created >= order.created]
        later = [
            each
            for other in self.stage.service.orders
            for each in other.certs
            if each.origin is not None and each.origin.site is site and each.created >= cert.created
        ]
        is_lost = cert.created <= site.journal_lost or any(set(each.names) != set(cert.names) for each in later)
        return is_lost and bool(newer)

    def serials_since(self, cert: Cert) -> set[str]:
        """Return the serial numbers of a certificate and of later ones for the same CSR."""
        certs = [each for order in self.stage.service.orders for each in order.certs if each.certificate]
        same = [each for each in certs if each.csr_der == cert.csr_der and each.certificate_id >= cert.certificate_id]
        return {each.certificate.serial_number for each in same if each.certificate}

    @staticmethod
    def _can_be_known(cert: Cert, run: Any) -> bool:
        """Return whether files or lagging reads can show a run what was carried out."""
        if cert.origin is not None and cert.origin.site is run.site and not run.site.tampered:
            return True
        return bool(cert.created + LONGEST_LAG < run.begun)

    def _shows_names(self, order: Order, run: Any) -> bool:
        """Return whether a run can know an order and its current names."""
        latest = order.primary
        if not self._can_be_known(order.certs[0], run) or not self._can_be_known(latest, run):
            return False
        is_own = latest.origin is not None and latest.origin.site is run.site and not run.site.tampered
        return is_own or (latest.issued or latest.created) + LONGEST_LAG < run.begun

    @staticmethod
    def _seen_waiting(order: Order, run: Any) -> bool:
        """Return whether lagging reads may show a run an order that waits for its first certificate."""
        issued = order.certs[0].issued
        return len(order.certs) == 1 and (issued is None or issued + LONGEST_LAG > run.begun)

    @staticmethod
    def _is_same(one: Order, other: Order) -> bool:
        return one.product == other.product and one.names == other.names

    def _is_live(self, order: Order) -> bool:
        if order.status in UNDER_WAY:
            return True
        return order.status in ("issued", "reissue_pending") and order.end - self.now > LONG_ENOUGH

    def would_do(self, cert: Cert) -> bool:
        """Return whether a certificate is issued, not revoked, and not due."""
        if cert.status != "issued" or cert.certificate is None or cert.issued is None:
            return False
        return not self.is_due(cert.issued, cert.certificate.not_after)

    def is_due(self, not_before: float, not_after: float, slack: float = DAY) -> bool:
        """Return whether a certificate is due by the true time: 30 days or a third of its life are left."""
        return not_after - self.now < min(30 * DAY, (not_after - not_before) / 3) + slack

    @staticmethod
    def matches(site: Site, leaf: Leaf | None) -> bool:
        """Return whether a certificate has the key and the names that the user wants."""
        return leaf is not None and leaf.public_key == site.public_key and set(site.names) <= leaf.names

    def fits(self, site: Site, leaf: Leaf | None) -> bool:
        """Return whether the installed certificate matches the options and is not due."""
        if leaf is None or not self.matches(site, leaf):
            return False
        return not self.is_due(leaf.not_before, leaf.not_after, slack=-3600)

    def needs_user(self, site: Site) -> list[str]:
        """Return why a run without faults may need the user's decision; empty if it must succeed."""
        found = []
        if site.has_damaged_journal:
            found.append("the journal is damaged")
        for order in self.stage.service.orders:
            ours = any(cert.origin is not None and cert.origin.site is site for cert in order.certs)
            if not ours and not order.names & set(site.names):
                continue
            pending = order.pending
            if order.status not in ("issued", "pending", "reissue_pending"):
                found.append(f"order {order.order_id} is {order.status}")
            if pending is not None and (pending.csr_der != site.csr_der or frozenset(pending.names) != set(site.names)):
                found.append(f"order {order.order_id} has something else under way")
            if order.is_renewed or order.auto_reissue or order.auto_renew:
                found.append(f"somebody renews order {order.order_id}")
            had_names = any(set(cert.names) == set(site.names) for cert in order.certs)
            is_of_use = self._is_live(order) and site.renewal != "order"
            # Another site may have reissued it for other names.
            is_of_use = is_of_use and (order.names == set(site.names) or not had_names)
            if self.now - order.created < GUARD and not is_of_use:
                found.append(f"order {order.order_id} is young and of no use")
            if any(cert.status in ("revoked", "rejected") for cert in order.certs):
                found.append(f"somebody revoked or canceled a certificate of order {order.order_id}")
            first = order.certs[0]
            if site.lacks_chain and first is not order.primary and first.csr_der == site.csr_der:
                found.append(f"nothing shows the first certificate of order {order.order_id}, whose chain is lost")
        return found
