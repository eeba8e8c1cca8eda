# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file in a webroot: what is added, what stays, what is removed, and what is refused."""

from __future__ import annotations

import os
import stat
import typing as t
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._files import webroot
from ansible_collections.community.digicert.plugins.module_utils._files.webroot import Owner, publish, unpublish

ONE, TWO = "20261123100000one", "20261123100001two"
WAY = Path(".well-known", "pki-validation", "fileauth.txt")


def put(root: Path, value: str = ONE) -> bool:
    return publish(str(root), value, Owner())


def remove(root: Path, value: str = ONE) -> bool:
    return unpublish(str(root), value)


def tree(root: Path) -> dict[str, tuple[int, bytes]]:
    """Return mode and content of everything below a folder."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found[str(path.relative_to(root))] = (stat.S_IMODE(status.st_mode), content)
    return found


def modes(root: Path) -> dict[str, int]:
    """Return the modes of everything below a folder."""
    return {str(path.relative_to(root)): stat.S_IMODE(path.lstat().st_mode) for path in sorted(root.rglob("*"))}


def test_what_was_made_is_public_and_removed(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        assert put(tmp_path)
    finally:
        os.umask(old)
    assert not put(tmp_path)
    content = (tmp_path / WAY).read_text()
    assert content.splitlines()[0] == ONE
    assert modes(tmp_path) == {
        ".well-known": 0o755,
        ".well-known/pki-validation": 0o755,
        str(WAY): 0o644,
    }
    assert remove(tmp_path)
    assert not remove(tmp_path)
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("content", [b"", b"\n", b"theirs", b"theirs\n", b"a\r\nb\r\n", b"\xff\xfe\n", b"# Made by\n"])
@pytest.mark.parametrize("values", [[ONE], [ONE, TWO], [TWO, ONE]])
def test_what_was_there_is_put_back(content: bytes, values: list[str], tmp_path: Path) -> None:
    file = tmp_path / WAY
    file.parent.mkdir(parents=True)
    file.parent.chmod(0o700)
    file.write_bytes(content)
    file.chmod(0o640)
    before = tree(tmp_path)
    for value in (ONE, TWO)[: len(values)]:
        assert put(tmp_path, value)
        assert file.read_bytes().splitlines()[0] == value.encode()
        assert file.read_bytes().endswith(content)
    for value in values:
        assert remove(tmp_path, value)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("exists", ["", ".well-known", ".well-known/pki-validation"])
@pytest.mark.parametrize("first", [ONE, TWO])
def test_the_last_of_several_hosts_removes_what_was_made(exists: str, first: str, tmp_path: Path) -> None:
    (tmp_path / exists).mkdir(parents=True, exist_ok=True)
    before = tree(tmp_path)
    put(tmp_path, ONE)
    put(tmp_path, TWO)
    remove(tmp_path, first)
    assert {ONE, TWO} & set((tmp_path / WAY).read_text().splitlines()) == {ONE, TWO} - {first}
    remove(tmp_path, TWO if first == ONE else ONE)
    assert tree(tmp_path) == before


def test_what_somebody_added_stays(tmp_path: Path) -> None:
    put(tmp_path)
    (tmp_path / ".well-known" / "security.txt").write_text("theirs")
    with (tmp_path / WAY).open("a") as file:
        file.write("theirs\n")
    remove(tmp_path)
    assert "theirs" in (tmp_path / WAY).read_text()
    (tmp_path / WAY).unlink()
    put(tmp_path)
    remove(tmp_path)
    assert (tmp_path / ".well-known" / "security.txt").read_text() == "theirs"


def test_many_at_once(tmp_path: Path) -> None:
    """Hosts add and remove values: no value is lost, and nothing is left at the end."""

    def host(value: str) -> list[bool]:
        seen = []
        for _round in range(10):
            put(tmp_path, value)
            seen.append(value in (tmp_path / WAY).read_text().splitlines())
            remove(tmp_path, value)
        return seen

    with ThreadPoolExecutor(6) as pool:
        for seen in pool.map(host, [f"value{number}" for number in range(6)]):
            assert all(seen)
    assert not (tmp_path / WAY).exists()


def test_check_mode_changes_nothing(tmp_path: Path) -> None:
    assert publish(str(tmp_path), ONE, Owner(), check_mode=True)
    assert tree(tmp_path) == {}
    put(tmp_path)
    before = tree(tmp_path)
    assert not publish(str(tmp_path), ONE, Owner(), check_mode=True)
    assert unpublish(str(tmp_path), ONE, check_mode=True)
    assert tree(tmp_path) == before


def test_the_webroot_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "release").mkdir()
    (tmp_path / "current").symlink_to("release")
    put(tmp_path / "current")
    assert (tmp_path / "release" / WAY).exists()


def _link_well_known(root: Path, target: Path) -> None:
    (root / ".well-known").symlink_to(target)


def _link_folder(root: Path, target: Path) -> None:
    (root / ".well-known").mkdir()
    (root / WAY.parent).symlink_to(target)


def _link_file(root: Path, target: Path) -> None:
    (root / WAY.parent).mkdir(parents=True)
    (root / WAY).symlink_to(target / "file")


def _hard_link(root: Path, target: Path) -> None:
    (root / WAY.parent).mkdir(parents=True)
    os.link(target / "file", root / WAY)


def _pipe_as_lock(root: Path, _target: Path) -> None:
    (root / WAY.parent).mkdir(parents=True)
    os.mkfifo(root / WAY.parent / ".fileauth.txt.lock")


def _pipe(root: Path, _target: Path) -> None:
    (root / WAY.parent).mkdir(parents=True)
    os.mkfifo(root / WAY)


def _folder(root: Path, _target: Path) -> None:
    (root / WAY).mkdir(parents=True)


def _huge(root: Path, _target: Path) -> None:
    (root / WAY.parent).mkdir(parents=True)
    with (root / WAY).open("wb") as file:
        file.truncate(10**12)


def _file_on_the_way(root: Path, _target: Path) -> None:
    (root / ".well-known").write_text("")


def _pipe_on_the_way(root: Path, _target: Path) -> None:
    os.mkfifo(root / ".well-known")


@pytest.mark.parametrize(
    ("plant", "reason"),
    [
        (_link_well_known, "is a link, and the owner of the webroot could point it anywhere"),
        (_link_folder, "is a link, and the owner of the webroot could point it anywhere"),
        (_link_file, "is not a regular file"),
        (_hard_link, "is a hard link to another file"),
        (_pipe_as_lock, "is not a regular file"),
        (_pipe, "is not a regular file"),
        (_folder, "is not a regular file"),
        (_huge, "has more than 1048576 bytes"),
        (_file_on_the_way, "Not a directory"),
        (_pipe_on_the_way, "Not a directory"),
    ],
)
def test_what_the_owner_of_a_webroot_may_put_there(
    plant: t.Callable[[Path, Path], None], reason: str, tmp_path: Path
) -> None:
    root, target = tmp_path / "root", tmp_path / "private"
    root.mkdir()
    target.mkdir(mode=0o700)
    (target / "file").write_text("private")
    plant(root, target)
    before = modes(tmp_path)
    with pytest.raises(DigicertError) as caught:
        put(root)
    assert reason in caught.value.message
    assert caught.value.message.endswith(".")
    assert modes(tmp_path) == before
    assert (target / "file").read_text() == "private"


@pytest.mark.parametrize("name", [".well-known", "pki-validation"])
def test_a_folder_swapped_for_a_link_after_it_was_looked_at(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, target = tmp_path / "root", tmp_path / "private"
    (target / "pki-validation").mkdir(parents=True)
    folder = next(path for path in (root / WAY).parents if path.name == name)
    folder.mkdir(parents=True)
    real = os.stat

    def stat_and_swap(path: t.Any, **options: t.Any) -> os.stat_result:
        status = real(path, **options)
        if path == name:
            folder.rmdir()
            folder.symlink_to(target)
        return status

    monkeypatch.setattr(os, "stat", stat_and_swap)
    with pytest.raises(DigicertError, match="Cannot open the directory"):
        put(root)
    assert modes(target) == {"pki-validation": stat.S_IMODE((target / "pki-validation").lstat().st_mode)}


@pytest.mark.parametrize("value", ["", "two\nlines", "with blank", "# note", "ü", "x" * 256])
def test_a_value_is_one_line(value: str, tmp_path: Path) -> None:
    with pytest.raises(DigicertError, match="one line of ASCII"):
        put(tmp_path, value)


def test_without_a_webroot_nothing_can_be_published_and_nothing_is_left_to_remove(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, reason in {"typo": "does not exist. Create it,", "file": "is not a directory. Correct its"}.items():
        with pytest.raises(DigicertError, match=rf"The webroot /\S+ {reason}"):
            put(tmp_path / name)
        assert not remove(tmp_path / name)


def test_a_held_lock_is_waited_for_and_then_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path)
    monkeypatch.setattr(webroot, "PATIENCE", 0.3)
    lock = webroot.FileLock(str((tmp_path / WAY).with_name(".fileauth.txt.lock")))
    assert lock.acquire(0)
    with pytest.raises(DigicertError, match="did not finish within"):
        put(tmp_path, TWO)
    lock.release()
    assert put(tmp_path, TWO)
