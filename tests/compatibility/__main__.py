# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the compatibility matrix: ``python -m tests.compatibility`` renews its results and tables below docs/.

The session `compatibility` gives it, as JSON, a folder to work in and the Pythons of each ansible-core.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from tests.compatibility.results import LIBRARIES, PAGE, PASSED, RESULTS, CoreResults, Results, minor, with_table
from tests.simulator import DcvTargets, Simulator
from tests.support.challenges import FILE_PATH, serve_challenges
from tests.support.environments import REQUIREMENTS as PINS
from tests.support.environments import environment, install, installed_pythons
from tests.support.playbooks import Ansible, Run

HERE = Path(__file__).parent
VECTORS = HERE.parent / "vectors" / "request_tokens.tsv"
CONTROLLER = "controller"  # a host of the inventory: the controller itself
PYTHONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")  # of managed hosts, the oldest supported first
# What the results call a set of libraries: its name in requirements/.
REQUIREMENTS = {"oldest": "oldest", "newest": "target"}
LONGEST_RUN = 1200.0  # seconds
LAST_TASK = "Tell that everything works"
ASK_VERSIONS = "import importlib.metadata, json, sys; print(json.dumps([importlib.metadata.version(n) for n in {!r}]))"
ASK_PYTHONS = (
    "import ansible_test._util.target.common.constants as c, json; "
    "print(json.dumps([c.CONTROLLER_PYTHON_VERSIONS, c.REMOTE_ONLY_PYTHON_VERSIONS]))"
)


class Environment(t.NamedTuple):
    """An interpreter with libraries beside it: its Python, such as "3.8", and which libraries, oldest or newest."""

    python: str
    libraries: str
    interpreter: str

    @property
    def host(self) -> str:
        """Its name in the results."""
        return f"{self.python} {self.libraries}"


class Plan(t.NamedTuple):
    """What to run.

    Attributes:
        controllers: ansible-core -> environments that have it.
        collections: ansible-core -> search path with this collection and those that the role uses.
        targets: environments of managed hosts.
    """

    controllers: dict[str, list[Environment]]
    collections: dict[str, str]
    targets: list[Environment]


def make_plan(folder: Path, cores: dict[str, list[str]]) -> Plan:
    """Make all environments that this machine can; `cores` has the controller's Pythons of each ansible-core."""
    collections = {core: str(search_path(folder / f"collections-{core}", core)) for core in cores}
    folder = folder / "environments"
    targets = [
        Environment(python, age, str(environment(folder / f"{python}-{age}", python, name)))
        for python in installed_pythons(PYTHONS)
        for age, name in REQUIREMENTS.items()
    ]
    controllers: dict[str, list[Environment]] = {}
    for core, pythons in cores.items():
        for python in installed_pythons(tuple(pythons)):
            # The first controller of each has the oldest libraries, which lookups need there.
            age = "newest" if core in controllers else "oldest"
            interpreter = environment(folder / f"{core}-{python}", python, f"core-{core}", REQUIREMENTS[age])
            controllers.setdefault(core, []).append(Environment(python, age, str(interpreter)))
    return Plan(controllers, collections, targets)


def search_path(folder: Path, core: str) -> Path:
    """Make a tree of collections: ours, and those of the ones that go with this ansible-core that the role uses."""
    community = folder / "ansible_collections" / "community"
    shutil.rmtree(folder, ignore_errors=True)
    community.mkdir(parents=True)
    (community / "digicert").symlink_to(HERE.parents[1])
    options = ("--require-hashes", "--no-deps", "--target", str(folder / "others"))
    install(Path(sys.executable), *options, "--requirement", str(PINS / f"collections-{core}.txt"))
    for name in ("crypto", "general"):
        (community / name).symlink_to(folder / "others" / "ansible_collections" / "community" / name)
    return folder


class Folder(dict[str, t.Any]):
    """The files of a folder by what is between two parts of their path, as a web or DNS server reads them."""

    def __init__(self, folder: Path, below: str, form: t.Callable[[str], t.Any]) -> None:
        """Take files that are called <folder>/<name><below>; `form` makes of their text what the server wants."""
        super().__init__()
        self.folder, self.below, self.form = folder, below, form
        folder.mkdir()

    def get(self, name: str, default: t.Any = None) -> t.Any:
        """Return the text that is there now."""
        path = Path(f"{self.folder}/{name}{self.below}")
        return self.form(path.read_text("utf-8")) if path.is_file() else default


def main(plan: Plan) -> int:
    """Run every combination, write the results; return 1 when any failed."""
    results: Results = {"cores": {}, "libraries": libraries(plan)}
    with Simulator() as simulator:
        for core, controllers in plan.controllers.items():
            results["cores"][core] = run_core(plan, core, controllers, simulator)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", "utf-8")
    PAGE.write_text(with_table(PAGE.read_text("utf-8"), results), "utf-8")
    outcomes = [
        outcome
        for core in results["cores"].values()
        for hosts in core["controllers"].values()
        for outcome in hosts.values()
    ]
    print(f"{outcomes.count(PASSED)} of {len(outcomes)} combinations pass")
    return 0 if set(outcomes) == {PASSED} else 1


