# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Full disks and unwritable files: no order is forgotten, and no file is half written."""

from __future__ import annotations

import ctypes
import itertools
import os
import typing as t
from pathlib import Path

import pytest

from tests.campaign.calls import CERTIFICATE
from tests.campaign.checks import check_installed, check_no_leftovers, check_secrets, check_speech
from tests.campaign.conftest import Record
from tests.campaign.stage import Stage

PAGE = 4096
READ_ONLY, REMOUNT, BIND, DETACH = 1, 32, 4096, 2  # mount(2), umount2(2)
TARGETS = ("path", "chain_path", "full_chain_path")
# The journal is beside the certificate, whose own folder is tested.
ODD_PLACES = [
    *itertools.product((*TARGETS, "marker"), ("directory", "symlink to itself")),
    *itertools.product(TARGETS, ("below a file", "below nothing")),
]
_LIBC = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: Path, kind: str, flags: int = 0, data: str = "") -> None:
    """Mount; `make campaign` gives these tests a mount namespace, where every user may."""
    done = _LIBC.mount(source.encode(), bytes(target), kind.encode(), flags, data.encode())
    if done != 0:
        reason = os.strerror(ctypes.get_errno())
        pytest.fail(f"cannot mount ({reason}): full and read-only disks need a mount namespace, see `make campaign`")


def unmount(target: Path) -> None:
    """Undo a mount."""
    assert _LIBC.umount2(bytes(target), DETACH) == 0, os.strerror(ctypes.get_errno())


@pytest.fixture(params=["seen", "pending"])
def options(stage: Stage, request: pytest.FixtureRequest) -> dict[str, t.Any]:
    """Options for all files, where certificates are due; the order is issued at once, or after a while."""
    more = {"use_auth_key": False} if request.param == "pending" else {}
    return {**stage.ordering(**stage.old_files(), **more), "retry_timeout": 1}


def check_failure(stage: Stage, record: Record, options: dict[str, t.Any], fault: str, **more: t.Any) -> bool:
    """Run the module; it may fail clearly, with each file old or new, and without forgetting the order."""
    before = stage.contents()
    result = stage.run(CERTIFICATE, options, **more)
    record("install", fault, "carried on" if result.ok else "clear failure")
    check_speech(stage, result)
    orders = stage.simulator.orders()
    assert len(orders) <= 1
    after = stage.contents()
    new = [link.pem for order in orders if order.certificate for link in order.certificate.chain[:2]]
    leaf, middle = (text.replace("\r\n", "\n").encode() for text in new) if new else (b"", b"")
    fresh = {"old.pem": leaf, "chain.pem": middle, "full.pem": leaf + middle}
    for name in fresh:
        assert after.get(name) in (before.get(name), fresh[name]), f"{name} is neither old nor new"
    if orders and not result.ok:
        assert str(orders[0].id) in result.msg or "order" in result.msg
    check_secrets(stage, [result], CERTIFICATE)
    return result.ok


def check_recovery(stage: Stage, record: Record, options: dict[str, t.Any]) -> None:
    """After the fault, one run corrects everything, and no second order is placed."""
    again = stage.run(CERTIFICATE, options)
    check_speech(stage, again)
    assert again.ok, again.msg
    for file in stage.site.glob("*~"):
        file.unlink()  # backups, which were asked for
    check_installed(stage)
    check_no_leftovers(stage)
    check_secrets(stage, [again], CERTIFICATE)
    record.requests += len(stage.simulator.log)


@pytest.mark.parametrize("pages", range(10))
@pytest.mark.parametrize("backup", [False, True], ids=["", "with backup"])
def test_disk_with_room_for_a_few_files(
    stage: Stage, record: Record, options: dict[str, t.Any], pages: int, backup: bool
) -> None:
    old = stage.contents()
    mount("tmpfs", stage.site, "tmpfs", data=f"size={(len(old) + pages) * PAGE}")
    try:
        for name, content in old.items():
            (stage.site / name).write_bytes(content)
        check_failure(stage, record, {**options, "backup": backup}, f"room for {pages} files")
        mount("tmpfs", stage.site, "tmpfs", REMOUNT, "size=1m")
        check_recovery(stage, record, options)
    finally:
        unmount(stage.site)


