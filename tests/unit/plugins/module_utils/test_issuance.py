# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ordering exactly once: what is continued, what is ordered anew, what each end state says."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._issuance import issued_chain

from tests.support.issuance import (
    CHECK,
    DOWNLOAD,
    GET,
    IMMEDIATE,
    LEAF,
    LIST,
    NOT_FOUND,
    PENDING,
    POST,
    REQUEST,
    TEXT,
    VALID,
    Case,
    info,
    installed,
    record,
    row,
    rows,
)
from tests.support.orders import lost
from tests.support.pki import KEY, MIDDLE, new_csr, pem, pem_all


def test_immediate_issuance_is_one_call(case: Case) -> None:
    case.on(POST, IMMEDIATE)
    bundle = case.obtain()
    assert bundle is not None
    assert bundle.full_chain(include_root=False) == TEXT.replace("\r\n", "\n")[: len(bundle.leaf.pem + bundle.chain)]
    assert case.client.calls == ["POST /order/certificate/ssl_dv_geotrust_flex"]
    assert case.client.bodies == [REQUEST.body]
    assert case.saved is not None
    assert (case.saved.order_id, case.saved.csr_sha256) == (7, REQUEST.csr.fingerprint)
    assert case.progress.placed


def test_nothing_due_and_nothing_remembered_is_no_call(case: Case) -> None:
    assert case.obtain(due=False) is None
    assert case.client.calls == []


def test_pending_then_issued(case: Case) -> None:
    case.on(POST, PENDING).on(CHECK, VALID).on(GET, info(status="pending"), info()).on(DOWNLOAD, TEXT)
    assert case.obtain() is not None
    assert case.verbs == ["POST", "PUT", "GET", "GET", "GET"]
    assert case.client.calls[-1] == "GET /certificate/9/download/format/pem_all"


def test_a_check_that_issues_saves_the_polling(case: Case) -> None:
    case.on(POST, PENDING).on(CHECK, {"order_status": "issued", "certificate_id": 5}).on(DOWNLOAD, TEXT)
    assert case.obtain() is not None
    assert case.client.calls[1:] == ["PUT /order/certificate/7/check-dcv", "GET /certificate/5/download/format/pem_all"]


def test_without_certificate_id_the_order_is_downloaded(case: Case) -> None:
    case.on(POST, PENDING).on(CHECK, {"order_status": "issued"}).on(DOWNLOAD, TEXT)
    assert case.obtain() is not None
    assert case.client.calls[-1] == "GET /certificate/download/order/7/format/pem_all"


def test_validation_is_asked_for_until_it_succeeds(case: Case) -> None:
    failing = DigicertError("No token.", status=400, code="invalid_dns_txt")
    pending = info(status="pending", serial=None)
    case.on(POST, PENDING).on(CHECK, failing, lost(), VALID).on(GET, pending, pending, info()).on(DOWNLOAD, TEXT)
    assert case.obtain() is not None
    assert case.verbs == ["POST", "PUT", "GET", "PUT", "GET", "PUT", "GET", "GET"]


def test_validation_that_never_succeeds(case: Case) -> None:
    failing = DigicertError("No token.", status=400, code="invalid_dns_txt")
    case.on(POST, PENDING).on(CHECK, failing).on(GET, info(status="pending"))
    with pytest.raises(DigicertError, match="Order 7 waits for domain control validation, which failed") as caught:
        case.obtain()
    assert (caught.value.status, caught.value.code) == (400, "invalid_dns_txt")
    assert "No token." in caught.value.message
    assert case.progress.order is not None
    assert case.progress.order.dcv_random_value == "random"
    assert case.saved is not None


def test_validation_that_cannot_be_asked_for(case: Case) -> None:
    case.on(POST, PENDING).on(CHECK, DigicertError("Broken.", status=500, lost=True)).on(GET, info(status="pending"))
    failure = case.failure()
    assert failure.startswith("Order 7 was not issued within wait_timeout and is pending. Broken. Wait a while")


@pytest.mark.parametrize("text", ["a\nb", "\x1b[31m", "\ud800", "x" * 300, 7])
def test_what_would_spoil_a_message_is_not_taken_from_an_answer(case: Case, text: t.Any) -> None:
    case.on(POST, {**PENDING, "dcv_random_value": text}).on(CHECK, {"order_status": text}).on(
        GET, {**info(status="pending"), "dcv_random_value": text}
    )
    assert "and is pending" in case.failure()
    assert case.progress.order is not None
    assert case.progress.order.dcv_random_value is None


def test_validation_that_may_not_be_asked_for(case: Case) -> None:
    case.on(POST, PENDING).on(CHECK, DigicertError("Forbidden.", status=403))
    assert case.failure() == "Forbidden."


