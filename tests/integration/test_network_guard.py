# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No network beyond what is configured: every Python process is denied all other addresses, and attempts are recorded.

The same guard watches the role, in test_role_http. It sees only Python's sockets. Libraries in C or Rust with their own
sockets and other programs could bypass it, so the test also checks which programs are started.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.simulator import Simulator
from tests.support.calls import calls
from tests.support.network_guard import NetworkGuard
from tests.support.pki import new_csr
from tests.support.playbooks import Ansible
from tests.support.sites import Site

FILTER = "community.digicert.request_token"


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
        ("socket.socket().bind(('0.0.0.0', 0))", "0.0.0.0:0"),
    ],
)
def test_guard_denies_what_is_not_allowed(tmp_path: Path, attempt: str, what: str) -> None:
    guard = NetworkGuard(tmp_path / "log", "127.0.0.1:9")
    command = [sys.executable, "-c", f"import socket; {attempt}"]
    done = subprocess.run(command, env={**os.environ, **guard.env}, capture_output=True, text=True, check=False)
    assert "PermissionError: the network guard denies" in done.stderr
    assert guard.denied() == [what]


def test_modules_filters_and_test_contact_the_service_only(simulator: Simulator, site: Site, ansible: Ansible) -> None:
    service = urlsplit(simulator.url).netloc
    guard = NetworkGuard(ansible.directory / "network", service)
    tasks = [
        {"name": "Reuse the AuthKey", "community.digicert.digicert_auth_key": {}},
        {"name": "List", "community.digicert.digicert_auth_key_info": {}},
        {"name": "Order", "community.digicert.digicert_certificate": site.args()},
        {
            "name": "Filters and test",
            "ansible.builtin.assert": {
                "that": [
                    "token is community.digicert.valid_request_token(auth_key=key, csr=csr)",
                    f"(token | {FILTER}_info) is mapping",
                    "csr | community.digicert.order_csr is truthy",
                ]
            },
            "vars": {
                "key": "{{ ansible_facts.digicert_auth_key.auth_key }}",
                "csr": new_csr("www.example.com"),
                "token": f"{{{{ csr | {FILTER}(auth_key=key) }}}}",
            },
        },
    ]
    run = ansible.play(tasks, **guard.env)
    assert (guard.denied(), run.rc) == ([], 0), run.output
    assert set(guard.seen("address")) == {service}
    assert len(guard.seen("address")) >= len(tasks) - 1
    assert len(calls(simulator)) >= len(tasks) - 1
    # The guard was active on the controller, where filters and tests run, and no other program was used.
    assert any("ansible-playbook" in argv for argv in guard.seen("start"))
    programs = " ".join(guard.seen("program"))
    assert not re.search(r"\b(curl|wget|nc|ssh)\b", programs)
    # Every user of the machine can see arguments.
    assert "python" in programs
    assert not [key for key in (simulator.keys["full"], simulator.auth_keys()[0].auth_key) if key in programs]
