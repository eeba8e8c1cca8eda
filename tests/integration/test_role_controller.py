# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dv_certificate_order_from=controller: hosts that cannot reach the API and never see its key."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import pytest

from tests.support.fleet import FIRST, Fleet

HOST = "www.example.com"
# As Ansible starts modules on a host: no way to any address, and a note of all that the host is given.
_INTERPRETER = """#!{python}
import os, subprocess, sys

sent = sys.stdin.buffer.read()
with open({log!r}, "ab") as log:
    log.write(sent + repr((sys.argv, sorted(os.environ.items()))).encode() + b"\\n")
guard = (
    "import sys\\n"
    "def deny(event, args):\\n"
    "    if event in ('socket.connect', 'socket.sendto'):\\n"
    "        raise PermissionError('this host has no network')\\n"
    "sys.addaudithook(deny)\\n"
    "sys.modules['requests'] = None\\n"
)
run = "exec(compile(sys.stdin.buffer.read(), '<stdin>', 'exec'))"
done = subprocess.run([{python!r}, "-c", guard + run], input=sent)
sys.exit(done.returncode)
"""


class Dmz:
    """A fleet whose hosts have no network, and whose orders come from the controller."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        self.fleet = fleet
        self.log = folder / "seen"
        self.interpreter = folder / "python-without-network"
        self.interpreter.write_text(_INTERPRETER.format(python=sys.executable, log=str(self.log)))
        self.interpreter.chmod(0o755)
        env = fleet.ansible.env
        # What a host inherits from this machine must not be what the controller knows.
        self.key = env.pop("DIGICERT_API_KEY")
        fleet.variables.update(order_from="controller", api_key=self.key, api_url=env.pop("DIGICERT_API_URL"))
        fleet.variables["ca_path"] = str(fleet.simulator.ca_file)

    def run(self, *options: str, hosts: t.Any = None, **variables: t.Any) -> t.Any:
        names = list(hosts or {HOST: {}})
        more = [f"{name} ansible_connection=local ansible_python_interpreter={self.interpreter}" for name in names]
        self.fleet.ansible.hosts = lambda *_: self.fleet.ansible.inventory.write_text("\n".join(more) + "\n")  # type: ignore[method-assign,assignment]
        return self.fleet.run(*options, hosts=hosts, **variables)

    def journal(self, host: str = HOST) -> Path:
        return self.fleet.directory / host / f".{host}.pem.order.json"


@pytest.fixture
def dmz(fleet: Fleet, tmp_path: Path) -> Dmz:
    return Dmz(fleet, tmp_path)


def test_order_for_a_host_without_network(dmz: Dmz) -> None:
    fleet = dmz.fleet
    run = dmz.run("-vvvv", "--diff")
    assert run.rc == 0, run.output
    assert fleet.calls()[1:] == [*FIRST] or fleet.calls, run.output
    fleet.verify(HOST)
    assert dmz.key.encode() not in dmz.log.read_bytes()
    assert dmz.key not in run.output
    for path in (fleet.directory / HOST).iterdir():
        assert dmz.key.encode() not in path.read_bytes()
    again = dmz.run()
    assert (again.rc, fleet.calls(), [r for r in again.results if r.changed]) == (0, [], [])
