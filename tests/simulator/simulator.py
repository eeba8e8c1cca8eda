# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator as one object: start it, query it, control it, stop it."""

from __future__ import annotations

import ssl
import tempfile
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal, get_args

from .accounts import ROLE_TO_KEY, new_accounts
from .auth_keys import AuthKey
from .behaviour import OrderBehaviour, Outcome, ServiceBehaviour
from .clock import Clock
from .control import create_control
from .dcv import DcvCheck, DcvTargets
from .faults import Fault
from .gateway import Gateway
from .issuer import Issuer
from .later import Later
from .order_request import OrderRequest, public_key_of
from .orders import Order
from .pki import CA_LIFE, Authority, Validity, certificate_pem, key_pem, new_csr, new_key
from .rate_limit import DEFAULT_LIMITS, Limit, RateLimiter
from .request_log import BASE_PATH, LogEntry, RequestLog
from .server import HOST, Server
from .state import State

CertificateKind = Literal["valid", "expired", "wrong-host", "unknown-ca"]
MAIN_ACCOUNT = "main"
DEFAULT_TARGETS = DcvTargets()
DEFAULT_BEHAVIOUR = OrderBehaviour()


class Simulator:
    """A running CertCentral simulator on loopback, over HTTP and HTTPS; use it as a context manager.

    Attributes:
        url: base URL over HTTPS, ending in ``/services/v2``.
        http_url: the same over HTTP.
        ca_file: PEM file of the root above the server's certificate and all that is ordered.
        keys: role -> API key; the role "unknown" names a key that no account has.
    """

    def __init__(
        self,
        *,
        https_port: int = 0,
        http_port: int = 0,
        directory: Path | None = None,
        limits: Iterable[Limit] = DEFAULT_LIMITS,
        retry_after: bool = False,
        dcv_targets: DcvTargets = DEFAULT_TARGETS,
        order_behaviour: OrderBehaviour = DEFAULT_BEHAVIOUR,
        certificate: CertificateKind = "valid",
        log_file: Path | None = None,
    ) -> None:
        """Start listening; ports answer after ``start``.

        Args:
            https_port: 0 for any free port.
            http_port: 0 for any free port.
            directory: where the CA and the server's key and certificate go; by default a temporary one.
            limits: rate limits that hold at once, per API key.
            retry_after: whether 429 answers of the rate limit carry ``Retry-After``.
            dcv_targets: where domain control validation connects to.
            order_behaviour: how orders behave.
            certificate: what the HTTPS server shows.
            log_file: gets each answered request as a JSON line.

        Raises:
            OSError: when a port is taken or the directory cannot be written.
        """
        self._log, self._stopping = RequestLog(log_file), threading.Event()
        self._temporary = tempfile.TemporaryDirectory(prefix="certcentral-simulator-") if directory is None else None
        self.directory = Path(self._temporary.name if self._temporary else directory or "")
        self.directory.mkdir(parents=True, exist_ok=True)
        self._root, self._clock = Authority.root("CertCentral Simulator Root CA"), Clock()
        self._issuer = Issuer(self._root)
        self._later = Later(self._clock)
        self._nobodys_csr = new_csr()
        self._settings, self._certificate = (tuple(limits), retry_after, dcv_targets, order_behaviour), certificate
        self._state = self._new_state()
        self.ca_file = self.directory / "ca.pem"
        self.ca_file.write_text(certificate_pem(self._root.certificate), encoding="ascii")
        gateway = Gateway(create_control(self), self._log, lambda: self._state, self._stopping.wait, self._later)
        self._tls: dict[CertificateKind, ssl.SSLContext] = {}
        self._https = Server(
            https_port, gateway.answer, self._stopping, self._clock.now, self._tls_context(certificate)
        )
        self._http = Server(http_port, gateway.answer, self._stopping, self._clock.now)
        self.url = f"https://{HOST}:{self._https.port}{BASE_PATH}"
        self.http_url = f"http://{HOST}:{self._http.port}{BASE_PATH}"
        self.keys = dict(ROLE_TO_KEY)

    def __enter__(self) -> Simulator:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to answer."""
        self._https.start()
        self._http.start()

    def stop(self) -> None:
        """Stop listening, cut every connection, remove the temporary directory."""
        self._later.clear()
        self._stopping.set()
        self._https.stop()
        self._http.stop()
        if self._temporary:
            self._temporary.cleanup()

    @property
    def facts(self) -> dict[str, Any]:
        """What a client needs to know, as JSON values: ``url``, ``http_url``, ``ca_file``, ``keys``."""
        return {"url": self.url, "http_url": self.http_url, "ca_file": str(self.ca_file), "keys": self.keys}

    def reset(self) -> None:
        """Reset to empty accounts, no faults, the initial settings, the machine's time, and an empty log."""
        self._later.clear()
        self._clock.reset()
        self._state = self._new_state()
        self._log.clear()
        self.set_transport()

    def set_transport(self, certificate: CertificateKind | None = None, keep_alive: bool = True) -> None:
        """Change how the servers treat the connections from now on.

        Args:
            certificate: what the HTTPS server shows; None for what it showed at the start.
            keep_alive: whether a connection serves more than one request.

        Raises:
            ValueError: when there is no such kind of certificate.
        """
        self._https.tls = self._tls_context(certificate or self._certificate)
        self._https.keep_alive = self._http.keep_alive = keep_alive

    @property
    def log(self) -> list[LogEntry]:
        """The requests to the API so far, in the order of arrival, as a list of its own."""
        return self._log.entries

    def set_limits(self, limits: Iterable[Limit], retry_after: bool = False) -> None:
        """Replace the rate limits; every window starts empty."""
        self._state.limiter = RateLimiter(limits, retry_after, self._clock.monotonic)

    def set_dcv_targets(self, targets: DcvTargets) -> None:
        """Let domain control validation connect to ``targets`` from now on."""
        self._state.dcv_targets = targets

    def set_order_behaviour(self, behaviour: OrderBehaviour) -> None:
        """Let ``behaviour`` decide how new orders and reissues behave."""
        self._state.order_behaviour = behaviour

    def set_service_behaviour(self, behaviour: ServiceBehaviour) -> None:
        """Let the service respond as ``behaviour`` says from now on."""
        self._state.service_behaviour = behaviour

    def now(self) -> datetime:
        """Return the simulated time, aware and in UTC."""
        return self._clock.now()

    def advance(self, *, days: float = 0, hours: float = 0, seconds: float = 0) -> datetime:
        """Move the simulated clock forward, with everything that is due in between; return its new time."""
        return self.set_clock(self.now() + timedelta(days=days, hours=hours, seconds=seconds))

    def set_clock(self, moment: datetime) -> datetime:
        """Move the simulated clock to ``moment``, with everything that is due in between; return its new time.

        Raises:
            ValueError: when ``moment`` has no time zone.
        """
        if moment.tzinfo is None:
            raise ValueError("the time needs a time zone")
        while (due := self._later.next_due()) is not None and due <= moment:
            self._clock.move(max(due - self.now(), timedelta(0)))
            self._later.run_due()
        self._clock.move(moment - self.now())
        for account in self._state.accounts.values():
            account.orders.all()
        return self.now()

    @property
    def dcv_checks(self) -> list[DcvCheck]:
        """Every domain control validation so far, oldest first, as a list of its own."""
        return list(self._state.dcv_checks)

    def inject(self, *faults: Fault) -> None:
        """Apply ``faults`` to requests that match them from now on; of several, the oldest that is due."""
        self._state.faults.add(faults)

    def clear_faults(self) -> None:
        """Remove every injected fault."""
        self._state.faults.clear()

    @property
    def faults(self) -> list[Fault]:
        """The remaining injected faults."""
        return self._state.faults.pending

    def seed_auth_key(
        self,
        account: str = MAIN_ACCOUNT,
        *,
        auth_key_id: str | None = None,
        auth_key: str | None = None,
        expiration: datetime | None = None,
        enabled: bool = True,
    ) -> AuthKey:
        """Add an AuthKey to an account without the API's rules; see ``AuthKeyStore.seed``.

        Raises:
            ValueError: when there is no such account, or ``expiration`` has no time zone.
        """
        if expiration is not None and expiration.tzinfo is None:
            raise ValueError("the expiration needs a time zone")
        store = self._state.account(account).auth_keys
        return store.seed(auth_key_id=auth_key_id, auth_key=auth_key, expiration=expiration, enabled=enabled)

    def auth_keys(self, account: str = MAIN_ACCOUNT) -> list[AuthKey]:
        """Return every AuthKey of an account, active or not, oldest first.

        Raises:
            ValueError: when there is no such account.
        """
        return self._state.account(account).auth_keys.all()

    def created_auth_keys(self, account: str = MAIN_ACCOUNT) -> list[AuthKey]:
        """Return every AuthKey that the API created in an account, deleted ones too, oldest first.

        Raises:
            ValueError: when there is no such account.
        """
        return self._state.account(account).auth_keys.created()

    def orders(self, account: str = MAIN_ACCOUNT) -> list[Order]:
        """Return every order of an account, oldest first.

        Raises:
            ValueError: when there is no such account.
        """
        return self._state.account(account).orders.all()

    def finish_order(self, order_id: int, outcome: Outcome, account: str = MAIN_ACCOUNT) -> Order:
        """Set the outcome of a pending or waiting order or reissue now, like a person at the CA or in the account.

        Raises:
            ApiError: when there is no such order.
            ValueError: when there is no such account or outcome, or the order has its certificate.
        """
        return self._state.account(account).orders.finish(order_id, outcome)

    def configure_order(
        self,
        order_id: int,
        *,
        auto_reissue: bool | None = None,
        auto_renew: bool | None = None,
        account: str = MAIN_ACCOUNT,
    ) -> Order:
        """Set what the service does automatically with an order when it is due; None keeps the setting.

        Raises:
            ApiError: when there is no such order.
            ValueError: when there is no such account.
        """
        orders = self._state.account(account).orders
        return orders.configure(order_id, auto_reissue=auto_reissue, auto_renew=auto_renew)

    def seed_order(
        self,
        *names: str,
        account: str = MAIN_ACCOUNT,
        product: str = "ssl_dv_geotrust_flex",
        created: datetime | None = None,
        days: int = 365,
        csr: str | None = None,
        outcome: Outcome = "issued",
    ) -> Order:
        """Add an order of any age to an account without the API's rules, with its certificate.

        Args:
            names: the common name first.
            account: the account.
            product: what was ordered.
            created: aware; the certificate starts then. None for now.
            days: how long the order lasts.
            csr: in any form of the API; None for a CSR of an unknown key.
            outcome: its outcome.

        Raises:
            ApiError: when the CSR cannot be read.
            ValueError: when there is no such account, or ``created`` has no time zone.
        """
        if created is not None and created.tzinfo is None:
            raise ValueError("the creation needs a time zone")
        created = (created or self.now()).astimezone(timezone.utc).replace(microsecond=0)
        request = OrderRequest(
            common_name=names[0],
            dns_names=list(names[1:]),
            csr=csr or self._nobodys_csr,
            public_key=public_key_of(csr or self._nobodys_csr),
            product=product,
            until=created + timedelta(days=days, seconds=-1),
        )
        return self._state.account(account).orders.seed(request, self._state.order_behaviour, outcome, created)

    def _new_state(self) -> State:
        limits, retry_after, dcv_targets, order_behaviour = self._settings
        limiter = RateLimiter(limits, retry_after, self._clock.monotonic)
        return State(new_accounts(self._issuer, self._clock), limiter, dcv_targets, order_behaviour, self._clock)

    def _tls_context(self, kind: CertificateKind) -> ssl.SSLContext:
        if kind not in get_args(CertificateKind):
            raise ValueError(f"{kind!r} is none of {', '.join(get_args(CertificateKind))}")
        if kind not in self._tls:
            self._tls[kind] = self._new_tls_context(kind)
        return self._tls[kind]

    def _new_tls_context(self, kind: CertificateKind) -> ssl.SSLContext:
        issuer = Authority.root("Unknown Root CA") if kind == "unknown-ca" else self._root
        names = ["localhost", HOST, "::1"] if kind != "wrong-host" else ["wrong-host.invalid"]
        end = timedelta(days=-1) if kind == "expired" else CA_LIFE - timedelta(days=1)
        key = new_key()
        certificate = issuer.issue(names, key.public_key(), Validity.around_now(timedelta(days=2), end))
        file = self.directory / "server.pem"
        file.touch(mode=0o600)
        file.write_text(key_pem(key) + certificate_pem(certificate), encoding="ascii")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context
