# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Domain control validation: real HTTP fetches and DNS queries, turned to addresses on loopback (section 3)."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import dns.exception
import dns.resolver
import requests

HTTP_TOKEN = "http-token"
DNS_TXT_TOKEN = "dns-txt-token"
METHODS = (HTTP_TOKEN, DNS_TXT_TOKEN)
FILE_PATH = "/.well-known/pki-validation/fileauth.txt"
DNS_LABEL = "_dnsauth"
TIMEOUT = 3.0


@dataclass(frozen=True)
class DcvTargets:
    """Where validation connects to in place of the domains themselves; each address is ``host:port``.

    Attributes:
        http: web server that is asked for the file of every domain, with the domain as ``Host``.
        http_by_domain: web servers of single domains.
        dns: DNS server that is asked for every TXT record; its host is an IP address.
    """

    http: str = "127.0.0.1:80"
    http_by_domain: Mapping[str, str] = field(default_factory=dict)
    dns: str = "127.0.0.1:53"

    def __post_init__(self) -> None:
        for address in (self.http, *self.http_by_domain.values()):
            _split(address)
        ipaddress.ip_address(_split(self.dns)[0])


@dataclass(frozen=True)
class DcvCheck:
    """One check of one domain.

    Attributes:
        domain: without the ``*.`` of a wildcard.
        method: the ``dcv_method`` of the order.
        proof: "request_token" or "random_value"; None when the domain is not proven.
        seen: what was looked at, one line for each place.
    """

    domain: str
    method: str
    proof: str | None
    seen: list[str]


def check_domain(domain: str, method: str, targets: DcvTargets, proof_in: Callable[[str], str | None]) -> DcvCheck:
    """Look in every place section 3 names for ``method`` until one holds a proof.

    Args:
        domain: A-labels, without the ``*.`` of a wildcard.
        method: one of ``METHODS``.
        targets: the servers to ask.
        proof_in: names the proof that a published text holds, or returns None.
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
    address = targets.http_by_domain.get(domain, targets.http)
    place = f"http://{domain}{FILE_PATH} at {address}"
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.get(
                f"http://{address}{FILE_PATH}", headers={"Host": domain}, timeout=TIMEOUT, allow_redirects=False
            )
        except requests.RequestException as error:
            yield f"{place}: {error}", ""
            return
    text = answer.text if answer.status_code == 200 else ""
    yield f"{place}: status {answer.status_code}, {text[:200]!r}", text


def _txt_texts(domain: str, targets: DcvTargets) -> Iterator[tuple[str, str]]:
    host, port = _split(targets.dns)
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [host]
    resolver.port = port
    for name in _txt_names(domain):
        try:
            records: Any = resolver.resolve(f"{name}.", "TXT", lifetime=TIMEOUT)
        except dns.exception.DNSException as error:
            yield f"TXT of {name}: {error}", ""
            if isinstance(error, dns.exception.Timeout):
                return  # every other name would take as long
            continue
        for record in records:
            text = b"".join(record.strings).decode("utf-8", "replace")
            yield f"TXT of {name}: {text[:200]!r}", text


def _txt_names(domain: str) -> Iterator[str]:
    labels = domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        parent = ".".join(labels[start:])
        yield from (parent, f"{DNS_LABEL}.{parent}")


def _split(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isdecimal()):
        raise ValueError(f"{address!r} is not host:port")
    return host.strip("[]"), int(port)