def libraries(plan: Plan) -> dict[str, dict[str, dict[str, str]]]:
    """Return which versions of the libraries the managed hosts have: oldest or newest -> Python -> library."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for target in plan.targets:
        versions = ask(target.interpreter, ASK_VERSIONS.format(LIBRARIES))
        found.setdefault(target.libraries, {})[target.python] = dict(zip(LIBRARIES, versions))
    return found


def ask(interpreter: str, program: str) -> t.Any:
    """Return the JSON that a program prints."""
    return json.loads(subprocess.run([interpreter, "-c", program], capture_output=True, check=True).stdout)


def run_core(plan: Plan, core: str, controllers: list[Environment], simulator: Simulator) -> CoreResults:
    """Run the playbook on each controller with this ansible-core, which itself says which Pythons it supports."""
    release = ask(controllers[0].interpreter, "import ansible.release as r, json; print(json.dumps(r.__version__))")
    on_controllers, only_remote = ask(controllers[0].interpreter, ASK_PYTHONS)
    oldest = minor(PYTHONS[0])
    remote = [python for python in (*only_remote, *on_controllers) if minor(python) >= oldest]
    targets = [target for target in plan.targets if target.python in remote]
    outcomes = {}
    for controller in controllers:
        assert controller.python in on_controllers, f"ansible-core {core} does not run on Python {controller.python}"
        start = time.monotonic()
        # The oldest libraries meet only on both sides: which a host has does not depend on the controller's Python.
        hosts = [target for target in targets if controller.libraries in ("oldest", target.libraries)]
        outcomes[controller.python] = run_controller(controller, hosts, plan.collections[core], simulator)
        failed = [host for host, outcome in outcomes[controller.python].items() if outcome != PASSED]
        seconds = time.monotonic() - start
        verdict = f"failed: {', '.join(failed)}" if failed else PASSED
        print(f"ansible-core {release} on Python {controller.host}: {verdict} ({seconds:.0f} s)", flush=True)
    return {
        "release": release,
        "controllers": outcomes,
        "missing_controllers": [python for python in on_controllers if python not in outcomes],
        "missing_targets": [python for python in remote if python not in {target.python for target in targets}],
    }


def run_controller(
    controller: Environment, targets: list[Environment], collections: str, simulator: Simulator
) -> dict[str, str]:
    """Run the playbook once, against all targets; return what became of each."""
    simulator.reset()
    with tempfile.TemporaryDirectory(prefix="digicert-compatibility-") as name, serve_challenges() as challenges:
        directory = Path(name)
        challenges.files = Folder(directory / "web", FILE_PATH, str)
        challenges.records = Folder(directory / "records", "", lambda text: [text])
        simulator.set_dcv_targets(DcvTargets(http=challenges.http, dns=challenges.dns))
        settings = {
            "ANSIBLE_COLLECTIONS_PATH": collections,
            "ANSIBLE_DEPRECATION_WARNINGS": "true",
            "ANSIBLE_FORKS": "4",
        }
        (directory / "ansible").mkdir()
        ansible = Ansible(directory / "ansible", settings, LONGEST_RUN, controller.interpreter)
        variables = {
            "directory": name,
            "files": str(challenges.files.folder),
            "records": str(challenges.records.folder),
            "http_address": challenges.http,
            "dns_address": challenges.dns.partition(":")[0],
            "dns_port": int(challenges.dns.partition(":")[2]),
            "url": simulator.url,
            "ca_file": str(simulator.ca_file),
            "api_key": simulator.keys["full"],
            "view_only_key": simulator.keys["view_only"],
            "vector": vector(),
        }
        names = {slug(target): target for target in targets}
        inventory = {
            "targets": {"hosts": {host: local(target) for host, target in names.items()}},
            "controllers": {"hosts": {CONTROLLER: local(controller)}},
        }
        ansible.inventory.write_text(json.dumps(inventory), "utf-8")
        run = ansible.playbook(HERE / "playbook.yml", "--extra-vars", json.dumps({"matrix": variables}))
    done = {result.host for result in run.of(LAST_TASK) if result.outcome == "ok"}
    sound = CONTROLLER in done and not warnings(run)
    outcomes = {target.host: PASSED if sound and host in done else "failed" for host, target in names.items()}
    if set(outcomes.values()) != {PASSED}:
        print(run.output)
    return outcomes


def slug(environment: Environment) -> str:
    """Return a host name for the inventory, which is a part of a DNS name too."""
    return "py" + environment.host.replace(".", "-").replace(" ", "-")


def local(environment: Environment) -> dict[str, str]:
    """Return the variables of a host that is this machine with another interpreter."""
    return {"ansible_connection": "local", "ansible_python_interpreter": environment.interpreter}


def vector() -> dict[str, str]:
    """Return the first published request token and what it was made of."""
    rows = [line for line in VECTORS.read_text("utf-8").splitlines() if line.startswith("base64\t")]
    return dict(zip(("form", "auth_key", "timestamp", "csr", "token"), rows[0].split("\t")))


def warnings(run: Run) -> list[str]:
    """Return what Ansible warns of, a deprecation for example; the playbook gives no cause for any."""
    return [line for line in run.output.splitlines() if line.startswith(("[WARNING]", "[DEPRECATION WARNING]"))]


if __name__ == "__main__":
    FOLDER, ON_PYTHONS = json.loads(sys.argv[1])
    sys.exit(main(make_plan(Path(FOLDER), ON_PYTHONS)))
