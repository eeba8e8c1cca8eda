# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter certificate_report: it compares the orders of an account with hosts."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.community.digicert.plugins.filter.certificate_report import FilterModule

NOW = "2026-11-27T12:00:00+00:00"
report = FilterModule().filters()["certificate_report"]


def order(number: int, serial: str, **values: t.Any) -> dict[str, t.Any]:
    return {
        "order_id": number,
        "status": "issued",
        "common_name": f"www{number}.example.com",
        "dns_names": [f"www{number}.example.com"],
        "serial_number": serial,
        "certificate_valid_till": "2027-03-01",
        "order_valid_till": "2027-11-01",
        **values,
    }


def place(serial: str, host: str = "web1", **values: t.Any) -> dict[str, t.Any]:
    return {"host": host, "path": "/etc/ssl/a.pem", "serial_number": serial, "managed": True, **values}


@pytest.mark.parametrize(
    ("orders", "installed", "problems"),
    [
        ([order(1, "0A1B")], [place("a:1b")], []),
        ([order(1, "0A")], [place("0A", managed=False)], ["not_renewed"]),
        ([order(1, "0A")], [place("0A", managed="false")], ["not_renewed"]),
        ([order(1, "0A", auto_renew=True)], [place("0A", managed=False)], []),
        ([], [place("0A", dns_names=5, not_after=[5], managed=[])], ["unknown_to_account", "not_renewed"]),
        (
            [order(1, "0A", certificate_valid_till="2026-12-20")],
            [place("0A", not_after="2099-01-01")],
            ["expires_soon"],
        ),
        ([order(1, "0A")], [], ["not_installed"]),
        ([], [place("0A", not_after="2027-01-31T00:00:00Z")], ["unknown_to_account"]),
        ([order(1, "0A", certificate_valid_till="2026-12-20")], [place("0A")], ["expires_soon"]),
        ([order(1, "0A", certificate_valid_till="2026-11-26")], [place("0A")], ["expired"]),
        ([order(1, "0A", certificate_valid_till="2026-11-27")], [place("0A")], ["expires_soon"]),
        ([order(1, "0A", order_valid_till="2027-01-20")], [place("0A")], ["order_ends_soon"]),
        ([order(1, "0A", order_valid_till="2027-01-20", is_renewed=True)], [place("0A")], []),
        ([order(1, "0B", certificates=[{"serial_number": "0A"}])], [place("0A")], ["superseded"]),
        ([order(1, "", status="pending", certificate_valid_till=None)], [], ["pending"]),
        ([order(1, "0A", status="revoked")], [place("0A")], ["revoked"]),
    ],
)
def test_problems(orders: list[dict[str, t.Any]], installed: list[dict[str, t.Any]], problems: list[str]) -> None:
    [row] = report(orders, installed, NOW)["rows"]
    assert row["problems"] == problems


def test_closed_orders_that_are_installed_nowhere_are_left_out() -> None:
    assert report([order(1, "0A", status="canceled"), order(2, "0B", status="revoked")], [], NOW)["rows"] == []


def test_the_whole_report() -> None:
    orders = [order(1, "0A"), order(2, "0B", certificate_valid_till="2026-12-05", order_valid_till="2026-12-06")]
    installed = [place("0A"), place("0A", "web2"), {"host": "web3", "error": "unreachable"}]
    found = report(orders, installed, NOW)
    assert [row["name"] for row in found["rows"]] == ["www2.example.com", "www1.example.com"]
    assert [each["host"] for each in found["rows"][1]["places"]] == ["web1", "web2"]
    assert found["totals"] == {
        **{"certificates": 2, "installed": 1, "orders": 2, "hosts": 3},
        **{"expires_soon": 1, "order_ends_soon": 1, "not_installed": 1},
    }
    assert [month["month"] for month in found["months"]][:2] == ["2026-11", "2026-12"]
    assert found["months"][1] == {"month": "2026-12", "certificates": 1, "orders": 1}
    assert len(found["months"]) == 12
    assert found["unreachable"] == [{"host": "web3", "error": "unreachable"}]


@pytest.mark.parametrize("found", ["text", 5, [], {"results": 5}, {"results": ["text"]}, {"results": "text"}], ids=str)
def test_what_a_host_made_up_does_not_end_the_report(found: t.Any) -> None:
    host = {"inventory_hostname": "liar", "certificate_report__found": found}
    assert [row["serial_number"] for row in report([], [host, place("0A")], NOW)["rows"]] == ["A"]


@pytest.mark.parametrize(("orders", "installed", "now"), [("text", [], NOW), ([], [1], NOW), ([], [], "tomorrow")])
def test_wrong_input_is_one_sentence(orders: t.Any, installed: t.Any, now: str) -> None:
    with pytest.raises(AnsibleFilterError, match=r"must be"):
        report(orders, installed, now)
