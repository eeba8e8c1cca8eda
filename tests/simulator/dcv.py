# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Domain control validation: real HTTP requests and DNS queries, redirected to addresses on loopback (section 3)."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from .dns_query import DnsError, txt_records

HTTP_TOKEN = "http-token"
DNS_TXT_TOKEN = "dns-txt-token"
METHODS = (HTTP_TOKEN, DNS_TXT_TOKEN)
FILE_PATH = "/.well-known/pki-validation/fileauth.txt"
DNS_LABEL = "_dnsauth"
TIMEOUT = 3.0
SCHEMES = ("https", "http")
PORTS = {"https": 443, "http": 80}
REDIRECTS = frozenset({301, 302, 307, 308})
MOST_REDIRECTS = 5
MOST_CHARACTERS = 5000


@dataclass(frozen=True)
class DcvTargets:
    """Where validation connects instead of the domains; each address is ``host:port``.

    Attributes:
        http: web server that is asked over HTTP for the file of every domain, with the domain as ``Host``.
        http_by_domain: web servers of single domains.
        dns: DNS server that is asked for every TXT record; its host is an IP address.
        https: web server that is asked over HTTPS, with the domain as server name; its certificate is not checked.
        https_by_domain: web servers of single domains.
        schemes: how the file is asked for, one after the other.
    """

    http: str = "127.0.0.1:80"
    http_by_domain: Mapping[str, str] = field(default_factory=dict)
    dns: str = "127.0.0.1:53"
    https: str = "127.0.0.1:443"
    https_by_domain: Mapping[str, str] = field(default_factory=dict)
    schemes: tuple[str, ...] = SCHEMES

    def __post_init__(self) -> None:
        for address in (self.http, self.https, *self.http_by_domain.values(), *self.https_by_domain.values()):
            _split(address)
        ipaddress.ip_address(_split(self.dns)[0])
        if not set(self.schemes) <= set(SCHEMES):
            raise ValueError(f"schemes has only {', '.join(SCHEMES)}")

    def web_server(self, scheme: str, domain: str) -> str:
        """Return the address of the web server that is asked for ``domain``."""
        if scheme == "https":
            return self.https_by_domain.get(domain, self.https)
        return self.http_by_domain.get(domain, self.http)


@dataclass(frozen=True)
class DcvCheck:
    """One check of one domain.

    Attributes:
        domain: without the ``*.`` of a wildcard.
        method: the ``dcv_method`` of the order.
        proof: "request_token" or "random_value"; None when the domain is not proven.
        seen: what was found, one line for each place.
    """

    domain: str
    method: str
    proof: str | None
    seen: list[str]


def check_domain(domain: str, method: str, targets: DcvTargets, proof_in: Callable[[str], str | None]) -> DcvCheck:
    """Check every place of section 3 for ``method`` until one contains a proof.

    Args:
        domain: A-labels, without the ``*.`` of a wildcard.
        method: one of ``METHODS``.
        targets: the servers to ask.
        proof_in: returns the name of the proof in a published text, or None.
    """
    published = _file_text if method == HTTP_TOKEN else _txt_texts
    seen = []
    for line, text in published(domain, targets):
        seen.append(line)
        proof = proof_in(text)
        if proof:
            return DcvCheck(domain, method, proof, seen)
    return DcvCheck(domain, method, None, seen)


def _file_text(domain: str, targets: DcvTargets) -> Iterator[tuple[str, str]]:
    """Ask over one scheme after the other; only the first page that answers below 400 is searched."""
    for scheme in targets.schemes:
        url = f"{scheme}://{domain}{FILE_PATH}"
        try:
            status, text = _page(url, targets)
        except (OSError, http.client.HTTPException, ValueError) as error:
            yield f"{url} at {targets.web_server(scheme, domain)}: {error}", ""
            continue
        found = status < 400
        yield f"{url}: status {status}, {text[:200]!r}", text if found else ""
        if found:
            return


def _page(url: str, targets: DcvTargets) -> tuple[int, str]:
    """Return the status and the first characters of a page, after redirects within the registrable domain."""
    registrable = _registrable(urlsplit(url).hostname or "")
    for _ignored in range(MOST_REDIRECTS + 1):
        status, location, text = _get(url, targets)
        if status not in REDIRECTS or location is None:
            return status, text
        url = urljoin(url, location)
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES or (parts.port or PORTS[parts.scheme]) not in PORTS.values():
            raise ValueError(f"the redirect to {url} leaves HTTP and HTTPS")
        if _registrable(parts.hostname or "") != registrable:
            raise ValueError(f"the redirect to {url} leaves {registrable}")
    raise ValueError(f"more than {MOST_REDIRECTS} redirects")


def _get(url: str, targets: DcvTargets) -> tuple[int, str | None, str]:
    parts = urlsplit(url)
    domain = parts.hostname or ""
    scheme = "https" if (parts.port or PORTS[parts.scheme]) == 443 else "http"
    host, port = _split(targets.web_server(scheme, domain))
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
    connection.sock = socket.create_connection((host, port), TIMEOUT)
    try:
        if parts.scheme == "https":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection.sock = context.wrap_socket(connection.sock, server_hostname=domain)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", path, headers={"Host": domain})
        answer = connection.getresponse()
        body = answer.read(4 * MOST_CHARACTERS).decode("utf-8", "replace")
        return answer.status, answer.getheader("Location"), body[:MOST_CHARACTERS]
    finally:
        connection.close()


def _registrable(domain: str) -> str:
    return ".".join(domain.split(".")[-2:])


def _txt_texts(domain: str, targets: DcvTargets) -> Iterator[tuple[str, str]]:
    for name in _txt_names(domain):
        try:
            records = txt_records(name, _split(targets.dns), TIMEOUT)
        except (DnsError, OSError) as error:
            yield f"TXT of {name}: {error}", ""
            if isinstance(error, OSError):
                return  # every other name would take as long
            continue
        if not records:
            yield f"TXT of {name}: none", ""
        for strings in records:
            text = '" "'.join(strings)
            yield f"TXT of {name}: {text[:200]!r}", text


def _txt_names(domain: str) -> Iterator[str]:
    labels = domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        parent = ".".join(labels[start:])
        yield from (f"{DNS_LABEL}.{parent}", parent)


def _split(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isdecimal()):
        raise ValueError(f"{address!r} is not host:port")
    return host.strip("[]"), int(port)
