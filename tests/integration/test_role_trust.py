# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role dv_certificate on hosts that lie: they cannot harm the controller or other hosts."""

from __future__ import annotations

import json
import re
import socket
import sys
import typing as t
from pathlib import Path

import pytest

from tests.support.calls import ORDER
from tests.support.fleet import ROLE, Fleet, failures
from tests.support.liar import write_liar
from tests.support.pki import new_csr
from tests.support.servers import HOST, Nginx

ROLE_FOLDER = Path(__file__).parents[2] / "roles" / "dv_certificate"
ESCAPE = "\x1b]0;owned\x07"
MAKES_CSR = ("openssl_csr", "digicert_certificate_request")


@pytest.fixture
def trap() -> t.Iterator[socket.socket]:
    """A server that nothing should connect to."""
    with socket.create_server((HOST, 0)) as server:
        server.setblocking(False)
        yield server


@pytest.mark.smoke
def test_a_host_that_lies_neither_runs_anything_nor_changes_what_is_proven_and_ordered(
    fleet: Fleet, nginx: Nginx, tmp_path: Path, trap: socket.socket
) -> None:
    owned = tmp_path / "owned"
    command = f"{{{{ lookup('ansible.builtin.pipe', 'touch {owned}') }}}}"
    (tmp_path / "evil.yml").write_text(json.dumps([{"ansible.builtin.command": f"touch {owned}"}]))
    (tmp_path / "tasks.yml").write_text(
        json.dumps([{"ansible.builtin.debug": {"msg": "{{ dv_certificate_record_name }}"}}])
    )
    custom = {"dcv_method": "custom", "check": False, "publish_tasks": str(tmp_path / "tasks.yml")}
    custom["unpublish_tasks"] = custom["publish_tasks"]
    lies: dict[str, dict[str, t.Any]] = {
        "names": {"answers": csr_for("bank.example.com", "*.example.com")},
        "more": {"answers": csr_for("more.example.com", "bank.example.com")},
        "template": {"answers": csr_for("template.example.com", command)},
        "texts": {"texts": command + ESCAPE},
        "facts": {"facts": facts_of_a_liar(tmp_path, f"https://{HOST}:{trap.getsockname()[1]}/services/v2", command)},
        "cached": {"facts": {"dv_certificate_webroot": str(tmp_path)}},
        "honest": {},
    }
    for name, lie in lies.items():
        write_liar(tmp_path / f"python-{name}", **lie)
    (tmp_path / "liars").write_text(
        "".join(
            f"{name}.example.com {'' if not lie else f'ansible_python_interpreter={tmp_path}/python-{name}'}\n"
            for name, lie in lies.items()
        )
    )
    hosts: dict[str, dict[str, t.Any]] = {f"{name}.example.com": {} for name in lies}
    hosts["template.example.com"] = custom
    hosts["facts.example.com"] = {"api_url": "{{ account_url }}"}
    (fleet.ansible.directory / "group_vars").mkdir()
    (fleet.ansible.directory / "group_vars" / "all.yml").write_text(json.dumps({"account_url": fleet.simulator.url}))
    fleet.ansible.env.update(
        ANSIBLE_CACHE_PLUGIN="jsonfile", ANSIBLE_CACHE_PLUGIN_CONNECTION=str(tmp_path / "facts"), ANSIBLE_FORKS="6"
    )
    inventory = ("-i", str(tmp_path / "liars"))
    run = fleet.run(*inventory, hosts=hosts)
    assert not owned.exists(), run.output
    assert "\x1b" not in run.output
    with pytest.raises(BlockingIOError):
        trap.accept()
    fine = {f"{name}.example.com" for name in ("facts", "cached", "honest")}
    for host in fine:
        fleet.verify(host)
    assert failures(run).keys() == hosts.keys() - fine, run.output
    for name in ("names", "more", "template"):
        assert "not for exactly the names of the play" in failures(run)[f"{name}.example.com"]
    ordered = {frozenset(order.request.names) for order in fleet.simulator.orders()}
    assert ordered == {frozenset([host]) for host in fine}
    assert (fleet.calls().count(ORDER), nginx.files()) == (3, [])
    assert {check.domain for check in fleet.simulator.dcv_checks} == fine

    # Their facts are now in the fact cache.
    write_liar(tmp_path / "python-cached")
    play = {"gather_facts": True, "roles": [{"role": ROLE}]}
    again = fleet.ansible.play([], *inventory, "--limit", ",".join(fine), play=play)
    assert failures(again).keys() == fine - {"honest.example.com"}, again.output
    assert failures(again)["cached.example.com"].startswith("The facts of this host contain dv_certificate_webroot,")
    assert (owned.exists(), fleet.calls()) == (False, [])


def test_facts_of_a_host_without_the_role_are_not_published(fleet: Fleet, tmp_path: Path) -> None:
    account = {"dns_account": ["route53", "example.com", {}, "localhost"]}

    def variables(record: str) -> dict[str, t.Any]:
        mine = {"records": [record], "value": "value"}
        names = {"mine": mine, "writer": "honest.example.com", "options": account}
        return {f"dv_certificate__{name}": value for name, value in names.items()}

    interpreter = write_liar(tmp_path / "python", facts=variables("_dnsauth.bank.example.com"))
    lines = {"honest": f"ansible_python_interpreter={sys.executable}", "liar": interpreter}
    (tmp_path / "hosts").write_text(
        "".join(f"{name}.example.com ansible_connection=local {line}\n" for name, line in lines.items())
    )
    own, shown = variables("_dnsauth.honest.example.com"), "{{ dv_certificate__group_records }}"
    tasks: list[dict[str, t.Any]] = [
        {"name": "Facts", "ansible.builtin.ping": {}},
        {"name": "Role", "ansible.builtin.set_fact": own, "when": "inventory_hostname == 'honest.example.com'"},
        {"name": "Show", "ansible.builtin.debug": {"msg": shown}, "when": "inventory_hostname == 'honest.example.com'"},
    ]
    play = {"hosts": "all", "vars_files": [str(ROLE_FOLDER / "vars" / "main.yml")]}
    run = fleet.ansible.play(tasks, "-i", str(tmp_path / "hosts"), play=play)
    [records] = [task.result["msg"] for task in run.of("Show") if task.host == "honest.example.com"]
    assert records == ["_dnsauth.honest.example.com"], run.output


def csr_for(*names: str) -> dict[str, dict[str, str]]:
    """Return module results with a CSR for these names."""
    csr = new_csr(*names)
    return {module: {"csr": csr} for module in MAKES_CSR}


def facts_of_a_liar(folder: Path, url: str, command: str) -> dict[str, t.Any]:
    """Return facts that would change every variable of the role, public and private."""
    texts = [path.read_text(encoding="utf-8") for path in ROLE_FOLDER.rglob("*.yml")]
    names = {name for text in texts for name in re.findall(r"\bdv_certificate_\w+", text)}
    assert len(names) > 50
    return {
        **dict.fromkeys(names, command),
        "account_url": url,
        "dv_certificate_api_url": url,
        "dv_certificate_delegate_to": "facts.example.com",
        "dv_certificate_dcv_method": "custom",
        "dv_certificate_publish_tasks": str(folder / "evil.yml"),
        "dv_certificate_unpublish_tasks": str(folder / "evil.yml"),
        "dv_certificate__options": {"problems": [], "names": ["bank.example.com"], "api_url": url},
    }
