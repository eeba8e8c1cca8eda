# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Pythons and ansible-core releases, and the copy of the checkout that a session works in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import nox

KNOWN_PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
OLDEST_TARGET = KNOWN_PYTHONS[0]
# ansible-core: the ansible package with matching collections, and the controller's Pythons, the preferred one first.
CORES = {
    "2.17": ("10", ("3.10", "3.11", "3.12")),
    "2.18": ("11", ("3.11", "3.12", "3.13")),
    "2.19": ("12", ("3.12", "3.11", "3.13")),
    "2.20": ("13", ("3.12", "3.13", "3.14")),
    "2.21": ("14", ("3.14", "3.13", "3.12")),
}

# nox, uv and ansible-test search PATH. The shims of pyenv may not start, so pyenv's own folders come first.
pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
folders = [Path(sys.base_prefix, "bin"), *sorted(pyenv.glob("3.*/bin"), reverse=True)]
os.environ["PATH"] = os.pathsep.join([*map(str, folders), os.environ["PATH"]])
# Without this, each of a thousand processes would compile Ansible and its libraries again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.setdefault("UV_SYSTEM_CERTS", "true")
os.environ.setdefault("UV_PYTHON_DOWNLOADS", "never")
if "PIP_INDEX_URL" in os.environ:
    os.environ.setdefault("UV_DEFAULT_INDEX", os.environ["PIP_INDEX_URL"])

PYTHONS = [version for version in KNOWN_PYTHONS if shutil.which(f"python{version}")]
NEWEST_PYTHON = PYTHONS[-1]
CORE_PYTHONS = {
    core: next((python for python in pythons if python in PYTHONS), pythons[0])
    for core, (_ansible, pythons) in CORES.items()
}
OLDEST_CORE = next(iter(CORES))
NEWEST_CORE = [core for core, python in CORE_PYTHONS.items() if python in PYTHONS][-1]

ROOT = Path(__file__).resolve().parents[1]
COLLECTION = "community.digicert"
REQUIREMENTS = ROOT / "requirements"
COVERAGE = ROOT / ".nox" / "measured"
SMOKE = "smoke: an integration test that runs with the oldest ansible-core and target Python too"


class Work:
    """A fresh copy of tracked and new files in `collection`; commands run with `env`, which names it."""

    def __init__(self, session: nox.Session, *names: str) -> None:
        """Install pinned sets of packages into the session, such as "tests" or the ansible-core "2.21", and copy."""
        if names:
            session.install("--require-hashes", *requirements(*names))
        self.session = session
        self.root = ROOT / ".nox" / "work" / re.sub(r"[^\w.]+", "-", session.name).strip("-")
        self.collection = self.root / "ansible_collections" / COLLECTION.replace(".", "/")
        self.home = self.root / "home"  # stays, because ansible-test uses it as a cache
        shutil.rmtree(self.root / "ansible_collections", ignore_errors=True)
        self.home.mkdir(parents=True, exist_ok=True)
        listing = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split("\0"):
            if name and (ROOT / name).is_file():
                (self.collection / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.collection / name)
        # Tools that ask git which files count must not ask the checkout, which ignores .nox.
        for command in (["init", "--quiet"], ["add", "--all"]):
            subprocess.run(["git", *command], cwd=self.collection, check=True)
        session.chdir(self.collection)
        self.env = {
            "ANSIBLE_COLLECTIONS_PATH": str(self.root),
            "HOME": str(self.home),
            "MYPYPATH": str(self.root),
            "UV": str(Path(sys.executable).with_name("uv")),  # for tests that make environments of their own
            "PYTHONPATH": os.pathsep.join([str(self.root), str(self.collection)]),
        }

    def run(self, *command: str | Path, **options: Any) -> Any:
        """Run a command in the copy."""
        return self.session.run(*command, **{"env": self.env, "external": True, **options})

    def run_all(self, *commands: tuple[str, ...]) -> None:
        """Run all commands, even after one has failed, so that one run shows all problems."""
        failed = []
        for command in commands:
            try:
                self.run(*command)
            except nox.command.CommandFailed:
                failed.append(" ".join(command))
        if failed:
            self.session.error("failed: " + "; ".join(failed))

    def pytest(self, *arguments: str, under: tuple[str, ...] = (), measure: bool = False) -> None:
        """Run pytest, maybe under another program, maybe with the coverage of plugins/ measured, processes included."""
        options = ("-p", "no:cacheprovider", "--strict-markers", f"--override-ini=markers={SMOKE}")
        python: tuple[str, ...] = (str(Path(self.session.bin, "python")), "-m")
        if measure:
            COVERAGE.mkdir(parents=True, exist_ok=True)
            for old in COVERAGE.glob(f"{self.root.name}.*"):
                old.unlink()
            self.env["COVERAGE_FILE"] = str(COVERAGE / self.root.name)
            python = (*python, "coverage", "run", "-m")
        self.run(*under, *python, "pytest", *options, *(self.session.posargs or arguments))

    def add_collections(self, core: str = NEWEST_CORE, *more: str) -> None:
        """Add the collections that tests and tools use; only those, because some tools read all collections."""
        others = self.root / "others"
        options = ("--require-hashes", "--no-deps", "--target", str(others), *requirements(f"collections-{core}"))
        self.session.install(*options)
        for name in ("community.crypto", "community.general", *more):
            folder = self.root / "ansible_collections" / name.replace(".", "/")
            folder.parent.mkdir(exist_ok=True)
            folder.symlink_to(others / "ansible_collections" / name.replace(".", "/"))

    def prepare_ansible_test(self) -> None:
        """Give ansible-test's pip the settings of this environment, a shared cache, and a local pip.

        ansible-test downloads pip from its own server, and installs and compiles it in each environment. This lends
        them the pip beside nox instead, so only a package index is needed.
        """
        settings = {"cache-dir": str(ROOT / ".nox" / "work" / "pip"), "compile": "false"}
        settings |= {key[4:].lower().replace("_", "-"): text for key, text in os.environ.items() if key[:4] == "PIP_"}
        config = self.home / ".config" / "pip" / "pip.conf"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text("".join(["[global]\n", *(f"{key} = {text}\n" for key, text in settings.items())]), "utf-8")
        program = "from ansible_test._internal import python_requirements; print(python_requirements.__file__)"
        source = Path(str(self.session.run("python", "-c", program, silent=True)).strip())
        cache = self.home / ".ansible" / "test" / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        pip = str(Path(sysconfig.get_path("purelib"), "pip"))
        script = f"import pathlib, site\n\npathlib.Path(site.getsitepackages()[0], 'pip').symlink_to({pip!r})\n"
        for version in set(re.findall(r"""\bpip['"]?[=:] ?['"]([\d.]+)""", source.read_text("utf-8"))):
            (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(script, "utf-8")


def requirements(*names: str) -> list[str]:
    """Return the arguments that name these sets to pip and uv."""
    files = (REQUIREMENTS / f"{'core-' if name in CORES else ''}{name}.txt" for name in names)
    return [argument for file in files for argument in ("--requirement", str(file))]
