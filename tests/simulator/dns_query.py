# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A TXT query to one name server (RFC 1035), over UDP, and over TCP when the answer is cut off."""

from __future__ import annotations

import os
import socket
import struct

_TXT, _IN, _NXDOMAIN = 16, 1, 3


class DnsError(Exception):
    """No usable answer; the text gives the reason."""


def txt_records(name: str, server: tuple[str, int], timeout: float) -> list[list[str]]:
    """Return the TXT records of ``name``, each as its strings.

    Args:
        name: A-labels without the last dot.
        server: IP address and port.
        timeout: seconds for each exchange.

    Raises:
        DnsError: when the server refuses, or sends something that is not an answer.
        OSError: when it cannot be reached or is silent (TimeoutError).
    """
    query = _query(name)
    answer = _over_udp(query, server, timeout)
    if answer[2:3] and answer[2] & 0x02:  # TC
        answer = _over_tcp(query, server, timeout)
    try:
        return _records(answer)
    except (IndexError, struct.error) as error:
        raise DnsError("the answer is malformed") from error


def _query(name: str) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.split("."))
    return os.urandom(2) + struct.pack(">5H", 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", _TXT, _IN)


def _over_udp(query: bytes, server: tuple[str, int], timeout: float) -> bytes:
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as connection:
        connection.settimeout(timeout)
        connection.connect(server)
        connection.send(query)
        while (answer := connection.recv(65535))[:2] != query[:2]:
            pass
        return answer


def _over_tcp(query: bytes, server: tuple[str, int], timeout: float) -> bytes:
    with socket.create_connection(server, timeout) as connection, connection.makefile("rb") as answers:
        connection.sendall(struct.pack(">H", len(query)) + query)
        (length,) = struct.unpack(">H", answers.read(2).ljust(2, b"\0"))
        return answers.read(length)


def _records(answer: bytes) -> list[list[str]]:
    flags, questions, answers = struct.unpack(">3H", answer[2:8])
    if flags & 0x0F not in (0, _NXDOMAIN):
        raise DnsError(f"the server answers with code {flags & 0x0F}")
    place = 12
    for _ignored in range(questions):
        place = _after_name(answer, place) + 4
    records = []
    for _ignored in range(answers):
        place = _after_name(answer, place)
        kind, _class, _ttl, length = struct.unpack(">2HIH", answer[place : place + 10])
        place += 10 + length
        if kind == _TXT:
            records.append(_strings(answer[place - length : place]))
    return records


def _after_name(answer: bytes, place: int) -> int:
    while answer[place]:
        if answer[place] & 0xC0:
            return place + 2
        place += 1 + answer[place]
    return place + 1


def _strings(data: bytes) -> list[str]:
    strings, place = [], 0
    while place < len(data):
        end = place + 1 + data[place]
        strings.append(data[place + 1 : end].decode("utf-8", "replace"))
        place = end
    return strings
