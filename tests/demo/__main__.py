# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the narrated playbook against a simulator of its own: ``python -m tests.demo``, options: ansible-playbook's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.web import web_server

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = Path("playbooks", "demo.yml")
SIMULATOR = ("-m", "tests.simulator")
LONGEST_START = 30.0  # seconds


def main() -> int:
    """Return the exit code of the playbook."""
    with tempfile.TemporaryDirectory(prefix="digicert-demo-") as name:
        directory = Path(name)
        (directory / "web").mkdir()
        with web_server(directory / "web") as web, (directory / "simulator.log").open("wb") as output:
            facts = directory / "simulator.json"
            web_address = f"127.0.0.1:{web.server_port}"
            options = ("--dcv-http", web_address, "--json", str(facts))
            print("$ python", *SIMULATOR, *options[:3], facts.name, "&", flush=True)
            command = [sys.executable, *SIMULATOR, *options]
            simulator = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
            try:
                if answers(simulator, facts):
                    return play(directory, facts, web_address)
            finally:
                simulator.terminate()
                simulator.wait()
        print(Path(output.name).read_text(encoding="utf-8"), "The simulator does not start.", file=sys.stderr)
        return 1


def answers(simulator: subprocess.Popen[bytes], facts: Path) -> bool:
    """Wait until the simulator writes the file with its address; return False when it ends or takes too long."""
    give_up = time.monotonic() + LONGEST_START
    while not facts.exists():
        if simulator.poll() is not None or time.monotonic() > give_up:
            return False
        time.sleep(0.05)
    return True


def play(directory: Path, facts: Path, web_address: str) -> int:
    """Run the playbook with what a simulator wrote about itself, under a home of its own; returns its exit code."""
    print("$ ansible-playbook", PLAYBOOK, *sys.argv[1:], flush=True)
    program = Path(sys.executable).with_name("ansible-playbook")
    variables = {"demo_directory": directory, "demo_simulator_file": facts, "demo_web_address": web_address}
    command = [str(program), str(PLAYBOOK), "-e", json.dumps(variables, default=str), *sys.argv[1:]]
    api_key = json.loads(facts.read_text(encoding="utf-8"))["keys"]["full"]
    env = {**environment(directory), "DIGICERT_API_KEY": api_key}
    return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode


def environment(directory: Path) -> dict[str, str]:
    """Return this process's environment without the user's own Ansible, CertCentral and home."""
    home = directory / "home"
    home.mkdir()
    (directory / "ansible.cfg").touch()
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("ANSIBLE_", "DIGICERT_"))}
    if "ANSIBLE_COLLECTIONS_PATH" in os.environ:
        kept["ANSIBLE_COLLECTIONS_PATH"] = os.environ["ANSIBLE_COLLECTIONS_PATH"]
    return {
        **kept,
        "HOME": str(home),
        "NO_PROXY": "127.0.0.1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback"),
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
        "ANSIBLE_CONFIG": str(directory / "ansible.cfg"),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        # A local connection takes the user's home from the password database, not from HOME.
        "ANSIBLE_REMOTE_TEMP": str(home / ".ansible" / "tmp"),
        "ANSIBLE_STDOUT_CALLBACK": "narrated",
    }


if __name__ == "__main__":
    sys.exit(main())
