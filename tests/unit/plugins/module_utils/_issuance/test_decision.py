# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision for a certificate that is due, in each state of its order: doubt never leads to an order."""

from __future__ import annotations

import time
import typing as t
from datetime import timedelta

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Backoff
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    LostResponseError,
    NotFoundError,
    NotSentError,
    RateLimitedError,
    RefusedError,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import same_serial_number
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import JournalEntry, Submission
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import read_csr

from tests.support.issuance import ALTERNATE, INFO, LIST, NAME, POST, REISSUE, REISSUES, Case
from tests.support.pki import new_csr

Order = t.Dict[str, t.Any]
ENDS_SOON = {"order_valid_till": 25}
BOUGHT = "POST /order/certificate/ssl_dv_geotrust_flex"
REISSUED = "POST /order/certificate/7/reissue"


@pytest.mark.parametrize(
    ("order", "options", "expected"),
    [
        # The rule of section 6 of the API page.
        ({}, {}, "reissued"),
        (ENDS_SOON, {}, "renewed"),
        ({"order_valid_till": 100}, {"renewal": "order"}, "ordered"),
        ({"order_valid_till": 80}, {"renewal": "order"}, "renewed"),
        ({"order_valid_till": -1}, {}, "ordered"),
        ({"status": "expired"}, {}, "ordered"),
        (ENDS_SOON, {"renewal": "reissue"}, "reissued"),
        ({"order_valid_till": 10}, {"renewal": "reissue"}, "renewal=reissue never places an order"),
        ({"names": [NAME, "other.example"]}, {}, "ordered"),
        ({"names": [NAME, "other.example"]}, {"renewal": "reissue"}, "reissued"),
        ({"names": [NAME.upper(), "Example.COM"]}, {}, "reissued"),
        # Changes in CertCentral.
        ({"status": "revoked"}, {}, "was revoked"),
        ({"status": "canceled"}, {}, "force=true"),
        ({"status": "canceled"}, {"force": True}, "ordered"),
        ({"status": "pending"}, {}, "cancel it in CertCentral"),
        ({"status": "reissue_pending", "auto_reissue": 1}, {}, "_cancel with order_id=7 and target=reissue"),
        ({**ENDS_SOON, "is_renewed": True}, {}, "was already renewed"),
        ({**ENDS_SOON, "is_renewed": True}, {"force": True}, "was already renewed"),
        ({"is_renewed": True}, {}, "reissued"),
        ({"is_renewed": True, "names": ["other.example"]}, {}, "ordered"),
        ({"auto_renew": 1, "names": ["other.example"]}, {}, "ordered"),
        ({**ENDS_SOON, "auto_renew": 1}, {}, "none"),
        # Missing fields.
        ({"order_valid_till": None}, {}, "reissued"),
        ({"names": None}, {}, "reissued"),
        ({"product": None}, {}, "reissued"),
        # Just bought.
        ({**ENDS_SOON, "date_created": -2}, {}, "paid for less than 7 days ago"),
        ({**ENDS_SOON, "date_created": -2}, {"force": True}, "renewed"),
        ({"order_valid_till": 10}, {"order_id": 7}, "omit order_id to place one"),
    ],
)
def test_the_rule(case: Case, order: Order, options: dict[str, t.Any], expected: str) -> None:
    case.install()
    order = dict(order)
    for field in ("order_valid_till", "date_created"):
        if isinstance(order.get(field), int):
            order[field] = case.day(order[field])
    if "names" in order:
        order["certificate"] = {"dns_names": order.pop("names")}
    case.client.on(INFO, case.order(**order))
    if expected in ("ordered", "renewed", "reissued", "none"):
        outcome = case.run(**options)
        assert outcome.action == expected
        assert case.sent == {"none": [], "reissued": [REISSUED]}.get(expected, [BOUGHT])
        if case.sent:
            linked = case.client.bodies[-1].get("renewal_of_order_id")
            assert linked == (7 if expected == "renewed" else None)
            assert case.entry.submission is None
            assert same_serial_number(str(case.entry.serial_number), f"{case.new.serial_number:X}")
            assert case.entry.replaced_serial_number is not None
    else:
        with pytest.raises(DigicertError, match=expected) as caught:
            case.run(**options)
        assert (case.sent, caught.value.changed) == ([], False)
        assert case.entry.submission is None


