# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for known vulnerabilities in what the collection needs and in what its checks install."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import nox

from sessions.workplace import REQUIREMENTS, WORK

PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", re.MULTILINE)


def audit_pins(session: nox.Session) -> None:
    """Audit every version that any file pins, for every Python; fails too when the service cannot be asked."""
    versions: dict[str, set[str]] = defaultdict(set)
    # The oldest libraries have known vulnerabilities, and are installed to be tested with only.
    for path in sorted({*REQUIREMENTS.glob("*.txt")} - {REQUIREMENTS / "oldest.txt"}):
        for name, version in PIN.findall(path.read_text("utf-8")):
            versions[name].add(version)
    pins = sum(len(each) for each in versions.values())
    session.log(f"{pins} pinned versions of {len(versions)} packages")
    # Without --strict, what the service does not know, or does not answer for, counts as good.
    options = ("--strict", "--disable-pip", "--no-deps", "--progress-spinner", "off", *session.posargs)
    failed = False
    for path in write_lists(versions, WORK / "audit"):
        try:
            session.run("pip-audit", *options, "--requirement", str(path))
        except nox.command.CommandFailed:
            failed = True
    if failed:
        session.error("not audited, or not good: a vulnerability is known, or PyPI could not be asked; see above")


def write_lists(versions: dict[str, set[str]], folder: Path) -> list[Path]:
    """Write requirements for pip-audit, which takes one version of a package at a time; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(max(len(each) for each in versions.values())):
        path = folder / f"pins-{number}.txt"
        lines = [f"{name}=={sorted(each)[number]}\n" for name, each in sorted(versions.items()) if number < len(each)]
        path.write_text("".join(lines), "utf-8")
        paths.append(path)
    return paths
