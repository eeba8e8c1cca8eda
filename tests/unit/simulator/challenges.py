# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A web server and a DNS server on loopback, for the simulator's validation to ask."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseRequestHandler, BaseServer, ThreadingUDPServer
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

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
    address = ("127.0.0.1", 0)
    with ThreadingHTTPServer(address, _web(challenges)) as web, ThreadingUDPServer(address, _dns(challenges)) as names:
        servers: tuple[BaseServer, ...] = (web, names)
        for server in servers:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        challenges.http, challenges.dns = (f"127.0.0.1:{server.server_address[1]}" for server in (web, names))
        yield challenges
        for server in servers:
            server.shutdown()


def _web(challenges: Challenges) -> type[BaseHTTPRequestHandler]:
    class Web(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            domain = self.headers["Host"]
            challenges.asked.append(domain)
            redirect = challenges.redirects.get(domain) if self.path == FILE_PATH else None
            text = challenges.files.get(domain) if self.path in (FILE_PATH, challenges.redirects.get(domain)) else None
            self.send_response(302 if redirect else 404 if text is None else 200)
            if redirect:
                self.send_header("Location", redirect)
            self.end_headers()
            self.wfile.write((text or "").encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

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
