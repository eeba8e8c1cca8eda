# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that began to answer, or had too little time, is not one that the site does not have."""

from __future__ import annotations

import socket
import struct
import time
import typing as t

import pytest
from ansible_collections.community.digicert.plugins.module_utils._dcv import web
from ansible_collections.community.digicert.plugins.module_utils._dcv.time_limits import TimeLimit, resolve

from tests.support.raw_server import raw_server, silent_server
from tests.support.web import HOST

NAME = "www.example.com"
CUT_OFF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncatch-all"


def fetch(port: int, seconds: float) -> web.Page:
    site = web.Site(HOST, {"http": port, "https": port}, "DigiCert", frozenset({NAME}))
    return web.fetch("http", NAME, site, TimeLimit(seconds))


def reset(connection: socket.socket, _request: bytes) -> None:
    connection.sendall(CUT_OFF)
    time.sleep(0.3)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def stall(connection: socket.socket, _request: bytes) -> None:
    connection.sendall(CUT_OFF)
    connection.recv(1)


def redirect_late(connection: socket.socket, request: bytes) -> None:
    if b"/late" in request:
        connection.recv(1)
    time.sleep(0.8)
    connection.sendall(f"HTTP/1.1 302 Found\r\nLocation: http://{NAME}/late\r\n\r\n".encode())


@pytest.mark.parametrize("reply", [reset, stall, redirect_late])
def test_a_server_that_began_to_answer_counts(monkeypatch: pytest.MonkeyPatch, reply: t.Any) -> None:
    monkeypatch.setattr(web, "_PER_CONNECTION", 2.5)
    with raw_server(reply) as server:
        page = fetch(int(server.address.rpartition(":")[2]), 3.0)
    assert (page.text, page.address) == ("", server.address)


def test_an_address_that_had_too_little_time_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "_PER_CONNECTION", 0.3)
    with silent_server(taken=False) as port:
        page = fetch(port, 1.0)
    assert (page.text, page.reason) == ("", web.SILENCE)


def test_a_name_is_not_resolved_without_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[t.Any] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **_options: asked.append(args))
    with pytest.raises(socket.timeout):
        resolve(NAME, 80, TimeLimit(0))
    assert asked == []
