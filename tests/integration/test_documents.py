# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples in README.md, the guides, and playbooks/ work as printed."""

from __future__ import annotations

import re
import subprocess
import sys
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml

from tests.simulator import Simulator
from tests.simulator.dcv import DcvTargets
from tests.support.calls import calls
from tests.support.pki import new_csr
from tests.support.playbooks import Ansible, Run
from tests.support.web import address_of, web_server

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
RST = ROOT / "docs" / "docsite" / "rst"
# The tests of the filters cover the guide to request tokens.
GUIDES = [RST / f"{name}_guide.rst" for name in ("user", "auth_key", "dv_certificate", "certificate")]
LIST, CREATE = "GET /account/auth-keys", "POST /account/auth-key"
WEB_FOLDERS = {"/etc/ssl": "ssl", "/var/www/html": "html"}
LIST_ORDERS, ORDER = "GET /order/certificate", "POST /order/certificate/ssl_dv_geotrust_flex"


class Block(t.NamedTuple):
    """An indented or fenced block of a document: its language, its text, and the title of its section."""

    language: str
    text: str
    title: str

    @property
    def is_play(self) -> bool:
        """Whether it is a whole playbook."""
        return self.language.startswith("yaml") and re.search("(?m)^  hosts:", self.text) is not None

    @property
    def is_tasks(self) -> bool:
        """Whether it is a list of tasks."""
        return self.language.startswith("yaml") and self.text.startswith("- name:") and not self.is_play


def readme_blocks() -> list[Block]:
    """Return the fenced blocks of README.md."""
    blocks = []
    title = ""
    for found in re.finditer(r"(?ms)^#+ ([^\n]+)$|^```(\w+)\n(.*?)^```$", README.read_text(encoding="utf-8")):
        title = found[1] or title
        if found[2]:
            blocks.append(Block(found[2], found[3], title))
    return blocks


def guide_blocks(path: Path) -> list[Block]:
    """Return the code blocks of a guide."""
    blocks = []
    title = ""
    pattern = r"(?m)^([^\n]+)\n[=-]{3,}$|^\.\. code-block:: (\S+)\n\n((?:(?:   [^\n]*)?\n)+)"
    for found in re.finditer(pattern, path.read_text(encoding="utf-8")):
        title = found[1] or title
        if found[2]:
            blocks.append(Block(found[2], re.sub("(?m)^   ", "", found[3]).strip() + "\n", title))
    return blocks


README_BLOCKS = readme_blocks()
GUIDE_BLOCKS = [block for path in GUIDES for block in guide_blocks(path)]


def block_of(blocks: list[Block], words: str) -> Block:
    """Return the only block with these words."""
    [block] = [block for block in blocks if words in block.text]
    return block


@pytest.fixture
def user(ansible: Ansible) -> Ansible:
    """Set the API key in the environment, and create the role that the examples use, without an inventory."""
    tasks = [{"name": "Show", "ansible.builtin.debug": {"msg": "{{ webserver_certificate_auth_key }}"}}]
    role = ansible.directory / "roles" / "webserver_certificate" / "tasks"
    role.mkdir(parents=True)
    (role / "main.yml").write_text(yaml.safe_dump(tasks), encoding="utf-8")
    bin_directory = str(Path(sys.executable).parent)
    ansible.env["PATH"] = f"{bin_directory}:{ansible.env['PATH']}"
    return ansible


def shell(user: Ansible, script: str, stdin: str = "", **env: str) -> str:
    """Run a script as a user would type it; return its output."""
    process = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=user.directory,
        env={**user.env, "TASK_RESULTS": str(user.directory / "results.jsonl"), **env},
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == 0, process.stdout
    return process.stdout


def run_block(user: Ansible, block: Block, **env: str) -> Run:
    """Run the tasks or the playbook in a block."""
    if block.is_play:
        path = user.directory / "playbook.yml"
        path.write_text(block.text, encoding="utf-8")
        return user.playbook(path, "-e", f"@{user.directory}/variables.yml", **env)
    return user.play(yaml.safe_load(block.text), "-e", f"@{user.directory}/variables.yml", **env)


WEB_BLOCKS = [b for b in [*README_BLOCKS, *GUIDE_BLOCKS] if b.is_play and "hosts: webservers" in b.text]
AUTH_KEY_BLOCKS = [
    b
    for b in GUIDE_BLOCKS
    if (b.is_play or b.is_tasks)
    and re.search("auth[-_]key", b.text)
    and not re.search("digicert_certificate:|community.digicert.dv_certificate", b.text)
]


