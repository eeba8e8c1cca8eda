# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thirty certificates with -f 10: the role dv_certificate beside the uri tasks it replaces, and beside one `ping`.

What counts is the median, over the rounds, of the ratio of two plays of one round. Role and uri tasks both make a
private key and a CSR, publish a request token or, by the classical flow, the random value of the order, in a real
nginx, and install certificate and chain. The simulator, over HTTPS, looks there.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.simulator import DcvTargets, Simulator
from tests.support.dmz import Dmz
from tests.support.fleet import Fleet
from tests.support.playbooks import Ansible, Run, service_environment
from tests.support.servers import Nginx

HOSTS = [f"host{number}.example.com" for number in range(30)]
FORKS = ("-f", "10")
ROUNDS = 3
FIRST_RUN, NOTHING_DUE, PING = "role, first run", "role, nothing due", "ping"
FROM_CONTROLLER = "role, from controller, no network"
URI_TASKS = "uri tasks: order, check, poll, get"
LIMITS = ((NOTHING_DUE, PING, 2.0), (FIRST_RUN, URI_TASKS, 0.8))
# A first run looks for an order to reissue, then orders; all hosts together list the AuthKeys.
CALLS = (2 * len(HOSTS) + 1, 0, 0, 4 * len(HOSTS))
PLACE = ".well-known/pki-validation"
FILE = "ansible.builtin.file"
ORDER = {
    "certificate": {
        "common_name": "{{ inventory_hostname }}",
        "dns_names": [],
        "csr": "{{ request.csr }}",
        "signature_hash": "sha256",
        "server_platform": {"id": -1},
    },
    "order_validity": {"years": 1},
    "dcv_method": "http-token",
    "skip_approval": True,
}


def uri(simulator: Simulator, path: str, method: str = "GET", **more: Any) -> dict[str, Any]:
    """Return the options of an ansible.builtin.uri task that calls the API."""
    headers = {"X-DC-DEVKEY": simulator.keys["full"], "Content-Length": "0"}
    if "body" in more:
        headers.pop("Content-Length")
        more["body_format"] = "json"
    url = {"url": simulator.url + path, "method": method, "headers": headers, "ca_path": str(simulator.ca_file)}
    return {**url, "return_content": True, **more}


def classical(simulator: Simulator, nginx: Nginx, directory: Path) -> list[dict[str, Any]]:
    """Return the tasks people write by hand: order, publish the random value, check, poll, download."""
    folder = f"{directory}/{{{{ inventory_hostname }}}}"
    webroot = f"{nginx.webroot}/{{{{ inventory_hostname }}}}/{PLACE}"
    order = "/order/certificate/{{ order.json.id }}"
    download = "/certificate/{{ info.json.certificate.id }}/download/format/pem_noroot"
    call = "ansible.builtin.uri"
    return [
        *key_and_csr(folder),
        {
            "name": "order",
            call: uri(simulator, "/order/certificate/ssl_dv_geotrust_flex", "POST", body=ORDER, status_code=201),
            "register": "order",
        },
        {"name": "folder", FILE: {"path": webroot, "state": "directory", "mode": "0755"}},
        {"name": "publish", **written("{{ order.json.dcv_random_value }}", f"{webroot}/fileauth.txt")},
        {"name": "check", call: uri(simulator, f"{order}/check-dcv", "PUT")},
        {
            "name": "poll",
            call: uri(simulator, order),
            "register": "info",
            "until": "info.json.status == 'issued'",
            "retries": 10,
            "delay": 1,
        },
        {"name": "download", call: uri(simulator, download), "register": "chain"},
        {"name": "install", **written("{{ chain.content }}", f"{folder}/pem")},
        {"name": "clean", FILE: {"path": f"{webroot}/fileauth.txt", "state": "absent"}},
    ]


def key_and_csr(folder: str) -> list[dict[str, Any]]:
    """Return the tasks that make a private key and a CSR, registered as `request`, in a folder."""
    names = {"common_name": "{{ inventory_hostname }}", "subject_alt_name": "DNS:{{ inventory_hostname }}"}
    paths = {"path": f"{folder}/csr", "privatekey_path": f"{folder}/key", "return_content": True}
    return [
        {"name": "directory", FILE: {"path": folder, "state": "directory", "mode": "0755"}},
        {
            "name": "key",
            "community.crypto.openssl_privatekey": {"path": f"{folder}/key", "type": "ECC", "curve": "secp256r1"},
        },
        {"name": "CSR", "community.crypto.openssl_csr": {**paths, **names}, "register": "request"},
    ]


