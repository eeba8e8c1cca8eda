# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who gets a lock, and the errors of file systems."""

from __future__ import annotations

import errno
import fcntl
import os
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._files.locks import FileLock


def test_one_at_a_time_and_nothing_left(tmp_path: Path) -> None:
    path = f"{tmp_path}/.lock"
    inside: list[int] = []

    def work(_number: int) -> None:
        lock = FileLock(path)
        assert lock.acquire(60)
        inside.append(1)
        assert sum(inside) == 1
        inside.append(-1)
        lock.release()
        lock.release()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(40)))
    assert list(tmp_path.iterdir()) == []


def test_a_busy_lock_is_waited_for_in_vain(tmp_path: Path) -> None:
    lock, other = FileLock(f"{tmp_path}/.lock"), FileLock(f"{tmp_path}/.lock")
    assert lock.acquire(0)
    assert not other.acquire(0)
    assert not other.acquire(0.3)
    lock.release()
    assert other.acquire(0)
    other.release()


@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_whatever_a_file_system_says(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each error is "busy", "no locks here", or one sentence."""

    def fail(*_ignored: t.Any) -> t.NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", fail)
    lock = FileLock(f"{tmp_path}/.lock")
    if number in (errno.EAGAIN, errno.EACCES):
        assert not lock.acquire(0)
    elif number in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.EBADF, errno.ENOTTY):
        assert lock.acquire(0)
        lock.release()
        assert list(tmp_path.iterdir()) == []
    else:
        with pytest.raises(DigicertError) as caught:
            lock.acquire(0)
        assert caught.value.message.startswith(f"Cannot lock {tmp_path}/.lock: ")


def test_what_somebody_put_in_its_place(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "own").write_text("kept")
    (tmp_path / "link").symlink_to("own")  # by the same user, whom links are trusted otherwise
    (tmp_path / "nowhere").symlink_to("missing")
    reasons = {
        "pipe": "regular file",
        "folder": "is a directory",
        "no/lock": "does not exist",
        "link": "must not be a link",
        "nowhere": "must not be a link",
    }
    for name, reason in reasons.items():
        with pytest.raises(DigicertError, match=reason):
            FileLock(f"{tmp_path}/{name}").acquire(0)
    assert ((tmp_path / "own").read_text(), (tmp_path / "missing").exists()) == ("kept", False)
