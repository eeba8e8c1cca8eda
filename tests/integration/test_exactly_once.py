# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exactly once: even if the network fails during a create or delete, no key is created twice, orphaned, or lost."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.simulator import Fault, Simulator
from tests.support.calls import calls
from tests.support.playbooks import Ansible

MODULE = "community.digicert.digicert_auth_key"

# What can happen to the response to a create, whether or not the service carried it out. The campaign has many more;
# these tests check the order of the calls.
LOSSES: dict[str, dict[str, Any]] = {
    "connection reset": {"drop": "reset"},
    "HTML in place of JSON": {"body": "<html>Please log in</html>"},
}


@pytest.mark.parametrize("loss", LOSSES)
def test_lost_answer_to_create(simulator: Simulator, ansible: Ansible, loss: str) -> None:
    tasks = []
    # An account and a type of key for each of the four in one process, because starting a process takes most of the
    # time.
    for role, account in (("full", "main"), ("other_full", "other")):
        simulator.seed_auth_key(account, expiration=datetime.now(timezone.utc) + timedelta(days=3))
        for ttl_days, path in ((30, "/30$"), (None, "/auth-key$")):
            simulator.inject(Fault(method="POST", path=path, commit=account == "main", **LOSSES[loss]))
            args = {"api_key": simulator.keys[role], **({} if ttl_days is None else {"ttl_days": ttl_days})}
            tasks.append({"name": f"{account} {ttl_days}", MODULE: args})
    run = ansible.play(tasks)
    assert run.rc == 0, run.output
    assert all(task.changed for task in run.results)
    for account in ("main", "other"):
        made = [task.result["auth_key_id"] for task in run.results if task.task.startswith(account)]
        assert [key.auth_key_id for key in simulator.auth_keys(account)[1:]] == made
    methods = "".join(call[0] for call in calls(simulator))
    # Carried out: list, create, list. Not carried out: list, create, list, create.
    assert methods == "GPG" * 2 + "GPGP" * 2


@pytest.mark.parametrize("ttl_days", [None, 30], ids=["permanent", "ttl"])
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"delay_after": 4}, id="done at once, answered too late"),
        pytest.param({"delay_before": 1.5}, id="done after the time is up"),
        pytest.param({"delay_before": 30}, id="never done in time"),
    ],
)
def test_create_that_is_not_answered_in_time(
    simulator: Simulator, ansible: Ansible, fault: dict[str, Any], ttl_days: int | None
) -> None:
    simulator.inject(Fault(method="POST", **fault))
    args: dict[str, Any] = {"timeout": 1} if ttl_days is None else {"timeout": 1, "ttl_days": ttl_days}
    task = ansible.module(MODULE, args)
    assert task.outcome == "ok", task.msg
    assert [key.auth_key_id for key in simulator.auth_keys()] == [task.result["auth_key_id"]]


def test_another_runs_key_is_not_adopted_when_it_does_not_fit(simulator: Simulator, ansible: Ansible) -> None:
    other = simulator.seed_auth_key(expiration=datetime.now(timezone.utc) + timedelta(days=20))
    simulator.inject(Fault(method="GET", body={"auth_keys": []}), Fault(method="POST", drop="reset"))
    task = ansible.module(MODULE, {"ttl_days": 30})
    assert task.changed
    assert task.result["auth_key_id"] != other.auth_key_id
    assert len(simulator.auth_keys()) == 2


def test_lost_create_and_failing_look_say_so(simulator: Simulator, ansible: Ansible) -> None:
    simulator.inject(
        Fault(method="POST", drop="reset", commit=True),
        Fault(method="GET", skip=1, times=None, status=500),
    )
    task = ansible.module(MODULE, {"ttl_days": 30})
    assert task.outcome == "failed"
    assert "Whether the AuthKey was created is unknown" in task.msg
    assert task.msg.endswith("Run the task again.")
    simulator.clear_faults()
    again = ansible.module(MODULE, {"ttl_days": 30})
    assert (again.outcome, again.changed, len(simulator.auth_keys())) == ("ok", False, 1)


def test_one_try_still_looks_for_the_key(simulator: Simulator, ansible: Ansible) -> None:
    simulator.inject(Fault(method="POST", drop="reset", commit=True))
    task = ansible.module(MODULE, {"retry_timeout": 0})
    assert (task.outcome, task.changed) == ("ok", True), task.msg
    assert len(simulator.auth_keys()) == 1


def test_one_try_creates_nothing_more(simulator: Simulator, ansible: Ansible) -> None:
    simulator.inject(Fault(method="POST", drop="reset"))
    task = ansible.module(MODULE, {"retry_timeout": 0})
    assert task.outcome == "failed"
    assert "The account's list does not show a new AuthKey yet" in task.msg
    assert (len([c for c in calls(simulator) if c.startswith("POST")]), simulator.auth_keys()) == (1, [])


def test_server_that_answers_nonsense_is_asked_twice_only(simulator: Simulator, ansible: Ansible) -> None:
    simulator.inject(Fault(method="POST", body="<html>Please log in</html>", times=None))
    task = ansible.module(MODULE)
    assert task.outcome == "failed"
    assert "is not JSON" in task.msg
    assert "The account's list does not show a new AuthKey yet" in task.msg
    assert len([c for c in calls(simulator) if c.startswith("POST")]) == 2


@pytest.mark.parametrize(
    ("headers", "least"), [({}, 2.5), ({"Retry-After": "4"}, 4)], ids=["no Retry-After", "Retry-After"]
)
def test_rate_limit_is_ridden_out(
    simulator: Simulator, ansible: Ansible, headers: dict[str, str], least: float
) -> None:
    limited = {"errors": [{"code": "request_limit_exceeded", "message": "Too many requests."}]}
    for method in ("GET", "POST"):
        simulator.inject(Fault(method=method, status=429, body=limited, headers=headers))
    task = ansible.module(MODULE)
    assert (task.outcome, task.changed) == ("ok", True), task.msg
    assert [entry.status for entry in simulator.log] == [429, 200, 429, 200]
    times = [entry.time for entry in simulator.log]
    assert all(times[i + 1] - times[i] >= least for i in (0, 2))


def test_a_key_that_another_run_deletes_first_is_no_change(simulator: Simulator, ansible: Ansible) -> None:
    gone = {"errors": [{"code": "not_found", "message": "No such AuthKey."}]}
    simulator.seed_auth_key()
    simulator.inject(Fault(method="DELETE", status=404, body=gone, commit=True))  # as if another run had done it
    task = ansible.module(MODULE, {"state": "absent", "permanent": True})
    assert (task.outcome, task.changed) == ("ok", False), task.msg
