# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""HTTP towards the CertCentral Services API: address, header, TLS, time limits, retries and errors.

This file knows neither Ansible nor any resource of the API. What each status and code means is section 1,
"Transport", of the API page.
"""

from __future__ import annotations

import json
import math
import os
import random
import re
import time
import typing as t
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._http_errors import (
    NETWORK_FAILURES,
    REQUESTS_IMPORT_ERROR,
    status_error,
    transport_error,
)
from ansible_collections.community.digicert.plugins.module_utils._time_limits import timely_adapter, within

if REQUESTS_IMPORT_ERROR is None:
    import requests
    import urllib3

USER_AGENT = "ansible-collection-community.digicert"
MAX_BODY = 16 * 1024 * 1024  # bytes; the list of ten thousand AuthKeys is about two million
BACKOFF_FIRST = 1.0  # seconds
BACKOFF_LARGEST = 30.0  # seconds
# A used-up rate limit frees itself with its windows, of 5 and of 180 seconds: asking sooner is a wasted request.
LIMIT_FIRST = 5.0  # seconds
LIMIT_LARGEST = 20.0  # seconds


class Answer(t.NamedTuple):
    """A successful answer: HTTP status and the decoded JSON (None for an empty body), or the text asked for."""

    status: int
    payload: t.Any


class Backoff:
    """Random waiting that doubles, until a total time is used up.

    After an outage: full jitter, 1 s to 30 s. Under the rate limit, where a refused try is a wasted request: at least
    half of 5 s to 20 s. docs/quality.md, "Scale", has what that brings.
    """

    def __init__(self, total: float) -> None:
        """Start the clock; `total` is in seconds, and 0 allows no waiting at all."""
        self._deadline = time.monotonic() + total
        self._ceiling = BACKOFF_FIRST
        self._limit_ceiling = LIMIT_FIRST

    def wait(self, at_least: float = 0.0, *, rate_limited: bool = False) -> bool:
        """Sleep for `at_least` seconds and a random while.

        Args:
            at_least: seconds that the service asks to wait.
            rate_limited: it was the rate limit that refused.

        Returns:
            True when there is time for another try, False (at once) when there is not.
        """
        left = self._deadline - time.monotonic()
        if left <= 0 or left < at_least:
            return False
        spread = self._ceiling
        if rate_limited:
            spread = self._limit_ceiling / 2
            at_least = max(at_least, spread)
            self._limit_ceiling = min(2 * self._limit_ceiling, LIMIT_LARGEST)
        else:
            self._ceiling = min(2 * self._ceiling, BACKOFF_LARGEST)
        # The last wait is cut short rather than skipped: the time given is used.
        time.sleep(min(left, at_least + random.uniform(0, spread)))  # noqa: S311 (spreads load, hides nothing)
        return True


class Client:
    """A keep-alive connection to one CertCentral instance under one API key."""

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
            timeout: seconds that one HTTP exchange, from name look-up to the last byte, may take.
            retry_timeout: seconds to ride out passing failures of one call; 0 means one try.

        Raises:
            DigicertError: a value cannot be used.
        """
        self.api_url = _checked_url(api_url)
        self._api_key = _checked_key(api_key)
        if not (math.isfinite(timeout) and timeout > 0):
            raise DigicertError("timeout must be a number of seconds greater than 0.")
        if retry_timeout < 0:
            raise DigicertError("retry_timeout must be 0 or a positive number of seconds.")
        if validate_certs and ca_path is not None and not os.path.exists(ca_path):
            raise DigicertError(f"ca_path names {ca_path}, which does not exist on the host that runs the module.")
        self.timeout = timeout
        self._retry_timeout = retry_timeout
        self._verify: bool | str = (ca_path or True) if validate_certs else False
        self._session: requests.Session | None = None
        self._clock_offset = timedelta(0)

    def now(self) -> datetime:
        """Return the time, UTC, by the service's clock as its latest answer told it, else by this machine's."""
        return datetime.now(timezone.utc) + self._clock_offset

    def where(self, purpose: str) -> str:
        """Return the beginning of an error message: what failed, and at which address."""
        return f"Cannot {purpose} at {self.api_url}: "

    def backoff(self) -> Backoff:
        """Return a fresh allowance of retry time, for one call or for several that belong together."""
        return Backoff(self._retry_timeout)

    def request(
        self,
        method: str,
        path: str,
        purpose: str,
        *,
        body: t.Any = None,
        text: bool = False,
        backoff: Backoff | None = None,
    ) -> Answer:
        """Send a request until it is answered for good.

        Passing failures are ridden out. A POST is sent again only when the service cannot have acted on it: it was
        refused by the rate limit or never reached the service.

        Args:
            method: GET, POST, PUT or DELETE.
            path: path below the base URL, quoted where needed, with its leading slash.
            purpose: what the call is for, as in "Cannot <purpose>", for messages.
            body: value to send as JSON.
            text: the answer to a success is text, such as a downloaded certificate, and not JSON.
            backoff: allowance of retry time to share with other calls; default: one of its own.

        Raises:
            DigicertError: the service refused, or no usable answer came; see its attributes.
        """
        backoff = backoff or self.backoff()
        loss = False
        while True:
            try:
                return self._exchange(method, path, purpose, body, text)
            except DigicertError as error:
                error.after_loss = loss
                repeatable = error.transient and (method != "POST" or not error.lost)
                if not repeatable or not backoff.wait(error.retry_after, rate_limited=error.status == 429):
                    raise
                loss = loss or error.lost

    def _exchange(self, method: str, path: str, purpose: str, body: t.Any, text: bool) -> Answer:
        """Send one request and read its answer within the time limit; raises DigicertError."""
        where = self.where(purpose)
        data = None if body is None else json.dumps(body).encode("utf-8")
        try:
            status, headers, content = within(self.timeout, lambda: self._send(method, self.api_url + path, data, text))
        except NETWORK_FAILURES as exc:
            self._session = None
            raise transport_error(where, exc, self.timeout) from None
        self._learn_clock(headers.get("Date"))
        if content is None:
            raise DigicertError(
                f"{where}the answer (HTTP {status}) is larger than {MAX_BODY // 1024 // 1024} MiB. Check api_url.",
                status=status,
                lost=True,
            )
        if not 200 <= status <= 299:
            raise status_error(where, method, status, headers, content, self._api_key)
        if text:
            return Answer(status, content.decode("utf-8", "replace"))
        if not content.strip():
            return Answer(status, None)
        try:
            return Answer(status, json.loads(content))
        except (ValueError, RecursionError):
            raise DigicertError(
                f"{where}the answer (HTTP {status}) is not JSON, or is cut off. Check api_url, and whether a proxy or "
                "gateway answers in place of CertCentral.",
                status=status,
                lost=True,
            ) from None

    def _send(
        self, method: str, url: str, data: bytes | None, text: bool
    ) -> tuple[int, t.Mapping[str, str], bytes | None]:
        """Return status, headers and body (None when too large); raises what requests, urllib3 or a socket raise."""
        if self._session is None:
            self._session = self._new_session()
        with self._session.request(
            method,
            url,
            data=data,
            headers={"Accept": "*/*"} if text else None,
            timeout=self.timeout,
            verify=self._verify,
            allow_redirects=False,  # X-DC-DEVKEY would go along to wherever the redirect points
            stream=True,
        ) as response:
            content = bytearray()
            for chunk in response.iter_content(65536):
                content += chunk
                if len(content) > MAX_BODY:
                    return response.status_code, response.headers, None
            return response.status_code, response.headers, bytes(content)

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        adapter = timely_adapter()
        for scheme in ("https://", "http://"):
            session.mount(scheme, adapter)
        session.headers.update(
            {
                "Accept": "application/json",
                "Content-Type": "application/json",
                "User-Agent": USER_AGENT,
                "X-DC-DEVKEY": self._api_key,
            }
        )
        # With an authenticator of its own, requests does not look into ~/.netrc for one.
        session.auth = lambda request: request
        # Plain http is for loopback only: through a proxy the API key would leave the machine in clear.
        session.trust_env = self.api_url.startswith("https:")
        if self._verify is False:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        return session

    def _learn_clock(self, date: str | None) -> None:
        try:
            told = parsedate_to_datetime(date or "")
            self._clock_offset = told.astimezone(timezone.utc) - datetime.now(timezone.utc)
        except (TypeError, ValueError, IndexError, OverflowError):
            self._clock_offset = timedelta(0)


