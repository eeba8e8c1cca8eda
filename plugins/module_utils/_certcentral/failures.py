# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What a refusal, a broken connection, or an unusable address means to the user.

Statuses and codes are those of section 1, "Transport", of the API page. Only a 4xx response with the documented errors
and a code is a refusal; after any other response, it is unknown whether the request was carried out.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
import typing as t
from datetime import datetime, timezone
from urllib.parse import unquote

from ansible_collections.community.digicert.plugins.module_utils._certcentral.deadline import OverdueError
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    LostResponseError,
    NoRouteError,
    NotFoundError,
    NotSentError,
    RateLimitedError,
    RefusedError,
    UnusableResponseError,
    printable,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.masking import MAX_TEXT, Secrets, mask
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import (
    as_dict,
    as_list,
    decode_json,
    parse_http_date,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.transport import (
    MAX_BODY,
    EncodedError,
    IncompleteError,
    OversizedError,
    RawResponse,
)

TRANSIENT = (429, 502, 503, 504)  # statuses that say "later", not "no"
RATE_LIMIT = "request_limit_exceeded"
INVALID_KEY = "access_denied|access_denied_invalid_key"
MAX_ERRORS = 800  # characters of all errors of one response that are worth showing


def transport_error(where: str, exc: Exception, timeout: float, sent: bool, has_responded: bool) -> DigicertError:
    """Say why no response came.

    Args:
        where: the beginning of the sentence: what failed, at which address.
        exc: what sending or reading raised.
        timeout: seconds that the exchange had.
        sent: whether the request may have reached the service.
        has_responded: whether an earlier request to this address had a response, so that the address is right.
    """
    if isinstance(exc, (OversizedError, EncodedError)):
        problem = f"is larger than {MAX_BODY // 1024 // 1024} MiB"
        if isinstance(exc, EncodedError):
            problem = "has a content encoding that was not requested"
        return UnusableResponseError(f"{where}the response {problem}. Check api_url.")
    causes = list(_causes(exc))
    address = "api_url" if has_responded else "api_url (https or http, host, port)"
    later = "Try again later" if has_responded else f"Check {address}, or try again later"
    if not sent:
        return _unsent_error(where, causes, timeout, address, later)
    if _timed_out(causes):
        return LostResponseError(
            f"{where}no complete response within {timeout:g} seconds. {later}, or raise timeout.", silent=True
        )
    reason = "it is incomplete" if isinstance(exc, IncompleteError) else _reason(causes)
    return LostResponseError(
        f"{where}the connection broke before the response was complete ({reason}). {later}.", transient=True
    )


_PROXY_ERRORS = {"ProxyError", "ProxySchemeUnknown", "InvalidProxyURL"}


def _unsent_error(
    where: str, causes: t.Sequence[BaseException], timeout: float, address: str, later: str
) -> NotSentError:
    reason = _reason(causes)
    names = {type(cause).__name__ for cause in causes}
    # urllib3 1.26.5 and later 1.26 raise a ValueError of this name where the host name is not the certificate's.
    if _caused_by(causes, ssl.SSLCertVerificationError) or "CertificateError" in names:
        return NotSentError(
            f"{where}its TLS certificate is not accepted ({reason}). Check api_url and the clock, or set "
            "ca_path to the CA that issued it."
        )
    # The others are what the libraries raise for an address that they cannot split into its parts.
    if names & _PROXY_ERRORS or (_caused_by(causes, ValueError, TypeError) and _has_proxy()):
        return NotSentError(
            f"{where}the proxy cannot be used ({reason}). Check the proxy environment variables.",
            transient="ProxyError" in names,  # and not its address
        )
    if _timed_out(causes):
        return NotSentError(
            f"{where}no connection within {timeout:g} seconds. Check {address}, name resolution, and firewalls.",
            transient=True,
        )
    # With subclasses: urllib3 2 has one for a name that does not resolve.
    if any(kind.__name__ == "NewConnectionError" for cause in causes for kind in type(cause).__mro__):
        unknown_name = any(isinstance(c, socket.gaierror) and c.errno == socket.EAI_NONAME for c in causes)
        return NotSentError(
            f"{where}no connection ({reason}). Check {address}, name resolution, and firewalls.",
            transient=not unknown_name,
        )
    if _caused_by(causes, ssl.SSLError) and not _caused_by(causes, ssl.SSLEOFError, ssl.SSLZeroReturnError):
        return NotSentError(
            f"{where}TLS failed ({reason}). Check that api_url is an HTTPS service, and ca_path "
            "contains PEM certificates."
        )
    if _caused_by(causes, ConnectionError, ssl.SSLError):
        return NotSentError(f"{where}the connection broke ({reason}). {later}.", transient=True)
    return NotSentError(f"{where}the address, a proxy's address, or the CA certificates cannot be used ({reason}).")


def _has_proxy() -> bool:
    """Return whether the environment names a proxy; api_url was checked, so the wrong address is not that."""
    from urllib.request import getproxies

    return not getproxies().keys().isdisjoint(("https", "all"))


def _caused_by(causes: t.Iterable[BaseException], *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in causes)


def _timed_out(causes: t.Iterable[BaseException]) -> bool:
    # Exceptions of requests and urllib3 are compared by name, because neither may be installed.
    return any(
        isinstance(cause, (OverdueError, socket.timeout)) or "Timeout" in type(cause).__name__ for cause in causes
    )


def _causes(exc: BaseException | None) -> t.Iterator[BaseException]:
    """Yield an exception and all that it was made from, outermost first."""
    seen: set[int] = set()
    while exc is not None and id(exc) not in seen:
        seen.add(id(exc))
        yield exc
        wrapped = next((a for a in (getattr(exc, "reason", None), *exc.args) if isinstance(a, BaseException)), None)
        exc = exc.__cause__ or wrapped or (None if exc.__suppress_context__ else exc.__context__)


def _reason(causes: t.Sequence[BaseException]) -> str:
    """Return the message of the operating system or TLS library; those of higher layers quote URLs and objects."""
    for cause in reversed(causes):
        if isinstance(cause, ssl.SSLCertVerificationError) or type(cause).__name__ == "CertificateError":
            # urllib3 1.26 makes some of them without it.
            return printable(getattr(cause, "verify_message", "") or " ".join(map(str, cause.args)))
        if isinstance(cause, ssl.SSLError):
            return printable(cause.reason or "handshake failed")
        if isinstance(cause, OSError) and cause.strerror:
            return printable(str(cause.strerror))
        if isinstance(cause, OSError) and not type(cause).__module__.startswith("requests") and cause.args:
            return printable(str(cause))
    return " ".join(re.findall("[A-Z][a-z]+", type(causes[-1]).__name__)).lower()


def status_error(where: str, method: str, raw: RawResponse, secrets: Secrets) -> DigicertError:
    """Say what a response outside 2xx means and what to do.

    Args:
        where: the beginning of the sentence: what failed, at which address.
        method: HTTP method of the request.
        raw: the response.
        secrets: to keep out of the message, should the response repeat one.
    """
    status = raw.status
    code, text = describe_errors(raw.content, secrets)
    quoted = f"HTTP {status}{(', ' if code else ': ') if text else ''}{text.rstrip('.')}"
    facts: dict[str, t.Any] = {"http_status": status, "code": code}
    if 300 <= status <= 399:
        target = _without_query(mask(unquote(raw.headers.get("Location", "")), secrets))
        return UnusableResponseError(
            f"{where}the service redirects to {target} ({quoted}), which the module does not follow, because the "
            "API key would be sent there. Correct api_url.",
            **facts,
        )
    message = where + _advice(status, code, method).replace("{}", quoted)
    retry_after = _retry_after(raw.headers)
    # The rate limit has one code, which proves that nothing was carried out; any other 429 may come from a gateway.
    if not 400 <= status <= 499 or code is None or (status == 429 and code != RATE_LIMIT):
        kind = LostResponseError if status >= 500 else UnusableResponseError
        return kind(message, transient=status in TRANSIENT, retry_after=retry_after, **facts)
    if status == 404:
        return (NoRouteError if code == "not_found|route" else NotFoundError)(message, **facts)
    return (RateLimitedError if status == 429 else RefusedError)(message, retry_after=retry_after, **facts)


def _advice(status: int, code: str | None, method: str) -> str:
    """Return what a status means and what to do, with {} for the service's message."""
    # Only the status decides, because gateways in front of the service can send any body.
    if status == 429:
        return "the rate limit of the API key is reached ({}). Run fewer tasks at once, or raise retry_timeout."
    if status >= 500:
        return "the service answered with an error ({}). Try again later."
    if status == 401 or code == INVALID_KEY:
        return "the API key was refused ({}). Check api_key and that it belongs to this instance."
    if status == 404 and code == "not_found|route":
        return "not found ({}). Check api_url."
    if code is None:
        what = "not found" if status == 404 else "something other than the API answered"
        return what + " ({}). Check api_url, and whether a proxy, gateway, or firewall answers instead of CertCentral."
    if status == 403:
        needed = "Use an API key that is allowed to read, such as one restricted to View Only."
        if method != "GET":
            needed = "This call changes the account, so use an API key that is not restricted to View Only."
        return "the API key lacks the permission ({}). " + needed
    if status == 404:
        return "not found ({}). Check that api_url and api_key belong to the right account."
    return "the service refused the request ({}). Correct the reported problem."


def payload_error(where: str, raw: RawResponse, secrets: Secrets) -> DigicertError:
    """Return the error for a 2xx response that reports errors; the arguments are those of `status_error`."""
    code, text = describe_errors(raw.content, secrets)
    quoted = f"HTTP {raw.status}{', ' if code else ': '}{text.rstrip('.')}"
    return UnusableResponseError(
        f"{where}the service reports an error in a successful response ({quoted}). Check the account in "
        "CertCentral before you run the task again.",
        http_status=raw.status,
        code=code,
    )


def describe_errors(content: bytes, secrets: Secrets) -> tuple[str | None, str]:
    """Return what an error response says.

    Args:
        content: its body.
        secrets: to keep out of the text.

    Returns:
        The code of the first error, only when the body has the documented form, and the text of all errors, or of the
        body, printable and without secrets.
    """
    try:
        payload = decode_json(content)
    except ValueError:
        text = _without_markup(_excerpt(content.decode("utf-8", "replace"), secrets))
        return None, printable(mask(text, secrets))  # again, because markup may have been between its characters
    errors = as_dict(payload).get("errors")
    first = as_dict(as_list(errors)[0]).get("code") if as_list(errors) else None
    code = printable(mask(first, secrets)) or None if isinstance(first, str) else None
    texts = (_error_text(error, secrets) for error in _error_list(payload)[:MAX_ERRORS])
    shown = "; ".join(filter(None, texts))
    if shown:
        return code, printable(shown, MAX_ERRORS)
    # As text again, so that names and values have no escapes.
    return code, printable(_excerpt(json.dumps(payload, ensure_ascii=False), secrets))


def _error_list(payload: t.Any) -> list[t.Any]:
    """Return the errors of a response in any recorded form: a list, an object, a text, or the payload."""
    for field in ("errors", "error"):
        errors = as_dict(payload).get(field)
        if errors:
            return errors if isinstance(errors, list) else [errors]
    return [payload] if isinstance(payload, dict) else []


def _error_text(error: t.Any, secrets: Secrets) -> str:
    """Return code and text of one error, printable and without secrets."""
    values = as_dict(error)
    texts = [values.get(field) for field in ("code", "message", "description", "error_description", "detail")]
    shown = [printable(mask(text, secrets)).rstrip(".") for text in [error, *texts] if isinstance(text, str)]
    return ": ".join(dict.fromkeys(filter(None, shown)))


def _excerpt(text: str, secrets: Secrets) -> str:
    """Return the beginning of a text without secrets; mask before cutting, or half a key would show."""
    return mask(mask(text, secrets)[:MAX_TEXT], secrets)


def _without_markup(text: str) -> str:
    return re.sub(r"(?is)<(script|style)\b.*?</\1\s*>|<[^<>]*>", " ", text)


def _without_query(url: str) -> str:
    return printable(re.split("[?#]", url)[0]) or "an unknown address"


def _retry_after(headers: t.Mapping[str, str]) -> float:
    """Return the seconds that Retry-After asks for (RFC 9110, 10.2.3: a number or a date), else 0."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]{1,9}", value):
        return float(value)
    until = parse_http_date(value)
    if until is None:
        return 0.0
    base = parse_http_date(headers.get("Date")) or datetime.fromtimestamp(time.time(), timezone.utc)
    return max(0.0, (until - base).total_seconds())
