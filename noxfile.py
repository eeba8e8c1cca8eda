# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every check of the collection, one session each. `make help` lists the usual commands, `nox -l` all sessions.

A session works on a copy of the checkout at .nox/work/<session>/ansible_collections/community/digicert, because
Ansible's tools need that path, and with its own home directory beside it. It does not write to the checkout or your
home.
"""

from __future__ import annotations

import json
import os
import shutil

import nox

from sessions.pins import audit_pins
from sessions.release import build_and_check, check_ready
from sessions.work import (
    COLLECTION,
    CORE_PYTHONS,
    CORES,
    COVERAGE,
    KNOWN_PYTHONS,
    NEWEST_CORE,
    NEWEST_PYTHON,
    OLDEST_CORE,
    OLDEST_TARGET,
    PYTHONS,
    ROOT,
    Work,
    requirements,
)

JOBS, CAMPAIGN_JOBS, UNIT_JOBS = "3", "4", "4"  # test processes, which wait a third, half, and most of the time
CAMPAIGN_STRIDE = "31"  # one of this number of cells; coprime to the faults, so that each call gets different ones
UTILS = "tests/unit/plugins/module_utils"
UNTYPED = ("unit", "vectors")  # folders of tests/ that mypy does not read
BY_CORE = ("ansible-doc", "import", "runtime-metadata", "validate-modules")  # sanity tests
CORE_PYTHON = CORE_PYTHONS[NEWEST_CORE]
# antsibull-docs works in a folder with a random name, which gets into the text that it checks. An underscore at the end
# of a word in that name would become a broken reference.
ANTSIBULL = """\
import sys, tempfile
tempfile._RandomNameSequence.characters = "abcdefghijklmnopqrstuvwxyz0123456789"
from antsibull_docs.cli.antsibull_docs import main
sys.exit(main())
"""

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = os.environ.get("CI") == "true"


@nox.session(allow_parallel=True)
@nox.parametrize(
    ["python", "core"], [nox.param(CORE_PYTHONS[core], core, id=core) for core in (NEWEST_CORE, OLDEST_CORE)]
)
def integration(session: nox.Session, core: str) -> None:
    """Run playbooks against the simulator: every test with the newest ansible-core, smoke tests with the oldest."""
    work = Work(session, "tests", core)
    if core == NEWEST_CORE:
        work.add_collections(core, "amazon.aws", "azure.azcollection", "community.dns")
        # In folders of their own: they must not decide about the versions of anything else.
        for variable, name in (("FOREIGN_CLIENT", "foreign"), ("PROVIDERS", "providers")):
            work.env[variable] = str(work.root / name)
            session.install("--require-hashes", "--target", work.env[variable], *requirements(name))
        work.pytest("--numprocesses", JOBS, "tests/integration", measure=True)
    else:  # on what a managed host has: the oldest Python, with nothing but what the modules need
        work.add_collections(core)
        target = work.root / "target"
        work.run("python", "-m", "tests.support.environments", target, OLDEST_TARGET, "target")
        work.env["TARGET_PYTHON"] = str(target / "bin" / "python")
        work.pytest("--numprocesses", JOBS, "-m", "smoke", "tests/integration")


@nox.session(python=NEWEST_PYTHON, allow_parallel=True)
def lint(session: nox.Session) -> None:
    """Check style, types, licences, the changelog, and which package imports which."""
    work = Work(session, "tools", NEWEST_CORE)
    mypy = ("mypy", "--config-file", str(work.collection / "mypy.ini"), "--cache-dir", str(work.root / "mypy"))
    rooms = sorted(path.parent.name for path in work.collection.glob("tests/*/*.py"))
    work.run_all(
        ("ruff", "check", "--no-cache", "."),
        ("ruff", "format", "--no-cache", "--diff", "."),
        ("git", "diff", "--cached", "--check"),  # spaces at line ends, conflict markers
        ("yamllint", "--strict", "."),
        ("reuse", "lint", "--lines"),
        ("python", "-m", "tests.support.rooms"),
        ("vulture", "--config", "vulture.toml"),
        ("antsibull-changelog", "lint"),
        (*mypy, "noxfile.py", "sessions", *(f"tests/{room}" for room in dict.fromkeys(rooms) if room not in UNTYPED)),
        (*mypy, "--package", f"ansible_collections.{COLLECTION}.plugins"),
    )


@nox.session(python=[OLDEST_TARGET, NEWEST_PYTHON], allow_parallel=True)
def unit(session: nox.Session) -> None:
    """Run the unit tests; on the oldest Python, those for managed hosts, with the oldest libraries."""
    if session.python == NEWEST_PYTHON:
        work = Work(session, "tests", NEWEST_CORE)
        work.pytest("--numprocesses", UNIT_JOBS, "tests/unit", measure=not session.posargs)
    else:
        work = Work(session, "tests")
        session.install("--require-hashes", *requirements("oldest"))
        work.pytest("--numprocesses", UNIT_JOBS, UTILS)


@nox.session(python=CORE_PYTHON, allow_parallel=True)
def campaign(session: nox.Session) -> None:
    """Let calls of the modules meet faults; with CAMPAIGN=deep, every call meets every fault, and much fuzzing."""
    work = Work(session, "tests", NEWEST_CORE)
    # Full and read-only disks are mounts, which any user may make in a namespace of its own.
    namespace = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--mount", "--map-root-user")
    deep = os.environ.get("CAMPAIGN") == "deep"
    arguments = ["--numprocesses", CAMPAIGN_JOBS, "tests/campaign"]
    work.env["CAMPAIGN_STRIDE"] = "1" if deep else CAMPAIGN_STRIDE
    if deep:
        work.env["HYPOTHESIS_PROFILE"] = "deep"
        arguments.append("tests/unit/plugins/module_utils/_certcentral/test_any_response.py")
    work.pytest(*arguments, under=namespace)  # measuring it would double its time, and add 0.5 % to what others measure
    if deep:
        work.run("python", "-m", "tests.histories", "--steps", "100000")


@nox.session(python=CORE_PYTHON, allow_parallel=True)
def histories(session: nox.Session) -> None:
    """Let hosts, clocks and the service live through random years, and compare what they did with a model."""
    Work(session, "tests", NEWEST_CORE).pytest("tests/histories", measure=True)


@nox.session(python=CORE_PYTHON, default=False)
def coverage(session: nox.Session) -> None:
    """Print the coverage of plugins/ that the sessions before it measured, and fail when it is too low."""
    session.install("--require-hashes", *requirements("tests"))
    data = {"COVERAGE_FILE": str(COVERAGE / "all")}
    session.run("coverage", "combine", "--keep", "--quiet", *map(str, COVERAGE.glob("*.*")), env=data)
    session.run("coverage", "report", *session.posargs, env=data)


@nox.session(allow_parallel=True)
@nox.parametrize(["python", "core"], [nox.param(CORE_PYTHONS[core], core, id=core) for core in reversed(CORES)])
def sanity(session: nox.Session, core: str) -> None:
    """Run all of ansible-test's sanity tests with the newest core, and with each older one what depends on the core.

    The others judge the same files by the same rules. Between oldest and newest core, one Python imports the plugins.
    """
    work = Work(session, core)
    work.prepare_ansible_test()
    chosen = [] if core == NEWEST_CORE else [f"--test={test}" for test in BY_CORE]
    chosen += [] if core in (OLDEST_CORE, NEWEST_CORE) else ["--python", str(session.python)]
    work.run("ansible-test", "sanity", "--venv", "--color", "no", *(session.posargs or chosen))


@nox.session(python=CORE_PYTHON, allow_parallel=True)
def ansible_test(session: nox.Session) -> None:
    """Run unit tests and the smoke target as those who know other collections do: ansible-test units, integration."""
    work = Work(session, NEWEST_CORE)
    work.prepare_ansible_test()
    options = ("--venv", "--color", "no", "--python", CORE_PYTHON)
    work.run("ansible-test", "units", *options, *(session.posargs or ["tests/unit/plugins/filter/"]))
    work.run("ansible-test", "integration", *options)


@nox.session(python=NEWEST_PYTHON, allow_parallel=True)
def docs(session: nox.Session) -> None:
    """Check the documentation of plugins, roles and guides, and every reference in it; build it as web pages."""
    work = Work(session, "tools", NEWEST_CORE)
    work.add_collections()
    strict = ("--validate-collection-refs=all", "--disallow-unknown-collection-refs", "--check-extra-docs-refs")
    work.run("python", "-c", ANTSIBULL, "lint-collection-docs", "--plugin-docs", *strict, ".")
    source, site = work.root / "site", ROOT / "build" / "docs"
    for folder in (source, site):
        shutil.rmtree(folder, ignore_errors=True)
    source.mkdir()
    pages = ("antsibull-docs", "collection", "--use-current", "--squash-hierarchy", "--fail-on-error")
    work.run(*pages, "--dest-dir", str(source), COLLECTION)
    # It lists what plugins read from the environment by themselves. Modules read it through their options.
    (source / "environment_variables.rst").unlink()
    shutil.copytree(work.collection / "docs" / "docsite" / "rst" / "images", source / "docsite" / "images")
    shutil.copy(ROOT / "sessions" / "docs_site" / "index.rst", source)
    options = ("--fail-on-warning", "--keep-going", "--nitpicky", "--quiet", "--fresh-env", "--conf-dir")
    doctrees = ("--doctree-dir", str(work.root / "doctrees"))
    work.run("sphinx-build", *options, str(ROOT / "sessions" / "docs_site"), *doctrees, str(source), str(site))


@nox.session(python=NEWEST_PYTHON, allow_parallel=True)
def ansible_lint(session: nox.Session) -> None:
    """Run ansible-lint with its strictest profile."""
    work = Work(session, "tools", NEWEST_CORE)
    work.add_collections()
    work.run("ansible-lint", "--offline", "--strict", "--profile", "production")


@nox.session(python=CORE_PYTHON, allow_parallel=True)
def galaxy(session: nox.Session) -> None:
    """Build the collection as users get it, let Galaxy's importer judge it, install it and read its documentation."""
    build_and_check(Work(session, "galaxy", NEWEST_CORE))


