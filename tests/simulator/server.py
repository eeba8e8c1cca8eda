# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP/1.1 over TCP or TLS on loopback: reads whole requests, and sends responses, with a fault if there is one."""

from __future__ import annotations

import contextlib
import io
import socket
import socketserver
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from email.utils import format_datetime
from http.client import responses
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote_to_bytes

from werkzeug.wrappers import Response

from .faults import Fault

HOST = "127.0.0.1"
IDLE_TIMEOUT = 120.0
Answer = Callable[[dict[str, Any]], tuple[Response, Fault]]


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A server with one thread per connection, listening from construction to ``stop``.

    Attributes:
        tls: what new connections are shown; None for plain HTTP.
        keep_alive: whether a connection serves more than one request.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024  # hundreds of hosts connect within one scheduling slice

    def __init__(
        self,
        port: int,
        answer: Answer,
        stopping: threading.Event,
        now: Callable[[], datetime],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Listen on loopback.

        Args:
            port: 0 for any free one.
            answer: gives, for a WSGI environment, the response and the fault to deliver it with.
            stopping: set when clients no longer need responses.
            now: tells the time for the header ``Date``.
            tls: None for plain HTTP.

        Raises:
            OSError: when the port is taken.
        """
        super().__init__((HOST, port), _Handler)
        self.answer = answer
        self.now = now
        self.tls = tls
        self.stopping = stopping
        self.keep_alive = True
        self._connections: set[socket.socket] = set()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return self.server_address[1]

    def start(self) -> None:
        """Answer requests from now on, in threads."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and cut every connection."""
        if self._thread.is_alive():
            self.shutdown()
        self.server_close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection; the TLS handshake belongs here, in the connection's own thread."""
        request.settimeout(IDLE_TIMEOUT)
        connection = self.tls.wrap_socket(request, server_side=True) if self.tls else request
        self._connections.add(connection)
        try:
            _Handler(connection, client_address, self)
        finally:
            self._connections.discard(connection)
            connection.close()

    def shutdown_request(self, request: Any) -> None:
        """Close without the base class's FIN, which would come before the RST of a "reset" fault."""
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Do not report clients that disconnected or did not trust the certificate; report everything else."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def _exchange(self) -> None:
        environ = self._environ()
        response, fault = self.server.answer(environ)
        if not self.server.keep_alive:
            self.close_connection = True
        if fault.drop:
            self._drop(reset=fault.drop == "reset")
            return
        body = self._body(response)
        if fault.close_after is not None:
            self.close_connection = True
            body = _first_bytes(body, fault.close_after)
        self._write(self._head(response), fault.drip_headers)
        for block in body:
            self._write(block, fault.drip_body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = _exchange  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Do not log; the request log has more details."""

    def _environ(self) -> dict[str, Any]:
        path, _ignored, query = self.path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": HOST,
            "SERVER_PORT": str(self.server.port),
            "SERVER_PROTOCOL": self.request_version,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https" if self.server.tls else "http",
            "wsgi.input": io.BytesIO(self._request_body()),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        return environ

    def _request_body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdecimal():
            self.close_connection = True  # where the next request starts is unknown
            return b""
        return self.rfile.read(int(length))

    def _head(self, response: Response) -> bytes:
        lines = [f"HTTP/1.1 {response.status_code} {responses.get(response.status_code, 'Unknown')}"]
        lines += [f"Date: {format_datetime(self.server.now(), usegmt=True)}", "Server: CertCentral-Simulator"]
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        if self.close_connection:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _body(self, response: Response) -> Iterator[bytes]:
        if self.command == "HEAD" or response.status_code in (204, 304):
            return iter(())
        blocks = response.iter_encoded()
        return _chunks(blocks) if "Transfer-Encoding" in response.headers else blocks

    def _write(self, data: bytes, interval: float) -> None:
        if not interval:
            self.wfile.write(data)
            return
        for byte in data:
            self.wfile.write(bytes([byte]))
            self.server.stopping.wait(interval)

    def _drop(self, reset: bool) -> None:
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _first_bytes(blocks: Iterable[bytes], count: int) -> Iterator[bytes]:
    for block in blocks:
        yield block[:count]
        count -= len(block)
        if count <= 0:
            return


def _chunks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    for block in blocks:
        if block:
            yield b"%x\r\n%s\r\n" % (len(block), block)
    yield b"0\r\n\r\n"
