# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Orders of an account: how they are placed, settled and revoked (section 4 of the API page)."""

from __future__ import annotations

import itertools
import secrets
import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Literal, get_args

from .decisions import CODE_ALREADY_REVOKED
from .errors import ApiError, not_found
from .issuer import CertificateDefect, IssuedCertificate, Issuer
from .order_request import OrderRequest

Outcome = Literal["issued", "pending", "needs_approval", "rejected", "canceled"]
Validation = Literal["every_order", "once", "never"]


@dataclass(frozen=True)
class OrderBehaviour:
    """What becomes of the orders placed from now on; the fields are independent of each other.

    Attributes:
        outcome: status of an order whose domains are proven.
        polls: order info calls that still show a proven order as pending; more than 0 means no immediate issuance.
        defect: what is wrong with the certificates.
        validation: "every_order" proves every domain of every order, "once" passes over domains that the account has
            proven before, "never" takes them all for granted.
    """

    outcome: Outcome = "issued"
    polls: int = 0
    defect: CertificateDefect = "none"
    validation: Validation = "every_order"

    def __post_init__(self) -> None:
        if self.polls < 0:
            raise ValueError("polls must not be negative")
        for value, kind in ((self.outcome, Outcome), (self.defect, CertificateDefect), (self.validation, Validation)):
            if value not in get_args(kind):
                raise ValueError(f"{value!r} is none of {', '.join(get_args(kind))}")


@dataclass(frozen=True)
class Order:
    """An order as it stands; ``created`` is an aware datetime.

    Attributes:
        status: of section 4.
        proven: whether every domain passed validation.
        polls_left: see ``OrderBehaviour.polls``.
        certificate: once issued, also when revoked since.
    """

    id: int
    request_id: int
    request: OrderRequest
    behaviour: OrderBehaviour
    created: datetime
    random_value: str
    polls_left: int
    status: str = "pending"
    proven: bool = False
    certificate: IssuedCertificate | None = None


@dataclass
class Ids:
    """Sources of the ids that all accounts share; the kinds never overlap."""

    orders: itertools.count[int] = field(default_factory=lambda: itertools.count(100_000_001))
    certificates: itertools.count[int] = field(default_factory=lambda: itertools.count(500_000_001))
    requests: itertools.count[int] = field(default_factory=lambda: itertools.count(900_000_001))


class OrderStore:
    """The orders of one account and the domains it has proven; every method is atomic."""

    def __init__(self, issuer: Issuer, ids: Ids) -> None:
        self._issuer = issuer
        self._ids = ids
        self._lock = threading.Lock()
        self._orders: dict[int, Order] = {}
        self._proven_domains: set[str] = set()

    def place(self, request: OrderRequest, behaviour: OrderBehaviour) -> Order:
        """Add a pending order.

        Raises:
            ApiError: 404 ``not_found|order`` when the renewed order does not exist.
        """
        with self._lock:
            if request.renewal_of_order_id is not None:
                self._get(request.renewal_of_order_id)
            order = Order(
                id=next(self._ids.orders),
                request_id=next(self._ids.requests),
                request=request,
                behaviour=behaviour,
                created=datetime.now(timezone.utc).replace(microsecond=0),
                random_value=secrets.token_hex(16),
                polls_left=behaviour.polls,
            )
            return self._put(order)

    def all(self) -> list[Order]:
        """Return every order, oldest first."""
        with self._lock:
            return list(self._orders.values())

    def get(self, order_id: int) -> Order:
        """Return one order.

        Raises:
            ApiError: 404 ``not_found|order`` when there is none with this id.
        """
        with self._lock:
            return self._get(order_id)

    def poll(self, order_id: int) -> Order:
        """Return one order as order info shows it, which counts as a poll; raises as ``get`` does."""
        with self._lock:
            order = self._get(order_id)
            if order.proven and order.polls_left:
                return self._put(replace(order, polls_left=order.polls_left - 1))
            return self._settle(order)

    def unproven_domains(self, order: Order) -> list[str]:
        """Return the domains of ``order`` that validation must still prove."""
        if order.behaviour.validation == "never":
            return []
        with self._lock:
            known = self._proven_domains if order.behaviour.validation == "once" else set()
            return [domain for domain in order.request.domains if domain not in known]

    def prove(self, order_id: int) -> Order:
        """Note that every domain of an order is proven, and settle it when nothing holds it up."""
        with self._lock:
            order = self._get(order_id)
            self._proven_domains.update(order.request.domains)
            return self._settle(replace(order, proven=True))

    def finish(self, order_id: int, outcome: Outcome) -> Order:
        """Give a pending or waiting order this outcome now, past every rule.

        Raises:
            ApiError: as ``get`` does.
            ValueError: when the order has its certificate already.
        """
        with self._lock:
            order = self._get(order_id)
            if order.certificate is not None:
                raise ValueError(f"order {order_id} has its certificate already")
            behaviour = replace(order.behaviour, outcome=outcome)
            return self._settle(replace(order, behaviour=behaviour, status="pending", proven=True, polls_left=0))

    def with_certificate(self, certificate_id: int) -> Order:
        """Return the order of a certificate.

        Raises:
            ApiError: 404 ``not_found|certificate`` when there is none with this id.
        """
        with self._lock:
            return self._with_certificate(certificate_id)

    def revoke(self, certificate_id: int) -> Order:
        """Revoke a certificate.

        Raises:
            ApiError: 404 ``not_found|certificate``; 400 when it is revoked already.
        """
        with self._lock:
            order = self._with_certificate(certificate_id)
            if order.status == "revoked":
                raise ApiError(400, CODE_ALREADY_REVOKED, "The certificate is revoked already.")
            return self._put(replace(order, status="revoked"))

    def _get(self, order_id: int) -> Order:
        try:
            return self._orders[order_id]
        except KeyError:
            raise not_found("order") from None

    def _put(self, order: Order) -> Order:
        self._orders[order.id] = order
        return order

    def _with_certificate(self, certificate_id: int) -> Order:
        for order in self._orders.values():
            if order.certificate is not None and order.certificate.id == certificate_id:
                return order
        raise not_found("certificate")

    def _settle(self, order: Order) -> Order:
        if order.status == "pending" and order.proven and not order.polls_left:
            order = replace(order, status=order.behaviour.outcome)
            if order.status == "issued":
                order = replace(order, certificate=self._issue(order))
        return self._put(order)

    def _issue(self, order: Order) -> IssuedCertificate:
        request = order.request
        return self._issuer.issue(
            next(self._ids.certificates), request.names, request.public_key, request.until, order.behaviour.defect
        )
