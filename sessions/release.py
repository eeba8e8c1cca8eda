# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection so that the same commit gives the same bytes, and check it like Galaxy and its users.

ansible-galaxy puts the time of the build, the times of the files, and the order of the file system into its tarball.
This file packs it again, in the order of the names and with the time of the commit, as https://reproducible-builds.org
recommends. With another zlib, the compressed bytes can differ, but the bytes before compression are the same.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from sessions.work import COLLECTION, ROOT, Work

FIRST = ("MANIFEST.json", "FILES.json")  # files that ansible-galaxy reads first
SHIPPED = {"CHANGELOG.md", "CHANGELOG.rst", "CODE_OF_CONDUCT.md", "COPYING", "LICENSES", "README.md", *FIRST}
SHIPPED |= {"REUSE.toml", "SECURITY.md", "changelogs", "docs", "meta", "playbooks", "plugins", "roles", "tests"}


def check_ready(work: Work) -> None:
    """Refuse to release changes that are not committed, not in the changelog, or already released."""
    version = re.findall(r"^version: (\S+)$", (ROOT / "galaxy.yml").read_text("utf-8"), re.MULTILINE)[0]
    changelog = (ROOT / "changelogs" / "changelog.yaml").read_text("utf-8")
    problems = {
        "the checkout has changes that are not committed: see git status": git("status", "--porcelain"),
        f"the tag {version} exists: raise version in galaxy.yml": git("tag", "--list", version),
        f"the changelog of {version} is not complete: run make changelog, commit the result": (
            f"\n  {version}:\n" not in changelog or [*(ROOT / "changelogs" / "fragments").glob("*.y*ml")]
        ),
    }
    if any(problems.values()):
        work.session.error("not ready for a release: " + "; ".join(text for text, found in problems.items() if found))


def git(*arguments: str) -> str:
    """Return what git prints about the checkout."""
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True).stdout


def build_and_check(work: Work) -> Path:
    """Build the collection, import it, install it and read its documentation; returns the tarball."""
    work.add_collections()
    tarball = build(work, work.root / "release")
    with tarfile.open(tarball) as archive:
        extra = {name.split("/")[0] for name in archive.getnames()} - SHIPPED
    if extra:
        work.session.error(f"build_ignore these in galaxy.yml, or allow them here: {', '.join(sorted(extra))}")
    work.session.chdir(work.root)
    output = str(work.run("python", "-m", "galaxy_importer.main", str(tarball), silent=True))
    work.session.log(output)
    if re.search(r"^(WARNING|ERROR)", output, re.MULTILINE):  # it reports most problems as warnings
        work.session.error("galaxy-importer warns, see above")
    install_like_users(work, tarball)
    work.session.log(f"sha256 {hashlib.sha256(tarball.read_bytes()).hexdigest()}  {tarball.name}")
    return tarball


def build(work: Work, output: Path) -> Path:
    """Build the collection in a fresh folder, and pack it again by content and time of commit only."""
    shutil.rmtree(output, ignore_errors=True)
    work.run("ansible-galaxy", "collection", "build", "--output-path", str(output))
    (tarball,) = output.iterdir()
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct"))
    with tarfile.open(tarball) as archive:
        members = {member.name: member for member in archive.getmembers()}
        contents = {name: archive.extractfile(name).read() for name in members if members[name].isfile()}  # type: ignore[union-attr]
    listing, manifest = (json.loads(contents[name]) for name in reversed(FIRST))
    listing["files"].sort(key=lambda file: file["name"])
    contents["FILES.json"] = json.dumps(listing, indent=True).encode()
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(contents["FILES.json"]).hexdigest()
    contents["MANIFEST.json"] = json.dumps(manifest, indent=True).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in [*FIRST, *sorted(members.keys() - set(FIRST))]:
            old, new = members[name], tarfile.TarInfo(name)
            new.type, new.linkname, new.size, new.mtime = old.type, old.linkname, len(contents.get(name, b"")), seconds
            new.mode = 0o755 if old.isdir() or old.mode & 0o100 else 0o644
            archive.addfile(new, io.BytesIO(contents.get(name, b"")))
    tarball.write_bytes(gzip.compress(packed.getvalue(), compresslevel=9, mtime=0))
    return tarball


def install_like_users(work: Work, tarball: Path) -> None:
    """Install the tarball into a fresh home, and read the documentation of its modules there."""
    home = work.root / "fresh"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    work.session.chdir(home)
    env = {"HOME": str(home), "PYTHONPATH": "", "ANSIBLE_COLLECTIONS_PATH": str(home / ".ansible")}
    # The role's collections come from Galaxy and are not tested here.
    work.run("ansible-galaxy", "collection", "install", "--offline", "--no-deps", str(tarball), env=env)
    work.run("ansible-galaxy", "collection", "verify", "--offline", COLLECTION, env=env)
    names = [f"{COLLECTION}.{path.stem}" for path in work.collection.glob("plugins/modules/*.py")]
    work.run("ansible-doc", "--type", "module", *names, silent=True, env=env)
