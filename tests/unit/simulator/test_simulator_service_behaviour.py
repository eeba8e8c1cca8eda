# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the service does with lists, lookups and late requests, as tests switch it."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
import requests

from tests.simulator import Fault, OrderBehaviour, ServiceBehaviour, Simulator
from tests.support.order_bodies import FLEX, order_body
from tests.support.service_calls import Call, error_code


def listed(call: Call, query: str = "") -> list[Any]:
    """Return the rows of a list."""
    return list(call("GET", f"/order/certificate?{query}").json()["orders"])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "cba"),
        ("sort=date_created", "abc"),
        ("sort=common_name", "abc"),
        ("sort=-common_name", "cba"),
        ("sort=product_name_id,-common_name", "cab"),
        ("sort=valid_till", "cba"),  # c has no certificate, and b came when they had become shorter
        ("sort=status,-order_valid_till", "bac"),
        ("filters[common_name]=B.test", "b"),
        ("filters[product_name_id]=ssl_dv_geotrust_flex", "ca"),
        ("filters[product_name_id]=ssl_dv_geotrust_flex&filters[common_name]=a.test", "a"),
        ("filters[status]=issued", "ba"),
        ("filters[date_created]=>2026-02-15", "cb"),
        ("filters[date_created]=<2026-02-15", "a"),
        ("filters[date_created]=2026-02-01...2026-03-01", "ba"),
        ("filters[order_valid_till]=2027-03-01", "b"),
        ("filters[container_id]=7", ""),
        ("limit=1&offset=1", "b"),
    ],
)
def test_filters_and_sort_keys(call: Call, sim: Simulator, query: str, expected: str) -> None:
    start = sim.now().replace(year=2026, month=2, day=1, hour=0)
    sim.seed_order("a.test", created=start)
    sim.seed_order("b.test", created=start + timedelta(days=28), product="ssl_dv_rapidssl")
    sim.seed_order("c.test", created=start + timedelta(days=40), outcome="rejected")
    assert "".join(row["certificate"]["common_name"][0] for row in listed(call, query)) == expected


def test_wishes_that_are_not_heard(call: Call, control: Call, sim: Simulator) -> None:
    sim.seed_order("a.test")
    serial_number = listed(call)[0]["certificate"]["serial_number"]
    sim.seed_order("b.test", outcome="rejected")
    assert [row["id"] for row in listed(call, f"filters[serial_number]={serial_number.lower()}")] == [
        sim.orders()[0].id
    ]
    settings = {"list_ignores": ["status"], "rows_without": ["/certificate/dns_names", "/product", "/none/x"]}
    assert control("PUT", "/service", json=settings).ok
    assert len(listed(call, "filters[status]=issued")) == 2
    [row] = listed(call, "filters[status]=issued&filters[common_name]=a.test")
    assert ("product" in row, "dns_names" in row["certificate"]) == (False, False)
    sim.set_service_behaviour(ServiceBehaviour(list_ignores=("filters", "sort"), largest_page=1))
    page = call("GET", "/order/certificate?filters[common_name]=a.test&sort=common_name&limit=9").json()
    assert ([row["certificate"]["common_name"] for row in page["orders"]], page["page"]) == (
        ["b.test"],
        {"total": 2, "limit": 1, "offset": 0},
    )


def test_reads_that_lag_behind(call: Call, sim: Simulator) -> None:
    sim.set_order_behaviour(OrderBehaviour(validation="never", ignores_tokens=True))
    sim.set_service_behaviour(ServiceBehaviour(list_lag=60, info_lag=60, alternate_lag=60))
    sim.seed_auth_key()
    order = f"/order/certificate/{call('POST', FLEX, json=order_body(alternative_order_id='mine')).json()['id']}"
    assert (listed(call), call("GET", order).status_code) == ([], 404)
    assert error_code(call("GET", "/order/alternate/mine")) == "not_found|order"
    sim.advance(seconds=61)
    call("PUT", f"{order}/check-dcv")
    assert [row["status"] for row in listed(call)] == ["pending"]
    assert call("GET", order).json()["status"] == call("GET", "/order/alternate/mine").json()["status"] == "pending"
    sim.advance(seconds=61)
    assert [row["status"] for row in listed(call)] == [call("GET", order).json()["status"]] == ["issued"]


@pytest.mark.parametrize("form", ["order", "orders", "no_route"])
def test_alternative_ids(call: Call, sim: Simulator, form: Any) -> None:
    sim.set_service_behaviour(ServiceBehaviour(alternate=form))
    body = order_body(use_auth_key=False, alternative_order_id="mine")
    ids = [call("POST", FLEX, json=body).json()["id"] for _ignored in range(2)]
    answer = call("GET", "/order/alternate/mine")
    if form == "no_route":
        assert error_code(answer) == "not_found|route"
    elif form == "order":
        assert (answer.json()["id"], answer.json()["alternative_order_id"]) == (ids[1], "mine")
    else:
        assert [row["id"] for row in answer.json()["orders"]] == ids[::-1]


