# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of orders and their certificates (sections 4 to 7 of the API page)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from .behaviour import OrderBehaviour
from .issuer import IssuedCertificate
from .order_request import CertificateRequest, OrderRequest

OPEN = ("pending", "needs_approval")
NOT_RENEWING = ("canceled", "rejected")


@dataclass(frozen=True)
class Enrollment:
    """A request for a certificate: the first one of an order, or a reissue.

    Attributes:
        id: of the certificate, known from the start.
        request_id: of the request that asks for it.
        type: of the request.
        request: what is to be certified.
        behaviour: decides its outcome.
        created: aware datetime.
        random_value: proves the domains instead of a token.
        random_value_until: when a new one is due.
        looked: when the service last checked for a proof on its own.
        polls_left: see ``OrderBehaviour.polls``.
        status: "pending", "needs_approval", "issued", "rejected" or "canceled".
        proven: whether every domain passed validation.
        certificate: once issued, also when revoked since.
        revoked: whether it was revoked.
        revoke_at: when it will be revoked, None for never.
    """

    id: int
    request_id: int
    type: Literal["new_request", "reissue"]
    request: CertificateRequest
    behaviour: OrderBehaviour
    created: datetime
    random_value: str
    random_value_until: datetime
    looked: datetime
    polls_left: int
    status: str = "pending"
    proven: bool = False
    certificate: IssuedCertificate | None = None
    revoked: bool = False
    revoke_at: datetime | None = None


@dataclass(frozen=True)
class Revocation:
    """A request to revoke one certificate of an order, or all of them (``certificate_id`` None)."""

    request_id: int
    certificate_id: int | None
    created: datetime
    comments: str
    status: str = "pending"


@dataclass(frozen=True)
class Order:
    """A paid order and its certificates, one after another.

    Attributes:
        request: as it was placed.
        created: aware datetime.
        until: end of the paid order, aware datetime.
        enrollments: the first certificate and the reissues, oldest first.
        revocations: requested so far, oldest first.
        revoked: whether the order as a whole was revoked.
        is_renewed: whether another order renews it.
        auto_reissue: whether the service starts a reissue automatically.
        auto_renew: whether the service renews automatically.
    """

    id: int
    request: OrderRequest
    created: datetime
    until: datetime
    enrollments: tuple[Enrollment, ...]
    revocations: tuple[Revocation, ...] = ()
    revoked: bool = False
    is_renewed: bool = False
    auto_reissue: bool = False
    auto_renew: bool = False

    @property
    def last(self) -> Enrollment:
        """The latest request for a certificate."""
        return self.enrollments[-1]

    @property
    def open(self) -> Enrollment | None:
        """The pending request for a certificate, or None."""
        return self.last if self.last.status in OPEN and not self.revoked else None

    @property
    def primary(self) -> Enrollment:
        """The certificate issued last; the first one as long as there is none."""
        issued = [enrollment for enrollment in self.enrollments if enrollment.certificate]
        return issued[-1] if issued else self.enrollments[0]

    @property
    def reissues(self) -> list[Enrollment]:
        """The reissues that were not canceled, newest first."""
        return [enrollment for enrollment in self.enrollments[:0:-1] if enrollment.status != "canceled"]

    @property
    def status(self) -> str:
        """The status of section 4."""
        if self.revoked:
            return "revoked"
        if self.primary.certificate is None:
            return self.enrollments[0].status
        if self.open is not None:
            return "needs_approval" if self.open.status == "needs_approval" else "reissue_pending"
        return "issued"

    @property
    def certificate(self) -> IssuedCertificate | None:
        """The certificate issued last, also when revoked since; None without one."""
        return self.primary.certificate

    @property
    def random_value(self) -> str:
        """The random value of the latest request."""
        return self.last.random_value

    @property
    def request_id(self) -> int:
        """The id of the latest request for a certificate."""
        return self.last.request_id

    def enrollment(self, certificate_id: int) -> Enrollment:
        """Return the certificate with this id; raises StopIteration when it is not of this order."""
        return next(enrollment for enrollment in self.enrollments if enrollment.id == certificate_id)

    def with_enrollment(self, changed: Enrollment) -> Order:
        """Return the order with ``changed`` in the place of the enrollment that has its id."""
        enrollments = (changed if old.id == changed.id else old for old in self.enrollments)
        return replace(self, enrollments=tuple(enrollments))

    def with_revocation(self, changed: Revocation) -> Order:
        """Return the order with ``changed`` added, or in the place of the revocation that has its request id."""
        others = (old for old in self.revocations if old.request_id != changed.request_id)
        return replace(self, revocations=(*others, changed))


def loses_names(before: Iterable[Enrollment], request: CertificateRequest) -> bool:
    """Tell whether a reissue lacks a name of an earlier certificate, or has another common name."""
    return any(
        old.certificate is not None
        and (request.common_name != old.request.common_name or not set(old.request.names) <= set(request.names))
        for old in before
    )


def revoked_by(enrollments: Iterable[Enrollment], now: datetime) -> Iterator[Enrollment]:
    """Yield certificates as they are once the revocations due by ``now`` have happened."""
    for one in enrollments:
        due = one.revoke_at is not None and one.revoke_at <= now
        yield replace(one, revoked=one.revoked or bool(one.certificate), revoke_at=None) if due else one
