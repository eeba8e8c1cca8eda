# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install on a host what a controller ordered: the files first, then the journal, or nothing."""

from __future__ import annotations

import json
import resource
import signal
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import (
    EMPTY,
    JournalEntry,
    Submission,
    entry_values,
)

from tests.support.module_runs import run_module
from tests.support.pki import KEY, MIDDLE, pem

NAME = "www.example.com"
OLD, NEW = MIDDLE.leaf(NAME, days=10, key=KEY), MIDDLE.leaf(NAME, key=KEY)
CHAIN = pem(MIDDLE.certificate)
SENT = Submission("order", "ab", "ssl_dv_geotrust_flex", NAME, run_id="1-0123456789abcdef")
RESERVED = JournalEntry(submission=SENT)
INSTALLED = JournalEntry(order_id=8, serial_number=f"{NEW.serial_number:X}")
JOURNAL = ".a.pem.order.json"


def install(folder: Path, expected: JournalEntry, entry: JournalEntry, **more: t.Any) -> dict[str, t.Any]:
    """Run the module for the files in a folder; `check_mode` and `prepare` are not options of it."""
    runner = {name: more.pop(name) for name in ("check_mode", "prepare") if name in more}
    paths = {"path": "a.pem", "chain_path": "a.chain.pem", "full_chain_path": "a.fullchain.pem"}
    args = {name: f"{folder}/{file}" for name, file in paths.items()}
    journals = {"expected": entry_values(expected), "journal": entry_values(entry)}
    return run_module("digicert_certificate_install", {**args, **journals, "wait_timeout": 5, **more}, **runner)


def files(folder: Path) -> dict[str, str]:
    """Return the files in a folder, but for the lock."""
    return {path.name: path.read_text() for path in folder.iterdir() if not path.name.endswith(".lock")}


@pytest.fixture
def reserved(tmp_path: Path) -> Path:
    """The folder of a host with an old certificate, on which a run has reserved."""
    (tmp_path / "a.pem").write_text(pem(OLD))
    result = install(tmp_path, EMPTY, RESERVED)
    assert (result["rc"], result["recorded"], result["changed"]) == (0, True, False), result
    return tmp_path


ISSUED = {"certificate": pem(NEW), "chain": CHAIN}
IN_PLACE = {"a.pem": pem(NEW), "a.chain.pem": CHAIN, "a.fullchain.pem": pem(NEW) + CHAIN}


def test_in_check_mode_a_diff_and_no_files(reserved: Path) -> None:
    before = files(reserved)
    result = install(reserved, RESERVED, INSTALLED, **ISSUED, check_mode=True, _ansible_diff=True)
    assert (result["rc"], result["changed"], files(reserved)) == (0, True, before), result
    assert {each["after_header"].rpartition("/")[2] for each in result["diff"]} == IN_PLACE.keys()
    assert "PRIVATE" not in json.dumps(result)


def test_the_journal_comes_after_the_files_whatever_fails(reserved: Path) -> None:
    before = files(reserved)

    def full_disk() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        # A journal and a certificate have less, a full chain has more.
        limit = len(IN_PLACE["a.fullchain.pem"]) - 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    result = install(reserved, RESERVED, INSTALLED, **ISSUED, prepare=full_disk)
    assert result["rc"] == 1
    assert "a.fullchain.pem: File too large" in result["msg"], result
    left = files(reserved)
    assert (left["a.pem"], left[JOURNAL]) == (before["a.pem"], before[JOURNAL])
    assert not [name for name in left if name not in {*IN_PLACE, JOURNAL}]
    for changed in (True, False):
        # The second time is a module that Ansible started again.
        again = install(reserved, RESERVED, INSTALLED, **ISSUED)
        assert (again["rc"], again["recorded"], again["changed"]) == (0, True, changed), again
    assert files(reserved).items() >= IN_PLACE.items()
    assert json.loads(files(reserved)[JOURNAL])["submission"] is None


@pytest.mark.parametrize("damage", ["", "{", "{}", '{"what": "something else"}', "\0" * 70_000])
def test_a_corrupt_journal_is_left_alone_and_stops_everything(reserved: Path, damage: str) -> None:
    (reserved / JOURNAL).write_text(damage)
    before = files(reserved)
    for entry, more in ((RESERVED, {}), (INSTALLED, ISSUED)):
        result = install(reserved, RESERVED, entry, **more)
        assert not result.get("recorded"), result
        assert result["rc"] == (0 if damage == "" else 1), result
    assert files(reserved) == before


def test_what_another_run_wrote_is_returned_and_not_written_over(reserved: Path) -> None:
    other = RESERVED._replace(submission=SENT._replace(run_id="2-0123456789abcdef"))
    before = files(reserved)
    for expected, entry, more in ((EMPTY, other, {}), (other, INSTALLED, ISSUED)):
        result = install(reserved, expected, entry, **more)
        assert (result["rc"], result["recorded"], result["changed"]) == (0, False, False), result
        assert result["journal"] == entry_values(RESERVED)
        assert (result["certificate"], files(reserved)) == (pem(OLD), before)
