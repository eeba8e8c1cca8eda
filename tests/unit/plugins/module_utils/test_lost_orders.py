# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An order whose answer is lost: how it is looked for, what is taken for it, when another is placed."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError

from tests.support.issuance import (
    CSR,
    DOWNLOAD,
    GET,
    IMMEDIATE,
    LIST,
    POST,
    TEXT,
    Case,
    info,
    installed,
    row,
    rows,
)
from tests.support.orders import lost, request_for
from tests.support.pki import KEY, MIDDLE, new_csr, pem_all


@pytest.mark.parametrize("transient", [True, False])
def test_a_lost_answer_is_looked_for(case: Case, transient: bool) -> None:
    case.on(POST, lost(transient=transient)).on(LIST, rows(row())).on(GET, info()).on(DOWNLOAD, TEXT)
    assert case.obtain() is not None
    assert case.verbs == ["POST", "GET", "GET", "GET"]
    assert case.progress.placed
    assert case.saved is not None
    assert case.saved.order_id == 7


def test_a_lost_order_that_is_not_there_is_placed_again(case: Case) -> None:
    case.on(POST, lost(transient=True), IMMEDIATE).on(LIST, rows())
    assert case.obtain() is not None
    assert case.verbs == ["POST", "GET", "POST"]


def test_a_silent_service_is_not_sent_the_order_again(case: Case) -> None:
    case.on(POST, lost(), IMMEDIATE).on(LIST, rows())
    assert "The account shows no new order. The next run looks again before it orders." in case.failure()
    assert case.verbs.count("POST") == 1
    assert case.saved is not None


def test_an_order_that_takes_its_time_is_found(case: Case) -> None:
    case.client.timeout = 60
    case.on(POST, lost()).on(LIST, rows(), rows(), rows(row())).on(GET, info()).on(DOWNLOAD, TEXT)
    assert case.obtain() is not None
    assert case.verbs.count("POST") == 1


def test_nonsense_is_asked_for_twice_only(case: Case) -> None:
    case.on(POST, lost(status=200)).on(LIST, rows())
    message = case.failure()
    assert message == "Lost. The account shows no new order. The next run looks again before it orders."
    assert case.verbs == ["POST", "GET", "POST", "GET"]
    assert case.saved is not None
    assert not case.progress.placed


def test_passing_failures_are_ridden_out_while_there_is_time(case: Case) -> None:
    case.on(POST, lost(transient=True)).on(LIST, rows())
    case.failure()
    assert case.verbs.count("POST") == case.client.tries + 1


def test_a_look_that_fails(case: Case) -> None:
    case.on(POST, lost()).on(LIST, DigicertError("Out of order.", status=500))
    message = case.failure()
    assert message.startswith("Lost. Whether the order was placed all the same is unknown")
    assert "Out of order." in message
    assert case.progress.placed
    assert case.saved is not None


def test_a_refusal_is_not_remembered(case: Case) -> None:
    case.on(POST, DigicertError("No.", status=400, code="bad_request"))
    assert case.failure() == "No."
    assert case.saved is None


def test_a_refusal_after_a_loss_is_remembered(case: Case) -> None:
    case.on(POST, lost(transient=True), DigicertError("No.", status=400)).on(LIST, rows())
    assert case.failure() == "No."
    assert case.saved is not None


def test_an_answer_without_order_id_counts_as_lost(case: Case) -> None:
    for answer in (None, [], {"id": None}, {"id": True}, {"id": -1}, {"id": "x"}):
        case.client.calls.clear()
        case.client.rules.clear()
        Path(case.path).with_name(".a.pem.order.json").unlink(missing_ok=True)
        case.on(POST, answer).on(LIST, rows(row())).on(GET, info()).on(DOWNLOAD, TEXT)
        assert case.obtain() is not None
        assert case.verbs.count("POST") == 1


