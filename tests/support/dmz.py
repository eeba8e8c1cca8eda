# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts that cannot reach the API and never get the API key: the controller orders for them."""

from __future__ import annotations

import copy
import os
import sys
import typing as t
from pathlib import Path

from tests.support.fleet import Fleet
from tests.support.playbooks import Ansible, Run

CONTROLLER = "controller"
# Runs modules on a host without network access, and records everything that the host receives.
_INTERPRETER = """#!{python} -IS
import os, sys

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
program = os.fdopen(os.dup(os.memfd_create("program")), "r+b")
program.write((guard + "exec(compile(%r, '<stdin>', 'exec'))" % sent).encode())
program.seek(0)
os.dup2(program.fileno(), 0)
os.execv({target!r}, [{target!r}, *sys.argv[1:]])
"""


class Dmz:
    """A fleet whose hosts have no network, and whose orders come from the controller."""

    def __init__(self, fleet: Fleet, folder: Path) -> None:
        """Take a fleet, and a folder for what its hosts see."""
        self.fleet = fleet
        self.log = folder / "seen"
        self.interpreter = folder / "python-without-network"
        self.python = os.environ.get("TARGET_PYTHON", sys.executable)
        program = _INTERPRETER.format(python=sys.executable, log=str(self.log), target=self.python)
        self.interpreter.write_text(program, encoding="utf-8")
        self.interpreter.chmod(0o755)
        env = fleet.ansible.env
        # A host must not inherit the controller's environment from this machine.
        self.key = env.pop("DIGICERT_API_KEY")
        fleet.variables.update(order_from="controller", api_key=self.key, api_url=env.pop("DIGICERT_API_URL"))
        fleet.variables.update(ca_path=str(fleet.simulator.ca_file), delegate_to=CONTROLLER)

    def second(self, folder: Path) -> Dmz:
        """Return another controller for the same hosts."""
        folder.mkdir()
        other = copy.copy(self)
        other.fleet = copy.copy(self.fleet)
        other.fleet.ansible = Ansible(folder, self.fleet.ansible.env)
        other.fleet.ansible.env.update(HOME=str(folder / "home"), ANSIBLE_REMOTE_TEMP=str(folder / "home" / "tmp"))
        return other

    def run(
        self, hosts: t.Mapping[str, t.Mapping[str, t.Any]], *options: str, crash: str = "0:", **variables: t.Any
    ) -> Run:
        """Run the role, as Fleet.run does; `crash` is a task before which the run ends, see callback/crash_before."""
        ansible = self.fleet.ansible
        ansible.env.update(ANSIBLE_CALLBACKS_ENABLED="module_archives,task_results,crash_before", CRASH_BEFORE=crash)
        lines = [f"{name} ansible_connection=local ansible_python_interpreter={self.interpreter}" for name in hosts]
        lines.append(f"{CONTROLLER} ansible_connection=local ansible_python_interpreter={self.python}")
        inventory = ansible.directory / "dmz"
        inventory.write_text("\n".join(lines) + "\n", encoding="utf-8")
        limit = () if "--limit" in options else ("--limit", f"all:!{CONTROLLER}")
        return self.fleet.run("-i", str(inventory), *limit, *options, hosts=hosts, **variables)

    def check(self, hosts: t.Iterable[str]) -> None:
        """Check that each host has the certificate of one order, and nothing with the API key."""
        installed = {host: f"{self.fleet.verify(host).serial_number:X}" for host in hosts}
        orders = [order for order in self.fleet.simulator.orders() if order.certificate]
        ordered = [order.certificate.serial_number.lstrip("0") for order in orders if order.certificate]
        assert sorted(installed.values()) == sorted(ordered)
        assert len(self.fleet.simulator.orders()) == len(installed)
        assert self.key.encode() not in self.log.read_bytes()
        for host in installed:
            for path in (self.fleet.directory / host).iterdir():
                assert self.key.encode() not in path.read_bytes(), path

    def journal(self, host: str) -> Path:
        """Return the journal of a host."""
        return self.fleet.directory / host / f".{host}.pem.order.json"
