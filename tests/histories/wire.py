# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection from the collection's client to the model, and its faults.

The wire replaces the transport adapter of requests, so every history also tests how the client reads responses, errors,
and broken connections.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

import requests
import urllib3
from ansible_collections.community.digicert.plugins.module_utils._certcentral import transport
from ansible_collections.community.digicert.plugins.module_utils._certcentral.deadline import Deadline
from requests.structures import CaseInsensitiveDict

from tests.histories.auth_keys import RefusalError
from tests.histories.clocks import World, http_date
from tests.histories.rows import View
from tests.histories.service import Service

URL = "http://127.0.0.1:9/services/v2"
NO, YES, LATE = "not carried out", "carried out", "carried out late"
LONGEST_DELAY = 530.0  # largest delay in seconds of a late request; together with the lag, below ten minutes
LONGEST_LAG = 60.0
HTML = b"<html><head><title>Sorry</title></head><body><h1>Sorry</h1></body></html>"


class Fault(NamedTuple):
    """What happens to one exchange.

    Attributes:
        fate: NO, YES or LATE: whether the service carries the request out.
        answer: what the client sees: refused, reset, silence, an HTTP status, documented for the service's own no, or
            another order's id in the answer to an order.
        body: of an answer with a status; None for a documented error with the code.
        code: of the documented error.
        delay: seconds until a late request is carried out.
    """

    fate: str
    answer: str | int
    body: bytes | None = HTML
    code: str = ""
    delay: float = 0.0

    def __str__(self) -> str:
        what = f"HTTP {self.answer}" if isinstance(self.answer, int) else self.answer
        return f"{what} {self.code or ''} {self.fate}".replace("  ", " ")


def documented(code: str) -> bytes:
    """Return the body of the documented error."""
    return json.dumps({"errors": [{"code": code, "message": "No."}]}).encode()


# Responses that are neither the service's refusal nor a usable success, before or after the request was carried out.
_GATEWAY = [
    *((status, HTML) for status in (302, 400, 403, 404, 408, 413, 429, 499, 500, 502, 503, 504)),
    (200, HTML),
    (200, b""),
    (200, b"{}"),
    (201, b"[]"),
    (200, documented("invalid_value:csr")),
    (404, b'{"error": {"message": "no route"}}'),
    (400, b'{"errors": [{"code": 17, "message": "no"}]}'),
    (403, b'{"errors": {"message": "no"}}'),
    (500, documented("internal_server_error")),
    (503, documented("not_available")),
]
_BODIES_OF_SUCCESS = (b"", b"{}", b"[]")
DELAYS = (1.0, 20.0, 40.0, 100.0, 300.0, LONGEST_DELAY)
REFUSALS = [
    Fault(NO, 400, None, "invalid_value:certificate.dns_names"),
    Fault(NO, 403, None, "access_denied|missing_permission"),
    Fault(NO, 429, None, "request_limit_exceeded"),
]
# A gateway may respond like the service, after the request was carried out.
FALSE_REFUSALS = [fault._replace(fate=YES) for fault in REFUSALS if fault.answer != 429]
ANOTHER_ID = Fault(YES, "another order's id")
LOSSES = [
    ANOTHER_ID,
    *FALSE_REFUSALS,
    *(Fault(fate, answer) for fate in (NO, YES) for answer in ("reset", "silence", "cut off")),
    *(Fault(fate, status, body) for fate in (NO, YES) for status, body in _GATEWAY),
    *(Fault(LATE, answer, delay=delay) for delay in DELAYS for answer in ("silence", "reset", 502, 504, 403)),
]
FAULTS = [Fault(NO, "refused"), *REFUSALS, *LOSSES]


class Traffic:
    """The faults of one run on the wire.

    Attributes:
        view: how the run sees the service.
        faults: by the number of the exchange in the run.
        write_faults: of the run's first requests that change something, one after another.
        between: is called before and after each exchange with its number, for what happens meanwhile.
        requests: method, path and fate of all exchanges.
    """

    def __init__(
        self,
        view: View = View(),  # noqa: B008 (immutable)
        faults: dict[int, Fault] | None = None,
        write_faults: tuple[Fault | None, ...] = (),
        between: Callable[[int], None] = lambda _number: None,
        origin: Any = None,
    ) -> None:
        self.view = view
        self.faults = faults or {}
        self.write_faults = list(write_faults)
        self.between = between
        self.origin = origin
        self.requests: list[tuple[str, str, Fault | None]] = []

    def fault(self, method: str) -> Fault | None:
        """Return what happens to the next exchange."""
        fault = self.faults.get(len(self.requests))
        if method != "GET" and self.write_faults:
            fault = self.write_faults.pop(0)
        # Any body of a success is a documented response to a deletion, so a gateway's looks like the service's.
        if method == "DELETE" and fault is not None and fault.body in _BODIES_OF_SUCCESS and fault.answer in (200, 201):
            return None
        return fault


