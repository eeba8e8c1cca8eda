# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal is on a host and another machine orders: one reservation, one request, even if the host lies."""

from __future__ import annotations

import shutil
import threading
import time
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Backoff
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    LostResponseError,
    RateLimitedError,
    RefusedError,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance import request as requests
from ansible_collections.community.digicert.plugins.module_utils._issuance.installed import InstallPaths
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import (
    EMPTY,
    Journal,
    JournalEntry,
    Submission,
    entry_values,
    parse_entry,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.reservation import (
    may_record,
    new_run_id,
    use_once,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.workflow import (
    Elsewhere,
    Outcome,
    Workflow,
    install_files,
)
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import read_csr

from tests.support.issuance import ALTERNATE, INFO, NAME, POST, Case
from tests.support.pki import pem


class Controller:
    """Runs the workflow for a host whose journal and certificate the test sets."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.entry = EMPTY
        self.text = ""
        self.notes = Path(str(case.paths.path)).parent / "home" / "tmp"

    def run(self, run_id: str | None = None, **options: t.Any) -> Outcome:
        values = {**requests.DEFAULTS, "dcv_method": "dns-txt-token", "wait_timeout": 0, **options}
        wanted = requests.certificate_request(self.case.csr, values)
        elsewhere = Elsewhere(parse_entry("of the host", entry_values(self.entry)), self.text, run_id, str(self.notes))
        how = requests.issuance_options(values, is_hint=True)
        client: t.Any = self.case.client
        workflow = Workflow(client, wanted, how, InstallPaths(), elsewhere=elsewhere)
        try:
            return workflow.run(install_files)
        finally:
            self.entry = workflow.journal.entry


@pytest.fixture
def controller(case: Case) -> Controller:
    return Controller(case)


def reserved(**more: t.Any) -> JournalEntry:
    """Return the entry of a run that may send."""
    fields = {"kind": "order", "csr_sha256": "ab", "product": "p", "common_name": NAME, "run_id": new_run_id()}
    return JournalEntry(submission=Submission(**{**fields, **more}))  # type: ignore[arg-type]


def test_nothing_is_sent_before_it_is_reserved(controller: Controller) -> None:
    planned = controller.run()
    assert (planned.action, controller.case.sent) == ("ordered", [])
    assert controller.entry.submission is not None
    assert planned.run_id == controller.entry.submission.run_id
    done = controller.run(planned.run_id)
    assert (done.action, done.run_id, controller.case.sent) == (
        "ordered",
        None,
        ["POST /order/certificate/ssl_dv_geotrust_flex"],
    )
    assert controller.entry.submission is None
    assert controller.entry.order_id == 8


@pytest.mark.parametrize(
    "run_id", [None, "", "another", f"{int(time.time())}-1-0123456789abcdef"], ids=["none", "empty", "no time", "now"]
)
def test_the_reservation_of_another_run_is_a_lost_response(controller: Controller, run_id: str | None) -> None:
    controller.run()
    with pytest.raises(DigicertError, match="The account does not show the order yet"):
        controller.run(run_id)
    assert controller.case.sent == []
    assert controller.entry.submission is not None
    assert controller.entry.submission.lost_at is not None
    # The other run may send for eight minutes. Ten minutes later, this one takes over with its own reservation.
    old = controller.entry.submission
    for minutes in (15, 18.1):
        then = datetime.fromtimestamp(time.time() - minutes * 60, timezone.utc)
        controller.entry = controller.entry._replace(submission=old._replace(lost_at=then, noted_at=then))
        if minutes < 18:
            with pytest.raises(DigicertError, match="The account does not show the order yet"):
                controller.run(run_id)
    again = controller.run(run_id)
    assert again.run_id not in (None, old.run_id)
    assert controller.case.sent == []


@pytest.mark.parametrize("sent_before", [False, True])
@pytest.mark.parametrize("problem", ["Not a directory", "older than eight minutes", "clock was changed", "(?# uptime)"])
def test_a_reservation_that_cannot_be_used_stays_because_an_earlier_start_may_have_sent_it(
    controller: Controller, monkeypatch: pytest.MonkeyPatch, problem: str, sent_before: bool
) -> None:
    planned = controller.run()
    entry, now = controller.entry, time.time()
    if sent_before:
        controller.run(planned.run_id)
        shutil.rmtree(controller.notes)
        controller.entry = entry
    if problem == "Not a directory":
        controller.notes.parent.mkdir(exist_ok=True)
        controller.notes.touch()
    elif "uptime" in problem:  # so long have they been on the way, whatever the clock says
        uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
        monkeypatch.setattr(time, "clock_gettime", lambda _clock: uptime + 481)
    else:
        monkeypatch.setattr(time, "time", lambda: now + (100_000 if "older" in problem else -40))
    with pytest.raises(DigicertError, match=f"This run sent nothing.*{problem}"):
        controller.run(planned.run_id)
    assert controller.entry == entry
    with pytest.raises(DigicertError, match="The account does not show the order yet"):
        controller.run()
    assert len(controller.case.sent) == sent_before


@pytest.mark.parametrize("later", [0, 481])
def test_a_module_that_ansible_runs_again_sends_nothing(
    controller: Controller, monkeypatch: pytest.MonkeyPatch, later: int
) -> None:
    planned, entry = controller.run(), controller.entry
    controller.run(planned.run_id)
    controller.entry = entry
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + later)
    with pytest.raises(DigicertError, match="The account does not show the order yet"):
        controller.run(planned.run_id)
    assert len(controller.case.sent) == 1
    controller.entry = entry
    case = controller.case
    issued = {"id": 90, "csr": case.csr, "serial_number": f"{case.new.serial_number:x}"}
    case.client.on(ALTERNATE, case.order(id=8, date_created=case.day(0), certificate=issued))
    assert (controller.run(planned.run_id).action, len(case.sent)) == ("continued", 1)


def test_notes_about_reservations_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notes = str(tmp_path)
    first, now = new_run_id(), time.time()
    assert [use_once(run_id, notes) for run_id in (first, first, new_run_id())] == [True, False, True]
    assert len(list(tmp_path.iterdir())) == 2
    (tmp_path / "community.digicert-notes").touch()
    monkeypatch.setattr(time, "time", lambda: now + 481)
    assert not use_once(first, notes), "a module that is started again long afterwards"
    monkeypatch.setattr(time, "time", lambda: now + 86402)
    second = new_run_id()
    assert use_once(second, notes)
    assert {path.name.partition("digicert-")[2] for path in tmp_path.iterdir()} == {second, "notes"}
    with pytest.raises(DigicertError, match="invalid"):
        use_once("../notes", notes)


def test_a_refusal_gives_the_reservation_back(controller: Controller) -> None:
    planned = controller.run()
    controller.case.client.on(POST, RefusedError("Refused.", http_status=400, code="x"))
    with pytest.raises(RefusedError):
        controller.run(planned.run_id)
    assert controller.entry.submission is None


def test_a_lost_response_keeps_the_reservation(controller: Controller) -> None:
    planned = controller.run()
    controller.case.client.on(POST, LostResponseError("Lost."))
    with pytest.raises(DigicertError, match="Lost"):
        controller.run(planned.run_id)
    assert controller.entry.submission is not None
    assert len(controller.case.sent) == 1
    assert controller.entry.submission.run_id is None, "nobody sends it any more, so ten minutes are enough"


def test_a_run_that_was_suspended_does_not_send_what_it_reserved(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = controller.run()
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda _seconds: sleep(600))
    monkeypatch.setattr(controller.case.client, "backoff", lambda: Backoff(300))
    controller.case.client.on(POST, RateLimitedError("Limited.", http_status=429), {"id": 8})
    with pytest.raises(RateLimitedError):
        controller.run(planned.run_id)
    assert len(controller.case.sent) == 1
    assert not Backoff(300, lambda: False).wait(), "nor if the client repeats it"


@pytest.mark.parametrize("names", [["other.example.com"], [NAME, "more.example.com"]])
def test_a_host_cannot_choose_an_order_of_others(controller: Controller, names: list[str]) -> None:
    case = controller.case
    case.client.on(INFO, case.order(certificate={"common_name": names[0], "dns_names": names}))
    controller.text = pem(case.old)
    controller.entry = JournalEntry(order_id=7, names=(NAME,))
    planned = controller.run()
    assert (planned.action, case.sent) == ("ordered", [])
    controller.entry = reserved(accepted=True, order_id=7, csr_sha256=new_fingerprint(case))
    with pytest.raises(DigicertError, match="not for exactly the requested names"):
        controller.run()
    assert case.sent == []


def test_an_order_with_the_names_of_others_as_well_is_left_alone(controller: Controller) -> None:
    case = controller.case
    wide = case.order(certificate={"dns_names": [NAME, "example.com"]})
    case.client.on(INFO, wide)
    case.orders(wide)
    with pytest.raises(DigicertError, match="also covers names"):
        controller.run()
    controller.entry = JournalEntry(order_id=7)
    with pytest.raises(DigicertError, match="also covers names"):
        controller.run()


def test_a_host_that_forgets_is_not_bought_for_again(controller: Controller) -> None:
    case = controller.case
    case.orders(case.order())
    assert controller.run().action == "reissued"
    recent = case.order(order_valid_till=case.day(5), date_created=case.day(-2))
    case.orders(recent)
    case.client.on(INFO, recent)
    for renewal in ("auto", "order"):
        controller.entry = EMPTY
        with pytest.raises(DigicertError, match="less than 7 days ago"):
            controller.run(renewal=renewal)


def new_fingerprint(case: Case) -> str:
    return read_csr(case.csr).fingerprint


def test_one_of_many_gets_the_reservation(tmp_path: Path) -> None:
    got = []
    barrier = threading.Barrier(8)

    def reserve() -> None:
        entry = reserved()
        journal = Journal(str(tmp_path / "a.pem"))
        barrier.wait()
        with journal.locked(20):
            if may_record(journal.entry, EMPTY, entry):
                journal.save(entry)
                got.append(entry)

    threads = [threading.Thread(target=reserve) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal = Journal(str(tmp_path / "a.pem"))
    journal.load()
    assert [journal.entry] == got


LOST = datetime.fromtimestamp(0, timezone.utc) + timedelta(days=20000)
MINE, ACCEPTED = reserved(run_id="1-a"), reserved(run_id="1-a", accepted=True, order_id=8)
INSTALLED = JournalEntry(order_id=8, serial_number="aa")


@pytest.mark.parametrize(
    ("current", "expected", "entry", "may"),
    [
        (EMPTY, EMPTY, MINE, True),
        (MINE, EMPTY, MINE, True),  # the same call again
        (reserved(run_id="2-b"), EMPTY, MINE, False),
        (reserved(run_id="1-a", lost_at=LOST), MINE, ACCEPTED, True),  # another run has searched
        (ACCEPTED, MINE, INSTALLED, True),  # and found
        (ACCEPTED, MINE, EMPTY, False),
        (INSTALLED, MINE, ACCEPTED, False),
        (reserved(run_id="2-b"), MINE, EMPTY, False),
    ],
)
def test_what_may_be_written_over(
    current: JournalEntry, expected: JournalEntry, entry: JournalEntry, may: bool
) -> None:
    assert may_record(current, expected, entry) is may
