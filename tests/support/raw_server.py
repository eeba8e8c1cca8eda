# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server on loopback that sends exactly the bytes of a test."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import typing as t

from tests.support.web import HOST, address_of, running

Reply = t.Callable[[socket.socket, bytes], None]


class RawServer:
    """The requests so far, and the address."""

    def __init__(self, address: str) -> None:
        """Listen there."""
        self.address = address
        self.requests: list[bytes] = []


@contextlib.contextmanager
def raw_server(reply: bytes | t.Iterable[bytes] | Reply) -> t.Iterator[RawServer]:
    """Answer each request with bytes, with pieces of them, or with a function of the connection and the request."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            request = read_request(self.request)
            shown.requests.append(request)
            with contextlib.suppress(OSError):
                if callable(reply):
                    reply(self.request, request)
                    return
                for piece in [reply] if isinstance(reply, bytes) else reply:
                    self.request.sendall(piece)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_ignored: t.Any) -> None:
            pass

    server = Server((HOST, 0), Handler)
    shown = RawServer(address_of(server))
    with running(server):
        yield shown


def read_request(connection: socket.socket) -> bytes:
    """Read a head and as much of a body as it promises."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return data
        data += piece
        if data.startswith(b"\x16"):  # the hello of TLS
            return data
    head, _ignored, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        piece = connection.recv(65536)
        body += piece
        if not piece:
            break
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def silent_server(*, taken: bool) -> t.Iterator[int]:
    """Yield the port of a server that never answers; unless `taken`, it does not take connections either."""
    with socket.create_server((HOST, 0), backlog=128 if taken else 0) as listener, contextlib.ExitStack() as stack:
        address = listener.getsockname()
        for _ignored in range(0 if taken else 2):  # Linux queues one more than the backlog
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield address[1]
