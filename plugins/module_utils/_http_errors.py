# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What a refusal, a broken connection or an unusable address means to the user of the collection.

Statuses and codes are those of section 1, "Transport", of the API page.
"""

from __future__ import annotations

import gc
import http.client
import json
import re
import socket
import ssl
import traceback
import typing as t
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError

REQUESTS_IMPORT_ERROR: str | None = None
gc.disable()  # all that these imports make lasts: looking for garbage in it costs every task time
try:
    import requests
    import urllib3
except ImportError:  # pragma: no cover
    REQUESTS_IMPORT_ERROR = traceback.format_exc()
finally:
    gc.enable()

MAX_EXCERPT = 200  # characters of an error page that are worth showing
RIDDEN_OUT = (429, 502, 503, 504)  # statuses that say "later", not "no"


class OverdueError(Exception):
    """An exchange did not end within its time."""


# What a bad network, name, certificate or peer makes these libraries raise; anything else is a defect of ours.
NETWORK_FAILURES: tuple[type[BaseException], ...] = (OverdueError, http.client.HTTPException, OSError, ValueError)
if REQUESTS_IMPORT_ERROR is None:
    NETWORK_FAILURES += (requests.RequestException, urllib3.exceptions.HTTPError)


def transport_error(where: str, exc: BaseException, timeout: float) -> DigicertError:
    """Say why no answer came, and whether the request may have reached the service all the same.

    Args:
        where: the beginning of the sentence: what failed, at which address.
        exc: one of NETWORK_FAILURES.
        timeout: seconds that the exchange had.
    """
    causes = list(_causes(exc))
    reason = _reason(causes)

    def caused_by(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if caused_by(ssl.SSLCertVerificationError):
        return DigicertError(
            f"{where}its TLS certificate is not accepted ({reason}). Check api_url and the clock, or name the CA "
            "that issued it in ca_path."
        )
    if caused_by(urllib3.exceptions.ProxyError) and _before_tunnel(causes):
        return DigicertError(
            f"{where}the proxy cannot be used ({reason}). Check the proxy environment variables.", transient=True
        )
    if caused_by(urllib3.exceptions.NewConnectionError, requests.ConnectTimeout):
        unknown_name = any(isinstance(c, socket.gaierror) and c.errno == socket.EAI_NONAME for c in causes)
        return DigicertError(
            f"{where}no connection ({reason}). Check api_url, name resolution and firewall.", transient=not unknown_name
        )
    if caused_by(OverdueError, requests.Timeout, socket.timeout):
        return DigicertError(
            f"{where}no complete answer within {timeout:g} seconds. Try again later, or raise timeout.", lost=True
        )
    if caused_by(ssl.SSLError) and not caused_by(ssl.SSLEOFError, ssl.SSLZeroReturnError):
        return DigicertError(
            f"{where}TLS failed ({reason}). Check that api_url names an HTTPS service and ca_path PEM certificates.",
            lost=True,
        )
    if caused_by(ValueError) or (_is_plain(exc) and not isinstance(exc, ConnectionError)):
        return DigicertError(f"{where}the address, a proxy's address or the CA certificates cannot be used ({reason}).")
    return DigicertError(
        f"{where}the connection broke before the answer was complete ({reason}). Try again later.",
        transient=True,
        lost=True,
    )


def _before_tunnel(causes: t.Iterable[BaseException]) -> bool:
    """Whether a proxy failed before it could pass anything on.

    urllib3 calls a connection that breaks later, when the request is with the service, a failure of the proxy as well.
    """
    unconnected = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
    # http.client tells a refusal of CONNECT by the text alone.
    return any(
        isinstance(cause, unconnected) or (isinstance(cause, OSError) and str(cause).startswith("Tunnel connection"))
        for cause in causes
    )


def _causes(exc: BaseException | None) -> t.Iterator[BaseException]:
    """Yield an exception and all that it was made from, outermost first."""
    seen: set[int] = set()
    while exc is not None and id(exc) not in seen:
        seen.add(id(exc))
        yield exc
        wrapped = next((a for a in (getattr(exc, "reason", None), *exc.args) if isinstance(a, BaseException)), None)
        exc = exc.__cause__ or wrapped or (None if exc.__suppress_context__ else exc.__context__)


def _is_plain(exc: BaseException) -> bool:
    """Whether this is an OSError that is no wrapper of another error, and whose text is safe to show."""
    return isinstance(exc, OSError) and not isinstance(exc, requests.RequestException)


def _reason(causes: t.Sequence[BaseException]) -> str:
    """Return the operating system's or TLS library's own words: those of higher layers quote URLs and objects."""
    for cause in reversed(causes):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        if isinstance(cause, ssl.SSLError):
            return cause.reason or "handshake failed"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        if _is_plain(cause) and cause.args:
            return _printable(str(cause))
    return " ".join(re.findall("[A-Z][a-z]+", type(causes[-1]).__name__)).lower()


def status_error(
    where: str, method: str, status: int, headers: t.Mapping[str, str], content: bytes, api_key: str
) -> DigicertError:
    """Say what an answer outside 2xx means and what to do.

    Args:
        where: the beginning of the sentence: what failed, at which address.
        method: HTTP method of the request.
        status: HTTP status of the answer.
        headers: headers of the answer, looked up without regard to case.
        content: body of the answer.
        api_key: the secret to keep out of the message, should the answer repeat it.
    """
    code, text = _error_of(content, api_key)
    said = f"HTTP {status}" + (f", {code}" if code else "") + (f": {text.rstrip('.')}" if text else "")
    # The status decides, whatever the body says: gateways in front of the service answer as they like.
    advice = {
        401: "the API key was refused ({}). Check api_key and that it belongs to this instance. " + _permission(method),
        403: "the API key lacks the permission ({}). " + _permission(method),
        404: "not found ({}). Check api_url."
        if code in (None, "not_found|route")
        else "not found ({}). Check that api_url and api_key belong to the account in question.",
        429: "the rate limit of the API key is used up ({}). Run fewer tasks at once, or raise retry_timeout.",
    }
    if 300 <= status <= 399:
        target = _without_query(headers.get("Location", "").replace(api_key, "***"))
        return DigicertError(
            f"{where}the service redirects to {target} ({said}), and redirects are not followed because the API key "
            "would go along. Correct api_url.",
            status=status,
            code=code,
        )
    return DigicertError(
        where + advice.get(status, "the service answered with an error ({}). " + _next_step(status, code)).format(said),
        status=status,
        code=code,
        transient=status in RIDDEN_OUT,
        lost=status >= 500,
        retry_after=_retry_after(headers),
    )


def _next_step(status: int, code: str | None) -> str:
    if status >= 500:
        return "Try again later."
    if code is None:
        return "Check api_url, and whether a proxy or gateway answers in place of CertCentral."
    return "Correct what it objects to."


def _permission(method: str) -> str:
    if method == "GET":
        return "Reading needs at least an API key restricted to View Only."
    return "This call changes the account and needs an API key without the restriction View Only."


def _error_of(content: bytes, api_key: str) -> tuple[str | None, str]:
    """Return the API's error code, if any, and what text there is, cut to a readable length, without the API key."""
    try:
        payload = json.loads(content)
        first = payload["errors"][0]
        code, message = first.get("code"), first.get("message")
        if isinstance(code, str):
            said = (text.replace(api_key, "***") if isinstance(text, str) else "" for text in (code, message))
            code, message = map(_printable, said)
            return code, message
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        pass
    text = content.decode("utf-8", "replace").replace(api_key, "***")
    # An answer that carries an AuthKey is no error text.
    return None, "" if "auth_key" in text else _printable(_without_markup(text))


def _without_markup(text: str) -> str:
    return re.sub(r"(?is)<(script|style)\b.*?</\1\s*>|<[^<>]*>", " ", text[: 100 * MAX_EXCERPT])


def _without_query(url: str) -> str:
    return _printable(re.split("[?#]", url)[0]) or "an unnamed place"


def _printable(text: str) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= MAX_EXCERPT else text[: MAX_EXCERPT - 1] + "…"


def _retry_after(headers: t.Mapping[str, str]) -> float:
    """Return the seconds that Retry-After asks for (RFC 9110, 10.2.3: a number or a date), else 0."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]{1,9}", value):
        return float(value)
    try:
        base = parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError, IndexError, OverflowError):
        base = datetime.now(timezone.utc)
    try:
        return max(0.0, (parsedate_to_datetime(value) - base).total_seconds())
    except (TypeError, ValueError, IndexError, OverflowError):
        return 0.0
