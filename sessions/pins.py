# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pin what the sessions install, by version and by the hash of every file: `make pin` renews requirements/*.txt.

Every requirements/NAME.in becomes NAME.txt, so that a new file needs no word here. Each supported ansible-core gets
core-RELEASE.txt, and collections-RELEASE.txt with the package that brings other collections fit for it.
"""

from __future__ import annotations

import subprocess
import sys

from sessions.interpreters import CORES, OLDEST_TARGET
from sessions.workplace import REQUIREMENTS

# The oldest Python that installs a set; what is not here runs on those that run nox.
OLDEST = {"oldest": OLDEST_TARGET, "target": OLDEST_TARGET, "tests": OLDEST_TARGET}
OLDEST_NOX = "3.11"
# Installed together with an ansible-core, which they must agree with on what both need.
BESIDE_CORE = ("tests", "tools", "galaxy", "load", "ee")
COMPILE = ("uv", "pip", "compile", "--quiet", "--upgrade", "--universal", "--generate-hashes", "--no-annotate")


def pin(name: str, python: str, *arguments: str, requirement: str = "") -> None:
    """Write NAME.txt for this Python and newer ones, from NAME.in or from the one requirement given.

    Raises subprocess.CalledProcessError when there is no solution, or no package index.
    """
    source = "-" if requirement else f"{name}.in"
    command = (*COMPILE, "--custom-compile-command", "make pin", "--python-version", python, *arguments)
    print(f"{name}.txt", flush=True)
    subprocess.run(
        [sys.executable, "-m", *command, "--output-file", f"{name}.txt", source],
        cwd=REQUIREMENTS,
        input=requirement,
        stdout=subprocess.DEVNULL,  # uv prints the file that it writes
        text=True,
        check=True,
    )


def main() -> None:
    """Pin all files; those of ansible-core last, as they follow the others."""
    for source in sorted(REQUIREMENTS.glob("*.in")):
        # Each session names its ansible-core, which names the resolvelib that it works with.
        others = ("--no-emit-package", "ansible-core", "--no-emit-package", "resolvelib")
        pin(source.stem, OLDEST.get(source.stem, OLDEST_NOX), *others)
    for name, core in CORES.items():
        python = min(core.pythons, key=minor)
        agree = [other for other in BESIDE_CORE if minor(OLDEST.get(other, OLDEST_NOX)) <= minor(python)]
        constraints = [argument for other in agree for argument in ("--constraint", f"{other}.txt")]
        pin(f"core-{name}", python, *constraints, requirement=f"ansible-core=={name}.*")
        pin(f"collections-{name}", python, "--no-deps", requirement=f"ansible=={core.ansible}.*")


def minor(python: str) -> int:
    """Return what sorts Pythons by age."""
    return int(python.partition(".")[2])


if __name__ == "__main__":
    main()
