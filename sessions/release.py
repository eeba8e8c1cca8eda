# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release must hold, and how Galaxy and its users will see it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import nox

from sessions.interpreters import NEWEST_CORE
from sessions.tarball import build, check_reproducible, checksum
from sessions.workplace import COLLECTION, ROOT, Workplace, add_collections, install, workplace

# What a release may hold at its top, and where the documented parts are.
SHIPPED = {"CHANGELOG.md", "CHANGELOG.rst", "COPYING", "FILES.json", "LICENSES", "MANIFEST.json", "README.md"}
SHIPPED |= {"REUSE.toml", "SECURITY.md", "changelogs", "docs", "meta", "playbooks", "plugins", "roles", "tests"}
DOCUMENTED = {
    "module": "plugins/modules/*.py",
    "filter": "plugins/filter/*.py",
    "test": "plugins/test/*.py",
    "role": "roles/*",
}


# What `antsibull-changelog release` writes.
CHANGELOG = ("CHANGELOG.md", "CHANGELOG.rst", "changelogs/changelog.yaml")


def build_and_check(session: nox.Session) -> Path:
    """Build the collection twice, compare, import it, install it and read its documentation; returns the tarball."""
    install(session, "galaxy", NEWEST_CORE)
    work = workplace(session)
    add_collections(session, work, NEWEST_CORE)
    tarball = build(session, work, work.collection, work.root / "release")
    check_reproducible(session, work, tarball)
    check_shipped(session, tarball)
    import_like_galaxy(session, work, tarball)
    fresh_home = work.root / "fresh"
    shutil.rmtree(fresh_home, ignore_errors=True)
    fresh_home.mkdir()
    session.chdir(fresh_home)
    env = {"HOME": str(fresh_home), "PYTHONPATH": "", "ANSIBLE_COLLECTIONS_PATH": str(fresh_home / ".ansible")}
    # The collections that the role needs come from Galaxy, and are not what is tested here.
    session.run("ansible-galaxy", "collection", "install", "--offline", "--no-deps", str(tarball), env=env)
    session.run("ansible-galaxy", "collection", "verify", "--offline", COLLECTION, env=env)
    check_plugin_docs(session, work.collection, env)
    return tarball


def check_ready(session: nox.Session) -> str:
    """Refuse to release what is not committed, not in the changelog, or released already; returns the version."""
    version = str(re.findall(r"^version: (\S+)$", (ROOT / "galaxy.yml").read_text("utf-8"), re.MULTILINE)[0])
    released = re.findall(r"^  (\S+):$", (ROOT / "changelogs" / "changelog.yaml").read_text("utf-8"), re.MULTILINE)
    fragments = sorted(path.name for path in (ROOT / "changelogs" / "fragments").glob("*.y*ml"))
    faults = []
    if git("status", "--porcelain"):
        faults.append("the checkout has changes that are not committed: see git status")
    if git("tag", "--list", version):
        faults.append(f"the tag {version} exists: raise version in galaxy.yml")
    if version not in released or fragments:
        left = ", ".join(fragments) or "no such release"
        faults.append(f"the changelog of {version} is not complete ({left}): run make changelog, commit the result")
    if faults:
        session.error("not ready for a release: " + "; ".join(faults))
    return version


def git(*arguments: str) -> str:
    """Return what git prints about the checkout."""
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True).stdout


def tell_what_is_left(session: nox.Session, version: str, tarball: Path) -> None:
    """Print the checksum, and the steps that publish, which no program here takes."""
    steps = [
        f"sha256 {checksum(tarball)}  {tarball.relative_to(ROOT)}",
        "Nothing is published. What is left to do, from docs/releasing.md:",
        f"  1. see that CI is green for {git('rev-parse', 'HEAD').strip()}",
        f"  2. git tag --sign --message {version} {version} && git push origin {version}",
        f"  3. ansible-galaxy collection publish {tarball.relative_to(ROOT)}",
        f"  4. make the GitHub release {version} with the changelog, the tarball and its checksum",
    ]
    session.log("\n".join(steps))


def write_changelog(session: nox.Session, work: Workplace) -> None:
    """Let antsibull-changelog write the release in galaxy.yml, and bring the result into the checkout."""
    session.run("antsibull-changelog", "release", *session.posargs, env=work.env)
    for name in CHANGELOG:
        shutil.copyfile(work.collection / name, ROOT / name)
    for fragment in (ROOT / "changelogs" / "fragments").glob("*.y*ml"):
        if not (work.collection / fragment.relative_to(ROOT)).exists():
            fragment.unlink()


def check_shipped(session: nox.Session, tarball: Path) -> None:
    """Refuse a tarball with anything at its top that a user of the collection has no use for."""
    with tarfile.open(tarball) as archive:
        shipped = {name.split("/")[0] for name in archive.getnames()}
    if shipped - SHIPPED:
        session.error(f"build_ignore these in galaxy.yml, or allow them here: {', '.join(sorted(shipped - SHIPPED))}")


def import_like_galaxy(session: nox.Session, work: Workplace, tarball: Path) -> None:
    """Run the importer that Galaxy runs on an upload; it reports most faults as warnings only."""
    session.chdir(work.root)
    output = session.run("python", "-m", "galaxy_importer.main", str(tarball), silent=True, env=work.env)
    session.log(output)
    if re.search(r"^(WARNING|ERROR)", output or "", re.MULTILINE):
        session.error("galaxy-importer warns, see above")


def check_plugin_docs(session: nox.Session, collection: Path, env: dict[str, str]) -> None:
    """Let the installed collection show the documentation of every plugin and role that the checkout has."""
    for kind, pattern in DOCUMENTED.items():
        paths = [path for path in sorted(collection.glob(pattern)) if not path.name.startswith("_")]
        names = [f"{COLLECTION}.{path.stem}" for path in paths]
        if names:
            output = session.run("ansible-doc", "--type", kind, *names, silent=True, stderr=subprocess.DEVNULL, env=env)
            missing = [name for name in names if name not in str(output)]
            if missing:
                session.error(f"ansible-doc does not show {kind} {', '.join(missing)}:\n{output}")
            session.log(f"ansible-doc shows {kind} {', '.join(names)}")
