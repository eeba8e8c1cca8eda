# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The orders of an account: placed, reissued, settled, canceled and revoked (sections 4 to 7 of the API page)."""

from __future__ import annotations

import itertools
import secrets
import threading
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from .behaviour import OrderBehaviour, Outcome
from .clock import Clock
from .decisions import (
    ALREADY_REVOKED,
    AUTO_REISSUE_BEFORE,
    AUTO_RENEW_BEFORE,
    CANNOT_BE_CANCELED,
    CANNOT_BE_REISSUED,
    CANNOT_BE_REVOKED,
    RANDOM_VALUE_LIFE,
    REPEATED_ID,
    REQUEST_PROCESSED,
    REVOKED_AFTER,
    SAME_CSR,
)
from .errors import ApiError, not_found
from .issuer import IssuedCertificate, Issuer, longest_life
from .order_request import CertificateRequest, OrderRequest
from .orders import NOT_RENEWING, Enrollment, Order, Revocation, loses_names, revoked_by
from .pki import Validity

_SECOND = timedelta(seconds=1)


@dataclass
class Ids:
    """Sources of the ids that all accounts share; the kinds never overlap."""

    orders: itertools.count[int] = field(default_factory=lambda: itertools.count(100_000_001))
    certificates: itertools.count[int] = field(default_factory=lambda: itertools.count(500_000_001))
    requests: itertools.count[int] = field(default_factory=lambda: itertools.count(900_000_001))


