# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An order of the model and its certificates, with all earlier states, because reads lag behind."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass, field
from typing import Any

from tests.histories import pki
from tests.histories.clocks import DAY

# From which time, seconds since 1970, certificates last how many days (section 4 of the API page).
LIFETIMES = ((0.0, 199), (1_803_081_600.0, 99), (1_865_376_000.0, 46))  # from 2027-02-20 and 2029-02-10 on
STRANGER = "stranger"


def longest(now: float) -> float:
    """Return the longest lifetime in seconds of a certificate issued at that moment."""
    return max((since, days) for since, days in LIFETIMES if since <= now)[1] * DAY


@dataclass
class Cert:
    """A certificate of an order, or a request for one that is not issued."""

    certificate_id: int
    csr: str
    names: tuple[str, ...]
    created: float
    kind: str  # new_request or reissue
    origin: Any  # the run that asked for it
    status: str = "pending"
    issued: float | None = None
    certificate: pki.Issued | None = None

    @property
    def csr_der(self) -> bytes:
        """The signed content, independent of the text form."""
        return pki.read_csr(self.csr)[0]


@dataclass
class Order:
    """An order for one year, and its certificates."""

    order_id: int
    product: str
    created: float
    end: float
    alternative_id: str | None
    origin: Any  # the run that placed it
    certs: list[Cert]
    status: str = "pending"
    is_renewed: bool = False
    renewed_order_id: int | None = None
    auto_reissue: bool = False
    auto_renew: bool = False
    random_value: str | None = None
    checks_needed: int = 0
    versions: list[tuple[float, Order]] = field(default_factory=list)

    def keep(self, now: float) -> None:
        """Record the state of the order from this moment on."""
        seen = copy.copy(self)
        seen.versions = []
        seen.certs = [dataclasses.replace(cert) for cert in self.certs]
        self.versions.append((now, seen))
        # No read lags by an hour, so older states are not needed.
        while len(self.versions) > 1 and self.versions[1][0] < now - 3600:
            del self.versions[0]

    def at(self, moment: float) -> Order | None:
        """Return its state at that moment, None if the order did not exist yet."""
        for since, seen in reversed(self.versions):
            if since <= moment:
                return seen
        return None

    @property
    def primary(self) -> Cert:
        """The certificate issued last, or the first request."""
        issued = [cert for cert in self.certs if cert.issued is not None]
        return max(issued, key=lambda cert: (cert.issued or 0.0, cert.certificate_id)) if issued else self.certs[0]

    @property
    def is_strangers(self) -> bool:
        """Whether it is for a name that no host of the history uses."""
        return self.certs[0].names[0].startswith(STRANGER)

    @property
    def pending(self) -> Cert | None:
        """The pending request."""
        return next((cert for cert in self.certs if cert.status == "pending"), None)

    @property
    def names(self) -> frozenset[str]:
        """The names of the certificate issued last."""
        return frozenset(self.primary.names)

    def issue(self, now: float) -> None:
        """Issue the pending request."""
        cert = self.pending
        if cert is None:
            return
        end = max(min(now + longest(now), self.end), now + 60)
        cert.certificate = pki.issue(cert.csr, cert.names, now, end)
        cert.status, cert.issued, self.status = "issued", now, "issued"
        self.random_value = None
        self.keep(now)

    def close(self, now: float, status: str) -> None:
        """End the order: revoked, canceled or rejected."""
        self.status = status
        for cert in self.certs:
            if cert.status in ("issued", "pending"):
                cert.status = "revoked" if status == "revoked" else "rejected"
        self.keep(now)
