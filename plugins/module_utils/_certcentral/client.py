# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""HTTP client for the CertCentral Services API: address, header, TLS, time limits, retries, and the service's clock.

This file does not know Ansible or any resource of the API. What each status and code means is section 1, "Transport",
of the API page.
"""

from __future__ import annotations

import json
import os
import random
import re
import time
import typing as t
from datetime import datetime, timedelta, timezone

from ansible_collections.community.digicert.plugins.module_utils._certcentral.deadline import (
    Deadline,
    call_with_deadline,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    LostResponseError,
    MissingLibraryError,
    UnusableResponseError,
    printable,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import (
    as_dict,
    decode_json,
    parse_http_date,
)

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.masking import Secrets
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.transport import (
        RawResponse,
        Transport,
    )

USER_AGENT = "ansible-collection-community.digicert"
LONGEST_TIMEOUT = 86_400.0  # seconds; a larger value is a mistake, and sockets and threads cannot handle it
LONGEST_RETRY = 31_536_000.0  # seconds
BACKOFF_FIRST = 1.0  # seconds
BACKOFF_LARGEST = 30.0  # seconds
# The rate limit has windows of 5 and 180 seconds, so a request before the end of a window is wasted.
LIMIT_FIRST = 5.0  # seconds
LIMIT_LARGEST = 20.0  # seconds
# Nothing that two URL parsers could read differently: no user, backslash, escape, query, or unusual host.
API_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[a-z0-9._~!$&'()*+,;=:@-]*)*)",
    re.IGNORECASE,
)


class Response(t.NamedTuple):
    """A successful response.

    Attributes:
        status: HTTP status, 200 to 299.
        payload: the decoded JSON (None for an empty body), or the text that was asked for.
        after_loss: the response to an earlier try of the same call was lost.
    """

    status: int
    payload: t.Any
    after_loss: bool = False


class Backoff:
    """Random waits that double until a total time is used up.

    After an outage: full jitter, 1 s to 30 s. Under the rate limit, where a refused try wastes a request: at least half
    of 5 s to 20 s. docs/quality.md, "Scale", shows the effect.
    """

    def __init__(self, total: float, is_allowed: t.Callable[[], bool] = lambda: True) -> None:
        """Start the clock.

        Args:
            total: seconds; 0 allows no waits.
            is_allowed: returns whether another try may follow, asked after each wait, which may take longer than
                planned when the process or the machine is suspended.
        """
        self._end = time.monotonic() + total
        self._is_allowed = is_allowed
        self._ceiling = BACKOFF_FIRST
        self._limit_ceiling = LIMIT_FIRST

    @property
    def remaining(self) -> float:
        """Seconds that are left, at least 0."""
        return max(0.0, self._end - time.monotonic())

    def wait(self, at_least: float = 0.0, *, rate_limited: bool = False) -> bool:
        """Sleep for `at_least` seconds and a random while.

        Args:
            at_least: seconds that the service asks to wait.
            rate_limited: it was the rate limit that refused.

        Returns:
            True when there is time for another try, False (at once) when there is not.
        """
        left = self.remaining
        if left <= 0 or left < at_least:
            return False
        spread = self._ceiling
        if rate_limited:
            spread = self._limit_ceiling / 2
            at_least = max(at_least, spread)
            self._limit_ceiling = min(2 * self._limit_ceiling, LIMIT_LARGEST)
        else:
            self._ceiling = min(2 * self._ceiling, BACKOFF_LARGEST)
        # Shorten the last wait instead of skipping it, to use all of the time.
        time.sleep(min(left, at_least + random.uniform(0, spread)))  # noqa: S311 (spreads load, hides nothing)
        return self._is_allowed()


class Client:
    """A keep-alive connection to one CertCentral instance under one API key.

    Attributes:
        api_url: base URL without trailing slash.
        timeout: seconds that one HTTP exchange, from name resolution to the last byte, may take.
    """

    def __init__(
        self,
        api_url: str,
        api_key: str,
        *,
        validate_certs: bool = True,
        ca_path: str | None = None,
        timeout: float = 30.0,
        retry_timeout: float = 300.0,
    ) -> None:
        """Check what the user gave; nothing is sent.

        Args:
            api_url: base URL, https, or http for a loopback host.
            api_key: CertCentral API key.
            validate_certs: whether the server's certificate must be valid.
            ca_path: file or directory of CA certificates in PEM form to trust instead of the usual ones.
            timeout: seconds that one HTTP exchange, from name resolution to the last byte, may take.
            retry_timeout: seconds to retry one call after transient failures; 0 means one try.

        Raises:
            DigicertError: a value cannot be used.
        """
        self.api_url = _check_url(api_url)
        self._api_key = _check_key(api_key)
        self._auth_keys: list[str] = []  # to keep out of messages
        if not 0 < timeout <= LONGEST_TIMEOUT:
            raise DigicertError(f"timeout must be a number of seconds greater than 0, at most {LONGEST_TIMEOUT:.0f}.")
        if not 0 <= retry_timeout <= LONGEST_RETRY:
            raise DigicertError(f"retry_timeout must be a number of seconds from 0 to {LONGEST_RETRY:.0f}.")
        if validate_certs and ca_path is not None and not os.path.exists(ca_path):
            raise DigicertError(
                f"ca_path is {printable(ca_path)}, which does not exist on the host that runs the module. Copy "
                "it there, or correct ca_path."
            )
        self.timeout = timeout
        self._retry_timeout = retry_timeout
        self._verify: bool | str = (ca_path or True) if validate_certs else False
        self._transport: Transport | None = None
        self._has_responded = False
        self._service_clock: tuple[datetime, float] | None = None  # a Date header, and the monotonic time it came

    @property
    def service_time(self) -> datetime | None:
        """The time, UTC, by the service's clock; None before any response had a usable Date header."""
        if self._service_clock is None:
            return None
        date, since = self._service_clock
        return date + timedelta(seconds=time.monotonic() - since)

    @property
    def clock_difference(self) -> timedelta | None:
        """How far the service's clock is ahead of this machine's; None before any usable Date header."""
        service_time = self.service_time
        return None if service_time is None else service_time - local_time()

    def now(self) -> datetime:
        """Return the time, UTC, by the service's clock, or by this machine's before any usable Date header."""
        return self.service_time or local_time()

    def where(self, purpose: str, retried: int = 0) -> str:
        """Return the beginning of an error message: what failed, at which address, and after how long.

        `retried` is the number of seconds for which the call was repeated.
        """
        seconds = "1 second" if retried == 1 else f"{retried} seconds"
        retries = f" after retrying for {seconds} (retry_timeout)" if retried else ""
        return f"Cannot {purpose} at {self.api_url}{retries}: "

    def backoff(self) -> Backoff:
        """Return a new allowance of retry time, for one call or for several that belong together."""
        return Backoff(self._retry_timeout)

    def keep_secret(self, auth_key: str) -> None:
        """Mask an AuthKey in the messages of all errors to come."""
        self._auth_keys.append(auth_key)

    def prepare(self) -> None:
        """Load the libraries for the first request; raises MissingLibraryError."""
        self._connect()

    def request(
        self,
        method: str,
        path: str,
        purpose: str,
        *,
        body: t.Any = None,
        text: bool = False,
        backoff: Backoff | None = None,
        once: bool | None = None,
        repeat_limited: bool = True,
    ) -> Response:
        """Send a request, and send it again after transient failures.

        Args:
            method: GET, POST, PUT or DELETE.
            path: path below the base URL, quoted where needed, with its leading slash.
            purpose: what the call is for, as in "Cannot <purpose>", for messages.
            body: value to send as JSON.
            text: the body of a success is text, such as a downloaded certificate, and not JSON.
            backoff: allowance of retry time to share with other calls; default: one of its own.
            once: send it again only if the service cannot have carried it out: nothing was sent, or the rate limit
                refused it. None means true for POST.
            repeat_limited: send it again when the rate limit refused it.

        Raises:
            NotSentError, RefusedError, LostResponseError: what is known of the last try.
            MissingLibraryError: requests is not installed.
        """
        backoff = backoff or self.backoff()
        once = method == "POST" if once is None else once
        after_loss = False
        began = time.monotonic()
        while True:
            where = self.where(purpose, round(time.monotonic() - began))
            try:
                return self._exchange(method, path, where, body, text)._replace(after_loss=after_loss)
            except DigicertError as error:
                is_lost = isinstance(error, LostResponseError)
                is_barred = error.http_status == 429 and not repeat_limited
                repeatable = error.transient and not is_barred and (not once or not is_lost)
                if not repeatable or not backoff.wait(error.retry_after, rate_limited=error.http_status == 429):
                    if after_loss:
                        raise error.extend(after_loss=True) from error
                    raise
                after_loss = after_loss or is_lost

    def _exchange(self, method: str, path: str, where: str, body: t.Any, text: bool) -> Response:
        """Send one request and read its response within the time limit; raises DigicertError."""
        deadline = Deadline()
        try:
            raw = self._send(method, path, body, text, deadline)
        except MissingLibraryError:
            raise
        except Exception as exc:  # noqa: BLE001 (whatever a hostile peer or an odd proxy makes the libraries raise)
            # Most tasks meet no failure, and should not spend time on importing what explains one.
            from ansible_collections.community.digicert.plugins.module_utils._certcentral.failures import (
                transport_error,
            )

            self._transport = None
            raise transport_error(where, exc, self.timeout, deadline.sent, self._has_responded) from None
        self._has_responded = True
        self._learn_clock(raw.headers.get("Date"))
        if not 200 <= raw.status <= 299:
            from ansible_collections.community.digicert.plugins.module_utils._certcentral.failures import status_error

            raise status_error(where, method, raw, self._secrets())
        if text:
            return Response(raw.status, raw.content.decode("utf-8", "replace"))
        if not raw.content.strip():
            return Response(raw.status, None)
        try:
            payload = decode_json(raw.content)
        except ValueError:
            raise UnusableResponseError(
                f"{where}the response (HTTP {raw.status}) is not JSON, or is incomplete. Check api_url, and "
                "whether a proxy or gateway answers instead of CertCentral.",
                http_status=raw.status,
            ) from None
        if as_dict(payload).get("errors") or as_dict(payload).get("error"):
            from ansible_collections.community.digicert.plugins.module_utils._certcentral.failures import payload_error

            raise payload_error(where, raw, self._secrets())
        return Response(raw.status, payload)

    def _secrets(self) -> Secrets:
        from ansible_collections.community.digicert.plugins.module_utils._certcentral.masking import Secrets

        return Secrets.of(self._api_key, self._auth_keys)

    def _send(self, method: str, path: str, body: t.Any, text: bool, deadline: Deadline) -> RawResponse:
        """Return the response; raises whatever the libraries raise."""
        transport = self._connect()
        data = None if body is None else json.dumps(body).encode("utf-8")
        headers = {"Accept": "*/*" if text else "application/json"}
        url = self.api_url + path

        def send() -> RawResponse:
            return transport.send(method, url, data, headers, self.timeout, deadline)

        return call_with_deadline(self.timeout, deadline, send)

    def _connect(self) -> Transport:
        if self._transport is None:
            from ansible_collections.community.digicert.plugins.module_utils._certcentral.transport import Transport

            self._transport = Transport(
                headers={
                    "Accept-Encoding": "identity",
                    "Content-Type": "application/json",
                    "User-Agent": USER_AGENT,
                    "X-DC-DEVKEY": self._api_key,
                },
                verify=self._verify,
                # Plain HTTP is allowed for loopback only: a proxy would send the API key to another machine
                # unencrypted.
                use_proxy=self.api_url.startswith("https:"),
            )
        return self._transport

    def _learn_clock(self, date: str | None) -> None:
        moment = parse_http_date(date)
        if moment is not None:
            self._service_clock = (moment, time.monotonic())


