# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An execution environment as users build it: the guide's definition, and the build's own steps without a container."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import nox

from sessions.interpreters import NEWEST_CORE, PYTHONS
from sessions.workplace import REQUIREMENTS, Workplace

UV = (sys.executable, "-m", "uv")
SHARE = "/usr/share/ansible"
# What our collection depends on, directly or not.
NEEDED = ("crypto", "general", "library_inventory_filtering_v1")


class Image(NamedTuple):
    """What the image would hold: collections path, Python requirements of the collections, what else is installed."""

    collections: Path
    requirements: Path
    ansible: list[str]


def build(session: nox.Session, work: Workplace, definition: str) -> Image:
    """Let ansible-builder make the context for a definition, and run the steps that it wrote for the container.

    Needs add_collections, since what our collection depends on cannot be had from Galaxy.
    """
    folder = work.root / "image"
    share = folder / "share"
    shutil.rmtree(folder, ignore_errors=True)
    community = Path("ansible_collections", "community")
    for name in NEEDED:
        shutil.copytree(work.root / "others" / community / name, share / "collections" / community / name)
    (folder / "execution-environment.yml").write_text(definition, "utf-8")
    session.run("ansible-galaxy", "collection", "build", "--output-path", str(folder), env=work.env)
    session.chdir(folder)
    session.run("ansible-builder", "create", "--output-filename", "Containerfile", env=work.env)
    context = folder / "context"
    containerfile = (context / "Containerfile").read_text("utf-8")
    local = {SHARE: share, "/output/scripts": context / "_build" / "scripts", "/tmp/src": folder}  # noqa: S108
    session.chdir(context / "_build")
    galaxy = step(session, containerfile, "RUN", "ansible-galaxy collection install", local)
    # Without the session's Python path, where Ansible would find the checkout, and have nothing to install.
    env = {"HOME": work.env["HOME"], "PYCMD": "python", "ANSIBLE_COLLECTIONS_PATH": str(share / "collections")}
    env["ANSIBLE_GALAXY_CLI_COLLECTION_OPTS"] = "--offline"
    session.run("sh", "-ec", galaxy, env=env, external=True)
    introspect = step(session, containerfile, "RUN", "introspect.py introspect", local)
    introspect = introspect.replace(" introspect ", f" introspect {shlex.quote(str(share / 'collections'))} ")
    session.run("sh", "-ec", introspect, env=env, external=True)
    check_requirements(session, work, folder)
    references = step(session, containerfile, "ARG", "ANSIBLE_INSTALL_REFS=", {}).split("=", 1)[1]
    return Image(share / "collections", folder / "requirements.txt", references.strip('"').split())


def step(session: nox.Session, containerfile: str, instruction: str, words: str, local: dict[str, Path]) -> str:
    """Return the only instruction of that kind with these words, with the container's paths replaced by local ones."""
    lines = [line for line in containerfile.splitlines() if line.startswith(f"{instruction} ") and words in line]
    if len(lines) != 1:
        session.error(f"The Containerfile has {len(lines)} lines {instruction} ... {words}")
    text = lines[0].removeprefix(f"{instruction} ")
    for there, here in local.items():
        text = text.replace(there, str(here))
    return text


def check_requirements(session: nox.Session, work: Workplace, folder: Path) -> None:
    """Compare what the build would install with what the collection says that it needs: that, and no system package."""
    declared = (work.collection / "meta" / "ee-requirements.txt").read_text("utf-8").splitlines()
    wanted = sorted(line for line in declared if line and not line.startswith("#"))
    written = folder / "requirements.txt"
    lines = written.read_text("utf-8").splitlines() if written.exists() else []
    found = sorted(line.split("  #")[0] for line in lines)
    if found != wanted:
        session.error(f"ansible-builder finds the Python requirements {found} and not {wanted}")
    system = folder / "bindep.txt"
    if system.exists() and system.read_text("utf-8").strip():
        session.error(f"ansible-builder finds requirements of system packages:\n{system.read_text('utf-8')}")
    session.log(f"ansible-builder finds {', '.join(found)}, and no system package")


def environment(session: nox.Session, work: Workplace, image: Image, version: str, *, ansible: bool = False) -> Path:
    """Make a virtual environment with nothing but the image's Python requirements, and its Ansible where asked for.

    Packages come in the pinned releases, so that a new release of one breaks no unrelated change. Returns the folder.
    """
    folder = work.root / "environments" / (f"{version}-jobs" if ansible else version)
    session.run_install(*UV, "venv", "--clear", "--python", str(PYTHONS[version]), str(folder), external=True)
    pip = (*UV, "pip", "install", "--python", str(folder))
    if ansible:
        pins = [str(REQUIREMENTS / f"{name}.txt") for name in (f"core-{NEWEST_CORE}", "ee")]
        constraints = [argument for pin in pins for argument in ("--constraint", pin)]
        session.run_install(*pip, *image.ansible, *constraints, external=True)
    target = str(REQUIREMENTS / "target.txt")
    session.run_install(*pip, "--requirement", str(image.requirements), "--constraint", target, external=True)
    return folder


def module_utils(session: nox.Session, work: Workplace, core: str) -> Path:
    """Put an ansible-core, and nothing that it needs, into a folder: what modules import from it needs no more."""
    folder = work.root / "module_utils"
    shutil.rmtree(folder, ignore_errors=True)
    pins = ("--constraint", str(REQUIREMENTS / f"core-{core}.txt"))
    session.install("--no-deps", "--target", str(folder), "ansible-core", *pins)
    return folder
