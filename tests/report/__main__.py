# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Take pictures of the certificate report: python -m tests.report [--certificates NUMBER] [--all] [--output DIRECTORY].

The account is a simulator with orders of many ages; the installed certificates are invented. `certificate_report.png`
is the picture in README.md. With --all, it is also shown narrow and dark.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import typing as t
from datetime import timedelta
from pathlib import Path

from tests.simulator import OrderBehaviour, Simulator
from tests.support.playbooks import Ansible, service_environment

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = (
    *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
VIEWS = {  # name: width, height, dark
    "certificate_report": (1100, 900, False),
    "certificate_report_narrow": (500, 1400, False),
    "certificate_report_dark": (1100, 900, True),
}
LABELS = ("www", "shop", "mail", "api", "intranet", "login", "static", "docs", "status", "vpn", "wiki", "git")


def main() -> None:
    """Make the page and take the pictures."""
    parser = argparse.ArgumentParser(prog="python -m tests.report", description="Pictures of the certificate report.")
    parser.add_argument("--certificates", type=int, default=12, metavar="NUMBER", help="default: %(default)s")
    parser.add_argument("--all", action="store_true", help="wide, narrow, and dark")
    parser.add_argument("--output", type=Path, default=Path("docs/images"), metavar="DIRECTORY", help="%(default)s")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        page = make_page(options.certificates, Path(directory))
        for name, view in VIEWS.items():
            if options.all or name == "certificate_report":
                take_picture(page, options.output.absolute() / f"{name}.png", *view)


def make_page(number: int, directory: Path) -> Path:
    """Write the report about this number of orders; return its file."""
    with Simulator(order_behaviour=OrderBehaviour(validation="never", certificate_days=199)) as simulator:
        installed = [place for each in range(number) if (place := _add_order(simulator, each))]
        (directory / "installed.json").write_text(json.dumps(installed), encoding="utf-8")
        read = "{{ lookup('ansible.builtin.file', 'installed.json') | from_json }}"
        data = "{{ account.orders | community.digicert.certificate_report(" + read[3:-3] + ") }}"
        template = {"src": f"{ROOT}/playbooks/templates/certificate_report.html.j2", "dest": f"{directory}/page.html"}
        tasks: list[dict[str, t.Any]] = [
            {"community.digicert.digicert_order_info": {}, "register": "account"},
            {"ansible.builtin.set_fact": {"certificate_report_data": data}},
            {"ansible.builtin.template": template},
        ]
        (directory / "files").symlink_to(directory)
        run = Ansible(directory, service_environment(simulator)).play(tasks)
        assert run.rc == 0, run.output
    return directory / "page.html"


def _add_order(simulator: Simulator, number: int) -> dict[str, t.Any] | None:
    """Add an order to the account; return where its certificate is installed, if it is."""
    label = LABELS[number % len(LABELS)] + (str(number // len(LABELS)) if number >= len(LABELS) else "")
    age = timedelta(days=number * 37 % 180)
    order = simulator.seed_order(f"{label}.example.com", created=simulator.now() - age)
    certificate = order.enrollments[0].certificate
    if certificate is None or number % 7 == 5:
        return None
    return {
        "host": f"web{number % 40 + 1:02}.example.com",
        "path": f"/etc/ssl/digicert/{label}.example.com.pem",
        "serial_number": certificate.serial_number,
        "dns_names": [f"{label}.example.com"],
        "not_before": certificate.validity.start.isoformat(),
        "not_after": certificate.validity.end.isoformat(),
        "managed": number % 5 != 3,
    }


def take_picture(page: Path, file: Path, width: int, height: int, dark: bool) -> None:
    """Show the page in a browser window of this size (pixels), and save a picture."""
    file.parent.mkdir(parents=True, exist_ok=True)
    scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    command = [*CHROMIUM, scheme, f"--user-data-dir={page.parent}/browser", f"--window-size={width},{height}"]
    command += ["--virtual-time-budget=5000", f"--screenshot={file}", page.as_uri()]
    subprocess.run(command, capture_output=True, timeout=180, check=True)


if __name__ == "__main__":
    main()
