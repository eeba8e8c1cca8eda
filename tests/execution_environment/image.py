# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An execution environment as users build it: the guide's definition, and the build's own steps without a container."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.execution_environment.guide import block
from tests.support.environments import REQUIREMENTS, environment, install

COLLECTION = Path(__file__).resolve().parents[2]
COMMUNITY = Path("ansible_collections", "community")
# The dependencies of our collection, which are not available from Galaxy here.
NEEDED = ("crypto", "general", "library_inventory_filtering_v1")


class Image(NamedTuple):
    """What the image would hold: collections path, Python requirements of the collections, what else is installed."""

    collections: Path
    requirements: Path
    ansible: list[str]

    def environment(self, folder: Path, python: str, *pins: str, ansible: bool = False) -> Path:
        """Make a virtual environment with what the image has, its Ansible where asked for; return its interpreter.

        Packages come in the pinned releases, so that a new release of one breaks no unrelated change.
        """
        interpreter = environment(folder, python)
        if ansible:
            install(interpreter, *self.ansible, *constraints(*pins))
        install(interpreter, "--requirement", str(self.requirements), *constraints("target"))
        return interpreter


def constraints(*names: str) -> list[str]:
    """Return the arguments that hold packages to pinned releases."""
    return [argument for name in names for argument in ("--constraint", str(REQUIREMENTS / f"{name}.txt"))]


def build(folder: Path, others: Path) -> Image:
    """Let ansible-builder make the context for the guide's definition, and run the steps that it wrote.

    `others` is a collections path with what our collection depends on.
    """
    collections = folder / "share" / "collections"
    for name in NEEDED:
        shutil.copytree(others / COMMUNITY / name, collections / COMMUNITY / name)
    (folder / "execution-environment.yml").write_text(block("version: 3"), "utf-8")
    run(COLLECTION, "ansible-galaxy", "collection", "build", "--output-path", str(folder))
    run(folder, "ansible-builder", "create", "--output-filename", "Containerfile")
    context = folder / "context"
    text = (context / "Containerfile").read_text("utf-8")
    local = {"/usr/share/ansible": folder / "share", "/output/scripts": context / "_build/scripts", "/tmp/src": folder}
    for there, here in local.items():
        text = text.replace(there, str(here))
    # Without our Python path, where Ansible would find this checkout, and have nothing to install.
    env = {"PYTHONPATH": "", "PYCMD": "python", "ANSIBLE_COLLECTIONS_PATH": str(collections)}
    env["ANSIBLE_GALAXY_CLI_COLLECTION_OPTS"] = "--offline"
    run(context / "_build", "sh", "-ec", step(text, "RUN .*ansible-galaxy collection install"), **env)
    introspect = step(text, r"RUN .*introspect\.py introspect")
    introspect = introspect.replace(" introspect ", f" introspect {shlex.quote(str(collections))} ")
    run(context / "_build", "sh", "-ec", introspect, **env)
    check_requirements(folder)
    ansible = step(text, "ARG ANSIBLE_INSTALL_REFS=").partition("=")[2]
    return Image(collections, folder / "requirements.txt", ansible.strip('"').split())


def run(cwd: Path, *command: str, **env: str) -> None:
    """Run one of the programs beside this Python."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(command, cwd=cwd, env={**os.environ, "PATH": path, **env}, check=True)


def step(containerfile: str, pattern: str) -> str:
    """Return the instruction in the only line of a Containerfile that begins with this text."""
    [line] = [line for line in containerfile.splitlines() if re.match(pattern, line)]
    return line.partition(" ")[2]


def check_requirements(folder: Path) -> None:
    """Compare what the build would install with what the collection says that it needs: that, and no system package."""
    declared = (COLLECTION / "meta" / "ee-requirements.txt").read_text("utf-8").splitlines()
    wanted = sorted(line for line in declared if line and not line.startswith("#"))
    found = sorted(line.split("  #")[0] for line in lines_of(folder / "requirements.txt"))
    assert found == wanted, f"ansible-builder finds the Python requirements {found} and not {wanted}"
    system = lines_of(folder / "bindep.txt")
    assert system == [], f"ansible-builder finds requirements of system packages: {system}"
    print("ansible-builder finds", ", ".join(found), "and no system package", flush=True)


def lines_of(path: Path) -> Sequence[str]:
    """Return the lines of a file that may not exist, without the empty ones."""
    return path.read_text("utf-8").split("\n")[:-1] if path.exists() else []