def test_time_is_up(case: Case) -> None:
    case.on(POST, PENDING).on(CHECK, VALID).on(GET, info(status="pending"))
    message = case.failure()
    assert message.startswith("Order 7 was not issued within wait_timeout and is pending.")
    assert message.endswith("run the task again, which continues this order.")


def test_not_waiting(case: Case) -> None:
    case.on(POST, PENDING).on(GET, info(status="pending")).on(CHECK, VALID)
    assert case.obtain(wait=False) is None
    assert case.verbs == ["POST"]
    assert case.obtain(wait=False) is None
    assert case.verbs == ["POST", "GET", "PUT"]
    assert case.progress.order is not None
    assert (case.progress.order.status, case.progress.placed) == ("pending", False)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("needs_approval", "Approve it in CertCentral, then run the task again"),
        ("rejected", "was rejected"),
        ("canceled", "was canceled"),
        ("revoked", "certificate that was revoked"),
        ("expired", "has expired"),
        ("waiting_pickup", "waits to be picked up"),
        ("reissue_pending", "has a reissue under way"),
    ],
)
def test_end_states(case: Case, status: str, words: str) -> None:
    case.on(POST, PENDING).on(CHECK, VALID).on(GET, info(status=status))
    first = case.failure()
    assert first.startswith("Order 7 ")
    assert words in first
    assert case.failure() == first, "a rerun says the same"
    assert case.verbs.count("POST") == 1
    assert case.saved is not None


def test_an_unknown_state_is_waited_for_and_named(case: Case) -> None:
    case.on(POST, PENDING).on(CHECK, VALID).on(GET, info(status="in_review"))
    assert "and is in_review" in case.failure()


@pytest.mark.parametrize("status", ["rejected", "canceled", "revoked", "expired"])
def test_force_orders_anew_after_a_closed_order(case: Case, status: str) -> None:
    case.remember(record(5))
    case.on(GET, info(5, status, serial=None)).on(POST, IMMEDIATE)
    assert case.obtain(force=True) is not None
    assert case.verbs == ["GET", "POST"]
    assert case.saved is not None
    assert case.saved.other_orders == (5,)


@pytest.mark.parametrize("due", [True, False])
@pytest.mark.parametrize("force", [True, False])
def test_an_open_order_is_continued(case: Case, force: bool, due: bool) -> None:
    case.remember(record(7))
    case.on(GET, info(status="pending", serial=None), info()).on(CHECK, VALID).on(DOWNLOAD, TEXT)
    assert case.obtain(due=due, force=force) is not None
    assert "POST" not in case.verbs
    assert not case.progress.placed


def test_a_closed_order_does_not_matter_when_nothing_is_due(case: Case) -> None:
    case.remember(record(7))
    case.on(GET, info(status="rejected", serial=None))
    assert case.obtain(due=False) is None
    assert "was rejected" in case.progress.warnings[0]
    assert (case.saved, case.progress.order) == (None, None)


def test_the_order_of_the_installed_certificate_is_finished(case: Case) -> None:
    for due, force, verbs in ((False, False, ["GET"]), (False, True, ["GET"]), (True, False, ["GET", "POST"])):
        case.client.calls.clear()
        case.client.rules.clear()
        case.remember(record(7))
        case.on(GET, info()).on(POST, IMMEDIATE)
        bundle = case.obtain(due=due, force=force, installed=installed())
        assert case.verbs == verbs, (due, force)
        assert (bundle is not None, case.saved is not None) == (due, due)


def test_an_order_for_another_request(case: Case) -> None:
    other = record(7, csr_sha256="00")
    pending = info(status="pending", serial=None)
    case.on(GET, pending).on(POST, IMMEDIATE)
    case.remember(other)
    assert "Order 7 is under way for this certificate, with another CSR" in case.failure()
    assert case.obtain(due=False) is None
    assert case.saved == other
    assert "stays" in case.progress.warnings[0]
    assert case.obtain(force=True) is not None
    assert case.verbs.count("POST") == 1
    for change in ({"product": "x"}, {"dns_names": ("b.example",)}, {"common_name": "c.example"}):
        case.remember(record(7, **change))
        assert "Order 7 is under way" in case.failure()


def test_a_closed_order_for_another_request_is_no_obstacle(case: Case) -> None:
    case.remember(record(5, csr_sha256="00"))
    case.on(GET, info(5, "canceled", serial=None)).on(POST, IMMEDIATE)
    assert case.obtain() is not None


