# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check of the collection, one session each. `make help` lists the usual ways in, `nox -l` all sessions.

A session works on a copy of the checkout at .nox/work/<session>/ansible_collections/community/digicert, since Ansible's
tools want that path, and with a home directory of its own beside it: neither the checkout nor your home is written to.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import NamedTuple

import nox

ROOT = Path(__file__).resolve().parent
WORK = ROOT / ".nox" / "work"
REPORT = ROOT / ".nox" / "report.json"
COLLECTION = "community.digicert"
REQUIREMENTS = ROOT / "requirements"

OLDEST_TARGET = "3.8"
INTEGRATION_JOBS = "2"
SMOKE = "smoke: an integration test that runs with the oldest ansible-core and target Python too"
# What a release may hold at its top, and where the documented parts are.
SHIPPED = {"CHANGELOG.md", "CHANGELOG.rst", "COPYING", "FILES.json", "LICENSES", "MANIFEST.json", "README.md"}
SHIPPED |= {"REUSE.toml", "changelogs", "docs", "meta", "playbooks", "plugins", "roles", "tests"}
DOCUMENTED = {
    "module": "plugins/modules/*.py",
    "filter": "plugins/filter/*.py",
    "test": "plugins/test/*.py",
    "role": "roles/*",
}

KNOWN_PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")


class Core(NamedTuple):
    """A supported ansible-core, the release of the ansible package that brings other collections fit for it, and the
    controller Pythons to run it on, the wanted one first."""

    release: str
    others: str
    pythons: tuple[str, ...]


