# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared by the tests of digicert_certificate: a folder to install into, and ways to run the module."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

from tests.simulator import Simulator
from tests.support.calls import CallCounter
from tests.support.pki import new_csr
from tests.support.playbooks import Ansible, Run, TaskResult

MODULE = "community.digicert.digicert_certificate"
FILES = ("path", "chain_path", "full_chain_path")


class Site:
    """A folder that certificates are installed into, and the module that does it."""

    def __init__(self, directory: Path, simulator: Simulator, ansible: Ansible) -> None:
        """Use an empty folder, which is made."""
        self.directory = directory
        self.directory.mkdir()
        self.simulator = simulator
        self.ansible = ansible
        self.calls = CallCounter(simulator).new

    def args(self, name: str = "www.example.com", **more: t.Any) -> dict[str, t.Any]:
        """Return module options that install `name` with all files; those of `more` that are None are left out."""
        options = {
            "csr_content": new_csr(name),
            "path": str(self.directory / f"{name}.pem"),
            "chain_path": str(self.directory / f"{name}.chain.pem"),
            "full_chain_path": str(self.directory / f"{name}.full.pem"),
            "dcv_method": "dns-txt-token",
            **more,
        }
        return {option: value for option, value in options.items() if value is not None}

    def run(self, args: dict[str, t.Any], *, check_mode: bool = False, diff: bool = False) -> TaskResult:
        """Run the module in a process of its own, without Ansible."""
        return self.ansible.module(MODULE, args, check_mode=check_mode, diff=diff)

    def play(self, tasks: dict[str, dict[str, t.Any]], *options: str, **env: str) -> Run:
        """Run tasks, name -> module options, in one ansible process; a failed one does not end the play."""
        whole = [{"name": name, MODULE: args, "ignore_errors": True} for name, args in tasks.items()]
        return self.ansible.play(whole, *options, **env)

    def start(self, args: dict[str, t.Any], **options: t.Any) -> subprocess.Popen[str]:
        """Start the module in a process of its own, without Ansible around it, so that it can be killed."""
        file = self.directory.parent / "arguments.json"
        file.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": args}), encoding="utf-8")
        paths = self.ansible.env["ANSIBLE_COLLECTIONS_PATH"]
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                f"ansible_collections.community.digicert.plugins.modules.{MODULE.rsplit('.', maxsplit=1)[-1]}",
                file,
            ],
            env={**self.ansible.env, "PYTHONPATH": paths, "ANSIBLE_REMOTE_TMP": str(self.directory.parent)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )

    def files(self) -> set[str]:
        """Return the names of all files in the folder."""
        return {path.name for path in self.directory.iterdir()}

    def journals(self) -> list[dict[str, t.Any]]:
        """Return the content of every journal in the folder."""
        return [json.loads(path.read_text()) for path in self.directory.glob(".*.order.json")]

    def under_way(self) -> list[dict[str, t.Any]]:
        """Return the pending submissions in the journals."""
        return [journal["submission"] for journal in self.journals() if journal["submission"] is not None]

    def verify(self, args: dict[str, t.Any]) -> None:
        """Check with openssl that all files are installed and match each other and the simulator's CA."""
        for chain, leaf in ((args["chain_path"], args["path"]), (args["full_chain_path"], args["full_chain_path"])):
            command = ["openssl", "verify", "-CAfile", str(self.simulator.ca_file), "-untrusted", chain, leaf]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
        texts = {name: Path(args[name]).read_text() for name in FILES}
        assert texts["full_chain_path"] == texts["path"] + texts["chain_path"]
        assert [text.count("BEGIN CERTIFICATE") for text in texts.values()] == [1, 1, 2]
        assert not any("\r" in text for text in texts.values())
