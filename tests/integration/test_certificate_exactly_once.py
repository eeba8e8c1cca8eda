# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Orders cost money: even if responses, processes, or disks fail, there is one order for each certificate."""

from __future__ import annotations

import os
import resource
import signal
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils._issuance import quiet_time

from tests.simulator import Fault, Limit, OrderBehaviour
from tests.support.calls import DOWNLOAD, INFO, LIST, ORDER, REISSUE
from tests.support.module_runs import run_module
from tests.support.pki import new_csr
from tests.support.sites import MODULE, Site

# What can happen to the response to an order, whether or not the service accepted it.
LOSSES: dict[str, dict[str, t.Any]] = {
    "connection reset": {"drop": "reset"},
    "connection closed": {"drop": "close"},
    "HTTP 500": {"status": 500, "body": "<h1>Internal Server Error</h1>"},
    "HTTP 502": {"status": 502, "body": "<html><title>Bad Gateway</title></html>"},
    "HTTP 504": {"status": 504, "body": {"errors": [{"code": "timeout", "message": "Upstream timed out."}]}},
    "HTML": {"body": "<html>Please log in</html>"},
    "no order id": {"body": {"requests": []}},
    "too late": {"delay_before": 0, "delay_after": 0},
}


def names_in(site: Site) -> list[str]:
    """Return the common names of all orders, in their order."""
    return [order.request.common_name for order in site.simulator.orders()]


def test_lost_answers_to_orders_that_were_placed(site: Site) -> None:
    for loss, fault in LOSSES.items():
        site.simulator.inject(
            Fault(method="POST", commit=True, **({"delay_after": 2.5} if loss == "too late" else fault))
        )
    args = {loss: site.args(f"{loss.lower().replace(' ', '-')}.example", timeout=1) for loss in LOSSES}
    run = site.play(args)
    assert site.simulator.faults == []
    orders = {order.request.common_name: order.id for order in site.simulator.orders()}
    assert len(orders) == len(site.simulator.orders()) == len(LOSSES)
    for task in run.results:
        assert (task.outcome, task.changed) == ("ok", True), task
        assert task.result["order_id"] == orders[Path(args[task.task]["path"]).stem]
        site.verify(args[task.task])
    assert site.under_way() == []
    assert site.calls().count(ORDER) == len(LOSSES)
    again = site.play(args)
    assert [task.changed for task in again.results] == [False] * len(LOSSES)
    assert site.calls() == []


def test_a_lost_reissue_is_found_by_its_csr_and_not_sent_twice(site: Site) -> None:
    args = site.args()
    site.run(args)
    site.simulator.inject(Fault(method="POST", drop="reset", commit=True))
    task = site.run({**args, "csr_content": new_csr("www.example.com")})
    assert (task.outcome, task.result.get("action")) == ("ok", "reissued"), task.msg
    calls = site.calls()
    assert calls.count(REISSUE) == 1
    assert len(site.simulator.orders()) == 1
    site.verify(args)


def test_what_was_not_placed_is_not_sent_again_before_ten_minutes(site: Site) -> None:
    """One run, which searches for 3 seconds instead of 90; the histories test what happens after ten minutes."""
    site.simulator.inject(Fault(method="POST", status=403, body="<html>Forbidden</html>"))

    def prepare() -> None:
        os.environ.update(site.ansible.env)
        assert quiet_time.LEAST_LOOK > 3
        quiet_time.LEAST_LOOK = 3.0

    result = run_module("digicert_certificate", site.args(wait_timeout=1), prepare=prepare)
    assert (result["rc"], result["changed"]) == (1, True)
    assert "The account does not show the order yet." in result["msg"]
    assert "sends the order again after" in result["msg"]
    assert (site.calls().count(ORDER), len(site.under_way()), len(site.simulator.orders())) == (1, 1, 0)


def test_lost_answer_and_looks_that_fail(site: Site) -> None:
    site.simulator.inject(
        Fault(method="POST", drop="reset", commit=True),
        Fault(method="GET", skip=1, times=None, status=403, body={"errors": [{"code": "access_denied|x"}]}),
    )
    args = site.args(timeout=1, retry_timeout=0)
    task = site.run(args)
    assert (task.outcome, task.changed) == ("failed", True)
    assert "Whether the order was carried out is unknown" in task.msg
    [submission] = site.under_way()
    assert (submission["order_id"], submission["accepted"]) == (None, False)
    site.simulator.clear_faults()
    assert site.run(args).changed
    assert len(site.simulator.orders()) == 1
    site.verify(args)


