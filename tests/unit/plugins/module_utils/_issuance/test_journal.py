# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal keeps what it records. If it is unreadable, the run fails before it sends anything."""

from __future__ import annotations

import json
import os
import typing as t
from datetime import datetime, timezone
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import (
    EMPTY,
    MOST_NAMES,
    Journal,
    JournalEntry,
    Submission,
    entry_values,
)

NOW = datetime(2026, 11, 27, 1, 2, 3, tzinfo=timezone.utc)
SUBMISSION = Submission(
    "reissue", "ab" * 32, "p", "a.example", ("b.example",), None, 7, 9, None, NOW, NOW, NOW, (1, 2), "0A", True, "run"
)
ENTRY = JournalEntry(7, NOW, "0A", "ab" * 32, "p", ("a.example",), NOW, NOW, "0B", (1,), (2,), SUBMISSION)
MARKER = {
    "what": "order of community.digicert.digicert_certificate",
    "csr_sha256": "ab" * 32,
    "product": "p",
    "common_name": "a.example",
    "dns_names": ["b.example"],
    "first_sent": 1.5,
    "last_sent": 2.5,
    "order_id": 7,
    "other_orders": [3],
}


def test_what_is_saved_is_loaded_and_private(tmp_path: Path) -> None:
    journal = Journal(str(tmp_path / "a.pem"))
    with journal.locked(0):
        journal.save(ENTRY)
    again = Journal(str(tmp_path / "a.pem.next"))
    again.load()
    assert again.entry == ENTRY, "a staged certificate shares the journal"
    [file] = tmp_path.iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == (".a.pem.order.json", 0o600)


def test_a_thousand_of_the_longest_names(tmp_path: Path) -> None:
    names = tuple(f"{number:03}" + ".".join(["a" * 61] * 4) for number in range(MOST_NAMES))
    journal = Journal(str(tmp_path / "a.pem"))
    journal.save(ENTRY._replace(names=names, submission=SUBMISSION._replace(dns_names=names)))
    journal.load()
    assert journal.entry.names == names


@pytest.mark.parametrize(("year", "kept"), [(1971, 2000), (2027, 2027), (9999, 9000)])
def test_dates_of_odd_answers_can_be_read_again(tmp_path: Path, year: int, kept: int) -> None:
    journal = Journal(str(tmp_path / "a.pem"))
    journal.save(ENTRY._replace(order_valid_till=datetime(year, 6, 1, tzinfo=timezone.utc)))
    journal.load()
    assert journal.entry.order_valid_till is not None
    assert journal.entry.order_valid_till.year == kept


def test_markers_of_version_0_2(tmp_path: Path) -> None:
    (tmp_path / ".a.pem.next.order.json").write_text(json.dumps(MARKER))
    journal = Journal(str(tmp_path / "a.pem"))
    journal.load()
    expected = Submission("order", "ab" * 32, "p", "a.example", ("b.example",), order_id=7, others=(3,), accepted=True)
    assert journal.entry == JournalEntry(known_orders=(3,), submission=expected)
    journal.save(journal.entry)
    assert [path.name for path in tmp_path.iterdir()] == [".a.pem.order.json"]
    journal.save(EMPTY)
    assert list(tmp_path.iterdir()) == []


def test_one_beside_the_link_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "link.pem").symlink_to("store/a.pem")
    (tmp_path / ".link.pem.order.json").write_text(json.dumps(MARKER))
    journal = Journal(str(tmp_path / "store" / "a.pem"))
    journal.take_over(str(tmp_path / "link.pem"))
    journal.load()
    assert journal.entry.submission is not None
    journal.save(journal.entry)
    assert [path.name for path in (tmp_path / "store").iterdir()] == [".a.pem.order.json"]
    assert not (tmp_path / ".link.pem.order.json").exists()


GOOD = entry_values(ENTRY)
GOOD_SUBMISSION: dict[str, t.Any] = GOOD["submission"]


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[" * 100000,
        "null",
        '"text"',
        "{}",
        json.dumps({"what": "something else"}),
        json.dumps({**GOOD, "order_id": float("nan")}),
        json.dumps({**GOOD, "order_id": 1e300}),
        json.dumps({**GOOD, "order_id": True}),
        json.dumps({**GOOD, "order_id": -1}),
        json.dumps({**GOOD, "order_id": "PLACE"}).replace('"PLACE"', "9" * 5000),
        json.dumps({**GOOD, "last_purchase": "2026-11-27T00:00:00"}),
        json.dumps({**GOOD, "last_purchase": "9999-12-31T23:59:59+00:00"}),
        json.dumps({**GOOD, "serial_number": "not hexadecimal"}),
        json.dumps({**GOOD, "names": ["a\x1b[31m.example"]}),
        json.dumps({**GOOD, "names": "a.example"}),
        json.dumps({name: value for name, value in GOOD.items() if name != "last_purchase"}),
        json.dumps({**GOOD, "submission": {**GOOD_SUBMISSION, "kind": "other"}}),
        json.dumps({**GOOD, "submission": {**GOOD_SUBMISSION, "order_id": None}}),
        json.dumps({**MARKER, "first_sent": float("nan")}),
        json.dumps({**MARKER, "last_sent": 1e300}),
        json.dumps({**MARKER, "order_id": 1.5}),
        json.dumps({**GOOD, "version": 99}),
        "x" * 100000,
    ],
)
def test_what_cannot_be_read_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / ".a.pem.order.json").write_text(content)
    journal = Journal(str(tmp_path / "a.pem"))
    with pytest.raises(DigicertError) as caught:
        journal.load()
    assert str(tmp_path) in caught.value.message
    assert caught.value.message.endswith(".")
    assert "\x1b" not in caught.value.message


def test_an_empty_file_is_no_entry_and_a_busy_lock_is_said(tmp_path: Path) -> None:
    (tmp_path / ".a.pem.order.json").write_text("")
    first, second = Journal(str(tmp_path / "a.pem")), Journal(str(tmp_path / "a.pem"))
    with first.locked(0):
        assert first.entry == EMPTY
        with pytest.raises(DigicertError, match="Another run is working"), second.locked(0):
            pass
    with second.locked(0):
        pass
    assert os.listdir(tmp_path) == [".a.pem.order.json"]
