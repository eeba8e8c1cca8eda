# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtual environments for a test, with packages from requirements/ by version and hash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"


def install(python: Path, *arguments: str) -> None:
    """Let uv install something for a Python, or into a folder that `--target` names."""
    subprocess.run([_uv(), "pip", "install", "--quiet", "--python", str(python), *arguments], check=True)


def environment(folder: Path, version: str, *sets: str) -> Path:
    """Make a virtual environment with a Python such as "3.8" and pinned sets of packages; return its interpreter."""
    subprocess.run([_uv(), "venv", "--quiet", "--clear", "--python", version, str(folder)], check=True)
    python = folder / "bin" / "python"
    for name in sets:
        install(python, "--require-hashes", "--requirement", str(REQUIREMENTS / f"{name}.txt"))
    return python


def installed_pythons(versions: tuple[str, ...]) -> list[str]:
    """Return those of these Pythons that this machine has."""
    return [version for version in versions if shutil.which(f"python{version}")]


def _uv() -> str:
    return os.environ.get("UV", "uv")


if __name__ == "__main__":
    environment(Path(sys.argv[1]), *sys.argv[2:])