def test_without_path_a_lost_answer_is_looked_for_too(site: Site) -> None:
    site.simulator.inject(Fault(method="POST", drop="reset", commit=True))
    args = site.args(path=None, chain_path=None, full_chain_path=None)
    task = site.run(args)
    assert (task.outcome, task.changed, task.result["order_status"]) == ("ok", True, "issued")
    assert (site.calls().count(ORDER), len(site.simulator.orders())) == (1, 1)
    again = site.run(args)
    assert (again.result["action"], again.result["certificate"]) == ("continued", task.result["certificate"])
    assert len(site.simulator.orders()) == 1


def test_rate_limit_in_the_middle(site: Site) -> None:
    site.simulator.set_order_behaviour(OrderBehaviour(validation="never", polls=1))
    site.simulator.set_limits([Limit(2, 1.5)])
    args = site.args()
    assert site.run(args).changed
    assert 429 in [entry.status for entry in site.simulator.log]
    assert len(site.simulator.orders()) == 1
    site.verify(args)


def until(condition: t.Callable[[], t.Any], seconds: float = 20) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("moment", ["after the service took it", "while it is pending"])
def test_killed_at_any_moment(site: Site, moment: str) -> None:
    args = site.args(timeout=3)
    if moment == "while it is pending":
        site.simulator.set_order_behaviour(OrderBehaviour(validation="never", polls=9999))
    else:
        site.simulator.inject(Fault(method="POST", delay_after=20.0))
    process = site.start({**args, "api_url": site.simulator.url, "api_key": site.simulator.keys["full"]})
    if moment.startswith("after"):
        until(site.simulator.orders)
    else:
        until(lambda: len(site.simulator.log) > 4)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    [submission] = site.under_way()
    assert submission["accepted"] == (moment == "while it is pending")
    if moment == "while it is pending":
        site.simulator.finish_order(site.simulator.orders()[0].id, "issued")
    task = site.run(args)
    assert (task.outcome, task.changed) == ("ok", True), task.msg
    assert task.result["order_id"] == site.simulator.orders()[0].id
    assert len(site.simulator.orders()) == 1
    assert site.under_way() == []
    site.verify(args)


def test_full_disk_between_order_and_installation(site: Site) -> None:
    args = site.args()
    old = "an old certificate"
    Path(args["path"]).write_text(old)
    limit = 1100  # largest file in bytes: a journal and a chain are smaller, a full chain is larger

    def full_disk() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = site.start(
        {**args, "api_url": site.simulator.url, "api_key": site.simulator.keys["full"]}, preexec_fn=full_disk
    )
    output = process.communicate()[0]
    assert f"Cannot write {args['full_chain_path']}: File too large" in output, output
    assert "is not lost. Make the file writable, or free disk space" in output
    assert f'"order_id": {site.simulator.orders()[0].id}' in output
    assert '"changed": true' in output
    assert Path(args["path"]).read_text() == old
    site.calls()
    assert site.run(args).changed
    assert site.calls() == [INFO, DOWNLOAD]
    assert len(site.simulator.orders()) == 1
    site.verify(args)


def test_installed_but_the_journal_does_not_say_so(site: Site) -> None:
    args = site.args(wait=False)
    site.simulator.set_order_behaviour(OrderBehaviour(validation="never", polls=9999))
    site.run(args)
    [journal] = site.directory.glob(".*.json")
    content = journal.read_text()
    site.simulator.finish_order(site.simulator.orders()[0].id, "issued")
    site.run(args)
    journal.write_text(content)
    site.calls()
    task = site.run(args)
    assert (task.outcome, task.changed, site.calls()) == ("ok", False, [INFO]), task.msg
    assert (site.under_way(), len(site.simulator.orders())) == ([], 1)
    site.verify(args)


