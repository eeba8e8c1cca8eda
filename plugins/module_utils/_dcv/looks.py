# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What DigiCert would find for a name, over HTTP or DNS, see section 3 of the API page."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._dcv import name_servers, web
from ansible_collections.community.digicert.plugins.module_utils._dcv.time_limits import TimeLimit
from ansible_collections.community.digicert.plugins.module_utils._x509.request_tokens import (
    find_token,
    has_valid_token,
)

PAUSE = 2.0  # seconds between two looks
PREFIX = "_dnsauth."
LONGEST_NAME = 253  # characters, RFC 1035, 2.3.4
# What to do, with the variables of the role, whose users do not see the options.
_ADDRESS_ADVICE = "or set http_address (dv_certificate_http_address)."
WEBROOT_ADVICE = f"Check the webroot (dv_certificate_webroot) and the name's address records, {_ADDRESS_ADVICE}"
SERVER_ADVICE = f"Check the name's address records, the web server, and firewalls, {_ADDRESS_ADVICE}"
TIMEOUT_ADVICE = "Check the web server and firewalls, or raise timeout (dv_certificate_check_timeout)."
DNS_ADVICE = (
    "Check that the record is published on each name server of the zone, or raise timeout "
    "(dv_certificate_check_timeout)."
)


class Sought(t.NamedTuple):
    """What must be published: a random value, or a token for a CSR and an AuthKey; and the service's time."""

    method: str
    value: str | None
    csr: str
    auth_key: str
    csr_format: str
    clock_offset: float

    @property
    def noun(self) -> str:
        """Its name in messages."""
        return "random value" if self.value is not None else "request token"

    def fault(self, text: str) -> str:
        """Return why a text does not show it, as the end of a sentence without a period; "" if it does."""
        if self.value is not None:
            shown = self.value in text.split() if self.method == "http" else self.value == text.strip()
            return "" if shown else _other(text)
        now = time.time() + self.clock_offset
        if has_valid_token(text, self.csr, self.auth_key, csr_format=self.csr_format, now=now, method=self.method):
            return ""
        info = find_token(text, self.csr, self.auth_key, csr_format=self.csr_format)
        if info is None:
            return _other(text)
        if info.created.timestamp() > now:
            return f"the token there is valid from {info.created.isoformat()}, which is in the future"
        if info.expired(now):
            return f"the token there expired at {info.expires.isoformat()}"
        return "another text that starts with this or last year comes before the token, which DigiCert refuses"


class Look(t.NamedTuple):
    """The result for one name; `reason` is "" if it was seen, `warning` is "" if there is none.

    `advice` is what to do if it was not seen.
    """

    name: str
    where: str
    asked: tuple[str, ...]
    reason: str
    cname: str | None = None
    warning: str = ""
    advice: str = DNS_ADVICE

    def result(self) -> dict[str, t.Any]:
        """Return it as the module's return value."""
        fields: dict[str, t.Any] = {"name": self.name, "seen": not self.reason, "where": self.where}
        fields["asked"] = list(self.asked)
        optional = {"cname": self.cname, "reason": self.reason or None}
        return {**fields, **{name: value for name, value in optional.items() if value is not None}}


def _other(text: str) -> str:
    return "it shows other text" if text.strip() else "it is empty"


def look_over_http(name: str, sought: Sought, site: web.Site, limit: TimeLimit) -> Look:
    """Check a name's file over HTTPS and HTTP."""
    pages = []
    for number, scheme in enumerate(web.PORTS):
        pages.append(web.fetch(scheme, name, site, limit.share(len(web.PORTS) - number, limit.left)))
    asked = tuple(dict.fromkeys(page.address for page in pages if page.address))
    faults = [(page, page.reason or sought.fault(page.text)) for page in pages if page.text is not None]
    wrong = next(((page, fault) for page, fault in faults if fault), None)
    if wrong is not None:
        page, fault = wrong
        where = f"{page.url} at {page.address}" if page.address else page.url
        reason = f"the page {where} does not show the {sought.noun}: {fault}"
        return Look(name, page.url, asked, reason, advice=TIMEOUT_ADVICE if fault == web.SILENCE else WEBROOT_ADVICE)
    others = [page for page in pages if page.text is None]
    if not faults:
        return _not_seen(name, sought, pages, asked)
    warning = ""
    if others:
        warning = f"The {sought.noun} was seen at {faults[0][0].url}, but not at {others[0].url}: {others[0].reason}."
        if others[0].status is None:
            warning += f" This is fine if the site has no {others[0].url.partition(':')[0].upper()}."
    return Look(name, faults[0][0].url, asked, "", None, warning)


