# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environments of the compatibility matrix: every ansible-core and every Python that this machine can combine."""

from __future__ import annotations

import json
from pathlib import Path

import nox

from sessions.interpreters import CORES, KNOWN_PYTHONS, OLDEST_TARGET, PYTHONS
from sessions.workplace import COLLECTION, Workplace, link_collections, virtual_environment

# What the results call a set of libraries -> its name in requirements/.
LIBRARIES = {"oldest": "oldest", "newest": "target"}


def make_plan(session: nox.Session, work: Workplace) -> Path:
    """Make all environments; return the file that tells tests/compatibility where they are."""
    folder = work.root / "environments"
    targets = [
        (python, age, str(virtual_environment(session, folder / f"{python}-{age}", python, name)))
        for python in KNOWN_PYTHONS[KNOWN_PYTHONS.index(OLDEST_TARGET) :]
        if python in PYTHONS
        for age, name in LIBRARIES.items()
    ]
    controllers: dict[str, list[tuple[str, str, str]]] = {}
    collections = {}
    for core, supported in CORES.items():
        collections[core] = str(search_path(session, work, core))
        for python in supported.pythons:
            if python in PYTHONS:
                # The first controller of each has the oldest libraries, which lookups need there.
                age = "newest" if core in controllers else "oldest"
                interpreter = virtual_environment(
                    session, folder / f"{core}-{python}", python, f"core-{core}", LIBRARIES[age]
                )
                controllers.setdefault(core, []).append((python, age, str(interpreter)))
    plan = {"controllers": controllers, "collections": collections, "targets": targets, "oldest_target": OLDEST_TARGET}
    path = work.root / "plan.json"
    path.write_text(json.dumps(plan, indent=2), "utf-8")
    return path


def search_path(session: nox.Session, work: Workplace, core: str) -> Path:
    """Make a tree of collections: ours, and those that go with this ansible-core."""
    root = work.root / f"collections-{core}"
    community = root / "ansible_collections" / COLLECTION.partition(".")[0]
    community.mkdir(parents=True, exist_ok=True)
    for link in community.iterdir():
        link.unlink()
    (community / COLLECTION.partition(".")[2]).symlink_to(work.collection)
    link_collections(session, work.root / f"others-{core}", core, community)
    return root
