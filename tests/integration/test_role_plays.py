# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role dv_certificate in real plays: conditions, loops, strategies, lost hosts, and unusual spellings."""

from __future__ import annotations

import typing as t
from pathlib import Path

import yaml

from tests.support.calls import AUTH_KEY, ORDER
from tests.support.fleet import FIRST, ROLE, Fleet, failures, yaml_of
from tests.support.playbooks import Ansible, Run
from tests.support.servers import Nginx


def play(fleet: Fleet, hosts: dict[str, dict[str, t.Any]], *plays: dict[str, t.Any], options: str = "") -> Run:
    """Run plays for hosts with these variables of the role, without their prefix; other variables are unchanged."""
    fleet.ansible.hosts(*hosts)
    fleet.make_webroots(*hosts)
    for host, own in hosts.items():
        values = {"common_name": host, **fleet.variables, **own}
        plain = {name: values.pop(name) for name in own if name.startswith("ansible_")}
        (fleet.ansible.host_vars / f"{host}.yml").write_text(
            yaml_of(values) + (yaml.safe_dump(plain) if plain else ""), encoding="utf-8"
        )
    path = fleet.ansible.directory / "plays.json"
    path.write_text(yaml.safe_dump([{"gather_facts": False, **each} for each in plays]))
    return fleet.ansible.playbook(path, *options.split())


def broken_ssh(directory: Path) -> Path:
    """Return a program that fails like ssh without a connection."""
    ssh = directory / "ssh"
    ssh.write_text("#!/bin/sh\nexit 255\n")
    ssh.chmod(0o755)
    return ssh


def test_no_host_depends_on_which_one_is_first(fleet: Fleet, tmp_path: Path) -> None:
    lost = {"ansible_connection": "ssh", "ansible_ssh_executable": str(broken_ssh(tmp_path))}
    names = ("other", "lost", "second", "b\u00fccher", "free", "tagged", "untagged", "excluded")
    hosts: dict[str, dict[str, t.Any]] = {f"{name}.example.com": {} for name in names}
    hosts["lost.example.com"] = lost
    other, gone, second, third, free1, tagged, untagged, excluded = hosts
    free2, serial = odd = ("2001:db8::1", "web server 1")
    hosts |= {name: {"common_name": f"odd{number}.example.com"} for number, name in enumerate(odd)}
    webroots = Path(fleet.variables["webroot"]).parent
    (webroots / "xn--bcher-kva.example.com").symlink_to(third)
    for name in odd:
        (webroots / hosts[name]["common_name"]).symlink_to(name)
    run = play(
        fleet,
        hosts,
        {
            "hosts": [other, gone, second, third],
            "roles": [{"role": ROLE, "when": f"inventory_hostname != '{other}'", "tags": "tls"}],
        },
        {"hosts": [free1, free2], "strategy": "free", "roles": [ROLE], "tags": ["tls"]},
        {
            "hosts": [second, tagged, serial.replace(" ", "?")],
            "serial": 1,
            "tasks": [{"block": [{"import_role": {"name": ROLE}}], "tags": "always"}],
        },
        {"hosts": untagged, "roles": [ROLE]},
        {"hosts": excluded, "roles": [{"role": ROLE, "tags": ["tls", "later"]}]},
        options="--tags tls --skip-tags later",
    )
    assert failures(run) == {}, run.output
    assert {task.host for task in run.results if task.outcome == "unreachable"} == {gone}
    done = {second, third, free1, free2, tagged, serial}
    for host in done:
        fleet.verify(host, hosts[host].get("common_name"))
    assert fleet.hosts_seen() == done  # all of the role, or none of it
    calls = fleet.calls()
    assert (calls[0], calls[1:5].count(ORDER)) == (AUTH_KEY, 2)
    assert (calls.count(ORDER), calls.count(AUTH_KEY)) == (6, 1 + 2 + 2)


