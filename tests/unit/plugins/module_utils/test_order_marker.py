# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The memory of an order under way: what survives a crash, and who may work at a time."""

from __future__ import annotations

import json
import os
import stat
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils import _order_marker
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._order_marker import Marker, Record

RECORD = Record("ab" * 32, "ssl_dv_geotrust_flex", "a.example", ("b.example",), 1.5, 2.5, None, (3, 4))


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    marker = Marker(str(tmp_path / "a.pem"))
    assert marker.path == str(tmp_path / ".a.pem.order.json")
    with marker.locked(1):
        assert marker.record is None
        marker.save(RECORD)
        marker.save(RECORD._replace(order_id=7))
    other = Marker(str(tmp_path / "a.pem"))
    other.load()
    assert other.record == RECORD._replace(order_id=7)
    [file] = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_nothing_stays_when_there_is_nothing_to_remember(tmp_path: Path) -> None:
    marker = Marker(str(tmp_path / "a.pem"))
    with marker.locked(1):
        assert [file.name for file in tmp_path.iterdir()] == [".a.pem.order.json"]
    assert list(tmp_path.iterdir()) == []
    with marker.locked(1):
        marker.save(RECORD)
        marker.forget()
        assert marker.record is None
    assert list(tmp_path.iterdir()) == []


def test_without_a_path_it_lasts_for_the_run() -> None:
    marker = Marker(None)
    marker.load()
    with marker.locked(0):
        marker.save(RECORD)
    assert marker.record == RECORD
    marker.forget()
    assert marker.record is None


def test_an_empty_file_is_no_memory(tmp_path: Path) -> None:
    (tmp_path / ".a.pem.order.json").touch()
    marker = Marker(str(tmp_path / "a.pem"))
    marker.load()
    assert marker.record is None


@pytest.mark.parametrize("change", [{"order_id": "x"}, {"csr_sha256": None, "dns_names": 5}, {"first_sent": []}, None])
def test_a_damaged_file_stops_everything(tmp_path: Path, change: dict[str, t.Any] | None) -> None:
    path = tmp_path / ".a.pem.order.json"
    path.write_text("{" if change is None else json.dumps({**RECORD._asdict(), **change}))
    marker = Marker(str(tmp_path / "a.pem"))
    with pytest.raises(DigicertError, match="is damaged"):
        marker.load()
    with pytest.raises(DigicertError, match="No order was placed"), marker.locked(1):
        pass
    assert path.exists()


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(DigicertError, match="no order was placed"), Marker(str(tmp_path / "none" / "a.pem")).locked(1):
        pass
    (tmp_path / ".a.pem.order.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DigicertError, match="no order was placed"), Marker(str(tmp_path / "a.pem")).locked(1):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_disk_keeps_the_old_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = Marker(str(tmp_path / "a.pem"))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with marker.locked(1):
        marker.save(RECORD)
        monkeypatch.setattr(_order_marker.os, "fsync", full)
        with pytest.raises(DigicertError, match="No space left on device"):
            marker.save(RECORD._replace(order_id=7))
        monkeypatch.undo()
    marker.load()
    assert marker.record == RECORD
    assert len(list(tmp_path.iterdir())) == 1


def test_one_at_a_time(tmp_path: Path) -> None:
    """Each adds one to the order id, which only works when no two work at once, whatever each leaves behind."""
    path = str(tmp_path / "a.pem")

    def work() -> None:
        for _ignored in range(20):
            marker = Marker(path)
            with marker.locked(30):
                record = marker.record or RECORD._replace(order_id=0)
                assert record.order_id is not None
                if record.order_id % 3:
                    marker.save(record)  # replaces the file while others wait for it
                marker.save(record._replace(order_id=record.order_id + 1))

    _order_marker.LOOK_AGAIN = 0.001
    threads = [threading.Thread(target=work) for _ignored in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    marker = Marker(path)
    marker.load()
    assert marker.record is not None
    assert marker.record.order_id == 100


def test_the_lock_survives_removal_and_patience_ends(tmp_path: Path) -> None:
    path = str(tmp_path / "a.pem")
    with Marker(path).locked(1):
        begin = time.monotonic()
        with pytest.raises(DigicertError, match="Another run of the task is at work"), Marker(path).locked(0.3):
            pass
        assert 0.3 <= time.monotonic() - begin < 2
    with Marker(path).locked(0):
        pass
    assert os.listdir(tmp_path) == []
