# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show that the collection works in an execution environment, and which data jobs leave there.

``python -m tests.execution_environment``, from the session execution_environment of noxfile.py.
"""

from __future__ import annotations

import argparse
import functools
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import yaml

from tests.execution_environment import bare_modules
from tests.execution_environment.guide import block
from tests.execution_environment.image import build, constraints
from tests.execution_environment.jobs import Job, Runner
from tests.execution_environment.search import files_below, places
from tests.simulator import DcvTargets, Simulator
from tests.support.environments import install
from tests.support.pki import new_csr
from tests.support.web import web_server

API_KEY, AUTH_KEY, PRIVATE_KEY = "API key", "AuthKey", "private key"
# The injected variable, in the one artifact that ansible-runner notes every variable in.
NOTED = {(API_KEY, "command")}


def main() -> None:
    """Check the modules on each Python, then the jobs; raises AssertionError."""
    parser = argparse.ArgumentParser(prog="python -m tests.execution_environment", description=__doc__)
    parser.add_argument("--others", type=Path, required=True, help="path with the collections that ours depends on")
    parser.add_argument("--newest", required=True, help="ansible-core of the jobs and its Python, such as 2.21,3.14")
    parser.add_argument("--oldest", required=True, help="ansible-core whose module_utils bare modules import")
    parser.add_argument("python", nargs="*", help="Pythons to run bare modules on, such as 3.8")
    options = parser.parse_args()
    core, core_python = options.newest.split(",")
    with tempfile.TemporaryDirectory(prefix="digicert-ee-") as name:
        folder = Path(name)
        (folder / "image").mkdir()
        image = build(folder / "image", options.others)
        utils = folder / "module_utils"  # what modules import from ansible-core needs no other package
        pins = constraints(f"core-{options.oldest}")
        install(Path(sys.executable), "--no-deps", "--target", str(utils), "ansible-core", *pins)
        for python in options.python:
            interpreter = image.environment(folder / python, python)
            check_host(bare_modules.Host(interpreter, (image.collections, utils)), folder)
        jobs = image.environment(folder / "jobs", core_python, f"core-{core}", "ee", ansible=True).parents[1]
        cases = (functools.partial(check_case, case) for case in CASES)
        checks: list[Callable[[Runner, Simulator], None]] = [check_demo, *cases]
        for number, check in enumerate(checks):
            with Simulator() as simulator:
                runner = Runner(jobs, image.collections, folder / str(number), injected(simulator))
                check(runner, simulator)


def injected(simulator: Simulator) -> dict[str, str]:
    """Return the environment that the guide's credential type makes of a credential, rendered as AWX does."""
    inputs = {"api_key": simulator.keys["full"], "api_url": simulator.url}
    injectors: dict[str, dict[str, str]] = yaml.safe_load(block("DIGICERT_API_KEY:"))
    return {name: jinja2.Template(text).render(inputs) for name, text in injectors["env"].items()}


def check_host(host: bare_modules.Host, folder: Path) -> None:
    """Run the modules on a Python with the collection's requirements."""
    with Simulator() as simulator:
        simulator.seed_auth_key()
        seen = bare_modules.check(simulator, new_csr("www.example.com"), host, folder)
        print(f"{host.run('--version').strip()}:", "; ".join(seen), flush=True)


def secrets_of(simulator: Simulator) -> dict[str, str]:
    """Return every secret so far by name; names of one kind have the same first words."""
    keys = [key.auth_key for key in simulator.created_auth_keys()]
    assert keys, "the job created no AuthKey, so that there is nothing to look for"
    return {API_KEY: simulator.keys["full"], **{f"{AUTH_KEY} {n}": key for n, key in enumerate(keys, 1)}}


