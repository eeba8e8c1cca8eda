# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""digicert_auth_key and digicert_auth_key_info on a working network."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tests.simulator import Fault, Simulator
from tests.support.calls import calls
from tests.support.playbooks import Ansible

MODULE = "community.digicert.digicert_auth_key"
INFO = "community.digicert.digicert_auth_key_info"
LIST, CREATE = "GET /account/auth-keys", "POST /account/auth-key"


def in_days(days: float) -> datetime:
    return datetime.now(timezone.utc) + timedelta(days=days)


@pytest.mark.smoke
def test_permanent_key_is_created_once_and_then_reused(simulator: Simulator, ansible: Ansible) -> None:
    run = ansible.play([{"name": name, MODULE: {}} for name in ("create", "again")])
    [key] = simulator.auth_keys()
    expected = {"auth_key_id": key.auth_key_id, "auth_key": key.auth_key, "expiration_datetime": None}
    for name, changed in (("create", True), ("again", False)):
        [task] = run.of(name)
        assert task.changed is changed, run.output
        assert {field: task.result[field] for field in expected} == expected
        assert task.result["ansible_facts"] == {"digicert_auth_key": expected}
    # Create: two requests; steady state: one, and no POST.
    assert calls(simulator) == [LIST, CREATE, LIST]


@pytest.mark.smoke
def test_ttl_key_is_created_with_its_validity_and_then_reused(simulator: Simulator, ansible: Ansible) -> None:
    run = ansible.play([{"name": name, MODULE: {"ttl_days": 30}} for name in ("create", "again")])
    [key] = simulator.auth_keys()
    [created], [reused] = run.of("create"), run.of("again")
    assert (created.changed, reused.changed) == (True, False)
    assert reused.result["auth_key"] == created.result["auth_key"] == key.auth_key
    assert abs(datetime.fromisoformat(created.result["expiration_datetime"]) - in_days(30)) < timedelta(minutes=2)
    assert calls(simulator) == [LIST, CREATE + "/30", LIST]
    assert "warnings" not in created.result


def test_ttl_key_that_expires_at_another_time_is_a_warning(simulator: Simulator, ansible: Ansible) -> None:
    simulator.inject(Fault(method="POST", edit={"/expiration_datetime": in_days(300).isoformat()}))
    task = ansible.module(MODULE, {"ttl_days": 30})
    assert task.changed
    assert "does not fit ttl_days (30) and min_remaining_days (10)" in str(task.result["warnings"])


@pytest.mark.parametrize(
    ("lives", "options", "reused"),
    [
        pytest.param([11.0], {}, 0, id="more than a third of ttl_days is left"),
        pytest.param([9.9], {}, None, id="less than a third is left"),
        pytest.param([9.9], {"min_remaining_days": 9.5}, 0, id="enough for min_remaining_days"),
        pytest.param([29.0], {"min_remaining_days": 29.5}, None, id="too little for min_remaining_days"),
        pytest.param([31.0], {}, None, id="lives longer than ttl_days"),
        pytest.param([None], {}, None, id="the permanent key is no TTL key"),
        pytest.param([15.0, 25.0, 40.0, 20.0, None], {}, 1, id="the one that lives longest of several"),
        pytest.param([-1.0], {"min_remaining_days": 0}, None, id="expired"),
    ],
)
def test_which_ttl_key_is_reused(
    simulator: Simulator, ansible: Ansible, lives: list[float | None], options: dict[str, float], reused: int | None
) -> None:
    keys = [simulator.seed_auth_key(expiration=None if days is None else in_days(days)) for days in lives]
    task = ansible.module(MODULE, {"ttl_days": 30, **options})
    assert task.outcome == "ok", task.msg
    if reused is None:
        assert task.changed
        assert task.result["auth_key_id"] not in [key.auth_key_id for key in keys]
    else:
        assert not task.changed
        assert task.result["auth_key_id"] == keys[reused].auth_key_id


def test_an_expiring_key_is_no_permanent_key(simulator: Simulator, ansible: Ansible) -> None:
    simulator.seed_auth_key(expiration=in_days(400))
    assert ansible.module(MODULE).changed
    assert [key.expiration is None for key in simulator.auth_keys()] == [False, True]


