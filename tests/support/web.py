# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Web servers on loopback, in a thread of the test."""

from __future__ import annotations

import contextlib
import functools
import socketserver
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOST = "127.0.0.1"
Server = t.TypeVar("Server", bound=socketserver.BaseServer)


@contextlib.contextmanager
def running(server: Server) -> t.Iterator[Server]:
    """Let a server work in a thread until the block ends."""
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    with server:
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
    thread.join()


def http_server(handler: t.Callable[..., BaseHTTPRequestHandler]) -> t.ContextManager[ThreadingHTTPServer]:
    """Serve HTTP with a handler class on a free port."""
    server = ThreadingHTTPServer((HOST, 0), handler)
    server.daemon_threads = True
    return running(server)


def address_of(server: socketserver.TCPServer | socketserver.UDPServer) -> str:
    """Return where a server listens, as host:port."""
    return f"{HOST}:{server.server_address[1]}"


class QuietHandler(BaseHTTPRequestHandler):
    """Writes no log."""

    def log_message(self, *_arguments: t.Any) -> None:
        """Write nothing."""


class FolderHandler(QuietHandler, SimpleHTTPRequestHandler):
    """Serves files and writes no log."""


def web_server(directory: Path) -> t.ContextManager[ThreadingHTTPServer]:
    """Serve a folder, as the web server of www.example.com."""
    return http_server(functools.partial(FolderHandler, directory=str(directory)))


class Page:
    """What a web server shows at every path."""

    text = ""
    address = ""


@contextlib.contextmanager
def page_server() -> t.Iterator[Page]:
    """Serve one text, which can be changed, at every path."""
    page = Page()

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(page.text.encode())

    with http_server(Handler) as server:
        page.address = address_of(server)
        yield page
