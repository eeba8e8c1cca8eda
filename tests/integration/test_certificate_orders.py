# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""digicert_certificate and the states of an order: pending, validated, ended without a certificate, continued by id."""

from __future__ import annotations

import stat
import typing as t

import pytest

from tests.simulator import DcvTargets, OrderBehaviour, Simulator
from tests.support.calls import CHECK, DOWNLOAD, INFO, LIST, ORDER, RANDOM, REISSUE
from tests.support.pki import new_csr
from tests.support.sites import Site
from tests.support.web import Page, page_server

REVOKE = "community.digicert.digicert_certificate_revoke"


def test_pending_then_issued(site: Site) -> None:
    site.simulator.set_order_behaviour(OrderBehaviour(validation="never", polls=2))
    args = site.args()
    task = site.run(args)
    assert (task.outcome, task.changed) == ("ok", True), task.msg
    assert site.calls() == [LIST, ORDER, CHECK, INFO, INFO, INFO, DOWNLOAD]
    site.verify(args)
    assert site.under_way() == []


def test_not_waiting(site: Site) -> None:
    site.simulator.set_order_behaviour(OrderBehaviour(validation="never", polls=3))
    args = site.args(wait=False)
    first = site.run(args)
    assert (first.outcome, first.changed, first.result["order_status"]) == ("ok", True, "pending"), first.msg
    assert first.result["certificate"] is None
    assert first.result["dcv_random_value"] == site.simulator.orders()[0].random_value
    assert site.calls() == [LIST, ORDER]
    [submission] = site.under_way()
    assert submission["order_id"] == first.result["order_id"]
    [path] = site.directory.iterdir()
    assert (path.name, stat.S_IMODE(path.stat().st_mode)) == (".www.example.com.pem.order.json", 0o600)
    second = site.run(args)
    assert (second.changed, second.result["order_status"], site.calls()) == (False, "pending", [INFO, CHECK, RANDOM])
    site.simulator.finish_order(first.result["order_id"], "issued")
    third = site.run(args)
    assert (third.changed, third.result["order_status"], site.calls()) == (True, "issued", [INFO, DOWNLOAD])
    assert third.result["action"] == "continued"
    site.verify(args)
    assert (site.under_way(), len(site.simulator.orders())) == ([], 1)


def test_end_states(site: Site) -> None:
    words = {
        "needs_approval": "is waiting for approval. Approve it in CertCentral, then run the task again",
        "rejected": "was rejected; its page in CertCentral says why.",
        "canceled": "was canceled in CertCentral.",
    }
    tasks = {}
    for outcome in words:
        site.simulator.set_order_behaviour(OrderBehaviour(validation="never", outcome=outcome))  # type: ignore[arg-type]
        tasks[outcome] = site.args(f"{outcome.replace('_', '-')}.example")
        task = site.run(tasks[outcome])
        order = site.simulator.orders()[-1]
        assert (task.outcome, task.changed) == ("failed", True)
        assert f"Order {order.id} {words[outcome]}" in task.msg
        assert (task.result["order_id"], task.result["order_status"]) == (order.id, outcome)
    again = site.play(tasks)
    for task in again.results:
        assert (task.outcome, task.changed) == ("failed", False), task
        assert words[task.task] in task.msg
    assert len(site.simulator.orders()) == 3

    site.simulator.set_order_behaviour(OrderBehaviour(validation="never"))
    site.simulator.finish_order(site.simulator.orders()[0].id, "issued")
    tasks = {name: {**args, "force": name == "canceled"} for name, args in tasks.items()}
    last = {task.task: task.outcome for task in site.play(tasks).results}
    assert last == {"needs_approval": "ok", "rejected": "failed", "canceled": "ok"}
    assert [order.status for order in site.simulator.orders()] == ["issued", "rejected", "canceled", "issued"]
    site.verify(tasks["needs_approval"])
    site.verify(tasks["canceled"])


@pytest.fixture
def web(simulator: Simulator) -> t.Iterator[Page]:
    with page_server() as page:
        simulator.set_dcv_targets(DcvTargets(http=page.address))
        yield page


def test_with_a_published_request_token_it_is_one_call(site: Site, web: Page) -> None:
    site.simulator.set_order_behaviour(OrderBehaviour())
    csrs = {form: new_csr("www.example.com") for form in ("base64", "pem", "pem_line")}
    tokens = [
        f"csrs.{form} | community.digicert.request_token(auth_key=auth_key, csr_format='{form}')" for form in csrs
    ]
    show = {"msg": " and ".join(f"{{{{ {token} }}}}" for token in tokens)}
    variables = {"csrs": csrs, "auth_key": site.simulator.auth_keys()[0].auth_key}
    web.text = site.ansible.play([{"ansible.builtin.debug": show}], play={"vars": variables}).last.msg
    common = {"dcv_method": "http-token", "force": True}
    args = {form: site.args(f"{form}.pem", csr_format=form, csr_content=csr, **common) for form, csr in csrs.items()}
    run = site.play(args)
    assert [task.result["action"] for task in run.results] == ["ordered", "reissued", "reissued"], run.output
    assert site.calls() == [LIST, ORDER] + [LIST, INFO, REISSUE] * 2
    assert [check.proof for check in site.simulator.dcv_checks] == ["request_token"] * 3


