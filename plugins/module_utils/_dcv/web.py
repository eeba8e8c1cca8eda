# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Fetch a file of a web server the way DigiCert does, see section 3 of the API page.

requests and urllib cannot connect to an address that was checked before. So this file uses `http.client` with its own
socket: it resolves the name once, checks the addresses, and connects to one of them. The time limit covers every byte,
and this file reads only as much of a body as DigiCert.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import socket
import ssl
import typing as t
from urllib.parse import urljoin, urlsplit

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import printable
from ansible_collections.community.digicert.plugins.module_utils._dcv.time_limits import TimeLimit, resolve

PATH = "/.well-known/pki-validation/fileauth.txt"
PORTS = {"https": 443, "http": 80}
SILENCE = "no answer in time"  # a reason of `Page`

_CHARACTERS = 5000  # that DigiCert reads
_REDIRECTS = 5
_FOLLOWED = (301, 302, 307, 308)
_LONGEST_URL = 2000
_ADDRESSES = 6  # that are tried for one name
_PER_EXCHANGE = 15.0  # seconds
_PER_CONNECTION = 5.0  # seconds
_LEAST_ATTEMPT = 1.5  # seconds: TCP repeats a lost first packet after one second
_EMBEDDING = ipaddress.ip_network("64:ff9b::/96")  # NAT64 (RFC 6052): the last 32 bits are an IPv4 address


class Site(t.NamedTuple):
    """How names are reached.

    Attributes:
        address: host or IP address to connect to in place of each name, private ones included; None for the name's own.
        ports: TCP port to connect to for each of https and http.
        user_agent: header.
        allowed: names that redirects may lead to, lower case.
    """

    address: str | None
    ports: t.Mapping[str, int]
    user_agent: str
    allowed: t.AbstractSet[str]


class Page(t.NamedTuple):
    """The result of a request.

    Attributes:
        url: the last URL, after redirects.
        address: IP address and port of the connection, "" if there was none.
        text: what DigiCert would search, None if nothing answers with a status below 400.
        reason: why the text is None or empty, as the end of a sentence without a period.
        status: of a response without a text for DigiCert, None if there was none.
    """

    url: str
    address: str
    text: str | None
    reason: str
    status: int | None = None


class _NoPageError(Exception):
    """There is no page that DigiCert would search; the message is the reason."""


class _SilentError(Exception):
    """Something did not answer in the time that it had: DNS, or a server, whose address is known.

    A server that does not take a connection counts only if the time for it was very short.
    """

    def __init__(self, seconds: float, address: str = "") -> None:
        super().__init__()
        self.is_short = seconds < _PER_CONNECTION
        self.address = address


def fetch(scheme: str, name: str, site: Site, limit: TimeLimit) -> Page:
    """Return what DigiCert would see of a name's file; follows redirects like DigiCert. Raises nothing."""
    url, address, parts = f"{scheme}://{name}{PATH}", "", 1 + _REDIRECTS
    limit = limit.share(1, _PER_EXCHANGE)
    try:
        for _redirect in range(parts):
            connection, address = _connect(url, site, limit)
            with connection:
                seconds = limit.left
                try:
                    status, location, text = _exchange(connection, url, site, limit)
                except socket.timeout:
                    raise _SilentError(seconds, address) from None
            if status not in _FOLLOWED:
                if status < 400:
                    return Page(url, address, text, "")
                return Page(url, address, None, f"HTTP {status}", status)
            target = _redirected(url, location, site.allowed)
            if target is None:
                # It answered below 400, so DigiCert does not go on to plain HTTP.
                where = printable(location, 100) or "nowhere"
                return Page(url, address, "", f"it redirects to {where}, which DigiCert does not follow")
            url = target
        return Page(url, address, "", f"it redirects more than {_REDIRECTS} times")
    except _NoPageError as error:
        return Page(url, address, None, str(error))
    except _SilentError as error:
        # Too short a time shows nothing: DigiCert, which waits longer, may see a page that lacks the value.
        return Page(url, error.address or address, "" if error.is_short else None, SILENCE)
    except (OSError, http.client.HTTPException) as exc:
        return Page(url, address, None, _reason(exc))


def _reason(exc: Exception) -> str:
    if isinstance(exc, socket.timeout):
        return SILENCE
    if isinstance(exc, ssl.SSLError):
        return f"TLS fails ({printable(exc.reason or 'unknown cause', 60).lower().replace('_', ' ')})"
    if isinstance(exc, OSError):
        return printable(exc.strerror or "the connection failed", 60).lower()
    return "the answer is not HTTP"


