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
import shutil
import sys

import nox

from sessions.audit import audit_pins
from sessions.compatibility import make_plan
from sessions.docs import build_site, check_sources
from sessions.execution_environment import build, environment, module_utils
from sessions.interpreters import (
    CORE_PYTHONS,
    KNOWN_PYTHONS,
    NEWEST_CORE,
    NEWEST_PYTHON,
    OLDEST_CORE,
    OLDEST_TARGET,
    PYTHONS,
)
from sessions.release import build_and_check, check_ready, tell_what_is_left, write_changelog
from sessions.workplace import (
    COLLECTION,
    ROOT,
    add_collections,
    install,
    oldest_target,
    prepare_pip,
    pytest,
    requirements,
    run_all,
    run_from_collection,
    workplace,
)

REPORT = ROOT / ".nox" / "report.json"
JOBS = "2"  # test processes at a time
CAMPAIGN_JOBS = "4"  # likewise; half of their time is waiting
CAMPAIGN_STRIDE = "11"  # of so many cells, one; coprime to the faults, so that each call meets others
TYPED_TESTS: tuple[str, ...] = ("benchmark", "campaign", "compatibility", "demo", "execution_environment")
TYPED_TESTS += ("integration", "load", "simulator", "support")

nox.needs_version = ">=2026.10"
nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"
nox.options.error_on_missing_interpreters = os.environ.get("CI") == "true"


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
        ("python", "-m", "sessions.sizes"),
        ("vulture", "--config", "vulture.toml"),
        ("antsibull-changelog", "lint"),
        (*mypy, "noxfile.py", "sessions", *(f"tests/{name}" for name in TYPED_TESTS)),
        (*mypy, "--package", f"ansible_collections.{COLLECTION}.plugins"),
    )


@nox.session(python=[OLDEST_TARGET, NEWEST_PYTHON])
def unit(session: nox.Session) -> None:
    """Run the unit tests: what runs on managed hosts on the oldest Python too, where there is no ansible-core.

    There it runs with the newest libraries for that Python, and then with the oldest that the collection supports.
    """
    if session.python == OLDEST_TARGET:
        work = workplace(session)
        for libraries in ("tests", "oldest"):
            install(session, libraries)
            pytest(session, work, "--numprocesses", JOBS, "tests/unit/plugins/module_utils")
    else:
        install(session, "tests", NEWEST_CORE)
        pytest(session, workplace(session), "--numprocesses", JOBS, "tests/unit")


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
        work.env["FOREIGN_CLIENT"] = str(work.root / "foreign")
        # In a folder of its own: it must not decide about the versions of anything else.
        session.install("--require-hashes", "--target", work.env["FOREIGN_CLIENT"], *requirements("foreign"))
    else:
        selection = ("-m", "smoke")
        work.env["TARGET_PYTHON"] = str(oldest_target(session, work))
    pytest(session, work, "--numprocesses", JOBS, *selection, "tests/integration")


@nox.session(python=CORE_PYTHONS[NEWEST_CORE])
def campaign(session: nox.Session) -> None:
    """Let calls of the modules meet faults; with CAMPAIGN=deep, every call meets every fault, and much fuzzing."""
    install(session, "tests", NEWEST_CORE)
    work = workplace(session)
    # Full and read-only disks are mounts, which any user may make in a namespace of its own.
    namespace = ("unshare", "--mount") if os.geteuid() == 0 else ("unshare", "--mount", "--map-root-user")
    arguments = ["--numprocesses", CAMPAIGN_JOBS, "tests/campaign"]
    work.env["CAMPAIGN_STRIDE"] = CAMPAIGN_STRIDE
    if os.environ.get("CAMPAIGN") == "deep":
        work.env.update(CAMPAIGN_STRIDE="1", HYPOTHESIS_PROFILE="deep")
        arguments.append("tests/unit/plugins/module_utils/test_any_answer.py")
    pytest(session, work, *arguments, under=namespace)


@nox.session(allow_parallel=True)
@nox.parametrize(["python", "core"], [nox.param(python, core, id=core) for core, python in CORE_PYTHONS.items()])
def sanity(session: nox.Session, core: str) -> None:
    """Run all of ansible-test's sanity tests."""
    install(session, core)
    work = workplace(session)
    prepare_pip(session, work.root / "home")
    session.run("ansible-test", "sanity", "--venv", "--color", "no", *session.posargs, env=work.env)