def test_validation_that_fails_and_then_succeeds(site: Site, web: Page) -> None:
    site.simulator.set_order_behaviour(OrderBehaviour())
    args = site.args(dcv_method="http-token", wait_timeout=2)
    failed = site.run(args)
    order = site.simulator.orders()[0]
    assert (failed.outcome, failed.changed) == ("failed", True)
    assert f"Order {order.id} is still waiting for domain control validation" in failed.msg
    assert failed.msg.endswith(", then run the task again, which continues this order.")
    assert "file_random_value_not_found" in failed.msg
    assert failed.result["dcv_random_value"] == order.random_value
    assert site.calls().count(CHECK) > 1
    web.text = order.random_value
    assert site.run(args).changed
    assert site.calls() == [INFO, CHECK, DOWNLOAD]
    assert len(site.simulator.orders()) == 1


def test_order_id_is_the_order_to_work_with_and_never_orders(site: Site) -> None:
    site.simulator.set_order_behaviour(OrderBehaviour(validation="never", outcome="pending"))
    csr = new_csr("www.example.com")
    returned = {"csr_content": csr, "dcv_method": "dns-txt-token", "wait_timeout": 1}
    task = site.run(returned)
    order_id = site.simulator.orders()[0].id
    assert (task.outcome, task.result["order_id"]) == ("failed", order_id)
    assert f"is pending. Wait, then run the task with order_id={order_id}" in task.msg
    site.simulator.finish_order(order_id, "issued")
    site.simulator.set_order_behaviour(OrderBehaviour(validation="never"))
    fetched = site.run({**returned, "order_id": order_id})
    assert (fetched.outcome, fetched.changed) == ("ok", False), "nothing is placed and no file is written"
    assert fetched.result["certificate"].startswith("-----BEGIN CERTIFICATE-----\n")
    args = site.args(csr_content=csr, order_id=order_id)
    site.calls()
    run = site.play({"install": args, "steady": args})
    assert [task.changed for task in run.results] == [True, False], run.output
    assert site.calls() == [INFO, DOWNLOAD]
    run = site.play(
        {
            "force": {**args, "force": True},
            "another CSR": {**args, "csr_content": new_csr("www.example.com")},
            "no such order": {**args, "order_id": 1, "force": True},
            "other names": {**args, "dns_names": ["more.example.com"]},
        }
    )
    assert [task.result.get("action") for task in run.results[:2]] == ["reissued", "reissued"], run.output
    assert [task.outcome for task in run.results[2:]] == ["failed"] * 2
    assert "Check order_id" in run.results[2].msg
    assert "omit order_id to place one" in run.results[3].msg
    assert len(site.simulator.orders()) == 1


def test_a_year_is_paid_once(site: Site) -> None:
    args = site.args()
    first = site.run(args)
    assert first.result["action"] == "ordered"
    for renewal, action in (("auto", "reissued"), ("reissue", "reissued")):
        csr = new_csr("www.example.com")
        task = site.run({**args, "renewal": renewal, "csr_content": csr})
        assert (task.outcome, task.result.get("action")) == ("ok", action), task.msg
        assert task.result["order_valid_till"] is not None
    refused = site.run({**args, "renewal": "order", "csr_content": new_csr("www.example.com")})
    assert "paid for less than 7 days ago" in refused.msg
    assert len(site.simulator.orders()) == 1
    site.verify(args)


def test_a_wrong_clock_never_buys(site: Site) -> None:
    args = site.args()
    site.simulator.advance(days=-300)
    task = site.run(args)
    assert (task.outcome, task.changed) == ("failed", False)
    assert "The clock of the host differs from the service's by 7200.0 hours, so no order was placed." in task.msg
    assert (site.calls(), site.simulator.orders(), site.files()) == ([LIST], [], set())


def test_a_revoked_certificate_is_replaced_when_asked_for(site: Site) -> None:
    args = site.args()
    serial = site.run(args).result["serial_number"]
    assert site.run({**args, "check_revoked": True}).result["action"] == "none"
    site.ansible.module(REVOKE, {"serial_number": serial, "skip_approval": True})
    assert not site.run(args).changed
    task = site.run({**args, "check_revoked": True})
    assert (task.outcome, task.result.get("action")) == ("ok", "reissued"), task.msg
    [journal] = site.journals()
    assert journal["replaced_serial_number"] == serial
    assert len(site.simulator.orders()) == 1