def test_check_dcv_names_what_is_not_proven(call: Call, control: Call) -> None:
    assert control("PUT", "/service", json={"check_dcv": "validations"}).ok
    body = order_body("*.a.test", "b.test", use_auth_key=False, dcv_method="dns-txt-token")
    answer = call("PUT", f"/order/certificate/{call('POST', FLEX, json=body).json()['id']}/check-dcv")
    assert answer.json() == {
        "order_status": "pending",
        "dcv_status": "pending",
        "dns_name_validations": [{"dns_name": name, "status": "pending"} for name in ("*.a.test", "b.test")],
    }


@pytest.mark.parametrize("moved", [False, True])
def test_request_carried_out_after_its_answer(call: Call, sim: Simulator, moved: bool) -> None:
    sim.inject(Fault(method="POST", drop="close", commit_after=3600 if moved else 0.2))
    with pytest.raises(requests.ConnectionError):
        call("POST", FLEX, json=order_body(use_auth_key=False))
    assert sim.orders() == []
    began = sim.now()
    if moved:
        sim.advance(seconds=3500)
        assert sim.orders() == []
        sim.advance(days=1)
        assert timedelta(hours=1) > sim.orders()[0].created - began > timedelta(minutes=59), "when it was due"
    give_up = time.monotonic() + 10
    while not sim.orders() and time.monotonic() < give_up:
        time.sleep(0.02)
    assert len(sim.orders()) == 1


def test_late_requests_do_not_reach_past_a_reset(call: Call, sim: Simulator) -> None:
    sim.inject(Fault(method="POST", status=504, commit_after=3600))
    assert call("POST", "/account/auth-key").status_code == 504
    sim.reset()
    sim.advance(days=1)
    assert sim.auth_keys() == []


def test_clock(call: Call, control: Call, sim: Simulator) -> None:
    created = call("POST", "/account/auth-key/3").json()["auth_key_id"]
    control("PUT", "/limits", json={"limits": [{"requests": 1, "seconds": 60}]})
    assert [call("GET", "/account/auth-keys").status_code for _ignored in range(2)] == [200, 429]
    assert control("PUT", "/clock", json={"days": 2, "hours": 23}).ok
    assert [key["auth_key_id"] for key in call("GET", "/account/auth-keys").json()["auth_keys"]] == [created]
    moment = (sim.now() + timedelta(hours=2)).isoformat()
    assert (
        control("PUT", "/clock", json={"now": moment}).json()["now"][:16] == control("GET", "/clock").json()["now"][:16]
    )
    assert call("GET", "/account/auth-keys").json() == {"auth_keys": []}


def test_seeded_orders(call: Call, control: Call) -> None:
    value = {"names": ["a.test", "b.test"], "created": "2026-01-05T00:00:00+00:00", "days": 400}
    seeded = control("POST", "/accounts/main/orders", json=value).json()
    info = call("GET", f"/order/certificate/{seeded['id']}").json()
    assert (info["status"], info["order_valid_till"]) == ("issued", "2027-02-08")
    assert info["certificate"]["valid_from"] == "2026-01-05"
    assert [one["serial_number"] for one in seeded["certificates"]] == [info["certificate"]["serial_number"]]


@pytest.mark.parametrize(
    ("method", "path", "value"),
    [
        ("PUT", "/service", {"list_lag": -1}),
        ("PUT", "/service", {"list_ignores": ["everything"]}),
        ("PUT", "/service", {"rows_without": ["certificate"]}),
        ("PUT", "/service", {"largest_page": 0}),
        ("PUT", "/service", {"alternate": "maybe"}),
        ("PUT", "/service", {"what": 1}),
        ("PUT", "/orders", {"certificate_days": 0}),
        ("PUT", "/dcv", {"schemes": ["ftp"]}),
        ("PUT", "/clock", {}),
        ("PUT", "/clock", {"now": "2027-01-01T00:00:00"}),
        ("PUT", "/clock", {"now": "2027-01-01T00:00:00+00:00", "days": 1}),
        ("POST", "/faults", {"commit_after": 5}),
        ("POST", "/accounts/main/orders", {}),
        ("PUT", "/accounts/main/orders/1", {"auto_renew": True}),
    ],
)
def test_bad_settings(control: Call, method: str, path: str, value: Any) -> None:
    assert control(method, path, json=value).status_code == 400