def test_force_adds_one_more_ttl_key(simulator: Simulator, ansible: Ansible) -> None:
    old = simulator.seed_auth_key(expiration=in_days(30))
    task = ansible.module(MODULE, {"ttl_days": 30, "force": True})
    assert task.changed
    assert old.auth_key_id != task.result["auth_key_id"]
    assert {key.auth_key_id for key in simulator.auth_keys()} == {old.auth_key_id, task.result["auth_key_id"]}


def test_force_rotates_the_permanent_key(simulator: Simulator, ansible: Ansible) -> None:
    old = simulator.seed_auth_key()
    task = ansible.module(MODULE, {"force": True})
    assert task.changed
    active = [key.auth_key_id for key in simulator.auth_keys() if key.active]
    assert active == [task.result["auth_key_id"]] != [old.auth_key_id]
    assert calls(simulator) == [LIST, f"DELETE /account/auth-key/{old.auth_key_id}", CREATE]


def test_rotation_that_cannot_create_says_that_the_old_key_is_gone(simulator: Simulator, ansible: Ansible) -> None:
    old = simulator.seed_auth_key()
    error = {"errors": [{"code": "access_denied|quota", "message": "No more keys."}]}
    simulator.inject(Fault(method="POST", status=403, body=error, times=None))
    task = ansible.module(MODULE, {"force": True})
    assert task.outcome == "failed"
    assert f"The permanent AuthKey {old.auth_key_id} was deleted, but its replacement was not created" in task.msg
    assert "No more keys" in task.msg
    assert (task.changed, task.result["http_status"], task.result["code"]) == (True, 403, "access_denied|quota")


def test_a_faster_run_is_not_an_error(simulator: Simulator, ansible: Ansible) -> None:
    # The first list shows the state before the other run created the AuthKey.
    simulator.seed_auth_key(auth_key_id="theirs")
    simulator.inject(Fault(method="GET", body={"auth_keys": []}))
    task = ansible.module(MODULE)
    assert task.outcome == "ok", task.msg
    assert not task.changed
    assert task.result["auth_key_id"] == "theirs"
    assert calls(simulator) == [LIST, CREATE, LIST]


def test_absent_deletes_the_permanent_key_only(simulator: Simulator, ansible: Ansible) -> None:
    permanent, expiring = simulator.seed_auth_key(), simulator.seed_auth_key(expiration=in_days(30))
    run = ansible.play([{"name": name, MODULE: {"state": "absent", "permanent": True}} for name in ("delete", "again")])
    [deleted], [again] = run.of("delete"), run.of("again")
    assert (deleted.changed, deleted.result["auth_key_id"]) == (True, permanent.auth_key_id)
    assert (again.changed, again.result["auth_key_id"]) == (False, None)
    assert [key.auth_key_id for key in simulator.auth_keys()] == [expiring.auth_key_id]
    assert calls(simulator) == [LIST, f"DELETE /account/auth-key/{permanent.auth_key_id}", LIST]


@pytest.mark.parametrize("days", [30.0, -3.0], ids=["active", "expired"])
def test_absent_deletes_by_id(simulator: Simulator, ansible: Ansible, days: float) -> None:
    keep, gone = simulator.seed_auth_key(), simulator.seed_auth_key(expiration=in_days(days))
    args = {"state": "absent", "auth_key_id": gone.auth_key_id}
    run = ansible.play([{"name": name, MODULE: args} for name in ("delete", "again")])
    assert [run.of(name)[0].changed for name in ("delete", "again")] == [True, False], run.output
    assert [key.auth_key_id for key in simulator.auth_keys()] == [keep.auth_key_id]


@pytest.mark.smoke
def test_check_mode_predicts_and_changes_nothing(simulator: Simulator, ansible: Ansible) -> None:
    expiring = simulator.seed_auth_key(expiration=in_days(20))
    cases = {
        "would create": ({}, True),
        "would reuse": ({"ttl_days": 30}, False),
        "would add": ({"ttl_days": 30, "force": True}, True),
        "would delete": ({"state": "absent", "auth_key_id": expiring.auth_key_id}, True),
        "nothing to delete": ({"state": "absent", "permanent": True}, False),
        "nothing of that id": ({"state": "absent", "auth_key_id": "other"}, False),
    }
    run = ansible.play([{"name": name, MODULE: args} for name, (args, _ignored) in cases.items()], "--check", "--diff")
    assert run.rc == 0, run.output
    assert {name: run.of(name)[0].changed for name in cases} == {
        name: changed for name, (_ignored, changed) in cases.items()
    }
    for name in ("would create", "would add"):
        [task] = run.of(name)
        nulls = {"auth_key_id": None, "auth_key": None, "expiration_datetime": None}
        assert task.result["ansible_facts"] == {"digicert_auth_key": nulls}
        assert {field: task.result[field] for field in nulls} == nulls
    assert {entry.method for entry in simulator.log} == {"GET"}


