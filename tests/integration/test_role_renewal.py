# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role dv_certificate over time: renewals, failures that keep the old certificate, and continued runs."""

from __future__ import annotations

import typing as t

from tests.simulator import Fault, OrderBehaviour
from tests.support.calls import AUTH_KEY, DOWNLOAD, INFO, ORDER, REISSUE
from tests.support.fleet import FIRST, Fleet, failures, notified, work_of
from tests.support.servers import Nginx

LIMIT = {"errors": [{"code": "request_limit_exceeded", "message": "Later."}]}
RENEWAL = [INFO, REISSUE]
PLACE = ".well-known/pki-validation/fileauth.txt"


def test_renewal_of_what_is_due_with_the_same_key_and_a_new_one(fleet: Fleet, nginx: Nginx) -> None:
    kept, same, new, unlucky = hosts = [f"{name}.example.com" for name in ("kept", "same", "new", "unlucky")]
    first = fleet.run(hosts={host: {} for host in hosts})
    assert first.rc == 0, first.output
    assert sorted(fleet.calls()) == sorted([AUTH_KEY, *FIRST * 4])
    for host in (same, new, unlucky):
        fleet.let_expire(host)
    before = {host: fleet.installed(host) for host in hosts}
    keys = {host: fleet.path(host, "key").read_bytes() for host in hosts}
    old = {ending: fleet.path(new, ending).read_bytes() for ending in ("pem", "fullchain.pem")}

    # The same directory, spelled otherwise.
    directory = f"{fleet.directory}//./{{{{ inventory_hostname }}}}//"
    other: dict[str, t.Any] = {"new_private_key": True, "directory": directory}
    due = dict.fromkeys(hosts, other)
    due[same] = {**other, "new_private_key": False}
    due[unlucky] = {**other, "webroot": str(nginx.webroot / "elsewhere")}
    (nginx.webroot / "elsewhere").mkdir()
    second = fleet.run(hosts=due)
    assert failures(second).keys() == {unlucky}, second.output
    assert f"http://{unlucky}/{PLACE}: HTTP 404" in failures(second)[unlucky]
    assert sorted(fleet.calls()) == sorted([AUTH_KEY, *RENEWAL * 2])
    assert sorted(notified(second)) == [new, same]
    assert [work_of(second, host) for host in (kept, same, new)] == [(5, 1), (31, 7), (31, 7)]
    after = {host: fleet.installed(host) if host == unlucky else fleet.verify(host) for host in hosts}
    assert [after[host] == before[host] for host in hosts] == [True, False, False, True]
    assert [fleet.path(host, "key").read_bytes() == keys[host] for host in hosts] == [True, True, False, True]
    assert fleet.served(nginx, new) == after[new]
    assert len(fleet.files(new)) == 6
    waiting = fleet.path(unlucky, "key.next").read_bytes()

    # As if the run had been interrupted while it replaced the files.
    for ending, content in old.items():
        fleet.path(new, ending).rename(fleet.path(new, f"{ending}.next"))
        fleet.path(new, ending).write_bytes(content)
    third = fleet.run(hosts={**due, unlucky: {**other, "new_private_key": False}})
    assert third.rc == 0, third.output
    assert fleet.calls() == [AUTH_KEY, *RENEWAL]
    assert sorted(notified(third)) == [new, unlucky]
    assert fleet.verify(new) == after[new]
    assert fleet.verify(unlucky) != before[unlucky]
    assert fleet.path(unlucky, "key").read_bytes() == waiting
    assert [len(fleet.files(host)) for host in hosts] == [6] * 4


def test_every_order_is_placed_once_whatever_fails(fleet: Fleet, nginx: Nginx) -> None:
    path = "/order/certificate/ssl_dv_geotrust_flex$"
    fleet.simulator.inject(
        Fault(method="POST", path=path, drop="reset", commit=True),
        Fault(method="POST", path=path, status=429, body=LIMIT, headers={"Retry-After": "1"}, times=2),
    )
    fleet.simulator.set_order_behaviour(OrderBehaviour(polls=1))
    a, broken = "a.example.com", "broken.example.com"
    hosts: dict[str, dict[str, str]] = {a: {}, "b.example.com": {}, "c.example.com": {}}
    (nginx.webroot / "elsewhere").mkdir()
    first = fleet.run(hosts={**hosts, broken: {"webroot": str(nginx.webroot / "elsewhere")}})
    assert failures(first).keys() == {broken}, failures(first)
    assert sorted(notified(first)) == sorted(hosts)
    seen = fleet.calls()
    assert (seen[0], seen.count(AUTH_KEY), seen.count(ORDER)) == (AUTH_KEY, 1, 3 + 2)
    assert sorted(fleet.verify(host).serial_number for host in hosts) == sorted(
        int(order.certificate.serial_number, 16) for order in fleet.simulator.orders() if order.certificate
    )
    assert len(fleet.simulator.orders()) == 3
    assert nginx.files() == []

    refusal = {"errors": [{"code": "access_denied", "message": "No."}]}
    fleet.simulator.inject(Fault(path="/account/auth-keys", status=403, body=refusal))
    second = fleet.run(hosts={a: {}, broken: {}})
    assert failures(second).keys() == {broken}, second.output
    assert failures(second)[broken].startswith("The role could not get an AuthKey, so no certificate was ordered. ")
    assert "403" in failures(second)[broken]
    assert (fleet.calls(), notified(second)) == ([AUTH_KEY], [])

    fleet.simulator.set_order_behaviour(OrderBehaviour(outcome="needs_approval"))
    third = fleet.run(hosts={a: {}, broken: {}})
    order = fleet.simulator.orders()[-1]
    assert failures(third).keys() == {broken}, third.output
    assert str(order.id) in failures(third)[broken]
    assert "is waiting for approval" in failures(third)[broken]
    seen = fleet.calls()
    assert (seen[0], seen.count(ORDER)) == (AUTH_KEY, 1)
    assert nginx.files() == []

    fleet.simulator.finish_order(order.id, "issued")
    fourth = fleet.run(hosts={a: {}, broken: {}})
    assert fourth.rc == 0, fourth.output
    assert fleet.calls() == [AUTH_KEY, INFO, DOWNLOAD]
    fleet.verify(broken)
    assert len(fleet.simulator.orders()) == 4
    assert notified(fourth) == [broken]
