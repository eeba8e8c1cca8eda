# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attacks of another user of a host on keys, CSRs, and webroots while root works there; both run at the same time."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import shutil
import signal
import stat
import tempfile
import time
import typing as t
from pathlib import Path

import pytest

from tests.support.host_files import FILE, FILEAUTH, NAME, REQUEST, VALUE, mode_of, options
from tests.support.module_runs import NOBODY, become, fork, need_root, run_module
from tests.support.pki import new_csr


@pytest.fixture
def shared() -> t.Iterator[Path]:
    """A folder that other users can look into."""
    folder = Path(tempfile.mkdtemp(prefix="shared-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def watch(folder: Path, found: Path) -> t.NoReturn:
    """Try to read every file that appears in a folder, and note the names of those that can be read."""
    while True:
        for top, _folders, names in os.walk(folder):
            for name in names:
                try:
                    content = Path(top, name).read_bytes()
                except OSError:
                    continue
                if b"PRIVATE KEY" in content:
                    with found.open("a") as file:
                        file.write(f"{name}\n")


def test_no_other_user_can_read_a_key_for_a_moment(shared: Path) -> None:
    need_root()
    (shared / "found").mkdir()
    os.chown(shared / "found", NOBODY, NOBODY)
    found, folder = shared / "found" / "keys", shared / "ssl"
    folder.mkdir(mode=0o755)

    def spy() -> None:
        become(NOBODY)
        watch(folder, found)

    pid = fork(spy)
    try:
        for number in range(25):
            args = options(folder, private_key_path=f"{folder}/{number}.key", csr_path=f"{folder}/{number}.csr")
            assert run_module(REQUEST, args)["private_key_created"]
            os.chown(folder / f"{number}.key", -1, NOBODY)
            assert run_module(REQUEST, {**args, "private_key_mode": "0600", "private_key_owner": "root"})["rc"] == 0
        assert not found.exists()
        (folder / "public").write_text("PRIVATE KEY")
        for _try in range(100):
            if found.exists():
                break
            time.sleep(0.05)
        assert found.read_text().startswith("public"), "the other user did not look"
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_key_of_a_user_in_the_users_folder(shared: Path) -> None:
    """Root creates a key for another user on request, and refuses that user's other folders."""
    need_root()
    (shared / "theirs").mkdir()
    os.chown(shared / "theirs", NOBODY, NOBODY)
    args = options(shared / "theirs")
    assert "Other users can change the directory of" in run_module(REQUEST, args)["msg"]
    result = run_module(REQUEST, {**args, "private_key_owner": str(NOBODY), "private_key_mode": "0400"})
    assert result["private_key_created"], result
    status = (shared / "theirs" / "a.key").stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (NOBODY, 0o400)


def test_unprivileged_user(shared: Path) -> None:
    need_root()
    (shared / "theirs").mkdir()
    os.chown(shared / "theirs", NOBODY, NOBODY)
    for task in (REQUEST, FILE):
        args = options(shared / "theirs") if task == REQUEST else {"webroot": str(shared / "theirs"), "value": VALUE}
        assert run_module(task, args, user=NOBODY)["changed"]
        assert not run_module(task, args, user=NOBODY)["changed"]
    (shared / "others").mkdir()
    args, advice = options(shared / "others"), "Permission denied. Run the task as a user who has access, for example"
    assert advice in run_module(REQUEST, args, user=NOBODY)["msg"]
    assert run_module(REQUEST, args)["private_key_created"]
    assert advice in run_module(REQUEST, args, user=NOBODY)["msg"]


def test_a_csr_swapped_for_a_link_changes_no_other_file(shared: Path) -> None:
    """The folder's owner replaces the CSR with a link to root's private file while root sets its mode and owner."""
    need_root()
    folder, victim = shared / "theirs", shared / "victim"
    folder.mkdir()
    victim.write_text(new_csr(NAME))
    victim.chmod(0o600)
    run_module(REQUEST, options(shared, csr_path=f"{folder}/a.csr"))
    os.chown(folder, NOBODY, NOBODY)

    def swap() -> None:
        become(NOBODY)
        os.chdir(folder)
        while True:
            os.symlink("../victim", "link")
            os.rename("a.csr", "aside")
            os.rename("link", "a.csr")
            os.rename("aside", "a.csr")

    pid = fork(swap)
    outcomes = set()
    try:
        for number in range(40):
            args = options(shared, csr_path=f"{folder}/a.csr", mode=("0644", "0666")[number % 2], owner=str(NOBODY))
            outcomes.add(run_module(REQUEST, args)["rc"])
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    status = victim.stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (0, 0o600)
    assert outcomes == {0, 1}, "never met the link, or nothing else"


def swap_for_link(path: Path, target: str) -> t.NoReturn:
    """As another user, make a path a folder and a link alternately."""
    become(NOBODY)
    os.chdir(path.parent)
    for number in itertools.count():
        for step in (
            functools.partial(os.rmdir, path.name),
            functools.partial(os.rename, path.name, f"aside{number}"),  # root put something in
            functools.partial(os.symlink, target, path.name),
            functools.partial(os.unlink, path.name),
            functools.partial(os.mkdir, path.name),
        ):
            with contextlib.suppress(OSError):
                step()
    raise AssertionError


@pytest.mark.parametrize("depth", [0, 1])
def test_a_webroot_whose_owner_swaps_folders_for_links(depth: int, shared: Path) -> None:
    """The folder is a link to one of root's, now and then."""
    need_root()
    root, victim = shared / "www", shared / "victim"
    (victim / "pki-validation").mkdir(parents=True)
    for path in (victim, victim / "pki-validation"):
        path.chmod(0o700)
    swapped = root.joinpath(*FILEAUTH.parts[: depth + 1])
    swapped.mkdir(parents=True)
    for path in (root, *swapped.parents):
        if root in (path, *path.parents):
            os.chown(path, NOBODY, NOBODY)
    pid = fork(lambda: swap_for_link(swapped, ("../victim", "../../victim")[depth]))
    messages = set()
    try:
        for number in range(60):
            result = run_module(FILE, {"webroot": str(root), "value": f"{VALUE}{number}"})
            messages.add("link" if "is a link" in result.get("msg", "") else "other")
            if number > 25 and len(messages) == 2:
                break
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert messages == {"link", "other"}
    assert sorted(path.name for path in victim.rglob("*")) == ["pki-validation"]
    for path in (victim, victim / "pki-validation"):
        assert (path.stat().st_uid, mode_of(path)) == (0, 0o700)


def test_the_token_belongs_to_the_owner_of_the_webroot(shared: Path) -> None:
    need_root()
    root = shared / "www"
    root.mkdir()
    os.chown(root, NOBODY, NOBODY)
    args = {"webroot": str(root), "value": VALUE}
    assert run_module(FILE, args, check_mode=True)["changed"]
    assert list(root.iterdir()) == []
    assert run_module(FILE, args)["path"] == str(root / FILEAUTH)
    made = [root / FILEAUTH, (root / FILEAUTH).parent, (root / FILEAUTH).parent.parent]
    assert [(path.stat().st_uid, mode_of(path)) for path in made] == [(NOBODY, mode) for mode in (0o644, 0o755, 0o755)]
    assert run_module(FILE, {**args, "state": "absent"}, user=NOBODY)["changed"]
    assert list(root.iterdir()) == []