def _connect(url: str, site: Site, limit: TimeLimit) -> tuple[socket.socket, str]:
    """Return a connection for a URL, and the address it goes to; raises OSError, _NoPageError, or _SilentError."""
    parts = urlsplit(url)
    port = site.ports[_by_port(parts.port or PORTS[parts.scheme])]
    host = site.address or parts.hostname or ""
    seconds = limit.left
    try:
        found = resolve(host, port, limit)
    except socket.gaierror:
        raise _NoPageError(f"{printable(host, 100)} cannot be resolved") from None
    except socket.timeout:
        raise _SilentError(seconds) from None
    usable = found if site.address else [one for one in found if _is_public(one[1][0])]
    if not usable:
        shown = printable(str(found[0][1][0]), 60)
        raise _NoPageError(f"its address {shown} is not public, so DigiCert cannot reach it")
    usable = usable[:_ADDRESSES]
    failures, unsure = [], ""
    for index, (family, address) in enumerate(usable):
        connection, is_reached = socket.socket(family, socket.SOCK_STREAM), False
        part = limit.share(len(usable) - index, _PER_CONNECTION)
        is_short = part.left < _LEAST_ATTEMPT
        try:
            _set_timeout(connection, part)
            connection.connect(address)
            is_reached, seconds = True, limit.left
            if parts.scheme == "https":
                connection = _with_tls(connection, parts.hostname or "", limit)
        except OSError as exc:
            connection.close()
            if is_reached and isinstance(exc, socket.timeout):
                raise _SilentError(seconds, _shown(address)) from None
            unsure = _shown(address) if is_short and isinstance(exc, socket.timeout) else unsure
            failures.append(f"{_reason(exc)} at {_shown(address)}")
        else:
            return connection, _shown(address)
    if unsure:
        raise _SilentError(0.0, unsure)
    raise _NoPageError(failures[0])


def _shown(address: t.Any) -> str:
    host = printable(str(address[0]), 60)
    return f"[{host}]:{address[1]}" if ":" in host else f"{host}:{address[1]}"


def _by_port(port: int) -> str:
    return "https" if port == PORTS["https"] else "http"


def _with_tls(connection: socket.socket, host: str, limit: TimeLimit) -> socket.socket:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The old certificate may be expired, or a placeholder, and DigiCert does not check it either.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _set_timeout(connection, limit)
    return context.wrap_socket(connection, server_hostname=host)


def _is_public(address: str) -> bool:
    """Return whether an IP address, and the IPv4 address in it, if any, is reachable from the Internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
        if ip in _EMBEDDING:
            inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
        if any(one is not None and not _is_public(str(one)) for one in inner):
            return False
        if ip.ipv4_mapped is not None:
            return True
    return ip.is_global and not ip.is_multicast


def _exchange(connection: socket.socket, url: str, site: Site, limit: TimeLimit) -> tuple[int, str, str]:
    """Return status, Location, and as much of the body as DigiCert reads; raises OSError, HTTPException."""
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {parts.hostname}",
        f"User-Agent: {site.user_agent}",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
    ]
    _set_timeout(connection, limit)
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    response = http.client.HTTPResponse(t.cast(socket.socket, _Wire(connection, limit)), method="GET")
    try:
        response.begin()
        body = _body(response) if 200 <= response.status < 300 or response.status in (300, 303) else b""
    finally:
        response.close()
    return response.status, response.getheader("Location") or "", body.decode("utf-8", "replace")[:_CHARACTERS]


def _body(response: http.client.HTTPResponse) -> bytes:
    """Return as much of a body as DigiCert reads, b"" if it is cut off; raises _SilentError.

    A server that began to answer counts, so DigiCert does not go on to plain HTTP.
    """
    try:
        return response.read(4 * _CHARACTERS)  # a character has at most four bytes in UTF-8
    except http.client.IncompleteRead as exc:
        return exc.partial
    except socket.timeout:
        raise _SilentError(0.0) from None
    except (OSError, http.client.HTTPException):
        return b""


def _redirected(url: str, location: str, allowed: t.AbstractSet[str]) -> str | None:
    """Return the target of a redirect, None if DigiCert would not follow it."""
    is_clean = all("!" <= one <= "~" and one != "\\" for one in location)
    if not is_clean or not 0 < len(location) <= _LONGEST_URL:
        return None
    try:
        parts = urlsplit(urljoin(url, location))
        port = parts.port or PORTS.get(parts.scheme)
    except ValueError:
        return None
    host = (parts.hostname or "").rstrip(".")
    plain = parts.scheme in PORTS and port in PORTS.values()
    if not plain or host not in allowed:
        return None
    return f"{parts.scheme}://{host}:{port}{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")


def _set_timeout(connection: socket.socket, limit: TimeLimit) -> None:
    left = limit.left
    if left <= 0:
        raise socket.timeout("timed out")
    connection.settimeout(left)


class _Wire:
    """The part of a socket that HTTPResponse needs, with one time limit for all reads."""

    def __init__(self, connection: socket.socket, limit: TimeLimit) -> None:
        self._connection = connection
        self._limit = limit

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._connection, self._limit))


class _Reader(io.RawIOBase):
    """The time limit of a socket starts again with each byte; this one does not."""

    def __init__(self, connection: socket.socket, limit: TimeLimit) -> None:
        self._connection = connection
        self._limit = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        _set_timeout(self._connection, self._limit)
        return self._connection.recv_into(buffer)
