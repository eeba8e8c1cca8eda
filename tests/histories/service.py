# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of CertCentral, written from the API page alone: one account, its AuthKeys, orders and certificates.

It does not validate domains or API keys. `outcome` decides whether an order is issued at once, stays pending, or is
refused.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from tests.histories import pki
from tests.histories.auth_keys import AuthKeys, RefusalError
from tests.histories.clocks import DAY, World
from tests.histories.orders import STRANGER, Cert, Order, longest
from tests.histories.rows import CAP, View, order_info, order_row, reissue_row

MAX_PAGE = 1000  # orders


class Service:
    """The account and its service."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.keys = AuthKeys()
        self.orders: list[Order] = []
        self.outcome = "issued"  # of the next orders and reissues: issued, pending, needs_approval or refused
        self.issued_after: float | None = 600.0  # seconds until pending ones are issued by DigiCert's own checks
        self.order_days: int | None = 365  # None: a subscription, whose orders last as long as their certificate
        self.knows_alternative_ids = True
        self.watchers: list[Callable[[Order, Cert], None]] = []  # called for each order and reissue carried out
        self._ids = itertools.count(1000, 7)

    def handle(
        self, method: str, path: str, query: dict[str, str], body: Any, view: View, origin: Any = None
    ) -> tuple[int, Any]:
        """Carry out a request; raise RefusalError, or return status and answer, a text for a download."""
        parts = [unquote(part) for part in path.strip("/").split("/")]
        moment = self.world.now - view.lag
        if parts[0] == "account":
            return self.keys.handle(method, parts[1:], self.world.now, moment)
        if parts[0] == "certificate":
            return self._certificate(method, parts[1:], view)
        if parts[:2] == ["order", "alternate"]:
            return self._alternate(parts[2], view)
        if parts[:2] != ["order", "certificate"]:
            raise RefusalError(404, "not_found|route")
        if len(parts) == 2:
            return self._list(query, view)
        if len(parts) == 3:
            if method == "POST":
                return 201, self._order(parts[2], body, origin)
            return 200, order_info(self._seen(parts[2], moment), view)
        order = self._current(parts[2])
        return self._order_call(method, order, parts[3], body, view, origin)

    def _order_call(self, method: str, order: Order, call: str, body: Any, view: View, origin: Any) -> tuple[int, Any]:
        if call == "reissue" and method == "POST":
            return 201, self._reissue(order, body, origin)
        if call == "reissue":
            return 200, self._reissues(order, view)
        if call == "check-dcv":
            return 200, self._check(order)
        if call == "status":
            self.cancel(order)
            return 204, None
        if call == "revoke":
            order.close(self.world.now, "revoked")
            return 204, None
        if call == "dcv-random-value":
            return 200, {"dcv_random_value": order.random_value or "random"}
        raise RefusalError(404, "not_found|route")

    def _current(self, name: str) -> Order:
        for order in self.orders:
            if str(order.order_id) == name:
                return order
        raise RefusalError(404, "not_found|order")

    def _seen(self, name: str, moment: float) -> Order:
        """Return an order as it was, by its id or the serial number of its primary certificate."""
        for order in self.orders:
            seen = order.at(moment)
            if seen is None:
                continue
            issued = seen.primary.certificate
            serial = "" if issued is None else issued.serial_number
            if str(order.order_id) == name or (serial and serial.lstrip("0") == name.upper().lstrip("0")):
                return seen
        raise RefusalError(404, "not_found|order")

    def _alternate(self, name: str, view: View) -> tuple[int, Any]:
        if not self.knows_alternative_ids:
            raise RefusalError(404, "not_found|route")
        moment = self.world.now - view.lag
        for order in reversed(self.orders):
            seen = order.at(moment)
            if seen is not None and seen.alternative_id == name:
                return 200, order_info(seen, view)
        raise RefusalError(404, "not_found|order")

    def _list(self, query: dict[str, str], view: View) -> tuple[int, Any]:
        moment = self.world.now - view.lag
        seen = [order for order in (each.at(moment) for each in self.orders) if order is not None]
        if "ignores filters" not in view.habits:
            seen = [order for order in seen if _passes(order, query)]
        if "ignores sort" not in view.habits:
            seen.sort(key=lambda order: (order.created, order.order_id), reverse=query.get("sort", "").startswith("-"))
        limit = min(int(query.get("limit") or MAX_PAGE), CAP if "capped" in view.habits else MAX_PAGE)
        offset = int(query.get("offset") or 0)
        rows = [order_row(order, view) for order in seen[offset : offset + limit]]
        return 200, {"orders": rows, "page": {"total": len(seen), "limit": limit, "offset": offset}}

    def _reissues(self, order: Order, view: View) -> dict[str, Any]:
        seen = order.at(self.world.now - view.lag)
        if seen is None:
            raise RefusalError(404, "not_found|order")
        certs = [cert for cert in seen.certs if cert.kind == "reissue"]
        rows = [reissue_row(cert, view) for cert in certs]
        if "primary repeated" in view.habits and seen.primary.issued is not None:
            rows.insert(0, reissue_row(seen.primary, view))
        return {"certificates": rows if "ignores sort" in view.habits else rows[::-1]}

    def _certificate(self, method: str, parts: list[str], view: View) -> tuple[int, Any]:
        moment = self.world.now - view.lag
        if parts[:2] == ["download", "order"]:
            cert = self._seen(parts[2], moment).primary
        else:
            cert = self._cert(parts[0], moment)
        if method == "PUT":
            self.revoke(parts[0])
            return 204, None
        if cert.certificate is None or cert.status not in ("issued", "revoked"):
            raise RefusalError(400, "certificate_not_issued")
        if parts[-1] == "chain":
            return 200, {"intermediates": [{"subject_common_name": "x", "pem": cert.certificate.chain[1]}]}
        return 200, "".join(cert.certificate.chain)

    def _cert(self, name: str, moment: float) -> Cert:
        for order in self.orders:
            seen = order.at(moment)
            for cert in [] if seen is None else seen.certs:
                serial = "" if cert.certificate is None else cert.certificate.serial_number
                if name in (str(cert.certificate_id), serial):
                    return cert
        raise RefusalError(404, "not_found|certificate")

    def revoke(self, name: str) -> None:
        """Revoke a certificate by its id or serial number; the order stays open."""
        for order in self.orders:
            for cert in order.certs:
                serial = "" if cert.certificate is None else cert.certificate.serial_number
                if name in (str(cert.certificate_id), serial) and cert.status == "issued":
                    cert.status = "revoked"
                    order.keep(self.world.now)

    def cancel(self, order: Order) -> None:
        """Cancel what is pending: a reissue goes back to issued, an order is canceled."""
        cert = order.pending
        if cert is None:
            raise RefusalError(400, "request_already_processed")
        if cert.kind == "new_request":
            order.close(self.world.now, "canceled")
            return
        cert.status, order.status, order.random_value = "rejected", "issued", None
        order.keep(self.world.now)

    def _order(self, product: str, body: Any, origin: Any) -> dict[str, Any]:
        if self.outcome == "refused":
            raise RefusalError(400, "invalid_value:certificate.csr")
        cert = self._new_cert(body, "new_request", origin)
        now = self.world.now
        end = now + (longest(now) if self.order_days is None else self.order_days * DAY)
        old = self._renewed(body.get("renewal_of_order_id"))
        if old is not None:
            end += max(0.0, min(90 * DAY, old.end - now))
        order = Order(next(self._ids), product, now, end, body.get("alternative_order_id"), origin, [cert])
        if old is not None:
            order.renewed_order_id, old.is_renewed = old.order_id, True
            old.keep(now)
        self.orders.append(order)
        return self._begin(order, cert)

    def _renewed(self, order_id: int | None) -> Order | None:
        if order_id is None:
            return None
        old = self._current(str(order_id))
        if not 0 <= old.end - self.world.now <= 91 * DAY:
            raise RefusalError(400, "invalid_value:renewal_of_order_id")
        return old

    def _reissue(self, order: Order, body: Any, origin: Any) -> dict[str, Any]:
        if self.outcome == "refused":
            raise RefusalError(400, "invalid_value:certificate.csr")
        if order.status != "issued" or order.end <= self.world.now:
            raise RefusalError(400, "request_already_processed")
        cert = self._new_cert(body, "reissue", origin)
        removed = order.names - set(cert.names)
        old = [each for each in order.certs if each.status == "issued"]
        order.certs.append(cert)
        order.status = "reissue_pending"
        answer = self._begin(order, cert)
        for each in old if removed else ():
            self.world.later(3 * DAY, functools.partial(self.revoke, str(each.certificate_id)))
        return answer

    def _new_cert(self, body: Any, kind: str, origin: Any) -> Cert:
        wanted = body["certificate"]
        names = tuple(dict.fromkeys([wanted["common_name"], *(wanted.get("dns_names") or [])]))
        return Cert(next(self._ids), wanted["csr"], names, self.world.now, kind, origin)

    def _begin(self, order: Order, cert: Cert) -> dict[str, Any]:
        request = {"id": cert.certificate_id * 10, "status": "pending"}
        answer: dict[str, Any] = {"id": order.order_id, "requests": [request]}
        if self.outcome == "issued":
            order.issue(self.world.now)
            assert cert.certificate is not None
            request["status"] = "approved"
            chain = [{"subject_common_name": cert.names[0], "pem": pem} for pem in cert.certificate.chain]
            answer.update(certificate_id=cert.certificate_id, certificate_chain=chain)
        else:
            order.random_value = answer["dcv_random_value"] = f"random{cert.certificate_id}"
            order.checks_needed = 2
            if self.outcome == "needs_approval":
                order.status = "needs_approval" if cert.kind == "new_request" else "reissue_pending"
            elif self.issued_after is not None:
                self.world.later(self.issued_after, lambda: self.finish(order, cert))
        order.keep(self.world.now)
        for watch in self.watchers:
            watch(order, cert)
        return answer

    def finish(self, order: Order, cert: Cert) -> None:
        """Issue a pending certificate."""
        if cert.status == "pending" and order.status in ("pending", "reissue_pending", "needs_approval"):
            order.issue(self.world.now)

    def _check(self, order: Order) -> dict[str, Any]:
        cert = order.pending
        if cert is None:
            return {"order_status": order.status, "dcv_status": "valid", "certificate_id": order.primary.certificate_id}
        order.checks_needed -= 1
        if order.checks_needed > 0 or order.status == "needs_approval":
            name = {"dns_name": cert.names[0], "status": "unvalidated"}
            return {"order_status": "pending", "dcv_status": "pending", "dns_name_validations": [name]}
        self.finish(order, cert)
        return {"order_status": "issued", "dcv_status": "valid", "certificate_id": cert.certificate_id}

    # Changes by other people

    def add_stranger(self, number: int) -> None:
        """Add an old order for another name."""
        now = self.world.now - (number + 1) * DAY
        name = f"{STRANGER}{number}.example.net"
        cert = Cert(next(self._ids), pki.csr(0, ("stranger.example.net",)), (name,), now, "new_request", None)
        order = Order(next(self._ids), "ssl_dv_geotrust_flex", now, now + 365 * DAY, None, None, [cert])
        cert.certificate = pki.issue(cert.csr, ("stranger.example.net",), now, now + 199 * DAY)
        cert.status, cert.issued, order.status = "issued", now, "issued"
        order.keep(now)
        self.orders.append(order)

    def by_hand(self, cert: Cert, what: str) -> None:
        """Change a certificate or its order in CertCentral."""
        order = next(order for order in self.orders if cert in order.certs)
        now = self.world.now
        if what == "finish":
            self.finish(order, cert)
        elif what == "cancel" and order.pending is not None:
            self.cancel(order)
        elif what == "revoke":
            self.revoke(str(cert.certificate_id))
        elif what == "close" and order.status in ("issued", "pending"):
            order.close(now, "revoked" if order.status == "issued" else "rejected")
        elif what == "renew" and order.status == "issued" and not order.is_renewed:
            self._renew(order, cert)
        elif what in ("auto_reissue", "auto_renew"):
            setattr(order, what, not getattr(order, what))
            order.keep(now)

    def _renew(self, order: Order, cert: Cert) -> None:
        now = self.world.now
        new = Cert(next(self._ids), cert.csr, cert.names, now, "new_request", None)
        renewed = Order(next(self._ids), order.product, now, order.end + 365 * DAY, None, None, [new])
        renewed.renewed_order_id, order.is_renewed = order.order_id, True
        self.orders.append(renewed)
        renewed.issue(now)
        order.keep(now)


def _passes(order: Order, query: dict[str, str]) -> bool:
    serial = "" if order.primary.certificate is None else order.primary.certificate.serial_number
    for key, value in (
        ("common_name", order.primary.names[0]),
        ("serial_number", serial),
        ("product_name_id", order.product),
        ("status", order.status),
    ):
        wanted = query.get(f"filters[{key}]")
        if wanted is not None and wanted.lower() != value.lower():
            return False
    return True