@pytest.mark.parametrize("inodes", range(1, 6))
def test_disk_with_few_inodes(stage: Stage, record: Record, options: dict[str, t.Any], inodes: int) -> None:
    old = stage.contents()
    mount("tmpfs", stage.site, "tmpfs", data=f"size=1m,nr_inodes={len(old) + inodes}")
    try:
        for name, content in old.items():
            (stage.site / name).write_bytes(content)
        check_failure(stage, record, options, f"{inodes} inodes left")
        mount("tmpfs", stage.site, "tmpfs", REMOUNT, "size=1m,nr_inodes=1000")
        check_recovery(stage, record, options)
    finally:
        unmount(stage.site)


@pytest.mark.parametrize("pages", range(3))
def test_full_temporary_folder(stage: Stage, record: Record, options: dict[str, t.Any], pages: int) -> None:
    mount("tmpfs", stage.tmp, "tmpfs", data=f"size={pages * PAGE or PAGE},nr_inodes={pages + 2}")
    try:
        if pages == 0:
            (stage.tmp / "filler").write_bytes(b"x" * PAGE)
        check_failure(stage, record, options, f"temporary folder with room for {pages} files")
    finally:
        unmount(stage.tmp)
    check_recovery(stage, record, options)


@pytest.mark.parametrize("size", [0, 1, 200, 400, 700, 1000, 1400])
def test_limit_of_a_files_size(stage: Stage, record: Record, options: dict[str, t.Any], size: int) -> None:
    check_failure(stage, record, options, f"files of {size} bytes at most", largest_file=size)
    check_recovery(stage, record, options)


def test_read_only_folder(stage: Stage, record: Record, options: dict[str, t.Any]) -> None:
    mount(str(stage.site), stage.site, "none", BIND)
    mount("none", stage.site, "none", BIND | REMOUNT | READ_ONLY)
    try:
        assert not check_failure(stage, record, options, "read-only folder")
        assert stage.simulator.log == []
    finally:
        unmount(stage.site)
    check_recovery(stage, record, options)


@pytest.mark.parametrize("target", TARGETS)
def test_read_only_folder_of_one_file(
    stage: Stage, record: Record, options: dict[str, t.Any], target: str, tmp_path: Path
) -> None:
    other = tmp_path / "cwd" / "other"
    other.mkdir()
    mount(str(other), other, "none", BIND)
    mount("none", other, "none", BIND | REMOUNT | READ_ONLY)
    try:
        moved = {**options, target: str(other / "file.pem")}
        assert not check_failure(stage, record, moved, f"read-only folder of {target}")
        assert stage.simulator.log == []
    finally:
        unmount(other)
        other.rmdir()
    check_recovery(stage, record, options)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("flags", [0, READ_ONLY], ids=["mount point", "read-only mount point"])
def test_file_that_is_a_mount_point(
    stage: Stage, record: Record, options: dict[str, t.Any], target: str, flags: int
) -> None:
    file = Path(options[target])
    mount(str(file), file, "none", BIND)
    if flags:
        mount("none", file, "none", BIND | REMOUNT | flags)
    try:
        assert not check_failure(stage, record, options, f"{target} is a mount point")
    finally:
        unmount(file)
    check_recovery(stage, record, options)


@pytest.mark.parametrize(("target", "kind"), ODD_PLACES)
def test_path_that_cannot_be_a_file(
    stage: Stage, record: Record, options: dict[str, t.Any], target: str, kind: str
) -> None:
    place = stage.site / ".old.pem.order.json" if target == "marker" else stage.site / "odd"
    if kind == "directory":
        place.mkdir()
    elif kind == "below a file":
        place.write_text("")
    elif kind == "symlink to itself":
        place.symlink_to(place)
    odd = options if target == "marker" else {**options, target: str(place / "x" if "below" in kind else place)}
    ok = check_failure(stage, record, odd, f"{target} is {kind}")
    assert not ok
    assert stage.simulator.orders() == []
    if place.is_dir() and not place.is_symlink():
        place.rmdir()
    place.unlink(missing_ok=True)
    check_recovery(stage, record, options)
