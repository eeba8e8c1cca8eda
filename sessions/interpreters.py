# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Pythons this machine has, which ansible-core releases are supported, and which of them meet.

Importing this puts the interpreters on PATH, where nox and ansible-test look for them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

OLDEST_TARGET = "3.8"
KNOWN_PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")


class Core(NamedTuple):
    """A supported ansible-core: the ansible package that brings other collections fit for it, and the controller
    Pythons to run it on, the wanted one first. Releases and hashes are in requirements/."""

    ansible: str
    pythons: tuple[str, ...]


CORES = {
    "2.17": Core("10", ("3.10", "3.11", "3.12")),
    "2.18": Core("11", ("3.11", "3.12", "3.13")),
    "2.19": Core("12", ("3.12", "3.11", "3.13")),
    "2.20": Core("13", ("3.12", "3.13", "3.14")),
    "2.21": Core("14", ("3.14", "3.13", "3.12")),
}


def interpreters() -> dict[str, Path]:
    """Return the CPythons on PATH and in pyenv's folder that really start (pyenv's shims are there, but may not)."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    folders = [Path(sys.base_prefix, "bin"), *sorted(pyenv.glob("3.*/bin"), reverse=True)]
    folders += [Path(folder) for folder in os.environ["PATH"].split(os.pathsep) if folder]
    found = {}
    for version in KNOWN_PYTHONS:
        for candidate in (folder / f"python{version}" for folder in folders):
            if candidate.exists() and starts(candidate, version):
                found[version] = candidate
                break
    return found


def starts(python: Path, version: str) -> bool:
    """Tell whether this interpreter runs and is of that version."""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    answer = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
    return answer.stdout.strip() == version


PYTHONS = interpreters()
NEWEST_PYTHON = list(PYTHONS)[-1]
CORE_PYTHONS = {
    name: next((python for python in core.pythons if python in PYTHONS), core.pythons[0])
    for name, core in CORES.items()
}
OLDEST_CORE = next(iter(CORES))
NEWEST_CORE = [name for name, python in CORE_PYTHONS.items() if python in PYTHONS][-1]

# nox and ansible-test look for interpreters on PATH; `python3` stays the one that runs nox.
own_first = sorted(PYTHONS.values(), key=lambda python: python.parent != Path(sys.base_prefix, "bin"))
os.environ["PATH"] = os.pathsep.join([*(str(python.parent) for python in own_first), os.environ["PATH"]])
os.environ.setdefault("UV_SYSTEM_CERTS", "true")
os.environ.setdefault("UV_PYTHON_DOWNLOADS", "never")
if "PIP_INDEX_URL" in os.environ:
    os.environ.setdefault("UV_DEFAULT_INDEX", os.environ["PIP_INDEX_URL"])