def written(content: str, path: str) -> dict[str, Any]:
    """Return the action that writes a file."""
    return {"ansible.builtin.copy": {"content": content, "dest": path, "mode": "0644"}}


def timed(fleet: Fleet, tasks: list[dict[str, Any]] | None) -> tuple[Run, float]:
    """Run the role, or tasks of one's own, on all hosts; return the seconds it took too."""
    begin = time.monotonic()
    if tasks is None:
        run = fleet.run(*FORKS, hosts={host: {} for host in HOSTS})
    else:
        fleet.ansible.hosts(*HOSTS)
        run = fleet.ansible.play(tasks, *FORKS)
    return run, time.monotonic() - begin


def round_of(directory: Path, simulator: Simulator, nginx: Nginx) -> dict[str, tuple[float, int]]:
    """Run each play once with empty folders and an empty account; return its seconds and its API calls."""
    simulator.reset()
    simulator.set_dcv_targets(DcvTargets(http=nginx.address))
    simulator.seed_auth_key()
    (directory / "ansible").mkdir(parents=True)
    fleet = Fleet(directory / "hosts", simulator, Ansible(directory / "ansible", service_environment(simulator)))
    fleet.tasks = []
    fleet.variables.update(webroot=f"{nginx.webroot}/{{{{ inventory_hostname }}}}", http_address=nginx.address)
    plays: dict[str, list[dict[str, Any]] | None] = {
        FIRST_RUN: None,
        NOTHING_DUE: None,
        PING: [{"name": "ping", "ansible.builtin.ping": {}}],
        URI_TASKS: classical(simulator, nginx, directory / "classical"),
    }
    figures = {}
    for title, tasks in plays.items():
        before = len(simulator.log)
        run, seconds = timed(fleet, tasks)
        assert run.rc == 0, run.output
        entries = simulator.log[before:]
        kinds = dict(sorted(Counter(entry.method for entry in entries).items()))
        print(f"  {title:36} {seconds:6.1f} s  {len(entries):4} API calls  {kinds}", flush=True)
        figures[title] = (seconds, len(entries))
    return figures


def order_from_controller(directory: Path, simulator: Simulator, nginx: Nginx) -> None:
    """Order for hosts that have no network and never get the API key; raises AssertionError unless each has its own."""
    simulator.reset()
    simulator.set_dcv_targets(DcvTargets(http=nginx.address))
    simulator.seed_auth_key()
    (directory / "ansible").mkdir(parents=True)
    ansible = Ansible(directory / "ansible", service_environment(simulator), longest_run=1200)
    fleet = Fleet(directory / "hosts", simulator, ansible)
    fleet.variables.update(webroot=f"{nginx.webroot}/{{{{ inventory_hostname }}}}", http_address=nginx.address)
    dmz = Dmz(fleet, directory)
    begin = time.monotonic()
    run = dmz.run({host: {} for host in HOSTS}, *FORKS)
    assert run.rc == 0, run.output
    print(f"  {FROM_CONTROLLER:36} {time.monotonic() - begin:6.1f} s  {len(simulator.log):4} API calls")
    assert len(simulator.log) == CALLS[0]
    dmz.check(HOSTS)


def main() -> int:
    """Run all rounds and print the table; return 1 when a figure is not what is promised."""
    with tempfile.TemporaryDirectory() as name, Simulator(limits=()) as simulator:
        directory = Path(name)
        nginx = Nginx(directory / "nginx")
        print(f"{len(HOSTS)} certificates, {' '.join(FORKS)}, {ROUNDS} rounds:")
        try:
            rounds = [round_of(directory / str(number), simulator, nginx) for number in range(ROUNDS)]
            order_from_controller(directory / "controller", simulator, nginx)
        finally:
            nginx.stop()
    missed = 0
    for ours, theirs, limit in LIMITS:
        ratio = statistics.median(figures[ours][0] / figures[theirs][0] for figures in rounds)
        missed += ratio > limit
        print(f"{ours} / {theirs}: {ratio:.2f} (limit {limit}, {'met' if ratio <= limit else 'MISSED'})")
    calls = [tuple(count for _seconds, count in figures.values()) for figures in rounds]
    print(f"API calls of {', '.join(rounds[0])}: {sorted(set(calls))}, wanted {CALLS}")
    return 1 if missed or set(calls) != {CALLS} else 0


if __name__ == "__main__":
    sys.exit(main())
