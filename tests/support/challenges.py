# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A web server and a DNS server on loopback, for the simulator's validation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingUDPServer

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from tests.support.web import HOST, QuietHandler, address_of, http_server, running

FILE_PATH = "/.well-known/pki-validation/fileauth.txt"


class Challenges:
    """What is published: ``files`` and ``redirects`` by domain, ``records`` by name; ``asked`` tells what was read."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.records: dict[str, list[str]] = {}
        self.redirects: dict[str, str] = {}
        self.asked: list[str] = []
        self.http = ""
        self.dns = ""


@contextmanager
def serve_challenges() -> Iterator[Challenges]:
    """Serve until the block ends; the addresses are in ``http`` and ``dns`` as ``host:port``."""
    challenges = Challenges()
    resolver = ThreadingUDPServer((HOST, 0), _dns(challenges))
    with http_server(_web(challenges)) as web, running(resolver):
        challenges.http, challenges.dns = address_of(web), address_of(resolver)
        yield challenges


def _web(challenges: Challenges) -> type[QuietHandler]:
    class Web(QuietHandler):
        def do_GET(self) -> None:  # noqa: N802
            domain = self.headers["Host"]
            challenges.asked.append(domain)
            redirect = challenges.redirects.get(domain) if self.path == FILE_PATH else None
            text = challenges.files.get(domain) if self.path in (FILE_PATH, challenges.redirects.get(domain)) else None
            self.send_response(302 if redirect else 404 if text is None else 200)
            if redirect:
                self.send_header("Location", redirect)
            self.end_headers()
            self.wfile.write((text or "").encode())

    return Web


def _dns(challenges: Challenges) -> type[BaseRequestHandler]:
    class Dns(BaseRequestHandler):
        def handle(self) -> None:
            data, connection = self.request
            query = dns.message.from_wire(data)
            name = query.question[0].name
            text = name.to_text(omit_final_dot=True)
            challenges.asked.append(text)
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.AA
            values = challenges.records.get(text)
            if values is None:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            else:
                answer.answer = [dns.rrset.from_text(name, 60, "IN", "TXT", *values)]
            connection.sendto(answer.to_wire(), self.client_address)

    return Dns
