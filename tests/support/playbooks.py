# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running real ansible processes in tests, and reading what they did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import yaml

from tests.simulator import Simulator
from tests.support.module_runs import run_module

CALLBACKS = Path(__file__).parent / "callback"
# A test that hangs for longer has found a defect.
LONGEST_RUN = 240.0


def service_environment(simulator: Simulator) -> dict[str, str]:
    """Return the variables that name a simulator over HTTPS, its CA and the API key with all permissions."""
    return {
        "DIGICERT_API_URL": simulator.url,
        "DIGICERT_API_KEY": simulator.keys["full"],
        "REQUESTS_CA_BUNDLE": str(simulator.ca_file),
    }


class TaskResult(t.NamedTuple):
    """The result of one task on one host; `outcome` is ok, failed, skipped or unreachable.

    `action` is the full name of its module or action; `seconds` is the time from the start of the task to this result.
    """

    host: str
    task: str
    action: str
    outcome: str
    result: dict[str, t.Any]
    seconds: float

    @property
    def changed(self) -> bool:
        """Whether the task reports a change."""
        return bool(self.result.get("changed"))

    @property
    def msg(self) -> str:
        """The message of a failed task."""
        return str(self.result.get("msg"))


class Run(t.NamedTuple):
    """A finished ansible process: exit code, output, and all task results in order."""

    rc: int
    output: str
    results: list[TaskResult]

    @property
    def last(self) -> TaskResult:
        """The last task result; an AssertionError with the output when there is none."""
        assert self.results, self.output
        return self.results[-1]

    def of(self, task: str) -> list[TaskResult]:
        """Return the results, one a host, of the task with that name."""
        return [result for result in self.results if result.task == task]


class Ansible:
    """Runs ansible commands under a HOME, configuration and inventory of their own."""

    def __init__(
        self,
        directory: Path,
        env: t.Mapping[str, str] | None = None,
        longest_run: float = LONGEST_RUN,
        interpreter: str = sys.executable,
    ) -> None:
        """Prepare to run in `directory`, an empty one.

        Args:
            directory: where inventory, playbook and home go.
            env: added to the environment of every process.
            longest_run: seconds after which a process is killed, and `subprocess.TimeoutExpired` raised.
            interpreter: the Python of the controller, beside which the ansible commands are.
        """
        self.interpreter = Path(interpreter)
        self.longest_run = longest_run
        self.directory = directory
        self.home = directory / "home"
        self.home.mkdir()
        (self.home / "tmp").mkdir(mode=0o700)
        # Looking for results each millisecond takes a part of the time of the modules that it waits for.
        (self.home / ".ansible.cfg").write_text("[defaults]\ninternal_poll_interval = 0.01\n", encoding="utf-8")
        self.inventory = directory / "inventory"
        self.host_vars = directory / "host_vars"
        self.host_vars.mkdir()
        self.hosts("localhost")
        self.env = {
            # Do not measure Ansible itself, which would take half as long again.
            **{k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE_", "COVERAGE_", "DIGICERT_"))},
            "MEASURE_MODULES": os.environ.get("COVERAGE_PROCESS_CONFIG", ""),
            "HOME": str(self.home),
            "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "module_archives,task_results",
            "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true",
            # A local connection takes the user's home from the password database, not from HOME.
            "ANSIBLE_ASYNC_DIR": str(self.home / "async"),
            "ANSIBLE_REMOTE_TEMP": str(self.home / "tmp"),
            # Copying the module takes a third of a task's time, and these tests do not test how Ansible copies it.
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_RETRY_FILES_ENABLED": "false",
            **(env or {}),
        }

    def hosts(self, *names: str) -> None:
        """Set the inventory: hosts with these names, all on this machine."""
        python = os.environ.get("TARGET_PYTHON", sys.executable)
        lines = [f'"{name}" ansible_connection=local ansible_python_interpreter={python}' for name in names]
        self.inventory.write_text("\n".join(lines) + "\n", encoding="utf-8")
        if "MODULE_ARCHIVES" in os.environ:  # tasks that are delegated to a localhost that the inventory does not have
            (self.host_vars / "localhost.yml").write_text(f"ansible_python_interpreter: {python}\n", encoding="utf-8")

    def adhoc(self, module: str, args: t.Mapping[str, t.Any] | None = None, *options: str, **env: str) -> Run:
        """Run `ansible all -m module -a args options`, with `env` added to the environment."""
        return self._run(
            [
                "ansible",
                "all",
                "-i",
                str(self.inventory),
                "-m",
                module,
                "-a",
                json.dumps(args) if args else "",
                *options,
            ],
            env,
        )

    def module(
        self,
        action: str,
        args: t.Mapping[str, t.Any] | None = None,
        *,
        check_mode: bool = False,
        diff: bool = False,
        **env: str,
    ) -> TaskResult:
        """Run one module in a process of its own, as a task does but without Ansible, which takes most of the time."""

        def prepare() -> None:
            os.environ.clear()
            os.environ.update({**self.env, **env})
            os.chdir(self.directory)

        begin = time.monotonic()
        name = action.rsplit(".", maxsplit=1)[-1]
        result = run_module(name, args or {}, check_mode=check_mode, diff=diff, prepare=prepare)
        outcome = "failed" if result.get("failed") or result["rc"] else "ok"
        return TaskResult("localhost", action, action, outcome, result, time.monotonic() - begin)

    def play(self, tasks: list[dict[str, t.Any]], *options: str, play: t.Any = None, **env: str) -> Run:
        """Run a playbook of one play with these tasks; `play` adds or overrides keywords of the play."""
        whole = [{"hosts": "all", "gather_facts": False, "tasks": tasks, **(play or {})}]
        path = self.directory / "playbook.yml"
        path.write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
        return self.playbook(path, *options, **env)

    def playbook(self, path: Path, *options: str, **env: str) -> Run:
        """Run a playbook file."""
        return self._run(["ansible-playbook", "-i", str(self.inventory), str(path), *options], env)

    def _run(self, command: list[str], env: t.Mapping[str, str]) -> Run:
        results = self.directory / "results.jsonl"
        results.unlink(missing_ok=True)
        process = subprocess.run(
            [str(self.interpreter.with_name(command[0])), *command[1:]],
            cwd=self.directory,
            env={**self.env, "TASK_RESULTS": str(results), **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=self.longest_run,
            check=False,
        )
        lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
        return Run(process.returncode, process.stdout, [TaskResult(**json.loads(line)) for line in lines])
