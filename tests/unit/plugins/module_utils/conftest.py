# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scripted HTTP server, for what a unit test on the oldest Python needs of the API."""

from __future__ import annotations

import json
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils import _issuance
from ansible_collections.community.digicert.plugins.module_utils._client import Client
from hypothesis import settings

from tests.unit.plugins.module_utils.issuance_support import Case
from tests.unit.plugins.module_utils.order_support import FakeBackoff

# That an example takes long on a busy machine is no failure.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


class Script:
    """Answers requests, in order, with what a test put in; remembers the requests as (method, path, headers, body)."""

    def __init__(self) -> None:
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
        return [f"{method} {path}" for method, path, _ignored, _ignored in self.requests]


@pytest.fixture
def script() -> t.Iterator[Script]:
    """A server on loopback that follows a script."""
    script = Script()

    class Handler(BaseHTTPRequestHandler):
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

        def log_message(self, *_ignored: t.Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    yield script
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(script: Script) -> Client:
    """A client of that server."""
    return Client(script.url, "the-api-key")


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds slept, without sleeping: time passes at once and jitter is always the largest."""
    slept: list[float] = []
    module = "ansible_collections.community.digicert.plugins.module_utils._client"
    monkeypatch.setattr(f"{module}.time.monotonic", lambda: 1000.0 + sum(slept))
    monkeypatch.setattr(f"{module}.time.sleep", slept.append)
    monkeypatch.setattr(f"{module}.random.uniform", lambda _low, high: high)
    return slept


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    """A case whose waiting for issuance allows three looks and takes no time."""
    monkeypatch.setattr(_issuance, "Backoff", lambda _seconds: FakeBackoff(3))
    return Case(tmp_path)