def kinds(found: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return where secrets were found with the kind of secret instead of its name."""
    return {(name.rstrip(" 0123456789"), where) for name, where in found}


def check_demo(runner: Runner, simulator: Simulator) -> None:
    """Run the demo at high verbosity: with no_log where a result holds a secret, no secret is left anywhere."""
    site, facts = runner.directory / "site", runner.directory / "simulator.json"
    (site / "web").mkdir(parents=True)
    facts.write_text(jinja2.Template("{{ facts | tojson }}").render(facts=simulator.facts), encoding="utf-8")
    with web_server(site / "web") as web:
        address = f"127.0.0.1:{web.server_port}"
        simulator.set_dcv_targets(DcvTargets(http=address))
        variables = {"demo_directory": str(site), "demo_simulator_file": str(facts), "demo_web_address": address}
        job = runner.run("demo", "community.digicert.demo", variables, "-vvv")
    assert job.rc == 0, job.output.decode(errors="replace")
    [key_file] = (site / "certificates").glob("*.key")
    private_key = key_file.read_text(encoding="ascii").splitlines()[3]
    found = check_left(simulator, job, {PRIVATE_KEY: private_key})
    assert found == NOTED, f"the demo left secrets: {sorted(found - NOTED)}"
    installed = places(secrets_of(simulator), files_below(site))
    assert not installed, f"files of the certificate hold secrets: {sorted(installed)}"
    mode = (job.artifacts / "command").stat().st_mode & 0o777
    assert mode == 0o600, f"others may read the API key in the artifact command: {mode:o}"
    report("demo at -vvv", job, found)


def check_left(simulator: Simulator, job: Job, more: dict[str, str]) -> set[tuple[str, str]]:
    """Search all that a job left for secrets; returns which kind was found where."""
    secrets = {**secrets_of(simulator), **more}
    texts = job.texts()
    # The search must find public values, or it searched something else.
    public = {f"id {n}": key.auth_key_id for n, key in enumerate(simulator.created_auth_keys(), 1)}
    assert {where for _name, where in places(public, texts.items())} >= {"output", "stdout", "job_events"}
    assert job.environment["DIGICERT_API_KEY"] == simulator.keys["full"]
    noted = str({name: text for name, text in job.environment.items() if name != "DIGICERT_API_KEY"}).encode()
    assert not places(secrets, [("command", noted)]), "another variable of the environment holds a secret"
    return kinds(places(secrets, texts.items()))


class Case(NamedTuple):
    """A job that gets the AuthKey: keywords of the task, options of ansible-runner, what is found where then."""

    title: str
    keywords: dict[str, Any]
    options: tuple[str, ...]
    left: dict[str, tuple[str, ...]]
    tasks: tuple[dict[str, Any], ...] = ()


PASS_ON = {"ansible.builtin.set_stats": {"data": {"auth_key": "{{ got.auth_key }}"}}, "no_log": True}
# The same value that is there already: as a keyword of the task, Ansible writes it into its command lines.
AGAIN = {"DIGICERT_API_KEY": "{{ lookup('ansible.builtin.env', 'DIGICERT_API_KEY') }}"}
PRINTED = ("output", "stdout", "job_events")
CASES = (
    Case("no no_log, verbosity 0", {}, (), {AUTH_KEY: ("job_events", "fact_cache")}),
    Case("no_log, -vvv", {"no_log": True}, ("-vvv",), {AUTH_KEY: ("fact_cache",)}),
    Case("no_log, set_stats", {"no_log": True}, (), {AUTH_KEY: ("fact_cache", "job_events")}, (PASS_ON,)),
    Case(
        "no_log, environment, -vvv",
        {"no_log": True, "environment": AGAIN},
        ("-vvv",),
        {AUTH_KEY: ("fact_cache",), API_KEY: PRINTED},
    ),
)


def check_case(case: Case, runner: Runner, simulator: Simulator) -> None:
    """Run a job that gets the AuthKey as a fact, and find it where the guide says, and nowhere else."""
    module = {"community.digicert.digicert_auth_key": {"ca_path": str(simulator.ca_file)}, "register": "got"}
    show = {"ansible.builtin.debug": {"msg": "Id {{ ansible_facts.digicert_auth_key.auth_key_id }}"}}
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [{**module, **case.keywords}, *case.tasks, show]}
    job = runner.run("job", [play], {}, *case.options)
    assert job.rc == 0, job.output.decode(errors="replace")
    found = check_left(simulator, job, {})
    wanted = NOTED | {(kind, where) for kind, folders in case.left.items() for where in folders}
    assert found == wanted, f"{case.title}: secrets are at {sorted(found)}, and not at {sorted(wanted)}"
    report(case.title, job, found)


def report(title: str, job: Job, found: set[tuple[str, str]]) -> None:
    """Print what was searched and what was found."""
    texts = job.texts()
    size = sum(len(text) for text in texts.values())
    print(f"{title}: {job.events} events, {size} bytes searched;", end=" ")
    print("found", ", ".join(f"{kind} in {where}" for kind, where in sorted(found)), flush=True)


if __name__ == "__main__":
    main()
