# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dv_certificate_order_from=controller: hosts that cannot reach the API and never get the API key."""

from __future__ import annotations

import json
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import pkcs12

from tests.simulator import OrderBehaviour, ServiceBehaviour
from tests.support.calls import AUTH_KEY, LIST, ORDER, REISSUE
from tests.support.dmz import Dmz
from tests.support.fleet import Fleet, changes, failures, notified, work_of
from tests.support.liar import write_liar


@pytest.fixture
def dmz(fleet: Fleet, tmp_path: Path) -> Dmz:
    return Dmz(fleet, tmp_path)


def test_orders_for_hosts_without_network_in_batches_and_free(dmz: Dmz) -> None:
    fleet = dmz.fleet
    hosts: dict[str, t.Any] = {f"h{number}.example.com": {} for number in range(4)}
    fleet.play["serial"] = 2
    run = dmz.run(hosts, "-vvvv", "--diff")
    assert run.rc == 0, run.output
    assert sorted(fleet.calls()) == sorted([AUTH_KEY, *[LIST, ORDER] * 2] * 2)
    dmz.check(hosts)
    assert dmz.key not in run.output
    assert sorted(work_of(run, host) for host in hosts) == [(42, 10)] * 2 + [(43, 11)] * 2
    fleet.play = {"strategy": "free"}
    again = dmz.run(hosts)
    assert (again.rc, fleet.calls(), changes(again)) == (0, [], []), again.output
    assert {work_of(again, host) for host in hosts} == {(5, 1)}


def test_all_that_can_be_asked_of_a_certificate(dmz: Dmz) -> None:
    fleet, passphrase = dmz.fleet, "correct horse"
    plain, rekeyed, bundled, fresh = (f"{name}.example.com" for name in ("plain", "rekeyed", "bundled", "fresh"))
    bundles = {"combined_path": str(fleet.path(bundled, "combined")), "pkcs12_path": str(fleet.path(bundled, "p12"))}
    hosts: dict[str, dict[str, t.Any]] = {plain: {}, rekeyed: {}, bundled: {**bundles, "pkcs12_passphrase": passphrase}}
    # Orders stay pending until the random value is there.
    fleet.simulator.set_order_behaviour(OrderBehaviour(ignores_tokens=True))
    first = dmz.run(hosts)
    assert first.rc == 0, first.output
    assert {check.proof for check in fleet.simulator.dcv_checks if check.proof} == {"random_value"}
    assert fleet.calls().count(ORDER) == len(hosts)
    dmz.check(hosts)
    before = {host: fleet.installed(host) for host in hosts}
    keys = {host: fleet.path(host, "key").read_bytes() for host in hosts}

    fleet.let_expire(rekeyed)
    hosts = {plain: {}, rekeyed: {"new_private_key": True}, bundled: {**hosts[bundled], "force": True}}
    files = {host: fleet.files(host) for host in hosts}
    predicted = dmz.run({**hosts, fresh: {}}, "--check", "--diff")
    assert (predicted.rc, fleet.calls()) == (0, []), predicted.output
    due = [task.host for task in predicted.results if task.changed and "Install" in task.task]
    assert sorted(due) == sorted([rekeyed, bundled])
    assert "(given by CertCentral)" in predicted.output
    assert {host: fleet.files(host) for host in hosts} == files
    assert fresh not in fleet.hosts_seen()

    fleet.simulator.set_order_behaviour(OrderBehaviour())
    second = dmz.run(hosts)
    assert second.rc == 0, second.output
    assert (fleet.calls().count(REISSUE), sorted(notified(second))) == (2, sorted([rekeyed, bundled]))
    dmz.check(hosts)
    assert [work_of(second, host) for host in (plain, rekeyed)] == [(5, 1), (44, 11)]
    assert [fleet.installed(host) == before[host] for host in hosts] == [True, False, False]
    assert [fleet.path(host, "key").read_bytes() == keys[host] for host in hosts] == [True, False, True]
    certificate, key = fleet.path(bundled, "fullchain.pem").read_text(), keys[bundled].decode()
    assert Path(bundles["combined_path"]).read_text() == key + certificate
    _key, in_store, _chain = pkcs12.load_key_and_certificates(
        Path(bundles["pkcs12_path"]).read_bytes(), passphrase.encode()
    )
    assert in_store == fleet.installed(bundled)


def test_a_host_that_denies_what_it_recorded_gets_one_order(dmz: Dmz, tmp_path: Path) -> None:
    denial = {"recorded": False, "journal": {}, "certificate": None, "chain": None}
    lies: dict[str, list[dict[str, t.Any]]] = {
        "denies.example.com": [{}, denial, {"recorded": True}],
        "unclear.example.com": [{"recorded": "no", "journal": "none"}],
    }
    lines = [
        f"{host} {write_liar(tmp_path / host, answers={'digicert_certificate_install': lie})}"
        for host, lie in lies.items()
    ]
    (tmp_path / "liars").write_text("\n".join(lines) + "\n", encoding="utf-8")
    dmz.fleet.simulator.set_service_behaviour(ServiceBehaviour(list_lag=60, info_lag=60, alternate_lag=60))
    run = dmz.run({host: {} for host in lies}, "-i", str(tmp_path / "liars"), check=False)
    [order] = dmz.fleet.simulator.orders()
    failed = failures(run)
    assert f"the certificate of order {order.id}" in failed["denies.example.com"], run.output
    assert "does not say whether the journal" in failed["unclear.example.com"]


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
        run = dmz.run(hosts, "--limit", host, crash=task)
        assert run.rc == 9, run.output
    placed = len(dmz.fleet.simulator.orders())
    assert placed == 2  # from the runs that sent it
    # More than eighteen minutes have passed since a run saw the reservation first.
    journal = json.loads(dmz.journal("reserved.example.com").read_text())
    assert journal["submission"]["run_id"]
    journal["submission"].update(dict.fromkeys(("lost_at", "noted_at"), "2026-01-01T00:00:00+00:00"))
    dmz.journal("reserved.example.com").write_text(json.dumps(journal))
    run = dmz.run(hosts)
    assert run.rc == 0, run.output
    dmz.check(hosts)
    for host in hosts:
        assert json.loads(dmz.journal(host).read_text())["submission"] is None


def test_two_controllers_at_once_place_one_order_for_each_host(dmz: Dmz, tmp_path: Path) -> None:
    hosts: dict[str, t.Any] = {f"h{number}.example.com": {} for number in range(3)}
    other = dmz.second(tmp_path / "second")
    other.fleet.play = {"strategy": "free"}
    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda it: it.run(hosts, check=False), [dmz, other]))
    assert [run.rc for run in runs] == [0, 0], runs[0].output + runs[1].output
    dmz.check(hosts)
