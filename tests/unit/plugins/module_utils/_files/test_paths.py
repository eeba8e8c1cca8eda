# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which links are followed, and when two paths are the same file."""

from __future__ import annotations

import itertools
import os
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._files import paths
from ansible_collections.community.digicert.plugins.module_utils._files.paths import resolve_target, same_file
from ansible_collections.community.digicert.plugins.module_utils._files.reading import read_regular
from ansible_collections.community.digicert.plugins.module_utils._files.replacing import replace_file


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a.pem", "a.pem"),
        ("./sub//../a.pem", "a.pem"),
        ("folder-link/../a.pem", "a.pem"),
        ("link", "a.pem"),
        ("chain-of-links", "a.pem"),
        ("absolute-link", "a.pem"),
        ("folder-link/new.pem", "sub/new.pem"),
        ("dangling", "sub/later.pem"),
        ("missing/folder/./x/../b.pem", "missing/folder/b.pem"),
    ],
)
def test_where_a_path_leads(given: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.pem").write_text("a")
    (tmp_path / "link").symlink_to("a.pem")
    (tmp_path / "chain-of-links").symlink_to("sub/../link")
    (tmp_path / "absolute-link").symlink_to(tmp_path / "a.pem")
    (tmp_path / "folder-link").symlink_to("sub")
    (tmp_path / "dangling").symlink_to("sub/later.pem")
    assert resolve_target(f"{tmp_path}/{given}") == f"{os.path.realpath(tmp_path)}/{expected}"


def test_relative_paths_and_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve_target("a.pem") == resolve_target("~/a.pem") == f"{os.path.realpath(tmp_path)}/a.pem"


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770])
@pytest.mark.parametrize("given", ["open/link", "open/folder/a.pem", "through"])
def test_a_link_that_others_can_change_is_not_followed(given: str, mode: int, tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_text("private")
    folder = tmp_path / "open"
    folder.mkdir()
    (folder / "link").symlink_to("../a.pem")
    (folder / "folder").symlink_to("..")
    (tmp_path / "through").symlink_to("open/b.pem")
    folder.chmod(mode)
    if mode == 0o770:  # a group that is not the user's own
        os.chown(folder, -1, _some_group())
    for use in (resolve_target, read_regular, lambda path: replace_file(path, b"x", mode=0o644)):
        with pytest.raises(DigicertError, match=r" is a link, and other users can change the link .* only\.$"):
            use(f"{tmp_path}/{given}")
    assert (tmp_path / "a.pem").read_text() == "private"


def _some_group() -> int:
    """Return a group that is not the user's own, and that the user may give a file to."""
    if os.geteuid() == 0:
        return 1
    return next((group for group in os.getgroups() if group != os.getegid()), os.getegid())


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", " is a directory. Use the path of a file."),
        ("sub/..", " is a directory. Use the path of a file."),
        ("sub", " is a directory. Use the path of a file."),
        ("loop", "Too many links"),
        ("a.pem/b", "'a.pem' is not a directory"),
        ("x\0y", "the path is not valid"),
        ("n" * 300, "File name too long"),
        ("esc\x1b[2J", "is a directory"),
    ],
)
def test_what_leads_nowhere_is_one_printable_sentence(given: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "esc\x1b[2J").mkdir()
    (tmp_path / "a.pem").write_text("a")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(DigicertError) as caught:
        resolve_target(f"{tmp_path}/{given}")
    assert reason in caught.value.message
    assert caught.value.message.isprintable()


def test_a_folder_that_becomes_a_link_on_the_way_leads_nowhere_else(tmp_path: Path) -> None:
    """Another process keeps replacing a folder with a link to a private one while files are written below it."""
    (tmp_path / "private").mkdir()
    victim = tmp_path / "theirs" / "folder"
    victim.mkdir(parents=True)
    (tmp_path / "theirs").chmod(0o777)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            victim.rename(tmp_path / "theirs" / "aside")
            victim.symlink_to(tmp_path / "private")
            victim.unlink()
            (tmp_path / "theirs" / "aside").rename(victim)

    thread = threading.Thread(target=swap)
    thread.start()
    outcomes = set()
    try:
        give_up = time.monotonic() + 30
        for tried in itertools.count():
            if (tried > 1000 and len(outcomes) == 2) or time.monotonic() > give_up:
                break
            try:
                replace_file(f"{victim}/a.pem", b"x", mode=0o644)
                outcomes.add("written")
            except DigicertError:
                outcomes.add("refused")
    finally:
        stop.set()
        thread.join()
    assert outcomes == {"written", "refused"}
    assert list((tmp_path / "private").iterdir()) == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a.pem", "sub/..//./a.pem", True),
        ("a.pem", "link", True),
        ("a.pem", "hard", True),
        ("a.pem", "folder-link/../a.pem", True),
        ("a.pem", "b.pem", False),
        ("a.pem", "A.pem", False),  # both exist
        ("a.pem", "new.pem", False),
        ("new.pem", "sub/../new.pem", True),
        ("new.pem", "NEW.pem", True),
        ("caf\u00e9.pem", "cafe\u0301.pem", True),
        ("dangling", "sub/later.pem", True),
        ("new.pem", "newer.pem", False),
    ],
)
def test_same_file(one: str, other: str, same: bool, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a.pem", "A.pem", "b.pem"):
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to("a.pem")
    os.link(tmp_path / "a.pem", tmp_path / "hard")
    (tmp_path / "folder-link").symlink_to("sub")
    (tmp_path / "dangling").symlink_to("sub/later.pem")
    assert same_file(f"{tmp_path}/{one}", f"{tmp_path}/{other}") is same
    assert same_file(f"{tmp_path}/{other}", f"{tmp_path}/{one}") is same


def test_a_private_group_is_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many systems create a group for each user, and folders that this group can write to."""
    (tmp_path / "a.pem").write_text("a")
    (tmp_path / "link").symlink_to("a.pem")
    tmp_path.chmod(0o775)
    monkeypatch.setattr(paths, "_is_private_group", lambda uid, gid: (uid, gid) == (os.geteuid(), os.getegid()))
    assert resolve_target(f"{tmp_path}/link").endswith("/a.pem")
    monkeypatch.setattr(paths, "_has_acl", lambda _folder: True)
    with pytest.raises(DigicertError):
        resolve_target(f"{tmp_path}/link")