def local_time() -> datetime:
    """Return the time, UTC, by this machine's clock."""
    return datetime.fromtimestamp(time.time(), timezone.utc)


def _check_url(api_url: str) -> str:
    """Return the base URL without trailing slash; raise DigicertError when it cannot or must not be used."""
    parts = API_URL.fullmatch(api_url)
    if parts is None and re.fullmatch(r"(?i)https?://[!-~]*[@?#][!-~]*", api_url):
        raise DigicertError(
            "api_url must not contain a user name, password, query, or fragment. Set the API key in api_key only."
        )
    if parts is None or not 0 < int(parts["port"] or 443) < 65536:
        raise DigicertError(
            "api_url must be a full URL with scheme and host, such as https://www.digicert.com/services/v2."
        )
    scheme, host = parts["scheme"].lower(), parts["host"]
    if scheme == "http" and not _is_loopback(host.strip("[]")):
        raise DigicertError(
            f"api_url must start with https:// for the host {host}, or the API key would be sent unencrypted."
        )
    return scheme + api_url[len(scheme) :].rstrip("/")


def _is_loopback(host: str) -> bool:
    import ipaddress  # imported here because only plain HTTP needs it

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _check_key(api_key: str) -> str:
    """Return the API key; raise DigicertError when it cannot be one. The key is not shown."""
    if not api_key.strip():
        raise DigicertError(
            "api_key is empty. Set it (dv_certificate_api_key in the role) or the environment variable "
            "DIGICERT_API_KEY to an API key."
        )
    if re.search(r"[^!-~]", api_key):
        raise DigicertError(
            "api_key contains whitespace, a line break, or another character that API keys do not have. Check "
            "how you read it, for example whether it includes the line break at the end of a file."
        )
    return api_key
