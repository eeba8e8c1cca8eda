# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scripted HTTP server for unit tests on the oldest Python."""

from __future__ import annotations

import contextlib
import json
import typing as t

from tests.support.web import QuietHandler, address_of, http_server


class Script:
    """Gives a test's responses in order; records the requests as (method, path, headers, body)."""

    def __init__(self) -> None:
        """Start without responses."""
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.requests: list[tuple[str, str, t.Mapping[str, str], bytes]] = []
        self.connections = 0
        self.url = ""

    def answer(self, payload: t.Any = None, status: int = 200, **headers: str) -> None:
        """Add an answer: bytes as they are, None as an empty body, any other value as JSON."""
        body = payload if isinstance(payload, bytes) else b"" if payload is None else json.dumps(payload).encode()
        self.answers.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, body))

    @property
    def calls(self) -> list[str]:
        """The requests so far, as "METHOD /path"."""
        return [f"{method} {path}" for method, path, *_more in self.requests]


@contextlib.contextmanager
def serve_script() -> t.Iterator[Script]:
    """Serve a script on loopback until the block ends."""
    script = Script()

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            script.connections += 1

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            script.requests.append((self.command, self.path, dict(self.headers), body))
            status, headers, content = script.answers.pop(0)
            self.send_response_only(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 (names that http.server wants)

    with http_server(Handler) as server:
        script.url = f"http://{address_of(server)}"
        yield script
