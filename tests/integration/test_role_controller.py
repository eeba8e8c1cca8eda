# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dv_certificate_order_from=controller: hosts that cannot reach the API and never get the API key."""

from __future__ import annotations

import copy
import json
import sys
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.fleet import AUTH_KEY, LIST, ORDER, Fleet
from tests.support.playbooks import Ansible

HOST = "www.example.com"
# Runs modules on a host without network access, and records everything that the host receives.
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
        # A host must not inherit the controller's environment from this machine.
        self.key = env.pop("DIGICERT_API_KEY")
        fleet.variables.update(order_from="controller", api_key=self.key, api_url=env.pop("DIGICERT_API_URL"))
        fleet.variables["ca_path"] = str(fleet.simulator.ca_file)

    def second(self, folder: Path) -> Dmz:
        """Return another controller for the same hosts."""
        folder.mkdir()
        other = copy.copy(self)
        other.fleet = copy.copy(self.fleet)
        other.fleet.ansible = Ansible(folder, self.fleet.ansible.env)
        other.fleet.ansible.env.update(HOME=str(folder / "home"), ANSIBLE_REMOTE_TEMP=str(folder / "home" / "tmp"))
        return other

    def run(self, *options: str, hosts: t.Any = None, crash: str = "0:", **variables: t.Any) -> t.Any:
        """Run the role, as Fleet.run does; `crash` is a task before which the run ends, see callback/crash_before."""
        env = self.fleet.ansible.env
        env.update(ANSIBLE_CALLBACKS_ENABLED="task_results,crash_before", CRASH_BEFORE=crash)
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
    assert fleet.calls() == [AUTH_KEY, LIST, ORDER]
    fleet.verify(HOST)
    assert dmz.key.encode() not in dmz.log.read_bytes()
    assert dmz.key not in run.output
    for path in (fleet.directory / HOST).iterdir():
        assert dmz.key.encode() not in path.read_bytes()
    again = dmz.run()
    assert (again.rc, fleet.calls(), [r for r in again.results if r.changed]) == (0, [], [])


# The task before which each run is killed.
CRASHES = {
    "planned.example.com": "1:Record the result on the host",
    "reserved.example.com": "2:Order or fetch the certificate on the controller",
    "sent.example.com": "2:Record the result on the host",
    "installed.example.com": "1:Remove the request token",
}


def test_a_crash_between_any_two_tasks_costs_one_order(dmz: Dmz) -> None:
    hosts: dict[str, t.Any] = {host: {} for host in CRASHES}
    for host, task in CRASHES.items():
        run = dmz.run("--limit", host, hosts=hosts, crash=task)
        assert run.rc == 9, run.output
    placed = len(dmz.fleet.simulator.orders())
    assert placed == 2  # from the runs that sent it
    # Ten minutes have passed since the first service time after the crash.
    journal = json.loads(dmz.journal("reserved.example.com").read_text())
    assert journal["submission"]["run_id"]
    journal["submission"]["lost_at"] = journal["submission"]["first_sent"].replace("2026", "2025")
    dmz.journal("reserved.example.com").write_text(json.dumps(journal))
    run = dmz.run(hosts=hosts)
    assert run.rc == 0, run.output
    assert len(dmz.fleet.simulator.orders()) == len(hosts)
    for host in hosts:
        dmz.fleet.verify(host)
        assert json.loads(dmz.journal(host).read_text())["submission"] is None


def test_two_controllers_at_once_place_one_order_for_each_host(dmz: Dmz, tmp_path: Path) -> None:
    hosts: dict[str, t.Any] = {f"h{number}.example.com": {} for number in range(3)}
    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda it: it.run(hosts=hosts, check=False), [dmz, dmz.second(tmp_path / "second")]))
    assert [run.rc for run in runs] == [0, 0], runs[0].output + runs[1].output
    assert len(dmz.fleet.simulator.orders()) == len(hosts)
    for host in hosts:
        dmz.fleet.verify(host)