def test_the_requests_of_a_renewal_and_none_afterwards(case: Case) -> None:
    case.install()
    assert case.run().action == "reissued"
    assert case.client.calls == ["GET /order/certificate/7", REISSUED]
    assert case.run().action == "none"
    assert len(case.client.calls) == 2


@pytest.mark.parametrize("journal", [True, False])
def test_without_certificate_or_journal_the_account_is_looked_at_first(case: Case, journal: bool) -> None:
    if journal:
        case.install(JournalEntry())
    good = case.order(certificate={"serial_number": "ab", "valid_till": case.day(150)})
    case.orders(good)
    case.client.on(INFO, *([NotFoundError("No.", http_status=404)] if journal else []), good)
    assert case.run().action == "reissued"
    assert case.sent == [REISSUED]


def test_a_certificate_that_was_paid_for_is_fetched(case: Case) -> None:
    paid = case.order(certificate={"csr": case.csr, "serial_number": "ab", "valid_till": case.day(150)})
    case.orders(paid)
    case.client.on(INFO, paid)
    assert (case.run().action, case.sent) == ("continued", [])


def test_a_list_that_is_cut_off_is_not_none(case: Case) -> None:
    case.client.on(LIST, {"orders": [case.order(certificate={"dns_names": ["x.example"]})], "page": {"total": 1200}})
    case.client.on(LIST, {"orders": [], "page": {"total": 1200}})
    with pytest.raises(DigicertError, match="is unknown"):
        case.run()
    assert case.sent == []


@pytest.mark.parametrize(
    ("ahead", "words"), [(-300, "only by the clock of the host"), (0.1, "clock of the host differs")]
)
def test_a_wrong_clock_does_not_buy(case: Case, ahead: float, words: str) -> None:
    case.client.ahead = timedelta(days=ahead)
    case.install()
    case.client.on(INFO, case.order(order_valid_till=case.day(20)))
    with pytest.raises(DigicertError, match=words):
        case.run()
    assert case.sent == []


def test_a_refused_reissue_never_buys(case: Case) -> None:
    case.install()
    case.client.on(REISSUE, RefusedError("No.", http_status=400, code="invalid_value:csr"))
    with pytest.raises(DigicertError, match="no order was placed instead"):
        case.run()
    assert (case.sent, case.entry.submission) == ([REISSUED], None)


def test_a_successor_is_used(case: Case) -> None:
    case.install()
    successor = {**case.order(certificate={"serial_number": "ab"}), "id": 9, "renewed_order_id": 7}
    case.orders(case.order(is_renewed=True), successor)
    case.client.on(INFO, case.order(is_renewed=True, order_valid_till=case.day(20)), successor)
    case.client.on(REISSUE, {**dict(case.client.rules)[REISSUE][0], "id": 9})
    assert case.run().action == "reissued"
    assert case.sent == ["POST /order/certificate/9/reissue"]


def test_a_lost_order_is_not_sent_again_before_ten_minutes(case: Case) -> None:
    case.client.on(POST, LostResponseError("Lost."))
    with pytest.raises(DigicertError, match="sends the order again after") as caught:
        case.run()
    assert (case.sent, caught.value.changed) == ([BOUGHT], True)
    first = case.entry.submission
    assert first is not None
    assert first.lost_at is not None
    for wrong in (timedelta(0), timedelta(days=-1), timedelta(minutes=20), timedelta(days=1), timedelta(0)):
        case.client.ahead = wrong
        with pytest.raises(DigicertError, match="of an earlier run was lost"):
            case.run()
    now = time.time()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(case.client), "service_time", None)
        patch.setattr(time, "time", lambda: now + 5 * 3600)
        with pytest.raises(DigicertError, match=r"Date header.*wait_timeout=600"):
            case.run()
    assert case.sent == [BOUGHT]
    with pytest.raises(DigicertError, match="sends the order again after"):
        case.run(wait_timeout=300)
    assert case.sent == [BOUGHT, BOUGHT], "and with another id, since what is lost has its own"
    second = case.entry.submission
    assert second is not None
    assert second.alternative_order_id != first.alternative_order_id