class OrderStore:
    """The orders of one account and the domains it has proven; every method is atomic."""

    def __init__(self, issuer: Issuer, ids: Ids, clock: Clock) -> None:
        self._issuer = issuer
        self._ids = ids
        self._clock = clock
        self._lock = threading.RLock()
        self._orders: dict[int, Order] = {}
        self._versions: dict[int, list[tuple[datetime, Order]]] = {}
        self._by_certificate: dict[str, int] = {}
        self._timed: set[int] = set()
        self._proven_domains: set[str] = set()

    def all(self, lag: float = 0) -> list[Order]:
        """Return every order, oldest first, as it was ``lag`` seconds ago."""
        with self._lock:
            self._pass_time()
            if not lag:
                return list(self._orders.values())
            past = (self._version(order_id, lag) for order_id in self._orders)
            return [order for order in past if order is not None]

    def get(self, order_id: int, lag: float = 0) -> Order:
        """Return one order as it was ``lag`` seconds ago.

        Raises:
            ApiError: 404 ``not_found|order`` when there was none with this id.
        """
        with self._lock:
            self._pass_time()
            order = self._version(order_id, lag) if lag else self._orders.get(order_id)
            if order is None:
                raise not_found("order")
            return order

    def find(self, name: str) -> int:
        """Return the id of the order with this id, or whose primary certificate has this serial number or thumbprint.

        Raises:
            ApiError: 404 ``not_found|order`` when there is none.
        """
        with self._lock:
            if name.isdecimal() and int(name) in self._orders:
                return int(name)
            order_id = self._by_certificate.get(_plain(name))
            primary = self._orders[order_id].certificate if order_id else None
            if order_id is None or primary is None or _plain(name) not in _names_of(primary):
                raise not_found("order")
            return order_id

    def place(self, request: OrderRequest, behaviour: OrderBehaviour, created: datetime | None = None) -> Order:
        """Add a pending order, by default one of now.

        Raises:
            ApiError: 404 ``not_found|order`` when the renewed order does not exist.
        """
        with self._lock:
            created = created or self._clock.second()
            until = request.until
            if request.renewal_of_order_id is not None:
                left = self.get(request.renewal_of_order_id).until - created
                until += max(left, timedelta(0)) if not request.to_a_date else timedelta(0)
            first = self._enrollment("new_request", request, behaviour, created)
            return self._put(Order(next(self._ids.orders), request, created, until, (first,)))

    def reissue(self, order_id: int, request: CertificateRequest, behaviour: OrderBehaviour) -> Order:
        """Add a pending reissue to an order.

        Raises:
            ApiError: 404 ``not_found|order``; 400 when the order's state or ``behaviour`` forbids it.
        """
        with self._lock:
            order = self.get(order_id)
            if order.status != "issued" or order.until <= self._clock.now():
                raise ApiError(400, CANNOT_BE_REISSUED, f"The order is {order.status}, or has ended.")
            if behaviour.same_csr_refused and request.csr in {old.request.csr for old in order.enrollments}:
                raise ApiError(400, SAME_CSR, "The CSR was used before.")
            added = self._enrollment("reissue", request, behaviour, self._clock.second())
            return self._put(replace(order, enrollments=(*order.enrollments, added)))

    def poll(self, order_id: int) -> Order:
        """Return one order as it is now, which counts as a poll; raises as ``get`` does."""
        with self._lock:
            order = self.get(order_id)
            if order.open is None:
                return order
            if order.open.proven and order.open.polls_left:
                return self._put(order.with_enrollment(replace(order.open, polls_left=order.open.polls_left - 1)))
            return self._settle(order)

    def unproven_domains(self, enrollment: Enrollment) -> list[str]:
        """Return the domains that validation must still prove."""
        if enrollment.behaviour.validation == "never":
            return []
        with self._lock:
            known = self._proven_domains if enrollment.behaviour.validation == "once" else set()
            return [domain for domain in enrollment.request.domains if domain not in known]

    def prove(self, order_id: int, certificate_id: int) -> Order:
        """Record that every domain of a certificate is proven, and issue it if nothing else is pending."""
        with self._lock:
            order = self.get(order_id)
            if order.open is None or order.open.id != certificate_id:
                return order  # canceled or finished meanwhile
            self._proven_domains.update(order.open.request.domains)
            return self._settle(order.with_enrollment(replace(order.open, proven=True)))

    def look(self, order_id: int, interval: float) -> Enrollment | None:
        """Return the request that the service should check now, at most once in ``interval`` seconds; else None."""
        with self._lock:
            order = self.get(order_id)
            due = order.open is not None and not order.open.proven
            if not due or order.last.looked + timedelta(seconds=interval) > self._clock.now():
                return None
            self._put(order.with_enrollment(replace(order.last, looked=self._clock.now())))
            return order.last

    def random_value(self, order_id: int) -> Enrollment:
        """Return the pending request with its random value, a new one when that has ended.

        Raises:
            ApiError: 404 ``not_found|order``; 400 when nothing is pending.
        """
        with self._lock:
            order = self.get(order_id)
            if order.open is None:
                raise ApiError(400, REQUEST_PROCESSED, "No request of this order is pending.")
            if order.open.random_value_until <= self._clock.now():
                until = self._clock.second() + RANDOM_VALUE_LIFE
                renewed = replace(order.open, random_value=secrets.token_hex(16), random_value_until=until)
                order = self._put(order.with_enrollment(renewed))
            return order.last

    def finish(self, order_id: int, outcome: Outcome) -> Order:
        """Set the outcome of an order's pending or waiting request now, without any rules.

        Raises:
            ApiError: as ``get`` does.
            ValueError: when the order has its certificate already, and no reissue that could be finished.
        """
        with self._lock:
            order = self.get(order_id)
            if order.last.certificate is not None:
                raise ValueError(f"order {order_id} has its certificate already")
            behaviour = replace(order.last.behaviour, outcome=outcome)
            forced = replace(order.last, behaviour=behaviour, status="pending", proven=True, polls_left=0)
            return self._settle(order.with_enrollment(forced))

    def seed(self, request: OrderRequest, behaviour: OrderBehaviour, outcome: Outcome, created: datetime) -> Order:
        """Add an order of any age, without any rules, with its certificate if it has one."""
        with self._lock:
            order = self.place(request, behaviour, created)
            order = order.with_enrollment(replace(order.last, status=outcome, proven=True))
            return self._put(self._issue(order, order.last, created) if outcome == "issued" else order)

    def cancel(self, order_id: int) -> None:
        """Cancel what is pending: the order, or its reissue.

        Raises:
            ApiError: 404 ``not_found|order``; 400 when nothing is pending.
        """
        with self._lock:
            order = self.get(order_id)
            if order.open is None:
                raise ApiError(400, CANNOT_BE_CANCELED, f"The order is {order.status}.")
            self._put(order.with_enrollment(replace(order.open, status="canceled")))

    def decide(self, request_id: int, approved: bool) -> None:
        """Approve or reject a request.

        Raises:
            ApiError: 404 ``not_found|request``; 400 ``request_already_processed``.
        """
        with self._lock:
            for order in self.all():
                if order.open is not None and order.open.request_id == request_id:
                    outcome: Outcome = "issued" if approved else "rejected"
                    behaviour = replace(order.open.behaviour, outcome=outcome)
                    status = "pending" if approved else "rejected"
                    self._settle(order.with_enrollment(replace(order.open, behaviour=behaviour, status=status)))
                    return
                for revocation in order.revocations:
                    if revocation.request_id == request_id and revocation.status == "pending":
                        self._revoke(order, replace(revocation, status="approved" if approved else "rejected"))
                        return
                known = [one.request_id for one in order.enrollments]
                if request_id in known + [one.request_id for one in order.revocations]:
                    raise ApiError(400, REQUEST_PROCESSED, "The request was processed already.")
            raise not_found("request")

    def configure(self, order_id: int, *, auto_reissue: bool | None = None, auto_renew: bool | None = None) -> Order:
        """Set what the service does automatically with an order; None keeps a setting; raises as ``get``."""
        with self._lock:
            order = self.get(order_id)
            return self._put(
                replace(
                    order,
                    auto_reissue=order.auto_reissue if auto_reissue is None else auto_reissue,
                    auto_renew=order.auto_renew if auto_renew is None else auto_renew,
                )
            )

    def with_certificate(self, name: str) -> tuple[Order, Enrollment]:
        """Return a certificate by its id or serial number, and its order.

        Raises:
            ApiError: 404 ``not_found|certificate`` when there is none, or it is not issued.
        """
        with self._lock:
            order_id = self._by_certificate.get(_plain(name))
            if order_id is None:
                raise not_found("certificate")
            for enrollment in self._orders[order_id].enrollments:
                if enrollment.certificate and _plain(name) in _names_of(enrollment.certificate):
                    return self._orders[order_id], enrollment
            raise not_found("certificate")

    def revoke(self, order_id: int, certificate_id: int | None, comments: str, at_once: bool) -> Revocation:
        """Ask for the revocation of a certificate, or of a whole order (None), approved ``at_once`` or not.

        Raises:
            ApiError: 404 ``not_found|order``; 400 when it is revoked already or a reissue is pending.
        """
        with self._lock:
            order = self.get(order_id)
            if order.open is not None or order.certificate is None:
                raise ApiError(400, CANNOT_BE_REVOKED, f"The order is {order.status}.")
            if order.revoked or (certificate_id is not None and order.enrollment(certificate_id).revoked):
                raise ApiError(400, ALREADY_REVOKED, "It is revoked already.")
            request_id, created = next(self._ids.requests), self._clock.second()
            status = "approved" if at_once else "pending"
            return self._revoke(order, Revocation(request_id, certificate_id, created, comments, status))

    def _revoke(self, order: Order, revocation: Revocation) -> Revocation:
        order = order.with_revocation(revocation)
        if revocation.status == "approved":
            whole = revocation.certificate_id is None
            revoked = tuple(
                replace(
                    one,
                    revoked=one.revoked or (bool(one.certificate) and (whole or one.id == revocation.certificate_id)),
                )
                for one in order.enrollments
            )
            order = replace(order, enrollments=revoked, revoked=whole)
        self._put(order)
        return revocation

    def _enrollment(
        self,
        type_: Literal["new_request", "reissue"],
        request: CertificateRequest,
        behaviour: OrderBehaviour,
        created: datetime,
    ) -> Enrollment:
        if behaviour.approval and not request.skip_approval:
            behaviour = replace(behaviour, outcome="needs_approval")
        return Enrollment(
            id=next(self._ids.certificates),
            request_id=next(self._ids.requests),
            type=type_,
            request=request,
            behaviour=behaviour,
            created=created,
            random_value=secrets.token_hex(16),
            random_value_until=created + RANDOM_VALUE_LIFE,
            looked=created,
            polls_left=behaviour.polls,
        )

    def _put(self, order: Order) -> Order:
        if self._orders.get(order.id) is order:
            return order
        self._orders[order.id] = order
        self._versions.setdefault(order.id, []).append((self._clock.now(), order))
        timed = order.auto_reissue or order.auto_renew or any(one.revoke_at for one in order.enrollments)
        (self._timed.add if timed else self._timed.discard)(order.id)
        renewed = self._orders.get(order.request.renewal_of_order_id or 0)
        if renewed is not None and renewed.is_renewed != (order.status not in NOT_RENEWING):
            self._put(replace(renewed, is_renewed=not renewed.is_renewed))
        return order

    def _version(self, order_id: int, lag: float) -> Order | None:
        versions = self._versions.get(order_id, [])
        moment = self._clock.now() - timedelta(seconds=lag)
        count = bisect_right(versions, moment, key=lambda version: version[0])
        return versions[count - 1][1] if count else None

    def _settle(self, order: Order) -> Order:
        one = order.open
        if one is not None and one.status == "pending" and one.proven and not one.polls_left:
            one = replace(one, status=one.behaviour.outcome)
            order = order.with_enrollment(one)
            if one.status == "issued":
                order = self._issue(order, one, self._clock.second())
        return self._put(order)

    def _issue(self, order: Order, one: Enrollment, now: datetime) -> Order:
        request, days = one.request, one.behaviour.certificate_days
        longest = timedelta(days=days) if days else longest_life(now.date())
        end = min(order.until, now + min(longest, request.life or longest) - _SECOND)
        certificate = self._issuer.issue(
            one.id, request.names, request.public_key, Validity(now, end), one.behaviour.defect
        )
        for name in _names_of(certificate):
            self._by_certificate[name] = order.id
        before = order.enrollments[:-1]
        if loses_names(before, request):
            before = tuple(replace(old, revoke_at=old.revoke_at or now + REVOKED_AFTER) for old in before)
        until = end if one.behaviour.subscription else order.until
        return replace(order, until=until, enrollments=(*before, replace(one, certificate=certificate)))

    def _pass_time(self) -> None:
        """Do everything that is due."""
        now = self._clock.now()
        for order_id in list(self._timed):
            order = self._orders[order_id]
            if any(one.revoke_at and one.revoke_at <= now for one in order.enrollments):
                order = self._put(replace(order, enrollments=tuple(revoked_by(order.enrollments, now))))
            if order.status != "issued" or order.certificate is None:
                continue
            last = order.primary
            due = order.certificate.validity.end - AUTO_REISSUE_BEFORE
            if order.auto_reissue and due <= now < order.until:
                request = replace(last.request, use_auth_key=False, auth_key_id=None)
                added = self._enrollment("reissue", request, last.behaviour, max(due, last.created))
                self._put(replace(order, enrollments=(*order.enrollments, added)))
            if order.auto_renew and not order.is_renewed and order.until - AUTO_RENEW_BEFORE <= now < order.until:
                created = order.until - AUTO_RENEW_BEFORE
                until = created + (order.request.until - order.created)
                request_ = replace(order.request, use_auth_key=False, renewal_of_order_id=order.id, until=until)
                self.place(replace(request_, alternative_order_id=None), last.behaviour, created)


def _names_of(certificate: IssuedCertificate) -> tuple[str, ...]:
    """Return what finds a certificate: its ids, serial number and thumbprint."""
    ids = (str(certificate.id), str(certificate.id + REPEATED_ID))
    return (*ids, _plain(certificate.serial_number), _plain(certificate.thumbprint))


def _plain(name: str) -> str:
    """Return an id, serial number or thumbprint in the one form that is compared."""
    return name.replace(":", "").upper().lstrip("0")
