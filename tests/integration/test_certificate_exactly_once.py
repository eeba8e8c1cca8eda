# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An order is money: whatever happens to answers, processes and disks, there are as many orders as certificates."""

from __future__ import annotations

import resource
import signal
import time
import typing as t
from pathlib import Path

import pytest

from tests.simulator import Fault, Limit, OrderBehaviour
from tests.support.pki import new_csr
from tests.support.sites import DOWNLOAD, INFO, LIST, MODULE, ORDER, Site

# What can happen to the answer to an order, whether or not the service took it.
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


@pytest.mark.parametrize("committed", [True, False], ids=["taken", "not taken"])
def test_lost_answer_to_an_order(site: Site, committed: bool) -> None:
    for number, (loss, fault) in enumerate(LOSSES.items()):
        late = {"delay_after": 2.5} if committed else {"delay_before": 1.6}
        # Each try that is made for lack of an order uses up one place in the row.
        skip = 0 if committed else number
        site.simulator.inject(
            Fault(method="POST", skip=skip, commit=committed, **(late if loss == "too late" else fault))
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
    assert site.markers() == []
    sent = site.calls().count(ORDER)
    # An order that arrives after the time is up is found, and not sent again.
    assert sent == (len(LOSSES) if committed else 2 * len(LOSSES) - 1)
    again = site.play(args)
    assert [task.changed for task in again.results] == [False] * len(LOSSES)
    assert site.calls() == []


def test_an_older_order_for_the_same_csr_is_not_taken_for_the_lost_one(site: Site) -> None:
    args = site.args(timeout=1)
    first = site.run(args)
    site.simulator.inject(Fault(method="POST", drop="reset"))
    second = site.run({**args, "force": True})
    assert second.changed
    assert second.result["order_id"] != first.result["order_id"]
    assert len(site.simulator.orders()) == 2
    site.simulator.inject(Fault(method="POST", drop="reset", commit=True))
    third = site.run({**args, "force": True})
    assert third.result["order_id"] == site.simulator.orders()[-1].id
    assert third.result["serial_number"] not in (first.result["serial_number"], second.result["serial_number"])
    assert len(site.simulator.orders()) == 3
    site.verify(args)


@pytest.mark.smoke
@pytest.mark.parametrize("committed", [True, False], ids=["taken", "not taken"])
def test_lost_answer_and_a_look_that_fails(site: Site, committed: bool) -> None:
    site.simulator.inject(
        Fault(method="POST", drop="reset", commit=committed), Fault(method="GET", times=None, status=500)
    )
    args = site.args(timeout=1, retry_timeout=5)
    task = site.run(args)
    assert (task.outcome, task.changed) == ("failed", True)
    assert "Whether the order was placed all the same is unknown" in task.msg
    assert task.msg.endswith("The next run looks again before it orders.")
    [marker] = site.markers()
    assert marker["order_id"] is None
    site.simulator.clear_faults()
    site.calls()
    assert site.run(args).changed
    assert site.calls() == ([LIST, INFO, DOWNLOAD] if committed else [LIST, ORDER])
    assert len(site.simulator.orders()) == 1
    site.verify(args)


def test_one_try_orders_once_at_most(site: Site) -> None:
    args = site.args(timeout=1, retry_timeout=0)
    site.simulator.inject(Fault(method="POST", drop="reset"), Fault(method="POST", drop="reset", skip=1, commit=True))
    failed = site.run(args)
    assert failed.outcome == "failed"
    assert "The account shows no new order. The next run looks again before it orders." in failed.msg
    assert (site.calls(), len(site.markers())) == ([ORDER, LIST], 1)
    assert site.run(args).changed
    assert len(site.simulator.orders()) == 1


def test_without_path_a_lost_answer_is_looked_for_too(site: Site) -> None:
    site.simulator.inject(Fault(method="POST", drop="reset", commit=True))
    task = site.run(site.args(path=None, chain_path=None, full_chain_path=None))
    assert (task.outcome, task.changed, task.result["status"]) == ("ok", True, "issued")
    assert (site.calls(), len(site.simulator.orders())) == ([ORDER, LIST, INFO, DOWNLOAD], 1)


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


@pytest.mark.parametrize("moment", ["before the service takes it", "after the service took it", "while it is pending"])
def test_killed_at_any_moment(site: Site, moment: str) -> None:
    args = site.args(timeout=3)
    if moment == "while it is pending":
        site.simulator.set_order_behaviour(OrderBehaviour(validation="never", polls=9999))
    else:
        before = moment.startswith("before")
        site.simulator.inject(Fault(method="POST", delay_before=2.0 * before, delay_after=20.0 * (not before)))
    process = site.start({**args, "api_url": site.simulator.url, "api_key": site.simulator.keys["full"]})
    if moment.startswith("before"):
        until(site.markers)
        time.sleep(0.5)
        assert site.simulator.orders() == []
    elif moment.startswith("after"):
        until(site.simulator.orders)
    else:
        until(lambda: len(site.simulator.log) > 3)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    [marker] = site.markers()
    assert (marker["order_id"] is None) == (moment != "while it is pending")
    if moment == "while it is pending":
        site.simulator.finish_order(site.simulator.orders()[0].id, "issued")
    task = site.run(args)
    assert (task.outcome, task.changed) == ("ok", True), task.msg
    assert task.result["order_id"] == site.simulator.orders()[0].id
    assert len(site.simulator.orders()) == 1
    assert site.markers() == []
    site.verify(args)
    assert not any(name.startswith(".") for name in site.files())


@pytest.mark.smoke
def test_full_disk_between_order_and_installation(site: Site) -> None:
    args = site.args()
    old = "an old certificate"
    Path(args["path"]).write_text(old)
    limit = 1000  # bytes that a file may have: a marker and a chain have less, a full chain has more

    def full_disk() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = site.start(
        {**args, "api_url": site.simulator.url, "api_key": site.simulator.keys["full"]}, preexec_fn=full_disk
    )
    output = process.communicate()[0]
    assert f"Cannot write {args['full_chain_path']}: File too large" in output, output
    assert "is not lost: make the file writable, or make room" in output
    assert f'"order_id": {site.simulator.orders()[0].id}' in output
    assert '"changed": true' in output
    assert Path(args["path"]).read_text() == old
    site.calls()
    assert site.run(args).changed
    assert site.calls() == [INFO, DOWNLOAD]
    assert len(site.simulator.orders()) == 1
    site.verify(args)


def test_installed_but_the_marker_is_left(site: Site) -> None:
    args = site.args(wait=False)
    site.simulator.set_order_behaviour(OrderBehaviour(validation="never", polls=9999))
    site.run(args)
    [marker] = site.directory.glob(".*.json")
    content = marker.read_text()
    site.simulator.finish_order(site.simulator.orders()[0].id, "issued")
    site.run(args)
    for options in ({}, {"force": True}):
        marker.write_text(content)
        site.calls()
        task = site.run({**args, **options})
        assert (task.outcome, task.changed, site.calls()) == ("ok", False, [INFO]), task.msg
        assert site.markers() == []
    assert len(site.simulator.orders()) == 1
    site.verify(args)


def test_an_order_for_another_request_is_not_dropped_silently(site: Site) -> None:
    site.simulator.set_order_behaviour(OrderBehaviour(validation="never", polls=9999))
    args = site.args(wait=False)
    first = site.run(args).result["order_id"]
    other = {**args, "csr_content": new_csr("www.example.com")}
    task = site.run(other)
    assert task.outcome == "failed"
    assert f"Order {first} is under way for this certificate, with another CSR" in task.msg
    site.simulator.set_order_behaviour(OrderBehaviour(validation="never"))
    task = site.run({**other, "force": True})
    assert (task.outcome, task.changed) == ("ok", True), task.msg
    assert len(site.simulator.orders()) == 2
    site.verify(other)


@pytest.mark.parametrize("defect", ["other_key", "other_names", "wrong_order", "garbage"])
def test_a_certificate_that_is_not_what_was_ordered(site: Site, defect: t.Any) -> None:
    words = {
        "other_key": "the public key of its first certificate is not that of the CSR.",
        "other_names": "the certificate does not cover www.example.com.",
        "wrong_order": "its chain is broken: CN=www.example.com was not issued by CN=CertCentral Simulator Root CA.",
        "garbage": "certificate 1 in it cannot be read.",
    }
    site.simulator.set_order_behaviour(OrderBehaviour(validation="never", defect=defect))
    args = site.args()
    Path(args["path"]).write_text("an old certificate")
    run = site.play({"order": args, "again": args})
    order = site.simulator.orders()[0]
    for task in run.results:
        assert (task.outcome, task.changed) == ("failed", task.task == "order")
        assert f"order {order.id} is not installed: {words[defect]}" in task.msg
        assert task.result["order_id"] == order.id
    assert site.calls() == [ORDER, INFO, DOWNLOAD]
    assert Path(args["path"]).read_text() == "an old certificate"
    assert len(site.markers()) == 1
    assert len(site.simulator.orders()) == 1


def test_two_runs_for_the_same_file_at_once(site: Site) -> None:
    site.ansible.hosts("one", "two", "three")
    site.simulator.inject(Fault(method="POST", delay_after=3, times=None))
    args = site.args()
    run = site.ansible.adhoc(MODULE, args, "-f", "3")
    assert sorted(task.changed for task in run.results) == [False, False, True], run.output
    assert site.calls() == [ORDER]
    assert len({task.result["serial_number"] for task in run.results}) == 1
    assert len(site.files()) == 3


def test_a_run_does_not_wait_for_another_for_ever(site: Site) -> None:
    site.simulator.inject(Fault(method="POST", delay_after=10))
    args = site.args()
    process = site.start({**args, "api_url": site.simulator.url, "api_key": site.simulator.keys["full"]})
    try:
        until(site.markers)
        task = site.run({**args, "wait_timeout": 1})
        assert (task.outcome, task.changed) == ("failed", False)
        assert "Another run of the task is at work on the same certificate" in task.msg
    finally:
        process.communicate()
    assert len(site.simulator.orders()) == 1


def test_many_hosts_at_once(site: Site) -> None:
    names = [f"host{number:02}" for number in range(12)]
    site.ansible.hosts(*names)
    site.simulator.inject(*(Fault(method="POST", skip=3 * n, drop="reset", commit=n % 2 == 0) for n in range(5)))
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
