# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared by the tests of the role dv_certificate: hosts with their own folders, plays, and checks of the result."""

from __future__ import annotations

import stat
import subprocess
import typing as t
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.simulator import Simulator
from tests.support.calls import LIST, ORDER, CallCounter
from tests.support.pki import aged_certificate
from tests.support.playbooks import Ansible, Run
from tests.support.servers import Nginx

ROLE = "community.digicert.dv_certificate"
FIRST = [LIST, ORDER]  # of a host that has nothing yet
SHOW = {"name": "Show the result", "ansible.builtin.debug": {"msg": "{{ dv_certificate_result }}"}}


class Fleet:
    """The hosts that the role runs on, the servers around them, and functions that check the result."""

    def __init__(self, directory: Path, simulator: Simulator, ansible: Ansible) -> None:
        """Use an empty folder, which is made."""
        self.directory = directory
        self.directory.mkdir()
        self.simulator = simulator
        self.ansible = ansible
        ansible.env["ANSIBLE_PIPELINING"] = "true"
        ansible.env["MEASURE_MODULES"] = ""  # it would take long, and other tests measure nearly the same lines
        self.calls = CallCounter(simulator).new
        self.tasks: list[dict[str, t.Any]] = [SHOW]  # that come after the role
        self.play: dict[str, t.Any] = {}  # keywords of the play
        # Of the role, without their prefix.
        self.variables: dict[str, t.Any] = {
            "directory": f"{directory}/{{{{ inventory_hostname }}}}",
            "private_key_type": "ECC",
            "check_timeout": 4,
            "wait_timeout": 60,
        }

    def run(
        self,
        *options: str,
        hosts: t.Mapping[str, t.Mapping[str, t.Any]] | None = None,
        **variables: t.Any,
    ) -> Run:
        """Run the role in its own play.

        Args:
            options: of ansible-playbook.
            hosts: host -> its variables of the role, without the prefix; the host's name is the default common name.
            variables: of the role, without the prefix, for all hosts.
        """
        hosts = hosts or {"www.example.com": {}}
        self.ansible.hosts(*hosts)
        self.make_webroots(*hosts)
        for host, own in hosts.items():
            values = {"common_name": host, **self.variables, **variables, **own}
            (self.ansible.host_vars / f"{host}.yml").write_text(yaml_of(values), encoding="utf-8")
        play = {
            **self.play,
            "roles": [{"role": ROLE}],
            "handlers": [
                {
                    "name": "Reload the server",
                    "ansible.builtin.debug": {"msg": "used"},
                    "listen": "dv_certificate_changed",
                }
            ],
        }
        return self.ansible.play(self.tasks, *options, play=play)

    def make_webroots(self, *hosts: str) -> None:
        """Create the webroot of each host, which the role does not do."""
        for host in hosts:
            Path(self.variables["webroot"].replace("{{ inventory_hostname }}", host)).mkdir(exist_ok=True)

    def path(self, host: str, ending: str, name: str | None = None) -> Path:
        """Return a file of a host by its ending, such as key or fullchain.pem."""
        return self.directory / host / f"{name or host}.{ending}"

    def hosts_seen(self) -> set[str]:
        """Return the hosts that got a folder."""
        return {path.name for path in self.directory.iterdir()}

    def files(self, host: str) -> set[str]:
        """Return the names of all files in the folder of a host."""
        return {path.name for path in (self.directory / host).iterdir()}

    def verify(self, host: str, name: str | None = None) -> x509.Certificate:
        """Check with openssl that the certificate is installed and matches the private key; return it."""
        leaf, chain, full, key = (
            self.path(host, ending, name) for ending in ("pem", "chain.pem", "fullchain.pem", "key")
        )
        for untrusted, certificate in ((chain, leaf), (full, full)):
            files = ("-CAfile", str(self.simulator.ca_file), "-untrusted", str(untrusted), str(certificate))
            done = subprocess.run(["openssl", "verify", *files], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
        assert full.read_text() == leaf.read_text() + chain.read_text()
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        private_key = serialization.load_pem_private_key(key.read_bytes(), None)
        loaded = self.installed(host, name)
        assert loaded.public_key() == private_key.public_key()
        return loaded

    def installed(self, host: str, name: str | None = None) -> x509.Certificate:
        """Return the certificate that is installed."""
        return x509.load_pem_x509_certificate(self.path(host, "pem", name).read_bytes())

    def let_expire(self, host: str) -> None:
        """Install a certificate for the same key and name that is valid for twenty more days."""
        key = serialization.load_pem_private_key(self.path(host, "key").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        pem = aged_certificate(host, key, 20, serial_number=None)
        for ending in ("pem", "fullchain.pem"):
            self.path(host, ending).write_text(pem)

    def served(self, nginx: Nginx, host: str, sni: str | None = None, name: str | None = None) -> x509.Certificate:
        """Return what a TLS client sees of the installed certificate."""
        nginx.serve(sni or host, self.path(host, "fullchain.pem", name), self.path(host, "key", name))
        return nginx.certificate(sni or host, self.simulator.ca_file)


def yaml_of(values: t.Mapping[str, t.Any]) -> str:
    """Return role variables, given without their prefix, as YAML."""
    return str(yaml.safe_dump({f"dv_certificate_{name}": value for name, value in values.items()}))


# What Ansible does by itself, without a module.
_ACTIONS = {
    f"ansible.builtin.{name}" for name in ("debug", "fail", "include_tasks", "set_fact", "validate_argument_spec")
}


def work_of(run: Run, host: str) -> tuple[int, int]:
    """Return how many tasks of the role a host went through, skipped ones as well, and how many modules ran for it."""
    tasks = [task for task in run.results if task.host == host and task.task.startswith(f"{ROLE} : ")]
    return len(tasks), sum(task.outcome != "skipped" and task.action not in _ACTIONS for task in tasks)


def changes(run: Run) -> list[str]:
    """Return the tasks that changed something."""
    return [task.task.split(" : ")[-1] for task in run.results if task.changed]


def notified(run: Run) -> list[str]:
    """Return the hosts whose handler ran."""
    return [task.host for task in run.of("Reload the server")]


def failures(run: Run) -> dict[str, str]:
    """Return the last failure of each host: host -> message."""
    return {task.host: task.msg for task in run.results if task.outcome == "failed"}