@nox.session(python=CORE_PYTHON, default=False)
def release(session: nox.Session) -> None:
    """Make and check the tarball of this commit in build/; docs/releasing.md has the steps that publish it."""
    work = Work(session, "galaxy", NEWEST_CORE)
    check_ready(work)
    ROOT.joinpath("build").mkdir(exist_ok=True)
    shutil.copy2(build_and_check(work), ROOT / "build")
    session.log("Nothing is published: docs/releasing.md says what is left to do by hand.")


@nox.session(python=NEWEST_PYTHON, default=False)
def changelog(session: nox.Session) -> None:
    """Turn the fragments into the changelog of the version in galaxy.yml."""
    Work(session, "tools", NEWEST_CORE)
    session.chdir(ROOT)
    session.run("antsibull-changelog", "release", *session.posargs)


@nox.session(python=NEWEST_PYTHON, default=False)
def audit(session: nox.Session) -> None:
    """Ask PyPI for known vulnerabilities in all that is pinned in requirements/."""
    session.install("--require-hashes", *requirements("audit"))
    audit_pins(session)


@nox.session(python=NEWEST_PYTHON, default=False)
def compatibility(session: nox.Session) -> None:
    """Run a playbook with every ansible-core, controller Python and target Python; renew the tables below docs/."""
    work = Work(session, "tests", NEWEST_CORE)
    plan = [str(work.root), {core: pythons for core, (_ansible, pythons) in CORES.items()}]
    try:
        work.run("python", "-m", "tests.compatibility", json.dumps(plan))
    finally:  # what failed is shown as well
        for name in ("quality.md", "compatibility.json"):
            shutil.copy2(work.collection / "docs" / name, ROOT / "docs" / name)