@pytest.mark.parametrize("block", AUTH_KEY_BLOCKS, ids=[f"{n} {b.title}" for n, b in enumerate(AUTH_KEY_BLOCKS)])
def test_auth_key_examples_of_the_guides(simulator: Simulator, user: Ansible, block: Block) -> None:
    old = simulator.seed_auth_key() if "old_auth_key_id" in block.text else None
    variables = {
        "digicert_api_key": simulator.keys["full"],
        "digicert_api_url": simulator.url,
        "old_auth_key_id": old and old.auth_key_id,
        "csr": new_csr("www.example.com"),
    }
    (user.directory / "variables.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    if "api_key" in block.text:
        del user.env["DIGICERT_API_KEY"]
    user.env["SSL_CERT_FILE"] = str(simulator.ca_file)  # for uri
    run = run_block(user, block)
    assert run.rc == 0, run.output
    assert simulator.log
    assert "[WARNING]" not in run.output


@pytest.fixture
def web_root(simulator: Simulator, user: Ansible) -> t.Iterator[Path]:
    """Make a local web server serve every domain; yield the folder that it serves."""
    for name in WEB_FOLDERS.values():
        (user.directory / name).mkdir()
    with web_server(user.directory / "html") as server:
        address = address_of(server)
        simulator.set_dcv_targets(DcvTargets(http=address))
        (user.directory / "address").write_text(address, encoding="utf-8")
        yield user.directory / "html"


def web_variables(user: Ansible) -> dict[str, t.Any]:
    """Return the role's variables for the folders and the web server of this machine."""
    address = (user.directory / "address").read_text(encoding="utf-8")
    return {"dv_certificate_directory": str(user.directory / "ssl"), "dv_certificate_http_address": address}


def on_this_machine(user: Ansible, block: Block) -> str:
    """Return a playbook with paths, privileges, and services that exist on this machine."""
    text = block.text.replace("become: true", "become: false").replace("ansible.builtin.service:", "debug:")
    text = re.sub("(?m)name: nginx\n *state: reloaded", "msg: reloaded", text)
    for folder, name in WEB_FOLDERS.items():
        text = text.replace(folder, str(user.directory / name))
    return text


@pytest.mark.smoke
def test_first_screen_of_the_readme(simulator: Simulator, user: Ansible, web_root: Path) -> None:
    (user.directory / "certificate.yml").write_text(
        on_this_machine(user, block_of(README_BLOCKS, "# certificate.yml")), encoding="utf-8"
    )
    variables = {**web_variables(user), "ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    (user.directory / "group_vars").mkdir()
    (user.directory / "group_vars" / "all.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    del user.env["DIGICERT_API_KEY"]
    output = shell(user, block_of(README_BLOCKS, "read -rs").text, simulator.keys["full"] + "\n")
    [key] = simulator.auth_keys()
    assert "BEGIN CERTIFICATE" in (user.directory / "ssl" / "www.example.com.fullchain.pem").read_text("utf-8")
    assert simulator.keys["full"] not in output
    assert key.auth_key not in output
    output = shell(user, block_of(README_BLOCKS, "ansible localhost").text, DIGICERT_API_KEY=simulator.keys["full"])
    assert "localhost | SUCCESS => " in output
    assert key.auth_key in output
    assert calls(simulator) == [LIST, CREATE, LIST_ORDERS, ORDER, LIST]
    assert web_root.is_dir()


@pytest.fixture
def web_play(simulator: Simulator, user: Ansible, web_root: Path) -> t.Callable[..., Run]:
    """Run a block on one web server, with paths, privileges, and services that exist on this machine."""
    user.hosts("www.example.com")
    user.inventory.write_text("[webservers]\n" + user.inventory.read_text(encoding="utf-8"), encoding="utf-8")
    (user.directory / "ssl" / "www.example.com.csr").write_text(new_csr("www.example.com"), encoding="utf-8")
    variables = {**web_variables(user), "digicert_api_key": simulator.keys["full"], "tsig_secret": "c2VjcmV0"}
    (user.directory / "variables.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")

    def run(block: Block, *options: str) -> Run:
        path = user.directory / "playbook.yml"
        path.write_text(on_this_machine(user, block), encoding="utf-8")
        return user.playbook(path, "-e", f"@{user.directory}/variables.yml", *options)

    assert web_root.is_dir()
    return run


@pytest.mark.parametrize("words", ["Publish the request token", "# certificate.yml", "validated by HTTP"])
def test_web_server_examples(
    simulator: Simulator, user: Ansible, web_root: Path, web_play: t.Callable[..., Run], words: str
) -> None:
    block = block_of(WEB_BLOCKS, words)
    first = web_play(block)
    assert first.rc == 0, first.output
    assert calls(simulator) == [LIST, CREATE, LIST_ORDERS, ORDER]
    assert "BEGIN CERTIFICATE" in (user.directory / "ssl" / "www.example.com.fullchain.pem").read_text("utf-8")
    assert [path for path in web_root.rglob("*") if path.is_file()] == []
    assert ("Reload the web server" in first.output) == ("handlers" in block.text)
    again = web_play(block)
    assert again.rc == 0, again.output
    assert not any(task.changed for task in again.results)
    assert len(simulator.log) == 4


@pytest.mark.parametrize("words", ["dcv_method: dns", "dcv_method: custom"])
def test_dns_examples_are_accepted(simulator: Simulator, web_play: t.Callable[..., Run], words: str) -> None:
    run = web_play(block_of(WEB_BLOCKS, words), "--check")
    assert run.rc == 0, run.output
    assert simulator.log == []


def test_report_playbook_shows_no_secret(simulator: Simulator, user: Ansible) -> None:
    keys = [simulator.seed_auth_key(), simulator.seed_auth_key(expiration=in_days(12))]
    command = block_of(GUIDE_BLOCKS, "auth_key_report").text.lstrip("$ ")
    output = shell(user, command, DIGICERT_API_KEY=simulator.keys["view_only"])
    assert f"{keys[0].auth_key_id} is permanent" in output
    assert f"{keys[1].auth_key_id} is valid for 12.0 days more" in output
    assert not any(key.auth_key in output for key in keys)


def in_days(days: float) -> datetime:
    return datetime.now(timezone.utc) + timedelta(days=days)