def test_passes_in_a_loop_share_nothing_and_names_are_taken_as_they_are_meant(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "pass.yml").write_text(
        yaml.safe_dump(
            [
                {
                    "name": "Pass",
                    "ansible.builtin.include_role": {"name": ROLE},
                    "vars": {
                        "dv_certificate_common_name": "{{ item.name }}",
                        "dv_certificate_dns_names": "{{ item.more }}",
                        "dv_certificate_order_validity": "{{ item.validity }}",
                    },
                },
                {
                    "name": "Show",
                    "ansible.builtin.debug": {"msg": [{"item": "{{ item }}"}, "{{ dv_certificate_result }}"]},
                },
            ]
        )
    )
    # Together, two of these would be an error, so values of one pass must not leak into the next.
    days, years = {"days": 300}, {"years": 1}
    passes: list[dict[str, t.Any]] = [
        {"name": "One.Example.com.", "more": "a.one.example.com, B.one.example.com", "validity": days},
        {"name": "two.example.com", "more": None, "validity": years},
        {"name": "one.example.com", "more": ["b.one.example.com", "a.one.example.com"], "validity": None},
    ]
    fleet.ansible.env["ANSIBLE_HASH_BEHAVIOUR"] = "merge"
    for name in ("one", "a.one", "b.one", "two"):
        (Path(fleet.variables["webroot"]).parent / f"{name}.example.com").symlink_to("www.example.com")
    unset = dict.fromkeys(("owner", "remaining_days", "order_validity", "dns_alias", "auth_key", "name"))
    loop = {"name": "Passes", "ansible.builtin.include_tasks": "pass.yml", "loop": passes}
    hosts = {"www.example.com": {**unset, "ca_path": ""}}
    run = play(fleet, hosts, {"hosts": "all", "tasks": [loop]})
    assert run.rc == 0, run.output
    shown = [task.result["msg"] for task in run.of("Show")]
    assert [first["item"] for first, _result in shown] == passes
    one, two, again = (result for _item, result in shown)
    assert [result["changed"] for result in (one, two, again)] == [True, True, False]
    assert len({one["serial_number"], two["serial_number"]}) == 2
    assert again["serial_number"] == one["serial_number"]
    loop["loop"] = [passes[1], {"name": "three.example.com", "more": "", "validity": None}]
    predicted = play(fleet, hosts, {"hosts": "all", "tasks": [loop]}, options="--check")
    results = [task.result["msg"][1] for task in predicted.of("Show")]
    assert [result["serial_number"] for result in results] == [two["serial_number"], None], predicted.output
    assert fleet.calls() == [AUTH_KEY, *FIRST] * 2
    ordered = [sorted(order.request.names) for order in fleet.simulator.orders()]
    assert ordered == [["a.one.example.com", "b.one.example.com", "one.example.com"], ["two.example.com"]]
    assert fleet.files("www.example.com") >= {"one.example.com.pem", "two.example.com.key"}


def test_a_lost_chain_is_not_fetched_with_the_csr_of_an_earlier_pass(fleet: Fleet) -> None:
    host, other = "www.example.com", "other.example.com"
    (Path(fleet.variables["webroot"]).parent / other).symlink_to(host)
    hosts = {host: {"order_from": "controller"}}
    loop = {
        "name": "Passes",
        "ansible.builtin.include_role": {"name": ROLE},
        "vars": {"dv_certificate_common_name": "{{ item }}"},
    }
    first = play(fleet, hosts, {"hosts": "all", "tasks": [{**loop, "loop": [host]}]})
    assert first.rc == 0, first.output
    installed = fleet.verify(host)
    for ending in ("chain.pem", "fullchain.pem"):
        fleet.path(host, ending).unlink()
    again = play(fleet, hosts, {"hosts": "all", "tasks": [{**loop, "loop": [other, host]}]})
    assert again.rc == 0, again.output
    assert fleet.verify(host) == installed
    assert fleet.verify(host, other) != installed
    assert not any(order.reissues for order in fleet.simulator.orders())


def test_a_forgotten_name_is_one_sentence(ansible: Ansible) -> None:
    run = ansible.play([], play={"roles": [{"role": ROLE}]})
    assert [task.msg for task in run.results if task.outcome == "failed"] == [
        "dv_certificate_common_name is not set. Set it to the first name of the certificate."
    ]


def test_a_delegate_that_cannot_be_reached_is_named(fleet: Fleet, nginx: Nginx, tmp_path: Path) -> None:
    fleet.ansible.env["ANSIBLE_SSH_EXECUTABLE"] = str(broken_ssh(tmp_path))
    run = fleet.run(delegate_to="nowhere")
    assert failures(run)["www.example.com"] == (
        "The role could not get an AuthKey, so no certificate was ordered. Ansible cannot connect to nowhere, "
        "so check dv_certificate_delegate_to and how Ansible connects to that host."
    )
    run = fleet.run(delegate_to="nowhere", auth_key="1f3870be274f6c49b3e31a0c6728957f")
    assert failures(run)["www.example.com"].startswith(
        "The role could not check what it published, so no certificate was ordered. Ansible cannot connect to nowhere, "
    )
    assert (nginx.files(), fleet.calls()) == ([], [])