def test_two_under_one_id_and_a_csr_that_decides(case: Case) -> None:
    case.client.on(POST, LostResponseError("Lost."))
    new: Order = {"serial_number": None}
    others = [{**case.order(certificate=new, date_created=case.day(0)), "id": number} for number in (30, 31)]
    new = {**new, "csr": case.csr, "dns_names": None}
    ours = {**case.order(certificate=new, date_created=case.day(0)), "id": 32}
    case.client.on(ALTERNATE, {"orders": others})
    case.client.on(LIST, {"orders": [], "page": {"total": 0}}, {"orders": [*others, ours], "page": {"total": 3}})
    for order in (*others, ours):
        case.client.on(f"GET /order/certificate/{order['id']}$", order)
    assert case.run().action == "ordered"
    assert (case.entry.order_id, case.sent) == (32, [BOUGHT])


def test_an_earlier_order_for_the_same_csr_is_not_the_one_that_was_lost(case: Case) -> None:
    case.client.on(POST, LostResponseError("Lost."))
    earlier = case.order(certificate={"csr": case.csr, "serial_number": "ab"}, date_created=case.day(-8))
    case.orders(earlier)
    case.client.on(INFO, earlier)
    with pytest.raises(DigicertError, match="does not show the order yet"):
        case.run(renewal="order")
    assert case.entry.order_id is None


def test_a_lost_reissue_is_known_by_its_csr(case: Case) -> None:
    case.install()
    case.client.on(REISSUE, LostResponseError("Lost."))
    row = {"id": 70, "csr": case.csr, "serial_number": f"{case.old.serial_number:x}", "status": "issued"}
    earlier = {**row, "id": 91, "serial_number": "aa"}  # that the journal does not know
    case.client.on(REISSUES, {"certificates": [row, earlier, {**row, "id": 92, "serial_number": "ab"}]})
    assert case.run().action == "reissued"
    assert "GET /certificate/92/download/format/pem_all" in case.client.calls
    assert case.sent == [REISSUED]


def test_a_paid_order_for_another_csr_is_the_one_to_reissue_in(case: Case) -> None:
    case.client.on(POST, {"id": 8, "requests": []})
    case.client.on("PUT .*/dcv-random-value$", {"dcv_random_value": "random"})
    case.client.on("PUT .*/check-dcv$", {"order_status": "pending"})
    case.client.on(INFO, {**case.order(status="pending", certificate={"csr": case.csr}), "id": 8})
    assert case.run(wait=False).order is not None
    case.csr = new_csr(NAME)
    with pytest.raises(DigicertError, match="with another CSR"):
        case.run()
    case.client.on(INFO, {**case.order(), "id": 8})
    case.client.on(REISSUE, {**dict(case.client.rules)[REISSUE][0], "id": 8})
    with pytest.raises(DigicertError, match="no certificate for this public key"):
        case.run()
    assert case.sent[-1] == "POST /order/certificate/8/reissue"


@pytest.mark.parametrize("status", ["reissue_pending", "processing"])
def test_force_never_buys_around_a_reissue_that_is_under_way(case: Case, status: str) -> None:
    case.orders(case.order(status=status))
    case.client.on(INFO, case.order(status=status))
    with pytest.raises(DigicertError, match="pending for this certificate"):
        case.run(force=True)
    assert case.sent == []


