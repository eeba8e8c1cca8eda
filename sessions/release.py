# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release must hold, and how Galaxy and its users will see it."""

from __future__ import annotations

import re
import subprocess
import tarfile
from pathlib import Path

import nox

from sessions.workplace import COLLECTION, Workplace

# What a release may hold at its top, and where the documented parts are.
SHIPPED = {"CHANGELOG.md", "CHANGELOG.rst", "COPYING", "FILES.json", "LICENSES", "MANIFEST.json", "README.md"}
SHIPPED |= {"REUSE.toml", "changelogs", "docs", "meta", "playbooks", "plugins", "roles", "tests"}
DOCUMENTED = {
    "module": "plugins/modules/*.py",
    "filter": "plugins/filter/*.py",
    "test": "plugins/test/*.py",
    "role": "roles/*",
}


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