def test_a_remembered_order_that_the_account_does_not_know(case: Case) -> None:
    case.remember(record(7))
    case.on(GET, NOT_FOUND)
    assert "If it does not exist any more, remove the file." in case.failure()
    assert case.saved == record(7)._replace(first_sent=case.saved.first_sent, last_sent=case.saved.last_sent)


def test_after_a_crash_before_the_answer_the_order_is_looked_for(case: Case) -> None:
    case.remember(record())
    case.on(LIST, rows(row())).on(GET, info()).on(DOWNLOAD, TEXT)
    assert case.obtain() is not None
    assert "POST" not in case.verbs


def test_after_a_crash_before_the_order_it_is_placed(case: Case) -> None:
    case.remember(record(other_orders=(3,)))
    case.on(LIST, rows()).on(POST, IMMEDIATE)
    assert case.obtain() is not None
    assert case.verbs == ["GET", "POST"]
    assert case.saved is not None
    assert case.saved.other_orders == (3,)


def test_an_order_that_was_sent_moments_ago_is_given_time_to_appear(case: Case) -> None:
    case.client.timeout = 60
    case.remember(record())
    case.on(LIST, rows(), rows(), rows(row())).on(GET, info()).on(DOWNLOAD, TEXT)
    assert case.obtain() is not None
    assert "POST" not in case.verbs


def test_a_memory_without_order_is_dropped_when_nothing_is_due(case: Case) -> None:
    case.remember(record())
    case.on(LIST, rows())
    assert case.obtain(due=False) is None
    assert case.saved is None


def test_a_named_order(case: Case) -> None:
    case.on(GET, info()).on(DOWNLOAD, TEXT)
    assert case.obtain(order_id=7) is not None
    assert case.verbs == ["GET", "GET"]
    assert case.saved is None
    assert case.obtain(due=False, force=True, order_id=7, installed=installed()) is None
    assert "a new one is due" in case.failure(order_id=7, installed=installed())


def test_a_named_order_that_is_another(case: Case) -> None:
    case.on("/6$", info(6, csr=new_csr("www.example.com", key=KEY))).on(GET, NOT_FOUND)
    assert "placed for another CSR" in case.failure(order_id=6)
    assert "Check order_id" in case.failure(order_id=5)
    case.remember(record(7))
    assert "order 7 is under way" in case.failure(order_id=5)


def test_a_named_order_that_is_closed(case: Case) -> None:
    case.on(GET, info(status="canceled", serial=None))
    assert "run the task without order_id" in case.failure(order_id=7)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it holds no certificate"),
        ("<html>", "it holds no certificate"),
        (TEXT[:900], "it holds no"),
        (pem(LEAF), "no intermediate"),
        (pem_all(MIDDLE.leaf("other.example.com")), "does not cover www.example.com"),
        (pem_all(MIDDLE.leaf("www.example.com", days=-1, age=9)), "expired on"),
        (pem(MIDDLE.certificate) + TEXT, "the public key of its first certificate"),
    ],
    ids=["nothing", "HTML", "cut off", "no chain", "other names", "expired", "wrong order"],
)
def test_what_comes_back_is_checked(case: Case, text: str, words: str) -> None:
    case.on(POST, PENDING).on(CHECK, {"order_status": "issued"}).on(DOWNLOAD, text)
    message = case.failure()
    assert message.startswith("What CertCentral returned for order 7 is not installed: ")
    assert words in message
    assert case.saved is not None


def test_the_chain_of_an_installed_certificate(case: Case) -> None:
    client: t.Any = case.client
    till = (
        f"{LEAF.not_valid_after:%Y-%m-%d}"
        if not hasattr(LEAF, "not_valid_after_utc")
        else f"{LEAF.not_valid_after_utc:%Y-%m-%d}"
    )
    found = rows(row(4, certificate={"valid_till": "2001-01-01"}), row(5), row(7, certificate={"valid_till": till}))
    case.on(LIST, found).on("/5$", info(5, serial=1)).on(GET, info()).on(DOWNLOAD, TEXT)
    bundle = issued_chain(client, REQUEST, installed(), None, case.progress)
    assert bundle.leaf == installed()
    assert case.progress.order is not None
    assert case.progress.order.order_id == 7
    assert not any(call.endswith("/4") for call in case.client.calls)
    assert issued_chain(client, REQUEST, installed(), 7, case.progress).chain == pem(MIDDLE.certificate)
    with pytest.raises(DigicertError, match="no order of the account"):
        issued_chain(client, REQUEST, installed(MIDDLE.leaf("www.example.com")), None, case.progress)
    with pytest.raises(DigicertError, match="another order"):
        issued_chain(client, REQUEST, installed(MIDDLE.leaf("www.example.com")), 7, case.progress)