def test_an_order_in_which_another_host_reissued_is_reissued_in_again(case: Case) -> None:
    case.client.on(POST, {"id": 8, "requests": []})
    case.client.on("PUT .*/dcv-random-value$", {"dcv_random_value": "random"})
    case.client.on("PUT .*/check-dcv$", {"order_status": "pending"})
    case.client.on(INFO, {**case.order(status="pending", certificate={"csr": case.csr}), "id": 8})
    assert case.run(wait=False).action == "ordered"
    case.client.on(INFO, {**case.order(certificate={"serial_number": "ab"}), "id": 8})
    case.client.on(REISSUE, {**dict(case.client.rules)[REISSUE][0], "id": 8})
    assert case.run().action == "reissued"
    assert (case.sent[0], case.sent[-1]) == (BOUGHT, "POST /order/certificate/8/reissue")


def test_what_was_paid_and_never_installed_is_fetched_although_another_one_is_forced(case: Case) -> None:
    case.install(JournalEntry(order_id=7, names=(NAME,), serial_number="AB"))
    paid = case.order(certificate={"csr": case.csr, "serial_number": "cd", "valid_till": case.day(150)})
    case.client.on(INFO, paid)
    assert (case.run(force=True, renewal="order").action, case.sent) == ("continued", [])
    case.install(JournalEntry(order_id=7, names=(NAME,), serial_number="CD"))
    assert case.run(force=True).action == "reissued"


def test_after_a_lost_order_the_account_is_looked_at_although_renewal_order_needs_no_look(case: Case) -> None:
    case.client.on(POST, NotSentError("No."), LostResponseError("Lost."))
    with pytest.raises(DigicertError):
        case.run(renewal="order")
    assert case.client.calls == [BOUGHT]
    with pytest.raises(DigicertError):
        case.run(renewal="order")
    time.sleep(700)
    bought = {**case.order(date_created=case.day(0), certificate={"serial_number": "ab"}), "id": 9}
    case.orders(bought)
    case.client.on(INFO, bought)
    with pytest.raises(DigicertError, match="paid for less than 7 days ago"):
        case.run(renewal="order")
    assert case.sent == [BOUGHT, BOUGHT]


def test_a_look_says_what_was_so_when_it_began(case: Case) -> None:
    case.client.on(POST, LostResponseError("Lost."))
    answer = case.client.request
    ours = {**case.order(certificate={"csr": case.csr, "serial_number": None}, date_created=case.day(0)), "id": 8}

    def request(method: str, path: str, purpose: str, **options: t.Any) -> t.Any:
        response = answer(method, path, purpose, **options)
        if path.startswith("/order/certificate?") and case.client.calls.count("GET /order/certificate") == 2:
            time.sleep(700)  # the machine was suspended
            case.orders(ours)
            case.client.on(INFO, ours)
        return response

    case.client.request = request  # type: ignore[method-assign]
    assert case.run(wait_timeout=610).action == "ordered"
    assert (case.sent, case.entry.order_id) == ([BOUGHT], 8)


def test_the_guard_counts_from_when_an_order_was_placed_and_not_from_when_it_was_found(case: Case) -> None:
    case.client.on(POST, LostResponseError("Lost."))
    with pytest.raises(DigicertError):
        case.run()
    certificate = {"csr": case.csr, "serial_number": "ab", "valid_till": case.day(150)}
    ours = {**case.order(certificate=certificate, date_created=case.day(0)), "id": 8}
    time.sleep(20 * 86400)
    case.client.on(ALTERNATE, ours)
    case.client.on(INFO, ours)
    assert case.run().order is not None
    placed = case.entry.last_purchase
    assert placed is not None
    assert timedelta(days=19) < case.client.now() - placed < timedelta(days=22)