def test_an_order_for_another_request_is_not_dropped_silently(site: Site) -> None:
    site.simulator.set_order_behaviour(OrderBehaviour(validation="never", polls=9999))
    args = site.args(wait=False)
    first = site.run(args).result["order_id"]
    other = {**args, "csr_content": new_csr("www.example.com")}
    task = site.run(other)
    assert task.outcome == "failed"
    assert f"Order {first} is pending for this certificate, with another CSR" in task.msg
    assert f"digicert_order_cancel with order_id={first}, then run" in task.msg
    site.simulator.set_order_behaviour(OrderBehaviour(validation="never"))
    task = site.run({**other, "force": True})
    assert (task.outcome, task.changed) == ("ok", True), task.msg
    assert len(site.simulator.orders()) == 2
    site.verify(other)


@pytest.mark.parametrize("defect", ["other_key", "other_names", "expired", "garbage"])
def test_a_certificate_that_is_not_what_was_ordered(site: Site, defect: t.Any) -> None:
    words = {
        "other_key": "it contains no certificate for this public key.",
        "other_names": "the certificate does not cover www.example.com.",
        "expired": "the certificate has been expired since 20",
        "garbage": "certificate 1 in it cannot be read.",
    }
    site.simulator.set_order_behaviour(OrderBehaviour(validation="never", defect=defect))
    args = site.args()
    Path(args["path"]).write_text("an old certificate")
    run = site.play({"order": args, "again": args})
    order = site.simulator.orders()[0]
    for task in run.results:
        # One that has expired is reissued, free of charge, by the next run.
        assert (task.outcome, task.changed) == ("failed", task.task == "order" or defect == "expired")
        assert f"order {order.id} was not installed: {words[defect]}" in task.msg
        assert task.result["order_id"] == order.id
    assert site.calls()[:2] == [LIST, ORDER]
    assert Path(args["path"]).read_text() == "an old certificate"
    assert len(site.under_way()) == 1
    assert len(site.simulator.orders()) == 1


def test_a_chain_in_another_order_is_sorted(site: Site) -> None:
    site.simulator.set_order_behaviour(OrderBehaviour(validation="never", defect="wrong_order"))
    args = site.args()
    assert site.run(args).changed
    site.verify(args)


def test_two_runs_for_the_same_file_at_once(site: Site) -> None:
    site.ansible.hosts("one", "two", "three")
    site.simulator.inject(Fault(method="POST", delay_after=3, times=None))
    args = site.args()
    run = site.ansible.adhoc(MODULE, args, "-f", "3")
    assert sorted(task.changed for task in run.results) == [False, False, True], run.output
    assert site.calls() == [LIST, ORDER]
    assert len({task.result["serial_number"] for task in run.results}) == 1
    assert len(site.files()) == 4


def test_a_run_does_not_wait_for_another_for_ever(site: Site) -> None:
    site.simulator.inject(Fault(method="POST", delay_after=25))
    args = site.args()
    process = site.start({**args, "api_url": site.simulator.url, "api_key": site.simulator.keys["full"]})
    try:
        until(site.directory.joinpath(".www.example.com.pem.order.lock").exists)
        task = site.run({**args, "wait_timeout": 1})
        assert (task.outcome, task.changed) == ("failed", False)
        assert "Another run is working on the same certificate" in task.msg
    finally:
        process.kill()
        process.communicate()
    assert len(site.simulator.orders()) == 1


def test_many_hosts_at_once(site: Site) -> None:
    names = [f"host{number:02}" for number in range(12)]
    site.ansible.hosts(*names)
    site.simulator.inject(*(Fault(method="POST", skip=2 * n, drop="reset", commit=True) for n in range(5)))
    (site.directory / "csr").mkdir()
    for name in names:
        (site.directory / "csr" / f"{name}.example").write_text(new_csr(f"{name}.example"))
        (site.directory / name).mkdir()
    path = f"{site.directory}/{{{{ inventory_hostname }}}}/certificate.pem"
    args = {
        "csr": f"{site.directory}/csr/{{{{ inventory_hostname }}}}.example",
        "path": path,
        "dcv_method": "dns-txt-token",
        "timeout": 10,
    }
    run = site.ansible.play([{"name": "order", MODULE: args}], "-f", "6")
    assert [task.changed for task in run.results] == [True] * 12, run.output
    assert sorted(names_in(site)) == [f"{name}.example" for name in names]
