# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook certificate_report: its results, its page in a real browser, and how it is sent."""

from __future__ import annotations

import email
import email.policy
import html
import json
import re
import socketserver
import subprocess
import textwrap
import typing as t
from datetime import timedelta
from pathlib import Path

from tests.simulator import OrderBehaviour, Simulator
from tests.support.playbooks import Ansible
from tests.support.web import HOST, QuietHandler, http_server, running

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "docsite" / "rst" / "dv_certificate_guide.rst"
CHROMIUM = (
    "chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
)
CHROMIUM += " --disable-component-update --disable-sync --virtual-time-budget=5000 --dump-dom"
HOSTILE = "</script><img src=x onerror=fail()>{{ lookup('pipe', 'touch evaluated') }}"
# Runs after the page's own script: clicks and types like a user, and reads what is visible.
CLICKS = """
<script>
const seen = () => [...document.querySelectorAll("#rows .name")].map(node => node.textContent);
const type = (id, value) => { byId(id).value = value; byId(id).dispatchEvent(new Event("input")); };
const heads = () => document.querySelectorAll("#head button");
const said = { errors: failures, first: seen() };
heads()[0].click(); said.byName = seen();
heads()[0].click(); said.byNameDown = seen();
type("search", "www1 web1"); said.searched = seen();
type("search", ""); type("problem", "not_installed"); said.notInstalled = seen();
type("problem", ""); type("renewal", "none"); said.notRenewed = seen();
said.images = document.images.length;
const result = document.createElement("pre");
result.id = "result";
result.textContent = JSON.stringify(said);
document.body.append(result);
</script>
"""
LISTEN = '<script>const failures = []; addEventListener("error", event => failures.push(event.message));</script>'


class MailServer(socketserver.TCPServer):
    """Accepts one mail at a time, like a server without TLS and passwords."""

    allow_reuse_address = True

    def __init__(self) -> None:
        self.mail = ""
        super().__init__((HOST, 0), MailHandler)


class MailHandler(socketserver.StreamRequestHandler):
    """A conversation by RFC 5321, section 4.1."""

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        for line in self.rfile:
            word = line[:4].upper()
            self.wfile.write({b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}.get(word, b"250 fine\r\n"))
            if word == b"DATA":
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                t.cast(MailServer, self.server).mail = text.decode()
                self.wfile.write(b"250 taken\r\n")
            if word == b"QUIT":
                return


def looked_at(page: str, folder: Path) -> dict[str, t.Any]:
    """Return what a browser shows while the page is used."""
    file = folder / "used.html"
    page = page.replace("<meta charset", LISTEN + "<meta charset", 1).replace("</body>", CLICKS + "</body>")
    file.write_text(page, encoding="utf-8")
    command = [*CHROMIUM.split(), f"--user-data-dir={folder / 'browser'}", file.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    found = re.search('<pre id="result">(.*?)</pre>', shown, re.DOTALL)
    assert found, shown[-2000:]
    said = json.loads(html.unescape(found[1]))
    assert isinstance(said, dict)
    return said


def test_report_of_account_and_hosts(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    simulator.set_order_behaviour(OrderBehaviour(validation="never", certificate_days=199))
    orders = [
        simulator.seed_order(f"www{number}.example.com", created=simulator.now() - timedelta(days=number * 60))
        for number in range(4)
    ]
    hosts = ["web1", "web2", "web3"]
    ansible.hosts(*hosts, "web4")
    for host, order in zip(hosts, orders):
        certificate = order.enrollments[0].certificate
        assert certificate is not None
        (tmp_path / f"{host}.pem").write_text(certificate.chain[0].pem)
    variables: dict[str, t.Any] = {"dv_certificate_directory": str(tmp_path)}  # as the role has it
    (tmp_path / "host_vars" / "web2.yml").write_text("certificate_report_managed: false\n")
    (tmp_path / "host_vars" / "web4.yml").write_text(
        "ansible_connection: ssh\nansible_host: 127.0.0.1\nansible_port: 1\n"
    )
    found = re.search(r"(?m)^   # report.yml\n(?:(?:   .*)?\n)+", GUIDE.read_text(encoding="utf-8"))
    assert found
    (tmp_path / "plays").mkdir()
    (tmp_path / "plays" / "report.yml").write_text(textwrap.dedent(found[0]), encoding="utf-8")
    posts: list[t.Any] = []

    class Chat(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802 (http.server's name)
            posts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    mails = MailServer()
    with running(mails), http_server(Chat) as chat:
        variables.update(smtp_host=HOST, smtp_port=mails.server_address[1])
        variables["chat_webhook"] = f"http://{HOST}:{chat.server_address[1]}/secret-path"
        run = ansible.playbook(tmp_path / "plays" / "report.yml", "-e", json.dumps(variables))
    assert run.rc == 0, run.output
    assert posts == [{"text": "4 certificates, 1 expire soon, 1 are not installed."}]
    mail = email.message_from_string(mails.mail, policy=email.policy.default)
    assert mail["Subject"] == "Certificates: 1 expire soon"
    assert [part.get_filename() for part in mail.walk()][-1] == "certificate_report.html"
    assert "secret-path" not in run.output
    report = json.loads((tmp_path / "certificate_report.json").read_text())
    problems = {row["name"]: row["problems"] for row in report["rows"]}
    assert problems == {
        "www0.example.com": [],
        "www1.example.com": ["not_renewed"],
        "www2.example.com": [],
        "www3.example.com": ["expires_soon", "not_installed"],
    }
    assert [each["host"] for each in report["unreachable"]] == ["web4"]
    assert f"{tmp_path}/certificate_report.html" in run.of("Show where the report is")[0].msg
    page = (tmp_path / "certificate_report.html").read_text(encoding="utf-8")
    assert not re.search(r"""(?:src|href)=|@import|url\(""", page)
    names = [f"www{number}.example.com" for number in range(4)]
    assert looked_at(page, tmp_path) == {
        "errors": [],
        "first": [names[3], names[2], names[1], names[0]],
        "byName": names,
        "byNameDown": names[::-1],
        "searched": [],
        "notInstalled": [names[3]],
        "notRenewed": [names[1]],
        "images": 0,
    }
    for secret in simulator.keys.values():
        assert secret not in page


def test_hostile_names_stay_text(ansible: Ansible, tmp_path: Path) -> None:
    play = Path(__file__).resolve().parents[2] / "playbooks"
    place = {"host": HOSTILE, "path": HOSTILE, "serial_number": "0A", "dns_names": [HOSTILE]}
    (tmp_path / "places.json").write_text(json.dumps([place]))
    read = "{{ lookup('ansible.builtin.file', '" + str(tmp_path / "places.json") + "') | from_json }}"
    report = {"certificate_report_data": "{{ [] | community.digicert.certificate_report(places) }}"}
    template = {"src": str(play / "templates" / "certificate_report.html.j2"), "dest": str(tmp_path / "page.html")}
    run = ansible.play(
        [
            {"name": "Read", "ansible.builtin.set_fact": {"places": read}},
            {"name": "Compare", "ansible.builtin.set_fact": report},
            {"name": "Write", "ansible.builtin.template": template},
        ]
    )
    assert run.rc == 0, run.output
    said = looked_at((tmp_path / "page.html").read_text(encoding="utf-8"), tmp_path)
    assert (said["errors"], said["images"], said["first"]) == ([], 0, [HOSTILE])
    assert not list(tmp_path.rglob("evaluated"))
