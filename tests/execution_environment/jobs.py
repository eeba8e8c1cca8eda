# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as AWX runs them: ansible-runner, a private data directory, the credential in its environment."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.execution_environment.search import files_below

LONGEST_JOB = 240.0  # seconds


class Runner:
    """Runs jobs in one environment, each with a private data directory, home and folder for temporary files."""

    def __init__(self, environment: Path, collections: Path, directory: Path, credential: Mapping[str, str]) -> None:
        """Say where to run.

        Args:
            environment: a virtual environment with ansible-core and ansible-runner, as the image has them.
            collections: what the image has as its collections path.
            directory: below it, each job gets a folder.
            credential: environment variables that the job's credential injects.
        """
        self._programs = environment / "bin"
        self._collections = collections
        self.directory = directory
        self._credential = credential

    def run(self, name: str, playbook: str | list[dict[str, Any]], variables: Mapping[str, str], *options: str) -> Job:
        """Run a job to its end.

        Args:
            name: of the job, and of its folder.
            playbook: a playbook of a collection, or the plays themselves.
            variables: extra variables.
            options: further ones of ansible-runner.
        """
        job = Job(self.directory / name)
        private, env = job.private, {"home": job.folder / "home", "tmp": job.folder / "tmp"}
        for folder in (private / "env", private / "inventory", private / "project", *env.values()):
            folder.mkdir(parents=True)
        (private / "env" / "envvars").write_text(yaml.safe_dump(dict(self._credential)), encoding="utf-8")
        (private / "env" / "extravars").write_text(yaml.safe_dump(dict(variables)), encoding="utf-8")
        # A local connection takes the user's home from the password database, not from HOME.
        temporary = f"ansible_remote_tmp={env['tmp']} ansible_python_interpreter={self._programs / 'python'}"
        host = f"localhost ansible_connection=local {temporary}\n"
        (private / "inventory" / "hosts").write_text(host, encoding="utf-8")
        if not isinstance(playbook, str):
            (private / "project" / "play.yml").write_text(yaml.safe_dump(playbook), encoding="utf-8")
            playbook = "play.yml"
        command = ["ansible-runner", "run", str(private), "--playbook", playbook, "--ident", name, *options]
        process = subprocess.run(
            [str(self._programs / command[0]), *command[1:]],
            env={
                "ANSIBLE_COLLECTIONS_PATH": str(self._collections),
                "HOME": str(env["home"]),
                "LANG": "C.UTF-8",
                "PATH": os.pathsep.join([str(self._programs), os.environ["PATH"]]),
                "TMPDIR": str(env["tmp"]),
            },
            cwd=env["home"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LONGEST_JOB,
            check=False,
        )
        job.rc, job.output = process.returncode, process.stdout
        return job


class Job:
    """What a job that has ended left behind."""

    def __init__(self, folder: Path) -> None:
        """Take the job in this folder; exit code and output come from who runs it."""
        self.folder = folder
        self.private = folder / "private"
        self.artifacts = self.private / "artifacts" / folder.name
        self.rc = -1
        self.output = b""

    @property
    def environment(self) -> dict[str, str]:
        """The environment that ansible-runner notes in the artifact `command`."""
        noted: dict[str, dict[str, str]] = json.loads((self.artifacts / "command").read_text(encoding="utf-8"))
        return noted["env"]

    @property
    def events(self) -> int:
        """How many events there are."""
        return len(list((self.artifacts / "job_events").glob("*.json")))

    def texts(self) -> dict[str, bytes]:
        """Return all that the job printed and left in files, by where it is, without what was put in as its input.

        Artifacts go by what they are: stdout, job_events, fact_cache, command. Everything else goes by its path.
        """
        texts: dict[str, bytes] = {"output": self.output}
        artifacts = str(self.artifacts.relative_to(self.folder)) + os.sep
        for name, content in files_below(self.folder):
            if name.startswith(artifacts):
                kind = name[len(artifacts) :].split(os.sep)[0]
                texts[kind] = texts.get(kind, b"") + content
            elif not name.startswith(os.path.join("private", "env", "envvars")):
                texts[name] = content
        return texts
