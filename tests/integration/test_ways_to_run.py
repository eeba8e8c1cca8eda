# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All ways to run modules: for many hosts, delegated, in the background, with defaults."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Fault, Limit, Simulator
from tests.support.calls import calls
from tests.support.playbooks import Ansible

MODULE = "community.digicert.digicert_auth_key"
INFO = "community.digicert.digicert_auth_key_info"
LIST, CREATE = "GET /account/auth-keys", "POST /account/auth-key"


def test_adhoc_command_shows_the_key(simulator: Simulator, ansible: Ansible) -> None:
    run = ansible.adhoc(MODULE)
    assert "CHANGED" in run.output
    assert simulator.auth_keys()[0].auth_key in run.output


@pytest.mark.smoke
def test_run_once_asks_once_and_gives_every_host_the_fact(simulator: Simulator, ansible: Ansible) -> None:
    ansible.hosts("a", "b", "c")
    fact = "{{ ansible_facts.digicert_auth_key.auth_key_id }} {{ digicert.auth_key_id }}"
    tasks: list[dict[str, Any]] = [
        {"name": "make sure", MODULE: {}, "run_once": True, "delegate_to": "localhost", "register": "digicert"},
        {"name": "use", "ansible.builtin.debug": {"msg": fact}},
    ]
    run = ansible.play(tasks)
    [key] = simulator.auth_keys()
    assert {task.host: task.msg for task in run.of("use")} == dict.fromkeys(
        "abc", f"{key.auth_key_id} {key.auth_key_id}"
    )
    assert calls(simulator) == [LIST, CREATE]


@pytest.mark.smoke
def test_facts_without_injected_variables_and_without_facts(simulator: Simulator, ansible: Ansible) -> None:
    show = {"ansible.builtin.debug": {"msg": "{{ ansible_facts.digicert_auth_key.auth_key_id | default('no fact') }}"}}
    tasks: list[dict[str, Any]] = [
        {"name": "registered only", MODULE: {"set_facts": False}, "register": "digicert"},
        {"name": "before", **show},
        {"name": "with fact", MODULE: {}},
        {"name": "after", **show},
        {"name": "variable", "ansible.builtin.debug": {"msg": "{{ digicert_auth_key | default('no variable') }}"}},
    ]
    run = ansible.play(tasks, ANSIBLE_INJECT_FACT_VARS="false")
    [key] = simulator.auth_keys()
    [registered] = run.of("registered only")
    assert "ansible_facts" not in registered.result
    assert registered.result["auth_key"] == key.auth_key
    assert [run.of(name)[0].msg for name in ("before", "after", "variable")] == [
        "no fact",
        key.auth_key_id,
        "no variable",
    ]


def test_fact_chains_into_a_role(simulator: Simulator, ansible: Ansible) -> None:
    role = ansible.directory / "roles" / "consumer" / "tasks"
    role.mkdir(parents=True)
    debug = {"name": "role", "ansible.builtin.debug": {"msg": "{{ key_from_play }}"}}
    (role / "main.yml").write_text(json.dumps([debug]))
    tasks: list[dict[str, Any]] = [
        {"name": "make sure", MODULE: {"ttl_days": 5}},
        {
            "name": "chain",
            "ansible.builtin.include_role": {"name": "consumer"},
            "vars": {"key_from_play": "{{ ansible_facts.digicert_auth_key.auth_key }}"},
        },
    ]
    run = ansible.play(tasks)
    assert run.of("consumer : role")[0].msg == simulator.auth_keys()[0].auth_key


@pytest.mark.smoke
def test_async(simulator: Simulator, ansible: Ansible) -> None:
    simulator.inject(Fault(method="GET", delay_before=1.5))
    tasks: list[dict[str, Any]] = [
        {"name": "start", MODULE: {}, "async": 60, "poll": 0, "register": "job"},
        {
            "name": "wait",
            "ansible.builtin.async_status": {"jid": "{{ job.ansible_job_id }}"},
            "register": "done",
            "until": "done is finished",
            "retries": 40,
            "delay": 1,
        },
        {"name": "polled", MODULE: {}, "async": 60, "poll": 1},
    ]
    run = ansible.play(tasks)
    assert run.rc == 0, run.output
    [key] = simulator.auth_keys()
    [wait], [polled] = run.of("wait"), run.of("polled")
    assert (wait.changed, wait.result["auth_key_id"]) == (True, key.auth_key_id), run.output
    assert (polled.changed, polled.result["auth_key_id"]) == (False, key.auth_key_id)


@pytest.mark.smoke
def test_module_defaults_of_the_action_group(simulator: Simulator, ansible: Ansible) -> None:
    for name in ("DIGICERT_API_KEY", "DIGICERT_API_URL", "REQUESTS_CA_BUNDLE"):
        del ansible.env[name]
    defaults = {
        "api_key": simulator.keys["other_full"],
        "api_url": simulator.url,
        "ca_path": str(simulator.ca_file),
    }
    run = ansible.play(
        [{"name": "make sure", MODULE: {}}, {"name": "list", INFO: {}}],
        play={"module_defaults": {"group/community.digicert.digicert": defaults}},
    )
    assert run.rc == 0, run.output
    [key] = simulator.auth_keys("other")
    assert run.of("list")[0].result["auth_keys"][0]["auth_key_id"] == key.auth_key_id


def test_options_beat_environment(simulator: Simulator, ansible: Ansible) -> None:
    args = {"api_key": simulator.keys["full"], "api_url": simulator.url}
    wrong = {"DIGICERT_API_KEY": "wrong", "DIGICERT_API_URL": "https://127.0.0.1:1/"}
    assert ansible.adhoc(MODULE, args, **wrong).last.outcome == "ok"


def test_a_hundred_hosts_at_once_end_with_one_key(simulator: Simulator, ansible: Ansible) -> None:
    # Two windows as documented (100 in 5 s and 1000 in 180 s), scaled down so that this machine reaches both.
    simulator.set_limits([Limit(5, 1), Limit(40, 10)])
    ansible.hosts(*(f"host{number}" for number in range(100)))
    run = ansible.adhoc(MODULE, {}, "-f", "20")
    [key] = simulator.auth_keys()
    outcomes = [task.outcome for task in run.results]
    assert (outcomes.count("ok"), len(outcomes)) == (100, 100), run.output
    assert sum(task.changed for task in run.results) == 1
    assert {task.result["auth_key_id"] for task in run.results} == {key.auth_key_id}
    assert 429 in {entry.status for entry in simulator.log}


def test_nothing_is_left_on_disk(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    assert ansible.adhoc(MODULE, ANSIBLE_PIPELINING="false").last.changed
    secrets = [simulator.keys["full"].encode(), simulator.auth_keys()[0].auth_key.encode()]
    # The results file is the test's own.
    files = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "results.jsonl"]
    assert files
    for path in files:
        content = path.read_bytes()
        assert not any(secret in content for secret in secrets), path