@pytest.mark.parametrize(
    "other",
    [
        row(5, age=2),
        row(5, product={"name_id": "other"}),
        row(5, certificate={"common_name": "example.com", "dns_names": []}),
        row(6),  # see the rule below: its CSR is another one
        row(3),  # the order that was renewed
        row(4),  # its certificate is in place
    ],
    ids=["too old", "other product", "other names", "other CSR", "renewed", "in place"],
)
def test_other_orders_are_not_taken_for_the_lost_one(case: Case, other: dict[str, t.Any]) -> None:
    request = request_for(csr=CSR, renewal_of_order_id=3)
    old = MIDDLE.leaf("www.example.com")
    case.on(POST, lost(transient=True), IMMEDIATE).on(LIST, rows(other))
    case.on("/order/certificate/4$", info(4, serial=old.serial_number))
    case.on(GET, info(6, csr=new_csr("www.example.com", key=KEY)))
    assert case.obtain(request=request, installed=installed(old)) is not None
    assert case.verbs.count("POST") == 2


def test_an_order_for_less_names_is_another(case: Case) -> None:
    request = request_for(csr=CSR, dns_names=["b.example"])
    both = MIDDLE.leaf("www.example.com", "b.example")
    issued = {**IMMEDIATE, "certificate_chain": [{"pem": pem_all(both)}]}
    case.on(POST, lost(transient=True), issued).on(LIST, rows(row())).on(GET, info())
    assert case.obtain(request=request) is not None
    assert case.verbs.count("POST") == 2


def test_an_order_that_would_end_too_soon_is_not_placed(case: Case) -> None:
    request = request_for(csr=CSR, order_validity={"custom_expiration_date": "2020-01-01"})
    with pytest.raises(DigicertError, match="No order was placed"):
        case.obtain(request=request)
    assert (case.client.calls, case.saved) == ([], None)


@pytest.mark.parametrize("page", [{"total": 1}, {}, None, []])
def test_a_list_that_is_left_out_does_not_mean_that_there_is_no_order(case: Case, page: t.Any) -> None:
    case.on(POST, lost()).on("offset=0", {"page": page})
    assert "holds no list orders" in case.failure()
    assert case.verbs.count("POST") == 1


def test_the_newest_of_several_is_taken_and_all_pages_are_read(case: Case) -> None:
    page = [row(100 + number, age=2) for number in range(100)]
    newest = [row(8, age=0.2), row(7, age=0.1)]
    case.on(POST, lost()).on("offset=0", rows(*page)).on("offset=100", rows(*newest)).on(GET, info()).on(DOWNLOAD, TEXT)
    assert case.obtain() is not None
    assert case.client.calls.count("GET /order/certificate") == 2


def test_an_order_of_unknown_date_and_names_is_looked_at(case: Case) -> None:
    case.on(POST, lost()).on(LIST, rows({"id": 7, "status": "issued"})).on(GET, info()).on(DOWNLOAD, TEXT)
    assert case.obtain() is not None


@pytest.mark.parametrize("csr", [None, "", "unreadable"])
def test_an_order_that_cannot_be_told_is_not_guessed(case: Case, csr: str | None) -> None:
    case.on(POST, lost()).on(LIST, rows(row())).on(GET, info(csr=csr))
    message = case.failure()
    assert "Order 7 may be the one that was placed" in message
    assert "order_id=7" in message
    assert case.verbs.count("POST") == 1


def test_a_csr_in_another_form_is_the_same(case: Case) -> None:
    body = "".join(CSR.splitlines()[1:-1])
    case.on(POST, lost()).on(LIST, rows(row())).on(GET, info(csr=body)).on(DOWNLOAD, TEXT)
    assert case.obtain() is not None


def test_a_service_with_another_clock(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case.client, "now", lambda: datetime.now(timezone.utc) - timedelta(hours=5))
    case.on(POST, lost()).on(LIST, rows(row(age=5))).on(GET, info()).on(DOWNLOAD, TEXT)
    assert case.obtain() is not None
    assert case.verbs.count("POST") == 1
