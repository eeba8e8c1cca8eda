# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role dv_certificate if a request token alone is not enough, and with AuthKeys that expire."""

from __future__ import annotations

import typing as t

from tests.simulator import DcvTargets, OrderBehaviour
from tests.support.calls import AUTH_KEY, ORDER, REISSUE
from tests.support.fleet import Fleet, failures
from tests.support.servers import HOST, Knot, Nginx

CREATE = "POST /account/auth-key/N"


def test_what_a_token_does_not_prove_comes_through_the_random_value(fleet: Fleet, nginx: Nginx, knot: Knot) -> None:
    fleet.simulator.set_dcv_targets(DcvTargets(http=nginx.address, dns=knot.address))
    fleet.simulator.set_order_behaviour(OrderBehaviour(ignores_tokens=True))
    web = "web.example.com"
    hosts: dict[str, dict[str, t.Any]] = {
        web: {"dcv_method": "http"},
        "wild": {"common_name": "*.example.com", "dns_check_servers": [HOST]},
    }
    first = fleet.run(hosts=hosts)
    assert first.rc == 0, first.output
    fleet.verify(web)
    fleet.verify("wild", "_wildcard.example.com")
    assert {check.proof for check in fleet.simulator.dcv_checks if check.proof} == {"random_value"}
    warnings = first.of("community.digicert.dv_certificate : Warn that the request token was not enough")
    assert {warning.host for warning in warnings if "random value" in warning.result["msg"]} == hosts.keys()
    assert (nginx.files(), knot.texts("_dnsauth.example.com")) == ([], [])
    assert fleet.calls().count(ORDER) == len(fleet.simulator.orders()) == 2

    fleet.simulator.set_order_behaviour(OrderBehaviour(reissue="pending"))
    before = fleet.installed(web)
    second = fleet.run(hosts={web: {**hosts[web], "force": True}})
    assert second.rc == 0, second.output
    assert fleet.verify(web) != before
    [result] = [task.result["msg"] for task in second.of("Show the result")]
    assert result["changed"]
    seen = fleet.calls()
    assert (seen.count(REISSUE), seen.count(ORDER)) == (1, 0)
    assert nginx.files() == []


def test_an_expiring_auth_key_is_named_in_the_order(fleet: Fleet, nginx: Nginx) -> None:
    hosts: dict[str, dict[str, t.Any]] = {f"{name}.example.com": {"auth_key_ttl_days": 30} for name in ("a", "b")}
    beside = fleet.run(hosts=hosts)
    assert beside.rc == 0, beside.output
    fleet.simulator.reset()
    fleet.simulator.set_dcv_targets(DcvTargets(http=nginx.address))
    alone = fleet.run(hosts={"c.example.com": {"auth_key_ttl_days": 30}})
    assert alone.rc == 0, alone.output
    [key] = fleet.simulator.auth_keys()
    given = {"auth_key": key.auth_key, "auth_key_id": key.auth_key_id}
    known = fleet.run(hosts={"d.example.com": given, "e.example.com": {**given, "auth_key_id": "nonsense"}})
    assert failures(known).keys() == {"e.example.com"}, known.output
    assert "auth_key_id" in failures(known)["e.example.com"]
    assert AUTH_KEY not in fleet.calls()[-4:]
