# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files are complete or missing, survive a power loss, and are never readable too early."""

from __future__ import annotations

import errno
import os
import stat
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._files.private_files import activate, create_private
from ansible_collections.community.digicert.plugins.module_utils._files.replacing import (
    Permissions,
    replace_file,
    sync_folder,
)


class Events:
    """The calls that flush or publish a file, in order, with the mode of the file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[str] = []
        for name in ("write", "fsync", "fchmod", "rename", "link", "unlink", "rmdir", "mkdir"):
            monkeypatch.setattr(os, name, self._recording(name, getattr(os, name)))

    def _recording(self, name: str, real: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        def call(first: t.Any, *args: t.Any, **kwargs: t.Any) -> t.Any:
            kind = ""
            if isinstance(first, int):
                kind = " folder" if stat.S_ISDIR(os.fstat(first).st_mode) else " file"
            self.seen.append(name + kind)
            return real(first, *args, **kwargs)

        return call


def test_order_of_a_replacement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = Events(monkeypatch)
    replace_file(f"{tmp_path}/a.pem", b"x", mode=0o640)
    assert events.seen == ["write file", "fchmod file", "fsync file", "rename", "fsync folder"]
    assert stat.S_IMODE((tmp_path / "a.pem").stat().st_mode) == 0o640


def test_order_of_a_new_private_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = Events(monkeypatch)
    assert create_private(f"{tmp_path}/a.key", b"x", Permissions(0o600))
    expected = ["mkdir", "write file", "fchmod file", "fsync file", "link", "unlink", "fsync folder", "rmdir"]
    assert events.seen == expected
    assert [path.name for path in tmp_path.iterdir()] == ["a.key"]


def test_order_of_an_activation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pem.next").write_text("new")
    events = Events(monkeypatch)
    assert activate(f"{tmp_path}/a.pem", None, None, None)
    assert events.seen == ["fchmod file", "fsync file", "rename", "fsync folder"]


@pytest.mark.parametrize("call", ["write", "fchmod", "fsync", "rename"])
def test_a_failure_leaves_what_was_there(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pem").write_text("old")

    def full(*_ignored: t.Any, **_more: t.Any) -> t.NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(DigicertError, match=r"Cannot write \S+/a\.pem: No space left on device\. "):
        replace_file(f"{tmp_path}/a.pem", b"new", mode=0o644)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.pem", "old")]


@pytest.mark.parametrize("no_links", [False, True])
def test_a_private_file_never_replaces_one(no_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if no_links:

        def refuse(*_ignored: t.Any, **_more: t.Any) -> t.NoReturn:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    assert create_private(f"{tmp_path}/a.key", b"first", Permissions(0o600))
    assert not create_private(f"{tmp_path}/a.key", b"second", Permissions(0o600))
    (tmp_path / "b.key").symlink_to("c.key")
    assert create_private(f"{tmp_path}/b.key", b"behind the link", Permissions(0o600))
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a.key": "first",
        "b.key": "behind the link",
        "c.key": "behind the link",
    }


@pytest.mark.parametrize(
    ("mode", "allowed"), [(0o700, True), (0o755, True), (0o1777, True), (0o777, False), (0o757, False)]
)
def test_a_folder_for_private_files(mode: int, allowed: bool, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    folder.chmod(mode)
    for path in (f"{folder}/a.key", f"{folder}/below/a.key"):
        if allowed:
            assert create_private(path, b"x", Permissions(0o600))
        else:
            with pytest.raises(DigicertError, match="Other users can change the directory of"):
                create_private(path, b"x", Permissions(0o600))


def test_a_hard_link_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "private").write_text("private")
    os.link(tmp_path / "private", tmp_path / "a.pem")
    replace_file(f"{tmp_path}/a.pem", b"new", mode=0o644)
    assert (tmp_path / "private").read_text() == "private"


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "a.pem").symlink_to("archive/a1.pem")
    replace_file(f"{tmp_path}/a.pem", b"new", mode=0o644)
    assert (tmp_path / "a.pem").is_symlink()
    assert (tmp_path / "archive" / "a1.pem").read_text() == "new"
    (tmp_path / "a.pem.next").write_text("newer")
    assert activate(f"{tmp_path}/a.pem", None, None, None)
    assert (tmp_path / "a.pem").is_symlink()
    assert (tmp_path / "archive" / "a1.pem").read_text() == "newer"
    assert not (tmp_path / "a.pem.next").exists()


def test_an_activated_file_keeps_the_attributes_of_the_one_in_use(tmp_path: Path) -> None:
    for name, mode in (("a.key", 0o640), ("a.key.next", 0o600), ("b.key.next", 0o600)):
        (tmp_path / name).write_text(name)
        (tmp_path / name).chmod(mode)
    for name, mode in (("a.key", 0o640), ("b.key", 0o600)):
        assert activate(f"{tmp_path}/{name}", None, None, None)
        assert not activate(f"{tmp_path}/{name}", None, None, None)
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == mode
        assert (tmp_path / name).read_text() == f"{name}.next"


@pytest.mark.parametrize(("number", "fails"), [(errno.EIO, True), (errno.EINVAL, False), (errno.EOPNOTSUPP, False)])
def test_a_folder_that_cannot_be_flushed(
    number: int, fails: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> t.NoReturn:
        raise OSError(number, "cannot")

    monkeypatch.setattr(os, "fsync", fail)
    if fails:
        with pytest.raises(DigicertError, match="Cannot flush the directory"):
            sync_folder(str(tmp_path))
    else:
        sync_folder(str(tmp_path))