CORES = {
    "2.17": Core("2.17.14", "10.7.0", ("3.10", "3.11", "3.12")),
    "2.18": Core("2.18.19", "11.13.0", ("3.11", "3.12", "3.13")),
    "2.19": Core("2.19.14", "12.3.0", ("3.12", "3.11", "3.13")),
    "2.20": Core("2.20.10", "13.8.0", ("3.12", "3.13", "3.14")),
    "2.21": Core("2.21.5", "14.5.0", ("3.14", "3.13", "3.12")),
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

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = os.environ.get("CI") == "true"


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


def install(session: nox.Session, requirements: str, core: str) -> None:
    """Install a pinned set of packages and an ansible-core."""
    session.install("--requirement", str(REQUIREMENTS / f"{requirements}.txt"), f"ansible-core=={CORES[core].release}")


def add_collections(session: nox.Session, work: Workplace, core: str) -> None:
    """Put the collections that the role uses beside ours: only those, or some tools look at a hundred for minutes."""
    source = work.root / "others"
    shutil.rmtree(source, ignore_errors=True)
    session.install("--no-deps", "--target", str(source), f"ansible=={CORES[core].others}")
    for name in ("crypto", "general"):
        (work.collection.parent / name).symlink_to(source / "ansible_collections" / "community" / name)


@nox.session(python=NEWEST_PYTHON, allow_parallel=True)
def lint(session: nox.Session) -> None:
    """Check style, types, licences and the changelog."""
    install(session, "tools", NEWEST_CORE)
    work = workplace(session)
    mypy = ("mypy", "--config-file", str(work.collection / "mypy.ini"), "--cache-dir", str(work.root / "mypy"))
    run_all(
        session,
        work,
        ("ruff", "check", "--no-cache", "."),
        ("ruff", "format", "--no-cache", "--diff", "."),
        ("git", "diff", "--cached", "--check"),  # blanks at line ends, conflict markers
        ("yamllint", "--strict", "."),
        ("reuse", "lint", "--lines"),
        ("antsibull-changelog", "lint"),
        (*mypy, "noxfile.py", "tests/benchmark", "tests/demo", "tests/integration", "tests/simulator"),
        (*mypy, "--package", f"ansible_collections.{COLLECTION}.plugins"),
    )


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


@nox.session(python=[OLDEST_TARGET, NEWEST_PYTHON])
def unit(session: nox.Session) -> None:
    """Run the unit tests: what runs on managed hosts on the oldest Python too, where there is no ansible-core."""
    if session.python == OLDEST_TARGET:
        constraints = ("--constraint", str(REQUIREMENTS / "tests.txt"))
        session.install(*constraints, "cryptography", "hypothesis", "pytest", "requests")
        tests = "tests/unit/plugins/module_utils"
    else:
        install(session, "tests", NEWEST_CORE)
        tests = "tests/unit"
    pytest(session, workplace(session), tests)


def pytest(session: nox.Session, work: Workplace, *arguments: str) -> None:
    """Run pytest; a run that collects no test fails."""
    options = ("-p", "no:cacheprovider", "--strict-markers", f"--override-ini=markers={SMOKE}")
    session.run("python", "-m", "pytest", *options, *(session.posargs or arguments), env=work.env)


@nox.session
@nox.parametrize(
    ["python", "core"], [nox.param(CORE_PYTHONS[core], core, id=core) for core in (NEWEST_CORE, OLDEST_CORE)]
)
def integration(session: nox.Session, core: str) -> None:
    """Run playbooks against the simulator: every test with the newest ansible-core, smoke tests with the oldest."""
    install(session, "tests", core)
    work = workplace(session)
    add_collections(session, work, core)
    if core == NEWEST_CORE:
        selection: tuple[str, ...] = ()
    else:
        selection = ("-m", "smoke")
        work.env["TARGET_PYTHON"] = str(oldest_target(session, work))
    pytest(session, work, "--numprocesses", INTEGRATION_JOBS, *selection, "tests/integration")


def oldest_target(session: nox.Session, work: Workplace) -> Path:
    """Make what a managed host has: the oldest Python that we support, with nothing but what the modules need."""
    if OLDEST_TARGET not in PYTHONS:
        session.error(f"Python {OLDEST_TARGET} is needed, to stand for a managed host")
    python = work.root / "target" / "bin" / "python"
    uv = (sys.executable, "-m", "uv")
    session.run_install(
        *uv, "venv", "--clear", "--python", str(PYTHONS[OLDEST_TARGET]), str(python.parents[1]), external=True
    )
    needed = ("--requirement", "meta/ee-requirements.txt", "--constraint", str(REQUIREMENTS / "tests.txt"))
    session.run_install(*uv, "pip", "install", "--python", str(python), *needed, external=True)
    return python


@nox.session(allow_parallel=True)
@nox.parametrize(["python", "core"], [nox.param(python, core, id=core) for core, python in CORE_PYTHONS.items()])
def sanity(session: nox.Session, core: str) -> None:
    """Run all of ansible-test's sanity tests."""
    session.install(f"ansible-core=={CORES[core].release}")
    work = workplace(session)
    prepare_pip(session, work.root / "home")
    session.run("ansible-test", "sanity", "--venv", "--color", "no", *session.posargs, env=work.env)


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


@nox.session(python=NEWEST_PYTHON, allow_parallel=True)
def docs(session: nox.Session) -> None:
    """Check the documentation of plugins, roles and guides, and every reference in it."""
    install(session, "tools", NEWEST_CORE)
    work = workplace(session)
    add_collections(session, work, NEWEST_CORE)
    strict = ("--validate-collection-refs=all", "--disallow-unknown-collection-refs", "--check-extra-docs-refs")
    session.run("antsibull-docs", "lint-collection-docs", "--plugin-docs", *strict, ".", env=work.env)


@nox.session(python=NEWEST_PYTHON, default=False)
def docs_site(session: nox.Session) -> None:
    """Build the documentation as web pages, into build/docs."""
    install(session, "tools", NEWEST_CORE)
    work = workplace(session)
    add_collections(session, work, NEWEST_CORE)
    site = work.root / "site"
    shutil.rmtree(site, ignore_errors=True)
    site.mkdir()
    sphinx_init = ("antsibull-docs", "sphinx-init", "--use-current", "--squash-hierarchy", "--fail-on-error")
    session.run(*sphinx_init, "--sphinx-theme", "alabaster", "--dest-dir", str(site), COLLECTION, env=work.env)
    pages = ("antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error")
    session.run(*pages, "--dest-dir", str(site / "rst"), COLLECTION, env=work.env)
    output = ROOT / "build" / "docs"
    session.run("sphinx-build", "-c", str(site), "-b", "html", str(site / "rst"), str(output), env=work.env)
    session.log(f"Open {output / 'index.html'}")


@nox.session(python=NEWEST_PYTHON, allow_parallel=True)
def ansible_lint(session: nox.Session) -> None:
    """Run ansible-lint with its strictest profile."""
    install(session, "tools", NEWEST_CORE)
    work = workplace(session)
    add_collections(session, work, NEWEST_CORE)
    session.run("ansible-lint", "--offline", "--strict", "--profile", "production", env=work.env)


@nox.session(python=CORE_PYTHONS[NEWEST_CORE], allow_parallel=True)
def galaxy(session: nox.Session) -> None:
    """Build the collection as users get it, let Galaxy's importer judge it, install it and read its documentation."""
    install(session, "galaxy", NEWEST_CORE)
    work = workplace(session)
    add_collections(session, work, NEWEST_CORE)
    output = work.root / "release"
    shutil.rmtree(output, ignore_errors=True)
    session.run("ansible-galaxy", "collection", "build", "--output-path", str(output), env=work.env)
    (tarball,) = output.iterdir()
    check_shipped(session, tarball)
    import_like_galaxy(session, work, tarball)
    fresh_home = work.root / "fresh"
    shutil.rmtree(fresh_home, ignore_errors=True)
    fresh_home.mkdir()
    session.chdir(fresh_home)
    env = {"HOME": str(fresh_home), "PYTHONPATH": "", "ANSIBLE_COLLECTIONS_PATH": str(fresh_home / ".ansible")}
    # The collections that the role needs come from Galaxy, and are not what is tested here.
    session.run("ansible-galaxy", "collection", "install", "--offline", "--no-deps", str(tarball), env=env)
    check_plugin_docs(session, work.collection, env)


def check_shipped(session: nox.Session, tarball: Path) -> None:
    """Refuse a tarball with anything at its top that a user of the collection has no use for."""
    with tarfile.open(tarball) as archive:
        shipped = {name.split("/")[0] for name in archive.getnames()}
    if shipped - SHIPPED:
        session.error(f"build_ignore these in galaxy.yml, or allow them here: {', '.join(sorted(shipped - SHIPPED))}")


def import_like_galaxy(session: nox.Session, work: Workplace, tarball: Path) -> None:
    """Run the importer that Galaxy runs on an upload; it reports most faults as warnings only."""
    session.chdir(work.root)
    output = session.run("python", "-m", "galaxy_importer.main", str(tarball), silent=True, env=work.env)
    session.log(output)
    if re.search(r"^(WARNING|ERROR)", output or "", re.MULTILINE):
        session.error("galaxy-importer warns, see above")


def check_plugin_docs(session: nox.Session, collection: Path, env: dict[str, str]) -> None:
    """Let the installed collection show the documentation of every plugin and role that the checkout has."""
    for kind, pattern in DOCUMENTED.items():
        paths = [path for path in sorted(collection.glob(pattern)) if not path.name.startswith("_")]
        names = [f"{COLLECTION}.{path.stem}" for path in paths]
        if names:
            output = session.run("ansible-doc", "--type", kind, *names, silent=True, stderr=subprocess.DEVNULL, env=env)
            missing = [name for name in names if name not in str(output)]
            if missing:
                session.error(f"ansible-doc does not show {kind} {', '.join(missing)}:\n{output}")
            session.log(f"ansible-doc shows {kind} {', '.join(names)}")


@nox.session(python=CORE_PYTHONS[NEWEST_CORE])
def demo(session: nox.Session) -> None:
    """Run the narrated playbook against the simulator."""
    run_from_collection(session, "tests.demo")


@nox.session(python=CORE_PYTHONS[NEWEST_CORE], default=False)
def bench(session: nox.Session) -> None:
    """Measure the modules side by side with Ansible's own."""
    run_from_collection(session, "tests.benchmark")


@nox.session(python=CORE_PYTHONS[NEWEST_CORE], default=False)
def simulator(session: nox.Session) -> None:
    """Start the simulator and leave it running until interrupted."""
    run_from_collection(session, "tests.simulator")


def run_from_collection(session: nox.Session, module: str) -> None:
    """Run one of the programs of tests/, with all that it may import and Ansible itself."""
    install(session, "tests", NEWEST_CORE)
    work = workplace(session)
    add_collections(session, work, NEWEST_CORE)
    session.run("python", "-m", module, *session.posargs, env=work.env)


def main() -> None:
    """Run nox, then say in one line what passed, for people and programs that read only the end."""
    missing = [version for version in KNOWN_PYTHONS if version not in PYTHONS]
    print("Python interpreters:", ", ".join(f"{version} ({path})" for version, path in PYTHONS.items()))
    print("Not found:", ", ".join(missing) or "none", flush=True)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.unlink(missing_ok=True)
    sys.argv[1:1] = ["--report", str(REPORT)]
    try:
        nox.main()
    finally:
        if REPORT.exists():
            results = [session["result"] for session in json.loads(REPORT.read_text("utf-8"))["sessions"]]
            passed, skipped = results.count("success"), results.count("skipped")
            print(f"sessions: {passed} passed, {len(results) - passed - skipped} failed, {skipped} skipped", flush=True)


if __name__ == "__main__":
    main()