class Wire:
    """Carries requests of the current run to the service."""

    def __init__(self, world: World, service: Service) -> None:
        self.world = world
        self.service = service
        self.traffic = Traffic()
        self._deadline = Deadline()
        self.in_flight: list[tuple[Any, str, Any]] = []  # origin, path and body of what will be carried out late

    @contextmanager
    def carrying(self, traffic: Traffic) -> Iterator[None]:
        """Give the exchanges of a run their traffic; runs may nest."""
        before, self.traffic = self.traffic, traffic
        try:
            yield
        finally:
            self.traffic = before

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Take the place of the transport of requests."""
        carry = transport.Transport.send

        def begin(room: Any, *args: Any) -> Any:
            self._deadline = args[-1]
            return carry(room, *args)

        def send(_adapter: Any, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            return self.exchange(request, float(options["timeout"]))

        with contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch.object(transport.Transport, "send", begin))
            stack.enter_context(mock.patch.object(requests.adapters.HTTPAdapter, "send", send))
            yield

    def exchange(self, request: requests.PreparedRequest, timeout: float) -> requests.Response:
        """Carry one request, or lose it; raises the exceptions of requests."""
        traffic = self.traffic
        method = str(request.method)
        fault = traffic.fault(method)
        is_order = method == "POST" and "/order/certificate/" in str(request.url)
        if (fault in FALSE_REFUSALS and "/order/certificate/" not in str(request.url)) or (
            fault == ANOTHER_ID and (not is_order or str(request.url).endswith("/reissue"))
        ):
            fault = None
        number = len(traffic.requests)
        url = urlsplit(str(request.url))
        path = url.path.removeprefix("/services/v2")
        traffic.requests.append((method, path, fault))
        traffic.between(2 * number)
        query = dict(parse_qsl(url.query))
        body = json.loads(request.body) if request.body else None

        def carry_out() -> tuple[int, bytes]:
            try:
                status, payload = self.service.handle(method, path, query, body, traffic.view, traffic.origin)
            except RefusalError as no:
                return no.status, documented(no.code)
            if payload is None:
                return status, b""
            return status, payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()

        self.world.pass_time(0.1)
        if fault is None or fault.answer != "refused":
            self._deadline.begin_sending()
        answer = self._answer(fault, carry_out, timeout, None if method == "GET" else (traffic.origin, path, body))
        traffic.between(2 * number + 1)
        return _response(request, *answer, {"Date": http_date(self.world.now)})

    def _answer(
        self, fault: Fault | None, carry_out: Callable[[], tuple[int, bytes]], timeout: float, flight: Any
    ) -> tuple[int, bytes]:
        """Return status and body that the client sees; raises what requests raises."""
        if fault is None:
            return carry_out()
        if fault.fate == YES:
            usual = carry_out()
        elif fault.fate == LATE and flight is not None:
            self.in_flight.append(flight)

            def land() -> None:
                self.in_flight.remove(flight)
                carry_out()

            self.world.later(fault.delay, land)
        if fault.answer == "refused":
            raise _unconnected()
        if fault.answer == "reset":
            reset = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
            raise requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", reset))
        if fault.answer == "silence":
            self.world.pass_time(timeout)
            raise requests.ReadTimeout("Read timed out.")
        if fault == ANOTHER_ID:
            return self._with_another_id(*usual)
        if fault.answer == "cut off":
            status, body = usual if fault.fate == YES else (200, b'{"orders": [{"id": 1')
            return status, body[: len(body) // 2] or b"{"
        assert isinstance(fault.answer, int)
        return fault.answer, documented(fault.code) if fault.body is None else fault.body

    def _with_another_id(self, status: int, body: bytes) -> tuple[int, bytes]:
        """Return the answer to an order with the id of a stranger's order, if there is one."""
        strangers = [order.order_id for order in self.service.orders if order.is_strangers]
        if not strangers or status != 201:
            return status, body
        return status, json.dumps({**json.loads(body), "id": strangers[0]}).encode()


def _unconnected() -> requests.ConnectionError:
    pool: Any = mock.Mock(host="127.0.0.1")
    cause = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
    new = urllib3.exceptions.NewConnectionError(pool, f"Failed to establish a new connection: {cause}")
    new.__cause__ = cause
    error = urllib3.exceptions.MaxRetryError(pool, "/", new)
    return requests.ConnectionError(error)


def _response(
    request: requests.PreparedRequest, status: int, body: bytes, headers: dict[str, str]
) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers = CaseInsensitiveDict({**headers, "Content-Length": str(len(body))})
    response.raw = urllib3.HTTPResponse(io.BytesIO(body), headers, status, preload_content=False)
    response.url = str(request.url)
    response.request = request
    response.reason = ""
    return response
