# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A relay to the simulator that fails like networks and proxies, from a chosen connection on."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import typing as t

HOST = "127.0.0.1"
SLICE = 65536


class Relay:
    """Forwards TCP connections, or acts as an HTTP proxy if the client begins with CONNECT.

    With a simulator that closes each connection after one request, the n-th connection is the n-th request.
    """

    def __init__(self, target: int) -> None:
        """Listen on loopback; `target` is the port of the simulator."""
        self._target = target
        self._lock = threading.Lock()
        self._listener = _listener(0)
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self.reset()

    def reset(self) -> None:
        """Forward everything from now on, and count from the beginning."""
        with self._lock:
            self._healthy = 0
            self._trouble: str | None = None
            self._times: int | None = None
            self._before: t.Callable[[], None] = lambda: None
            self.met = 0  # connections with the trouble
            self._forget()
        self._listen()

    def fail(
        self, trouble: str, after: int, times: int | None = None, before: t.Callable[[], None] = lambda: None
    ) -> None:
        """Apply a trouble to the connections after some healthy ones.

        Args:
            trouble: "refuse", "reset", "hang", "plain", "close" (after the client's first bytes), "proxy 502" or
                "none", which still forwards them.
            after: healthy connections.
            times: number of connections with the trouble; None for all.
            before: is called with each such connection.
        """
        with self._lock:
            self._healthy, self._trouble, self._times, self._before = after, trouble, times, before
        if after == 0 and trouble == "refuse":
            self._refuse()

    def stop(self) -> None:
        """Stop listening, and cut every connection."""
        self._refuse()
        self._forget()

    def _listen(self) -> None:
        if self._listener.fileno() == -1:
            self._listener = _listener(self.port)
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def _refuse(self) -> None:
        # shutdown() wakes the thread in accept(), which close() alone would not.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _forget(self) -> None:
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._open.clear()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ignored = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._met, args=(connection,), daemon=True).start()

    def _met(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.append(connection)
            trouble = None
            if self._healthy:
                self._healthy -= 1
                if self._healthy == 0 and self._trouble == "refuse":
                    self._refuse()  # before this connection is forwarded, so that nothing overtakes
            elif self._trouble is not None and self._times != 0:
                trouble = self._trouble
                self.met += 1
                self._times = None if self._times is None else self._times - 1
                self._before()
        with contextlib.suppress(OSError):
            self._deal(connection, trouble)

    def _deal(self, connection: socket.socket, trouble: str | None) -> None:
        if trouble == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        elif trouble == "hang":
            connection.recv(SLICE)
        elif trouble in ("plain", "close", "proxy 502"):
            connection.recv(SLICE)
            if trouble == "plain":
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            if trouble == "proxy 502":
                connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 5\r\n\r\nsorry")
            connection.shutdown(socket.SHUT_WR)
            connection.recv(SLICE)
            connection.close()
        else:
            self._forward(connection)

    def _forward(self, connection: socket.socket) -> None:
        first = connection.recv(SLICE)
        if first.startswith(b"CONNECT "):
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            first = b""
        with socket.create_connection((HOST, self._target)) as onward:
            self._open.append(onward)
            onward.sendall(first)
            back = threading.Thread(target=_pump, args=(onward, connection), daemon=True)
            back.start()
            _pump(connection, onward)
            back.join()
        connection.close()


def _listener(port: int) -> socket.socket:
    return socket.create_server((HOST, port), backlog=64)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        try:
            while block := source.recv(SLICE):
                sink.sendall(block)
        finally:
            sink.shutdown(socket.SHUT_WR)
