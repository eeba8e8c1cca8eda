# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The APIs of DNS providers for tests, behind an HTTPS proxy: clients use real addresses, and reach loopback only.

Each knows the zone example.com and its TXT records, and records every set.
"""

from __future__ import annotations

import contextlib
import json
import re
import ssl
import time
import typing as t
from datetime import timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from tests.simulator.pki import Authority, Validity, certificate_pem, key_pem, new_key
from tests.support.web import QuietHandler, address_of, http_server

ZONE = "example.com"
Answer = t.Tuple[int, t.Any]
ACTION = {"id": 1, "status": "success", "error": None}


class Records:
    """TXT records of a zone: full name -> values; `history` has (name, values) after each change."""

    def __init__(self) -> None:
        """Start empty."""
        self.values: dict[str, list[str]] = {}
        self.history: list[tuple[str, list[str]]] = []
        self.tokens: set[str] = set()

    def put(self, name: str, values: list[str]) -> None:
        """Replace the values at a name; none of them removes it."""
        self.values[name] = values
        self.history.append((name, list(values)))


class Cloudflare(Records):
    """https://api.cloudflare.com, as far as community.general.cloudflare_dns uses it."""

    host = "api.cloudflare.com"

    def answer(self, method: str, path: str, query: dict[str, str], body: t.Any) -> Answer:
        """Return status and answer."""
        rows = [
            {"id": f"{name}|{value}", "type": "TXT", "name": name, "content": value, "ttl": 1}
            for name, values in self.values.items()
            for value in values
        ]
        result: t.Any = [{"id": "z1", "name": ZONE}] if query.get("name") == ZONE else []
        if path.endswith("/dns_records") and method == "GET":
            result = [row for row in rows if all(row.get(key) == value for key, value in query.items())]
        elif method == "POST":
            self.put(body["name"], [*self.values.get(body["name"], []), body["content"]])
            result = {"id": "new", **body}
        elif method == "DELETE":
            name, _bar, value = path.rpartition("/")[2].partition("|")
            self.put(name, [one for one in self.values[name] if one != value])
        return 200, {"success": True, "errors": [], "messages": [], "result": result}


class Hetzner(Records):
    """https://api.hetzner.cloud, as far as community.dns uses it: it writes whole sets, of quoted texts."""

    host = "api.hetzner.cloud"

    def answer(self, method: str, path: str, query: dict[str, str], body: t.Any) -> Answer:  # noqa: ARG002
        """Return status and answer."""
        found = re.fullmatch(r"/v1/zones/[^/]+/rrsets/([^/]+)/TXT(/actions/\w+)?", path)
        if found is None and path.endswith("/rrsets"):
            if method == "POST":
                self.put(f"{body['name']}.{ZONE}", [record["value"] for record in body["records"]])
                return 201, {"rrset": self._set(f"{body['name']}.{ZONE}"), "action": ACTION}
            names = [name for name, values in self.values.items() if values]
            time.sleep(0.3)  # all simultaneous readers see the old state
            return 200, {"rrsets": [self._set(name) for name in names]}
        if found is None:
            return 200, {"zone": {"id": 7, "name": ZONE}}
        name = f"{found[1]}.{ZONE}"
        if method == "GET":
            if not self.values.get(name):
                return 404, {"error": {"code": "not_found", "message": "no such set", "details": {}}}
            seen = self._set(name)
            time.sleep(0.3)
            return 200, {"rrset": seen}
        if method == "DELETE" or "records" in body:
            self.put(name, [] if method == "DELETE" else [record["value"] for record in body["records"]])
        return 201, {"action": ACTION}

    def _set(self, name: str) -> dict[str, t.Any]:
        records = [{"value": value, "comment": ""} for value in self.values[name]]
        return {"id": name, "type": "TXT", "ttl": 60, "name": name.removesuffix(f".{ZONE}"), "records": records}


@contextlib.contextmanager
def proxy_to(directory: Path, *services: Cloudflare | Hetzner) -> t.Iterator[dict[str, str]]:
    """Run an HTTPS proxy that connects to the services by name; yield the environment for clients.

    `directory` gets the certificate, which is for these names only.
    """
    authority, key = Authority.root("Proxy"), new_key()
    hosts = {service.host: service for service in services}
    validity = Validity.around_now(timedelta(days=1), timedelta(days=1))
    certificate = authority.issue(list(hosts), key.public_key(), validity)
    (directory / "proxy.pem").write_text(key_pem(key) + certificate_pem(certificate))
    (directory / "proxy-ca.pem").write_text(certificate_pem(authority.certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "proxy.pem")

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def do_CONNECT(self) -> None:  # noqa: N802
            if self.path.partition(":")[0] not in hosts:
                self.send_error(502)
                return
            self.send_response(200)
            self.end_headers()
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb", 0)
            self.close_connection = False

        def respond(self) -> None:
            target = urlsplit(self.path)
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            service = hosts[self.headers["Host"].partition(":")[0]]
            service.tokens.add(self.headers["Authorization"].rpartition(" ")[2])
            body = json.loads(text) if text else None
            status, answer = service.answer(self.command, target.path, dict(parse_qsl(target.query)), body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(content)
            self.close_connection = True

        do_GET = do_POST = do_DELETE = respond  # noqa: N815

    server: ThreadingHTTPServer
    with http_server(Handler) as server:
        yield {
            "HTTPS_PROXY": f"http://{address_of(server)}",
            "NO_PROXY": "127.0.0.1",
            "SSL_CERT_FILE": str(directory / "proxy-ca.pem"),
        }