def _checked_url(api_url: str) -> str:
    """Return the base URL without trailing slash; raise DigicertError when it cannot or must not be used."""
    try:
        parts = urlsplit(api_url)
        host = parts.hostname
        parts.port  # noqa: B018 (raises ValueError when it is no port)
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or re.search(r"[^!-~]", api_url):
        raise DigicertError(
            "api_url must be a full URL with scheme and host, such as https://www.digicert.com/services/v2."
        )
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise DigicertError(
            "api_url must have no user name, password, query or fragment: the API key goes into api_key only."
        )
    if parts.scheme == "http" and not _is_loopback(host):
        raise DigicertError(
            f"api_url must start with https:// for the host {host}, or the API key would travel in clear text."
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _is_loopback(host: str) -> bool:
    import ipaddress  # only plain http needs it, and each task pays for its imports

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _checked_key(api_key: str) -> str:
    """Return the API key; raise DigicertError when it cannot be one. The key is not shown."""
    if not api_key.strip():
        raise DigicertError("api_key is empty. Set it, or the environment variable DIGICERT_API_KEY, to an API key.")
    if re.search(r"[^!-~]", api_key):
        raise DigicertError(
            "api_key holds white space, a line end or another character that no API key has. "
            "Check how it is read, for example whether a file's last line end comes along."
        )
    return api_key
