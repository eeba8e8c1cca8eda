# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deny the network, except for NETWORK_GUARD_ALLOWED, to every Python process with this folder in PYTHONPATH.

Python imports this file at its start. From then on, its audit events report each attempt to connect, send, listen, or
resolve a name before it happens, and no code can remove the hook. NETWORK_GUARD_LOG gets a line of JSON for each start,
each attempt, and each started program.
"""

from __future__ import annotations

import json
import os
import sys
import typing as t

ALLOWED = frozenset(os.environ["NETWORK_GUARD_ALLOWED"].split())  # host:port
LOG = os.environ["NETWORK_GUARD_LOG"]
WITH_SOCKET = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind")
BY_NAME = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
PROGRAMS = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system")


def note(kind: str, what: str, denied: bool = False) -> None:
    """Append one line; one write each, so that processes do not mix theirs."""
    line = json.dumps({"kind": kind, "what": what, "denied": denied}) + "\n"
    descriptor = os.open(LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(descriptor, line.encode())
    os.close(descriptor)


def hook(event: str, arguments: tuple[t.Any, ...]) -> None:
    """Look at an audit event of Python; raises PermissionError for what is not allowed."""
    if event in PROGRAMS:
        note("program", repr(arguments[:2]))
    elif event in WITH_SOCKET and isinstance(arguments[1], tuple):  # neither a Unix socket nor a connected one
        if event == "socket.bind" and arguments[1][:2] == ("::1", 0):
            return  # how urllib3 finds out whether there is IPv6
        decide("address", f"{arguments[1][0]}:{arguments[1][1]}", ALLOWED)
    elif event in BY_NAME and arguments[0] is not None:
        name = arguments[0] if isinstance(arguments[0], str) else bytes(arguments[0]).decode()
        decide("name", name, {address.rpartition(":")[0] for address in ALLOWED})


def decide(kind: str, what: str, allowed: t.AbstractSet[str]) -> None:
    """Note an attempt; raises PermissionError unless it is allowed."""
    note(kind, what, denied=what not in allowed)
    if what not in allowed:
        raise PermissionError(f"the network guard denies {kind} {what}")


note("start", " ".join(sys.argv) if hasattr(sys, "argv") else "")
sys.addaudithook(hook)