@nox.session(python=NEWEST_PYTHON, allow_parallel=True)
def docs(session: nox.Session) -> None:
    """Check the documentation of plugins, roles and guides, and every reference in it; build it as web pages."""
    install(session, "tools", NEWEST_CORE)
    work = workplace(session)
    add_collections(session, work, NEWEST_CORE)
    check_sources(session, work)
    build_site(session, work)


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
    build_and_check(session)


@nox.session(python=CORE_PYTHONS[NEWEST_CORE], default=False)
def release(session: nox.Session) -> None:
    """Make the tarball of this commit, check it, and say what is left to do by hand: nothing is published."""
    version = check_ready(session)
    tarball = build_and_check(session)
    ROOT.joinpath("build").mkdir(exist_ok=True)
    shutil.copy2(tarball, ROOT / "build")
    tell_what_is_left(session, version, ROOT / "build" / tarball.name)


@nox.session(python=NEWEST_PYTHON, default=False)
def changelog(session: nox.Session) -> None:
    """Turn the fragments into the changelog of the version in galaxy.yml."""
    install(session, "tools", NEWEST_CORE)
    write_changelog(session, workplace(session))


@nox.session(python=NEWEST_PYTHON, default=False)
def audit(session: nox.Session) -> None:
    """Ask PyPI for known vulnerabilities in all that is pinned in requirements/."""
    install(session, "audit")
    audit_pins(session)


@nox.session(python=CORE_PYTHONS[NEWEST_CORE])
def demo(session: nox.Session) -> None:
    """Run the narrated playbook against the simulator."""
    run_from_collection(session, "tests.demo")


@nox.session(python=CORE_PYTHONS[NEWEST_CORE])
def execution_environment(session: nox.Session) -> None:
    """Build an execution environment as far as goes without a container, and run jobs in it with ansible-runner."""
    install(session, "tests", "ee", NEWEST_CORE)
    work = workplace(session)
    add_collections(session, work, NEWEST_CORE)
    show = "import sys; from tests.execution_environment.guide import block; sys.stdout.write(block('version: 3'))"
    image = build(session, work, str(session.run("python", "-c", show, silent=True, env=work.env)))
    hosts = [environment(session, work, image, version) / "bin" / "python" for version in PYTHONS]
    jobs = environment(session, work, image, CORE_PYTHONS[NEWEST_CORE], ansible=True)
    utils = module_utils(session, work, OLDEST_CORE)
    options = ("--environment", str(jobs), "--collections", str(image.collections), "--module-utils", str(utils))
    session.chdir(work.collection)
    session.run("python", "-m", "tests.execution_environment", *options, *map(str, hosts), env=work.env)


@nox.session(python=CORE_PYTHONS[NEWEST_CORE], default=False)
def recording(session: nox.Session) -> None:
    """Draw what the demo shows on a terminal, for README.md."""
    install(session, "tools", NEWEST_CORE)
    work = workplace(session)
    add_collections(session, work, NEWEST_CORE)
    session.run("python", "-m", "tests.demo.record", str(ROOT / "docs" / "images" / "demo.svg"), env=work.env)


@nox.session(python=CORE_PYTHONS[NEWEST_CORE], default=False)
def bench(session: nox.Session) -> None:
    """Measure the modules side by side with Ansible's own."""
    run_from_collection(session, "tests.benchmark")


@nox.session(python=NEWEST_PYTHON, default=False)
def compatibility(session: nox.Session) -> None:
    """Run a playbook with every ansible-core, controller Python and target Python; renew the table in README.md."""
    install(session, "tests", NEWEST_CORE)
    work = workplace(session)
    plan = make_plan(session, work)
    try:
        session.run("python", "-m", "tests.compatibility", str(plan), env=work.env)
    finally:  # what failed is told as well
        for name in ("README.md", "docs/compatibility.json"):
            shutil.copy2(work.collection / name, ROOT / name)


@nox.session(python=CORE_PYTHONS[NEWEST_CORE], default=False)
def load(session: nox.Session) -> None:
    """Run up to a thousand hosts under the rate limit, measure one task, and draw docs/images/load.svg."""
    run_from_collection(session, "tests.load", "--output", str(ROOT / "docs" / "images"), packages="load")


@nox.session(python=CORE_PYTHONS[NEWEST_CORE], default=False)
def simulator(session: nox.Session) -> None:
    """Start the simulator and leave it running until interrupted."""
    run_from_collection(session, "tests.simulator")


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
