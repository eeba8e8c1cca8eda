# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ordering exactly once: what is continued, what is ordered anew, what is looked for, what each end state says."""

from __future__ import annotations

import time
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils import _issuance
from ansible_collections.community.digicert.plugins.module_utils._certificates import Bundle, read_certificates
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._issuance import Issuance, Wishes, issued_chain
from ansible_collections.community.digicert.plugins.module_utils._order_marker import Marker, Record
from ansible_collections.community.digicert.plugins.module_utils._order_placing import Progress
from cryptography import x509

from tests.unit.plugins.module_utils.order_support import (
    MIDDLE,
    FakeBackoff,
    FakeClient,
    lost,
    new_csr,
    pem,
    pem_all,
    request_for,
)

CSR = new_csr("www.example.com")
REQUEST = request_for(csr=CSR)
LEAF = MIDDLE.leaf("www.example.com")
TEXT = pem_all(LEAF)
POST, GET, LIST = "^POST /order", r"^GET /order/certificate/\d+$", r"^GET /order/certificate\?"
CHECK, DOWNLOAD = "^PUT .*/check-dcv$", "^GET .*/download/.*pem_all$"
IMMEDIATE = {
    "id": 7,
    "certificate_id": 9,
    "certificate_chain": [
        {"pem": block + "-----END CERTIFICATE-----\r\n"} for block in TEXT.split("-----END CERTIFICATE-----\r\n")[:-1]
    ],
}
PENDING = {"id": 7, "requests": [{"id": 1, "status": "pending"}], "dcv_random_value": "random"}
VALID = {"order_status": "pending", "dcv_status": "valid"}
NOT_FOUND = DigicertError("Not found.", status=404, code="not_found|order")


def info(
    order_id: int = 7, status: str = "issued", csr: str | None = CSR, serial: int | None = LEAF.serial_number
) -> t.Any:
    certificate = {"id": 9, "common_name": "www.example.com", "dns_names": ["www.example.com"], "csr": csr}
    if serial is not None:
        certificate["serial_number"] = f"{serial:x}"
    return {"id": order_id, "status": status, "certificate": certificate}


def row(order_id: int = 7, age: float | None = 0, **more: t.Any) -> dict[str, t.Any]:
    created = datetime.now(timezone.utc) - timedelta(hours=age or 0)
    certificate = {"common_name": "www.example.com", "dns_names": ["www.example.com"], **more.pop("certificate", {})}
    dates = {} if age is None else {"date_created": created.isoformat()}
    return {"id": order_id, "status": "pending", "certificate": certificate, **dates, **more}


def rows(*found: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"orders": list(found), "page": {"total": len(found), "limit": 100, "offset": 0}}


def record(order_id: int | None = None, **more: t.Any) -> Record:
    values = {"csr_sha256": REQUEST.csr.fingerprint, "product": REQUEST.product, "common_name": REQUEST.common_name}
    now = time.time()
    return Record(**{**values, "dns_names": (), "first_sent": now, "last_sent": now, "order_id": order_id, **more})


class Case:
    """One certificate, its marker in a folder, and a client that follows rules."""

    def __init__(self, tmp_path: Path) -> None:
        self.client = FakeClient()
        self.path = str(tmp_path / "a.pem")
        self.progress = Progress()
        self.saved: Record | None = None
        self.on = self.client.on

    def remember(self, known: Record) -> None:
        marker = Marker(self.path)
        with marker.locked(0):
            marker.save(known)

    def obtain(self, due: bool = True, request: t.Any = REQUEST, **wishes: t.Any) -> Bundle | None:
        marker = Marker(self.path)
        self.progress = Progress()
        issuance: t.Any = Issuance
        with marker.locked(0):
            try:
                return t.cast(
                    "Bundle | None",
                    issuance(self.client, request, marker, Wishes(due=due, **wishes), self.progress).obtain(),
                )
            finally:
                self.saved = marker.record

    def failure(self, **wishes: t.Any) -> str:
        with pytest.raises(DigicertError) as caught:
            self.obtain(**wishes)
        assert caught.value.message.endswith((".", "Lost."))
        return caught.value.message

    @property
    def verbs(self) -> list[str]:
        return [call.split("/", 1)[0].strip() for call in self.client.calls]


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    """A case whose waiting for issuance allows three looks and takes no time."""
    monkeypatch.setattr(_issuance, "Backoff", lambda _seconds: FakeBackoff(3))
    return Case(tmp_path)


def installed(certificate: x509.Certificate = LEAF) -> t.Any:
    return read_certificates(pem(certificate))[0]


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
    assert "check that api_url and api_key belong to the account" in case.failure()
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


@pytest.mark.parametrize("transient", [True, False])
def test_a_lost_answer_is_looked_for(case: Case, transient: bool) -> None:
    case.on(POST, lost(transient=transient)).on(LIST, rows(row())).on(GET, info()).on(DOWNLOAD, TEXT)
    assert case.obtain() is not None
    assert case.verbs == ["POST", "GET", "GET", "GET"]
    assert case.progress.placed
    assert case.saved is not None
    assert case.saved.order_id == 7


def test_a_lost_order_that_is_not_there_is_placed_again(case: Case) -> None:
    case.on(POST, lost(), IMMEDIATE).on(LIST, rows())
    assert case.obtain() is not None
    assert case.verbs == ["POST", "GET", "POST"]


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
    case.on(POST, lost(), DigicertError("No.", status=400)).on(LIST, rows())
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
    case.on(POST, lost(), IMMEDIATE).on(LIST, rows(other))
    case.on("/order/certificate/4$", info(4, serial=old.serial_number))
    case.on(GET, info(6, csr=new_csr("www.example.com")))
    assert case.obtain(request=request, installed=installed(old)) is not None
    assert case.verbs.count("POST") == 2


def test_an_order_for_less_names_is_another(case: Case) -> None:
    request = request_for(csr=CSR, dns_names=["b.example"])
    both = MIDDLE.leaf("www.example.com", "b.example")
    issued = {**IMMEDIATE, "certificate_chain": [{"pem": pem_all(both)}]}
    case.on(POST, lost(), issued).on(LIST, rows(row())).on(GET, info())
    assert case.obtain(request=request) is not None
    assert case.verbs.count("POST") == 2


def test_an_order_that_would_end_too_soon_is_not_placed(case: Case) -> None:
    request = request_for(csr=CSR, order_validity={"custom_expiration_date": "2020-01-01"})
    with pytest.raises(DigicertError, match="No order was placed"):
        case.obtain(request=request)
    assert (case.client.calls, case.saved) == ([], None)


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


def test_a_named_order(case: Case) -> None:
    case.on(GET, info()).on(DOWNLOAD, TEXT)
    assert case.obtain(order_id=7) is not None
    assert case.verbs == ["GET", "GET"]
    assert case.saved is None
    assert case.obtain(due=False, force=True, order_id=7, installed=installed()) is None
    assert "a new one is due" in case.failure(order_id=7, installed=installed())


def test_a_named_order_that_is_another(case: Case) -> None:
    case.on("/6$", info(6, csr=new_csr("www.example.com"))).on(GET, NOT_FOUND)
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