def test_check_mode_predicts_rotation(simulator: Simulator, ansible: Ansible) -> None:
    simulator.seed_auth_key()
    assert ansible.module(MODULE, {"force": True}, check_mode=True).changed
    assert calls(simulator) == [LIST]


@pytest.mark.smoke
def test_diff_shows_id_and_expiry_but_never_the_key(simulator: Simulator, ansible: Ansible) -> None:
    old = simulator.seed_auth_key()
    tasks = [
        {"name": "rotate", MODULE: {"force": True}},
        {"name": "add", MODULE: {"ttl_days": 30}},
        {"name": "delete", MODULE: {"state": "absent", "permanent": True}},
    ]
    run = ansible.play(tasks, "--diff")
    [rotate], [add], [delete] = run.of("rotate"), run.of("add"), run.of("delete")
    new = {field: rotate.result[field] for field in ("auth_key_id", "expiration_datetime")}
    assert rotate.result["diff"] == {
        "before": {"auth_key_id": old.auth_key_id, "expiration_datetime": None},
        "after": new,
    }
    assert add.result["diff"] == {
        "before": {},
        "after": {field: add.result[field] for field in ("auth_key_id", "expiration_datetime")},
    }
    assert delete.result["diff"] == {"before": new, "after": {}}
    assert new["auth_key_id"] in run.output
    for key in (old.auth_key, rotate.result["auth_key"], add.result["auth_key"]):
        assert key not in run.output


def test_older_instance_without_list_call(simulator: Simulator, ansible: Ansible) -> None:
    no_route = {"errors": [{"code": "not_found|route", "message": "The route was not found."}]}
    simulator.inject(Fault(path="/auth-keys$", status=404, body=no_route, times=None))
    run = ansible.play([{"name": name, MODULE: {}} for name in ("create", "again")])
    assert [run.of(name)[0].changed for name in ("create", "again")] == [True, False], run.output
    assert calls(simulator) == [LIST, "GET /account/auth-key", CREATE, LIST, "GET /account/auth-key"]
    simulator.seed_auth_key(expiration=in_days(30))
    task = ansible.module(MODULE)
    assert task.outcome == "failed"
    assert task.result["http_status"] == 400


def test_info_lists_active_keys(simulator: Simulator, ansible: Ansible) -> None:
    permanent, expiring = simulator.seed_auth_key(), simulator.seed_auth_key(expiration=in_days(12.5))
    simulator.seed_auth_key(expiration=in_days(-1))
    simulator.seed_auth_key(enabled=False)
    task = ansible.module(INFO, {"api_key": simulator.keys["view_only"]})
    assert not task.changed
    assert calls(simulator) == [LIST]
    first, second = task.result["auth_keys"]
    assert first == {
        "auth_key_id": permanent.auth_key_id,
        "auth_key": permanent.auth_key,
        "expiration_datetime": None,
        "permanent": True,
        "remaining_days": None,
    }
    assert (second["auth_key_id"], second["permanent"]) == (expiring.auth_key_id, False)
    assert second["remaining_days"] == pytest.approx(12.5, abs=0.01)


@pytest.mark.smoke
def test_info_finds_one_key_active_or_not(simulator: Simulator, ansible: Ansible) -> None:
    keys = {
        "active": simulator.seed_auth_key(),
        "expired": simulator.seed_auth_key(expiration=in_days(-2)),
        "inactive": simulator.seed_auth_key(enabled=False),
    }
    ids = {**{name: key.auth_key_id for name, key in keys.items()}, "unknown": "no-such-key"}
    run = ansible.play([{"name": name, INFO: {"auth_key_id": auth_key_id}} for name, auth_key_id in ids.items()])
    assert run.rc == 0, run.output
    for name, key in keys.items():
        [found] = run.of(name)[0].result["auth_keys"]
        assert found["auth_key"] == key.auth_key
    assert run.of("expired")[0].result["auth_keys"][0]["remaining_days"] == pytest.approx(-2, abs=0.01)
    assert run.of("unknown")[0].result["auth_keys"] == []
    assert len(simulator.log) == len(ids)
