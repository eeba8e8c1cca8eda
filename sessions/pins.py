# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pin what the sessions install, by version and by the hash of every file: `make pin` updates requirements/*.txt.

Every requirements/NAME.in becomes NAME.txt, so a new file does not need a change here. Each supported ansible-core gets
core-RELEASE.txt, and collections-RELEASE.txt with the package that contains matching versions of other collections.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict

import nox

from sessions.work import CORES, OLDEST_TARGET, REQUIREMENTS, ROOT

OLDEST_NOX = "3.11"
# The oldest Python that installs a set; other sets run on the Pythons that run nox.
OLDEST = {"oldest": OLDEST_TARGET, "target": OLDEST_TARGET, "tests": OLDEST_TARGET}
# Installed together with an ansible-core, so their common requirements must agree.
BESIDE_CORE = ("tools", "galaxy", "load", "ee")
COMPILE = "-m uv pip compile --quiet --upgrade --universal --generate-hashes --no-annotate --custom-compile-command"
PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", re.MULTILINE)


def pin(name: str, python: str, *arguments: str, requirement: str = "") -> None:
    """Write NAME.txt for this Python and later, from NAME.in or from one requirement."""
    print(f"{name}.txt", flush=True)
    command = [sys.executable, *COMPILE.split(), "make pin", "--python-version", python, *arguments]
    command += ["--output-file", f"{name}.txt", "-" if requirement else f"{name}.in"]
    subprocess.run(command, cwd=REQUIREMENTS, input=requirement, stdout=subprocess.DEVNULL, text=True, check=True)


def main() -> None:
    """Pin all files; those of ansible-core last, because they follow the others."""
    for source in sorted(REQUIREMENTS.glob("*.in")):
        # Each session names its ansible-core, which names the resolvelib that it works with.
        others = ("--no-emit-package", "ansible-core", "--no-emit-package", "resolvelib")
        pin(source.stem, OLDEST.get(source.stem, OLDEST_NOX), *others)
    for name, (ansible, pythons) in CORES.items():
        python = min(pythons, key=lambda version: int(version.partition(".")[2]))
        agree = ("tests", *(() if python == "3.10" else BESIDE_CORE))
        constraints = [argument for other in agree for argument in ("--constraint", f"{other}.txt")]
        pin(f"core-{name}", python, *constraints, requirement=f"ansible-core=={name}.*")
        pin(f"collections-{name}", python, "--no-deps", requirement=f"ansible=={ansible}.*")


def audit_pins(session: nox.Session) -> None:
    """Check every pinned version for known vulnerabilities; also fails if the service cannot be reached."""
    versions: dict[str, set[str]] = defaultdict(set)
    # The oldest libraries have known vulnerabilities, and are installed only for tests.
    for path in sorted({*REQUIREMENTS.glob("*.txt")} - {REQUIREMENTS / "oldest.txt"}):
        for name, version in PIN.findall(path.read_text("utf-8")):
            versions[name].add(version)
    chosen, failed = ROOT / ".nox" / "audit.txt", False
    while versions:  # pip-audit takes one version of a package at a time
        chosen.write_text("".join(f"{name}=={found.pop()}\n" for name, found in sorted(versions.items())), "utf-8")
        versions = {name: found for name, found in versions.items() if found}
        # Without --strict, a package that the service does not know counts as safe.
        options = ("--strict", "--disable-pip", "--no-deps", "--progress-spinner", "off")
        try:
            session.run("pip-audit", *options, *session.posargs, "--requirement", str(chosen))
        except nox.command.CommandFailed:
            failed = True
    if failed:
        session.error("not audited, or not good: a vulnerability is known, or PyPI could not be asked; see above")


if __name__ == "__main__":
    main()
