# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a session works: a copy of the checkout, at the path that Ansible's tools want, and a home of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import nox

from sessions.interpreters import CORES, NEWEST_CORE, OLDEST_TARGET, PYTHONS

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / ".nox" / "work"
COLLECTION = "community.digicert"
REQUIREMENTS = ROOT / "requirements"
SMOKE = "smoke: an integration test that runs with the oldest ansible-core and target Python too"


class Workplace(NamedTuple):
    """Where one session works: the folder that holds ansible_collections, the collection in it, and the settings."""

    root: Path
    collection: Path
    env: dict[str, str]


def workplace(session: nox.Session) -> Workplace:
    """Copy what git tracks, or would, to a fresh tree; the session's home stays, since ansible-test caches there."""
    base = WORK / re.sub(r"[^\w.]+", "-", session.name).strip("-")
    collection = base / "ansible_collections" / COLLECTION.replace(".", "/")
    shutil.rmtree(base / "ansible_collections", ignore_errors=True)
    collection.mkdir(parents=True)
    (base / "home").mkdir(exist_ok=True)
    listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (collection / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, collection / name)
    # Tools that ask git which files count must not ask the checkout, which ignores .nox.
    subprocess.run(["git", "init", "--quiet"], cwd=collection, check=True)
    subprocess.run(["git", "add", "--all"], cwd=collection, check=True)
    session.chdir(collection)
    env = {
        "ANSIBLE_COLLECTIONS_PATH": str(base),
        "HOME": str(base / "home"),
        "MYPYPATH": str(base),
        "PYTHONPATH": os.pathsep.join([str(base), str(collection)]),
    }
    return Workplace(base, collection, env)


def install(session: nox.Session, *names: str) -> None:
    """Install pinned sets of packages, such as "tests", or of an ansible-core, such as "2.21", by version and hash."""
    files = [f"core-{name}" if name in CORES else name for name in names]
    session.install("--require-hashes", *requirements(*files))


def requirements(*names: str) -> list[str]:
    """Return the arguments that name these sets to pip and uv."""
    return [argument for name in names for argument in ("--requirement", str(REQUIREMENTS / f"{name}.txt"))]


def add_collections(session: nox.Session, work: Workplace, core: str) -> None:
    """Put the collections that the role uses beside ours."""
    link_collections(session, work.root / "others", core, work.collection.parent)


def link_collections(session: nox.Session, source: Path, core: str, folder: Path) -> None:
    """Fetch the collections that go with an ansible-core into `source`, and link those that the role uses.

    Only those, or some tools look at a hundred for minutes.
    """
    others = requirements(f"collections-{core}")
    session.install("--require-hashes", "--no-deps", "--target", str(source), *others)
    for name in ("crypto", "general"):
        (folder / name).symlink_to(source / "ansible_collections" / "community" / name)


def run_all(session: nox.Session, work: Workplace, *commands: tuple[str, ...]) -> None:
    """Run all the commands, also after one has failed, so that one run shows all there is to mend."""
    failed = []
    for command in commands:
        try:
            session.run(*command, env=work.env, external=True)
        except nox.command.CommandFailed:
            failed.append(" ".join(command))
    if failed:
        session.error("failed: " + "; ".join(failed))


def pytest(session: nox.Session, work: Workplace, *arguments: str, under: tuple[str, ...] = ()) -> None:
    """Run pytest, maybe under another program; a run that collects no test fails."""
    options = ("-p", "no:cacheprovider", "--strict-markers", f"--override-ini=markers={SMOKE}")
    pytest = (*under, str(Path(session.bin, "python")), "-m", "pytest", *options)
    session.run(*pytest, *(session.posargs or arguments), env=work.env, external=True)


def run_from_collection(session: nox.Session, module: str, *arguments: str, packages: str = "tests") -> None:
    """Run one of the programs of tests/, with all that it may import and Ansible itself."""
    install(session, packages, NEWEST_CORE)
    work = workplace(session)
    add_collections(session, work, NEWEST_CORE)
    session.run("python", "-m", module, *arguments, *session.posargs, env=work.env)


def oldest_target(session: nox.Session, work: Workplace) -> Path:
    """Make what a managed host has: the oldest Python that we support, with nothing but what the modules need."""
    if OLDEST_TARGET not in PYTHONS:
        session.error(f"Python {OLDEST_TARGET} is needed, to stand for a managed host")
    return virtual_environment(session, work.root / "target", OLDEST_TARGET, "target")


def virtual_environment(session: nox.Session, folder: Path, python: str, *names: str) -> Path:
    """Make an environment beside the session's own, install pinned sets of packages one by one, return its Python."""
    uv = (sys.executable, "-m", "uv")
    interpreter = folder / "bin" / "python"
    session.run_install(*uv, "venv", "--clear", "--python", str(PYTHONS[python]), str(folder), external=True)
    for name in names:
        needed = ("--require-hashes", "--python", str(interpreter), *requirements(name))
        session.run_install(*uv, "pip", "install", *needed, external=True)
    return interpreter


def prepare_pip(session: nox.Session, home: Path) -> None:
    """Give ansible-test's pip what it lacks: the settings in this environment, a shared cache, and a way to start.

    ansible-test fetches pip from a server of its own; the pip that comes with Python stands in, so that a package
    index is all that is needed.
    """
    settings = {"cache-dir": str(WORK / "pip")}
    settings |= {key[4:].lower().replace("_", "-"): text for key, text in os.environ.items() if key.startswith("PIP_")}
    config = home / ".config" / "pip" / "pip.conf"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text("".join(["[global]\n", *(f"{key} = {text}\n" for key, text in settings.items())]), "utf-8")
    program = "from ansible_test._internal import python_requirements; print(python_requirements.__file__)"
    source = Path(str(session.run("python", "-c", program, silent=True)).strip())
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in set(re.findall(r"""\bpip['"]?[=:] ?['"]([\d.]+)""", source.read_text("utf-8"))):
        script = "import ensurepip\n\nensurepip.bootstrap(upgrade=True, default_pip=True)\n"
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(script, "utf-8")