def test_a_read_that_lags_behind_is_not_the_reissue_that_was_sent(case: Case) -> None:
    sent = Submission("reissue", read_csr(case.csr).fingerprint, "p", NAME, order_id=7, others=(70,), accepted=True)
    case.install(JournalEntry(order_id=7, names=(NAME,), submission=sent))
    case.client.on(INFO, case.order(certificate={"csr": case.csr}))
    with pytest.raises(DigicertError, match="was not issued within"):
        case.run()
    assert case.entry.submission is not None
    outcome = case.run(wait=False)
    assert outcome.order is not None
    assert (outcome.order.status, outcome.leaf, case.entry.submission) == ("reissue_pending", None, sent)


def test_what_was_refused_is_looked_for_until_lists_would_show_it(case: Case) -> None:
    case.client.on(POST, RefusedError("No.", http_status=400, code="some_code"))
    with pytest.raises(RefusedError):
        case.run()
    assert case.entry.submission is None
    began = time.monotonic()
    with pytest.raises(RefusedError):
        case.run()
    assert (case.sent, time.monotonic() - began >= 89) == ([BOUGHT, BOUGHT], True)
    ours = {**case.order(certificate={"csr": case.csr, "serial_number": None}, date_created=case.day(0)), "id": 8}
    case.client.on(ALTERNATE, ours)
    case.client.on(INFO, ours)
    assert case.run().action == "continued"
    assert (case.sent, case.entry.refused) == ([BOUGHT, BOUGHT], None)


def test_after_the_rate_limit_one_look_comes_before_the_next_try(case: Case) -> None:
    case.client.backoff = lambda: Backoff(60)  # type: ignore[method-assign]
    limit = RateLimitedError("Limit.", http_status=429, code="request_limit_exceeded")
    case.client.on(POST, limit, dict(case.client.rules)[POST][0])
    assert case.run(renewal="order").action == "ordered"
    assert case.client.calls == [
        BOUGHT,
        "GET /order/alternate/" + str(case.client.bodies[0]["alternative_order_id"]),
        BOUGHT,
    ]


def test_check_mode_predicts_without_a_request(case: Case) -> None:
    assert case.run(check_mode=True).action == "ordered"
    case.install()
    assert case.run(check_mode=True).action == "reissued"
    end = case.client.now() + timedelta(days=20)
    case.install(JournalEntry(order_id=7, names=(NAME,), order_valid_till=end))
    assert case.run(check_mode=True).action == "renewed"
    assert case.client.calls == []


def test_after_a_refusal_the_account_is_looked_at_although_renewal_order_needs_no_look(case: Case) -> None:
    case.client.on(POST, RefusedError("No.", http_status=400, code="some_code"))
    with pytest.raises(RefusedError):
        case.run(renewal="order")
    bought = {**case.order(date_created=case.day(0), certificate={"serial_number": "ab"}), "id": 9}
    case.orders(bought)
    case.client.on(INFO, bought)
    time.sleep(700)
    with pytest.raises(DigicertError, match="paid for less than 7 days ago"):
        case.run(renewal="order")
    assert case.sent == [BOUGHT]


def test_a_reissue_that_is_found_too_late_does_not_delay_the_next_one(case: Case) -> None:
    case.install()
    refusal = RefusedError("No.", http_status=403, code="access_denied|missing_permission")
    case.client.on(REISSUE, refusal, dict(case.client.rules)[REISSUE][0])
    with pytest.raises(RefusedError):
        case.run()
    late = {"csr": case.csr, "serial_number": "ab", "valid_till": case.day(5)}
    case.client.on(REISSUES, {"certificates": [{**late, "id": 92, "status": "issued"}]})
    case.client.on(INFO, case.order(certificate={**late, "id": 92}))
    time.sleep(8 * 86400)
    assert case.run().action == "reissued"
    assert case.sent == [REISSUED, REISSUED]


def test_a_reissue_that_was_never_installed_does_not_delay_the_next_one(case: Case) -> None:
    number = f"{case.old.serial_number:X}"
    case.install(JournalEntry(order_id=7, names=(NAME,), serial_number=number, last_reissue=case.client.now()))
    assert case.run().action == "reissued"
