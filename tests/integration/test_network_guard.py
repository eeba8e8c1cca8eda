# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No network beyond what is configured: every Python process is denied all other addresses, and what it tries is seen.

What the guard sees is Python's own sockets. A library in C or Rust with sockets of its own would pass it; none is used.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.role import Fleet
from tests.integration.servers import Nginx
from tests.integration.support import calls

GUARD = Path(__file__).parent / "guard"
TOKEN = "community.digicert.request_token"  # noqa: S105


class NetworkGuard:
    """What the processes that run with `env` may reach, and what they tried."""

    def __init__(self, log: Path, *allowed: str) -> None:
        """Allow these addresses, as host:port."""
        self._log = log
        self.env = {
            "PYTHONPATH": os.pathsep.join([str(GUARD), os.environ.get("PYTHONPATH", "")]),
            "NETWORK_GUARD_ALLOWED": " ".join(allowed),
            "NETWORK_GUARD_LOG": str(log),
        }

    def seen(self, kind: str, *, denied: bool = False) -> list[str]:
        """Return what was noted of one kind: start, address, name or program."""
        notes = [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines()]
        return [note["what"] for note in notes if (note["kind"], note["denied"]) == (kind, denied)]

    def denied(self) -> list[str]:
        """Return all that was denied."""
        return self.seen("address", denied=True) + self.seen("name", denied=True)


@pytest.mark.parametrize(
    ("attempt", "what"),
    [
        ("socket.create_connection(('127.0.0.1', 8))", "127.0.0.1:8"),
        ("socket.create_connection(('192.0.2.1', 443))", "192.0.2.1"),
        ("socket.socket().connect_ex(('192.0.2.1', 443))", "192.0.2.1:443"),
        ("socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))", "192.0.2.1:53"),
        ("socket.socket(socket.AF_INET6).connect(('2001:db8::1', 443))", "2001:db8::1:443"),
        ("socket.getaddrinfo('www.example.com', 443)", "www.example.com"),
        ("socket.gethostbyname('www.example.com')", "www.example.com"),
        ("socket.create_server(('127.0.0.1', 0))", "127.0.0.1:0"),
    ],
)
def test_guard_denies_what_is_not_allowed(tmp_path: Path, attempt: str, what: str) -> None:
    guard = NetworkGuard(tmp_path / "log", "127.0.0.1:9")
    command = [sys.executable, "-c", f"import socket; {attempt}"]
    done = subprocess.run(command, env={**os.environ, **guard.env}, capture_output=True, text=True, check=False)
    assert "PermissionError: the network guard denies" in done.stderr
    assert guard.denied() == [what]


def test_only_the_configured_addresses_are_contacted(fleet: Fleet, nginx: Nginx, tmp_path: Path) -> None:
    service = urlsplit(fleet.simulator.url).netloc
    guard = NetworkGuard(tmp_path / "network", service, nginx.address)
    fleet.ansible.env.update(guard.env)
    role = fleet.run()
    assert role.rc == 0, role.output
    assert len(fleet.calls()) == 2
    contacted = guard.seen("address")
    assert (guard.denied(), set(contacted)) == ([], {service, nginx.address})

    csr = fleet.path("www.example.com", "csr").read_text(encoding="utf-8")
    tasks = [
        {"name": "Reuse the AuthKey", "community.digicert.digicert_auth_key": {}},
        {"name": "List", "community.digicert.digicert_auth_key_info": {}},
        {
            "name": "Filters and test",
            "ansible.builtin.assert": {
                "that": [
                    "token is community.digicert.valid_request_token(auth_key=key, csr=csr)",
                    f"(token | {TOKEN}_info) is mapping",
                    "csr | community.digicert.order_csr is truthy",
                ]
            },
            "vars": {
                "key": "{{ ansible_facts.digicert_auth_key.auth_key }}",
                "csr": csr,
                "token": f"{{{{ csr | {TOKEN}(auth_key=key) }}}}",
            },
        },
    ]
    plugins = fleet.ansible.play(tasks)
    assert plugins.rc == 0, plugins.output
    assert len(fleet.calls()) == 2
    assert guard.denied() == []
    assert set(guard.seen("address")[len(contacted) :]) == {service}
    # The guard was there in the controller, where filters and tests run, and no tool did the talking instead.
    assert any("ansible-playbook" in argv for argv in guard.seen("start"))
    assert not {"curl", "wget", "nc", "ssh"} & set(guard.seen("program"))
