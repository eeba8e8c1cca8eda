# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment of a cell: an account in the simulator, a folder on a host, and the module."""

from __future__ import annotations

import json
import time
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.campaign.processes import Finished, Processes
from tests.campaign.relay import Relay
from tests.simulator import Fault, OrderBehaviour, Simulator
from tests.support.pki import aged_certificate, new_csr

if t.TYPE_CHECKING:
    from tests.campaign.calls import Call

NAME = "www.example.com"
PRODUCT = "ssl_dv_geotrust_flex"


class Result(t.NamedTuple):
    """The result of a module: its process, and its output, which is one JSON document."""

    process: Finished
    answer: dict[str, t.Any]

    @property
    def ok(self) -> bool:
        """Whether the module succeeded."""
        return self.process.rc == 0 and not self.answer.get("failed")

    @property
    def msg(self) -> str:
        """The message of a failure."""
        return str(self.answer.get("msg", ""))


class Stage:
    """One cell's account and host.

    Attributes:
        simulator: with empty accounts at first.
        relay: a relay to it.
        site: folder for certificates.
        tmp: folder for temporary files.
        secrets: what must not appear anywhere.
    """

    def __init__(self, simulator: Simulator, relay: Relay, processes: Processes, directory: Path) -> None:
        """Begin with an empty account and empty folders in `directory`."""
        self.simulator = simulator
        self.relay = relay
        self._processes = processes
        self.directory = directory
        self.site, self.tmp, self._cwd = (directory / name for name in ("site", "tmp", "cwd"))
        for folder in (self.site, self.tmp, self._cwd):
            folder.mkdir()
        self._key = ec.generate_private_key(ec.SECP256R1())
        private = serialization.PrivateFormat.PKCS8
        text = self._key.private_bytes(serialization.Encoding.PEM, private, serialization.NoEncryption()).decode()
        self.key_file = self.site / "private.key"
        self.key_file.write_text(text)
        self.secrets = {"API key": simulator.keys["full"], "private key": text.splitlines()[1]}
        self.csr = new_csr(NAME, key=self._key)
        self.runs = 0

    def file(self, name: str) -> str:
        """Return the path of a file in the site's folder."""
        return str(self.site / name)

    def old_files(self) -> dict[str, str]:
        """Install certificates that are due for renewal, and return options for all files."""
        old = aged_certificate(NAME, self._key, 5)
        for name in ("old.pem", "chain.pem", "full.pem"):
            (self.site / name).write_text(old)
        return self.all_files()

    def all_files(self) -> dict[str, str]:
        """Return options for all files."""
        names = {"path": "old.pem", "chain_path": "chain.pem", "full_chain_path": "full.pem"}
        return {option: self.file(name) for option, name in names.items()}

    def bought_files(self, days_ago: int = 180) -> dict[str, str]:
        """Install the certificate of an order without a journal, and return options for all files.

        After 180 days it is due, and its order lasts for another reissue.
        """
        order = self.simulator.seed_order(
            NAME, csr=self.csr, created=datetime.now(timezone.utc) - timedelta(days=days_ago)
        )
        assert order.certificate
        leaf, middle = (link.pem.replace("\r\n", "\n") for link in order.certificate.chain[:2])
        for name, text in {"old.pem": leaf, "chain.pem": middle, "full.pem": leaf + middle}.items():
            (self.site / name).write_text(text)
        return self.all_files()

    def ordering(self, **options: t.Any) -> dict[str, t.Any]:
        """Let orders be issued without validation, and return options of digicert_certificate."""
        self.simulator.set_order_behaviour(OrderBehaviour(validation="never"))
        self.simulator.seed_auth_key()
        return {"csr_content": self.csr, "dcv_method": "dns-txt-token", "wait_timeout": 20, **options}

    def place_order(self) -> int:
        """Place an order without the module, and return its id."""
        body = {
            "certificate": {"common_name": NAME, "dns_names": [], "csr": self.csr},
            "order_validity": {"years": 1},
            "dcv_method": "dns-txt-token",
        }
        headers = {"X-DC-DEVKEY": self.simulator.keys["full"]}
        url = f"{self.simulator.http_url}/order/certificate/{PRODUCT}"
        answer = requests.post(url, json=body, headers=headers, timeout=10)
        return int(answer.json()["id"])

    def run(
        self,
        module: str,
        options: dict[str, t.Any],
        *,
        largest_file: int | None = None,
        more_env: t.Mapping[str, str] | None = None,
    ) -> Result:
        """Run a module; raises AssertionError unless its output is exactly one JSON document."""
        arguments = {
            "api_key": self.simulator.keys["full"],
            "api_url": self.simulator.url,
            "ca_path": str(self.simulator.ca_file),
            "_ansible_diff": True,
            "_ansible_debug": True,
            "_ansible_verbosity": 3,
            "_ansible_remote_tmp": str(self.tmp),
            "_ansible_keep_remote_files": False,
            "_ansible_check_mode": False,
            "_ansible_no_log": False,
            "_ansible_module_name": f"community.digicert.{module}",
            **options,
        }
        env = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(self.tmp),
            "TMPDIR": str(self.tmp),
            "LC_ALL": "C.UTF-8",
            **(more_env or {}),
        }
        self.runs += 1
        process = self._processes.run(module, arguments, self._cwd, env, largest_file)
        try:
            answer = json.loads(process.stdout)
        except ValueError:
            raise AssertionError(f"not one JSON document: {process}") from None
        assert isinstance(answer, dict), process
        return Result(process, answer)

    def inject(self, call: Call, **fields: t.Any) -> None:
        """Apply a fault, named "cell", to a call that is prepared."""
        prepared = self.simulator.faults
        self.simulator.clear_faults()
        # The oldest fault that is due is applied: this one counts the requests that the prepared ones are applied to.
        self.simulator.inject(
            Fault(name="cell", method=call.method, path=call.path, skip=call.skip, **fields), *prepared
        )

    def settle(self) -> None:
        """Wait until the simulator has handled every request, including those that no client waits for."""
        give_up = time.monotonic() + 20
        while any(entry.status is None and entry.fault is None for entry in self.simulator.log):
            assert time.monotonic() < give_up, self.simulator.log
            time.sleep(0.02)

    def contents(self) -> dict[str, bytes]:
        """Return every file of the site by its name."""
        return {path.name: path.read_bytes() for path in self.site.iterdir() if path.is_file()}