def add_program(name: str, what: str, *command: str, packages: str = "tests", default: bool = False) -> None:
    """Make a session of a program of tests/, with all that it may import and Ansible itself."""

    def session(session: nox.Session) -> None:
        work = Work(session, *packages.split(), NEWEST_CORE)
        work.add_collections()
        work.run("python", "-m", *command, *session.posargs)

    session.__doc__ = what
    nox.session(name=name, python=CORE_PYTHON, default=default, allow_parallel=True)(session)


IMAGES = ROOT / "docs" / "images"
EE = ["--newest", f"{NEWEST_CORE},{CORE_PYTHON}", "--oldest", OLDEST_CORE, "--others", "../../../others", *PYTHONS]
add_program("demo", "Run the narrated playbook against the simulator.", "tests.demo", default=True)
add_program(
    "execution_environment",
    "Build an execution environment as far as goes without a container, and run jobs in it with ansible-runner.",
    *("tests.execution_environment", *EE),
    packages="tests ee",
    default=True,
)
add_program("recording", "Draw the demo for README.md.", "tests.demo.record", f"{IMAGES}/demo.svg", packages="tools")
add_program("bench", "Measure the modules side by side with Ansible's own.", "tests.benchmark")
add_program("load", "Run up to a thousand hosts.", "tests.load", "--output", str(IMAGES), packages="load")
GUIDE = ["--output", f"{ROOT}/docs/docsite/rst/images"]
add_program("years", "Run the role daily for two simulated years.", "tests.years", *GUIDE, packages="load")
add_program("report", "Take the picture of the report for README.md.", "tests.report", "--output", str(IMAGES))
add_program("simulator", "Start the simulator and leave it running until interrupted.", "tests.simulator")

if __name__ == "__main__":
    print("Python interpreters:", ", ".join(PYTHONS), "- not found:", *set(KNOWN_PYTHONS) - set(PYTHONS), flush=True)
    nox.main()
