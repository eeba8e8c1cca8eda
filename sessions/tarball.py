# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection so that the same commit gives the same bytes, wherever and whenever it is built.

ansible-galaxy puts the time of the build, the times of the files and the order of the file system into its tarball.
Here it is packed again, in the order of the names and with the time of the commit, as https://reproducible-builds.org
asks for. What differs still is the deflate of another zlib: the bytes before compression are the same there too.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import nox

from sessions.workplace import ROOT, Workplace

FIRST = ("MANIFEST.json", "FILES.json")  # what ansible-galaxy reads before the rest
OTHER_DISK = Path("/dev/shm")  # noqa: S108 -- lists files in another order than most disks, where it exists


def build(session: nox.Session, work: Workplace, collection: Path, output: Path) -> Path:
    """Build the collection in this folder into a fresh folder; returns the tarball."""
    shutil.rmtree(output, ignore_errors=True)
    session.chdir(collection)
    session.run("ansible-galaxy", "collection", "build", "--output-path", str(output), env=work.env)
    (tarball,) = output.iterdir()
    pack_again(tarball, commit_time())
    return tarball


def commit_time() -> int:
    """Return SOURCE_DATE_EPOCH, or else the time of the checked out commit, in seconds since 1970."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return int(os.environ["SOURCE_DATE_EPOCH"])
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def pack_again(tarball: Path, seconds: int) -> None:
    """Replace a tarball of ansible-galaxy by one with the same files that depends on their content only."""
    with tarfile.open(tarball) as archive:
        files = {member.name: (member, read(archive, member)) for member in archive.getmembers()}
    put_in_order(files)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in [*FIRST, *sorted(files.keys() - set(FIRST))]:
            old, content = files[name]
            new = tarfile.TarInfo(name)
            new.type, new.linkname, new.size, new.mtime = old.type, old.linkname, len(content), seconds
            new.mode = 0o755 if old.isdir() or old.mode & 0o100 else 0o644
            archive.addfile(new, io.BytesIO(content))
    tarball.write_bytes(gzip.compress(packed.getvalue(), compresslevel=9, mtime=0))


def read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    """Return the content of a file, nothing for a folder or a link."""
    file = archive.extractfile(member) if member.isfile() else None
    return file.read() if file else b""


def put_in_order(files: dict[str, tuple[tarfile.TarInfo, bytes]]) -> None:
    """Sort the list of files in FILES.json, and name its new checksum in MANIFEST.json."""
    listing = json.loads(files["FILES.json"][1])
    listing["files"].sort(key=lambda file: file["name"])
    content = dump(listing)
    manifest = json.loads(files["MANIFEST.json"][1])
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(content).hexdigest()
    files["FILES.json"] = files["FILES.json"][0], content
    files["MANIFEST.json"] = files["MANIFEST.json"][0], dump(manifest)


def dump(value: object) -> bytes:
    """Write JSON as ansible-galaxy does."""
    return json.dumps(value, indent=True).encode()


def check_reproducible(session: nox.Session, work: Workplace, tarball: Path) -> None:
    """Build once more from a copy with other times, permissions and order on disk, and compare the bytes."""
    with tempfile.TemporaryDirectory(dir=OTHER_DISK if OTHER_DISK.is_dir() else None) as other_place:
        copy = Path(other_place) / "copy"
        copy_differently(work.collection, copy)
        other = build(session, work, copy, Path(other_place) / "release")
        session.chdir(work.collection)  # out of a folder that is about to go
        if tarball.read_bytes() != other.read_bytes():
            session.error(f"{tarball}, built a second time from other times, permissions and folders, differs")
    session.log(f"built twice, the same bytes: sha256 {checksum(tarball)}  {tarball.name}")


def copy_differently(source: Path, copy: Path) -> None:
    """Copy a tree without .git, its files in reverse order, from long ago, and for their owner only."""
    for path in sorted(source.rglob("*"), reverse=True):
        name = path.relative_to(source)
        if path.is_file() and ".git" not in name.parts:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy / name)
            (copy / name).chmod(0o700 if os.access(path, os.X_OK) else 0o600)
            os.utime(copy / name, (1_000_000_000, 1_000_000_000))


def checksum(tarball: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    return hashlib.sha256(tarball.read_bytes()).hexdigest()