def _not_seen(name: str, sought: Sought, pages: t.Sequence[web.Page], asked: tuple[str, ...]) -> Look:
    """Return the result for a name without a page that DigiCert would search."""
    reasons = "; ".join(f"{page.url}: {page.reason}" for page in pages)
    if any(page.status for page in pages):
        reason, advice = f"the web server of {name} does not show the {sought.noun}: {reasons}", WEBROOT_ADVICE
    else:
        # The same for both, such as a name without an address, is said once.
        causes = {page.reason for page in pages}
        reason = f"the web server of {name} cannot be reached: {reasons if len(causes) > 1 else causes.pop()}"
        advice = SERVER_ADVICE
    return Look(name, pages[-1].url, asked, reason, advice=advice)


def look_over_dns(
    name: str,
    sought: Sought,
    find_servers: t.Callable[[str], t.Sequence[name_servers.NameServer]],
    limit: TimeLimit,
) -> Look:
    """Check a name's TXT records."""
    plain = name[2:] if name.startswith("*.") else name
    if len(PREFIX + plain) > LONGEST_NAME:
        return _look_at_record(name, plain, sought, find_servers, limit)
    first = _look_at_record(name, PREFIX + plain, sought, find_servers, limit.share(2, limit.left))
    if not first.reason:
        return first
    second = _look_at_record(name, plain, sought, find_servers, limit)
    return first if second.reason else second


def _look_at_record(
    name: str,
    record: str,
    sought: Sought,
    find_servers: t.Callable[[str], t.Sequence[name_servers.NameServer]],
    limit: TimeLimit,
) -> Look:
    try:
        replies = name_servers.read_texts(record, find_servers, limit)
    except DigicertError as error:
        return Look(name, record, (), error.message[:1].lower() + error.message[1:].rstrip("."))
    asked = tuple(address for reply in replies for address in reply.server.addresses[:1])
    cname = next((reply.alias for reply in replies if reply.alias), None)
    via = f", a CNAME to {printable(cname, 100)}," if cname else ""
    for reply in replies:
        where = f"the TXT record {record}{via} at the name server {reply.server.shown}"
        if reply.fault:
            return Look(name, record, asked, f"{where} cannot be read: {reply.fault}", cname)
        faults = [sought.fault(text) for text in reply.texts] or ["the record does not exist"]
        if all(faults):
            return Look(name, record, asked, f"{where} does not show the {sought.noun}: {faults[0]}", cname)
    return Look(name, record, asked, "", cname)


class ServerFinder:
    """Finds and caches the servers to ask about a record: those in the options, or the authoritative ones."""

    def __init__(self, named: t.Sequence[str], port: int, limit: TimeLimit) -> None:
        """Read the options of the module."""
        self._named = [name.strip() for name in named if name.strip()]
        self._port = port
        self._limit = limit
        self._known: dict[str, list[name_servers.NameServer]] = {}

    def __call__(self, record: str) -> list[name_servers.NameServer]:
        """Return the servers; raises DigicertError."""
        key = "" if self._named else record
        if key not in self._known:
            if self._named:
                self._known[key] = [name_servers.named_server(name, self._port, self._limit) for name in self._named]
            else:
                self._known[key] = name_servers.authoritative_servers(record, self._port, self._limit)
        return self._known[key]


def look_until(
    names: t.Sequence[str], look: t.Callable[[str, TimeLimit], Look], limit: TimeLimit, looks: dict[str, Look]
) -> None:
    """Check all names repeatedly until each shows the value or the time is over; fills `looks`."""
    pending = list(names)
    while pending:
        for number, name in enumerate(pending):
            if limit.left <= 0 and name in looks:
                return
            part = limit.share(len(pending) - number, limit.left)
            found = look(name, part)
            # A check that ran out of time knows less than the previous one.
            if name not in looks or not found.reason or part.left > 0:
                looks[name] = found
        pending = [name for name in pending if looks[name].reason]
        if pending and limit.left <= PAUSE:
            return
        if pending:
            time.sleep(PAUSE)
