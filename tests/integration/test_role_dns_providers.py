# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role dv_certificate with the DNS providers' modules, unchanged from their collections.

PROVIDERS is the folder with the packages of requirements/providers.txt, which the session `integration` sets.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import typing as t
import urllib.request
from pathlib import Path
from xml.sax.saxutils import unescape

import pytest

from tests.simulator import OrderBehaviour
from tests.support.azure_dns import Azure
from tests.support.dns_apis import ZONE, Cloudflare, Hetzner, proxy_to
from tests.support.fleet import Fleet, failures
from tests.support.gaps import package_folder

SHARED = "_dnsauth.shared"
RECORD = f"{SHARED}.{ZONE}"
# Other TXT records at the name: one with special characters of shells, lists, and JSON, and one in two parts.
FOREIGN = ["v=spf1 a,b -all", "it's 100% {{ other }} \\ here"]
XML = "https://route53.amazonaws.com/doc/2013-04-01/"


class Route53:
    """The stand-in for Route 53, with the zone example.com."""

    def __init__(self, folder: str, log: Path) -> None:
        self._log = log
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([folder, str(Path(__file__).parents[2])])}
        command = [sys.executable, "-m", "tests.support.route53", str(log)]
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        zone = f'<CreateHostedZoneRequest xmlns="{XML}"><CallerReference>1</CallerReference><Name>{ZONE}</Name>'
        found = re.search(r"<Id>/?hostedzone/([^<]+)", self._ask("hostedzone", f"{zone}</CreateHostedZoneRequest>"))
        assert found
        self._zone = found[1]

    def add(self, *values: str) -> None:
        rows = "".join(f"<ResourceRecord><Value>{value}</Value></ResourceRecord>" for value in values)
        change = f"<ResourceRecordSet><Name>{RECORD}</Name><Type>TXT</Type><TTL>300</TTL>"
        change = f"<Action>CREATE</Action>{change}<ResourceRecords>{rows}</ResourceRecords></ResourceRecordSet>"
        body = f"<ChangeBatch><Changes><Change>{change}</Change></Changes></ChangeBatch>"
        text = f'<ChangeResourceRecordSetsRequest xmlns="{XML}">{body}</ChangeResourceRecordSetsRequest>'
        self._ask(f"hostedzone/{self._zone}/rrset/", text)

    def values(self) -> list[str]:
        return values_in(self._ask(f"hostedzone/{self._zone}/rrset"))

    def changes(self) -> list[list[str]]:
        return [values_in(json.loads(line)) for line in self._log.read_text().splitlines()]

    def _ask(self, path: str, body: str | None = None) -> str:
        # It recognizes the service by this header, and does not check signatures.
        credential = "AWS4-HMAC-SHA256 Credential=AKIA/20261127/us-east-1/route53/aws4_request, SignedHeaders=host"
        headers = {"Authorization": f"{credential}, Signature=0", "Content-Type": "text/xml"}
        data = body.encode() if body else None
        request = urllib.request.Request(f"{self.url}/2013-04-01/{path}", data, headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return str(answer.read().decode())


def values_in(text: str) -> list[str]:
    """Return the TXT values in a request or response of Route 53."""
    sets = re.findall(r"<Type>TXT</Type>.*?</ResourceRecordSet>", text, re.DOTALL)
    return [unescape(value, {"&quot;": '"'}) for value in re.findall(r"<Value>([^<]*)</Value>", "".join(sets))]


@pytest.fixture
def packages() -> str:
    return package_folder("providers")


def installed(collection: str) -> Path:
    """Return where a collection is."""
    paths = os.environ["ANSIBLE_COLLECTIONS_PATH"].split(os.pathsep)
    return next(p for p in (Path(path, "ansible_collections", collection) for path in paths) if p.is_dir())


def test_two_hosts_prove_one_name_at_once_and_other_values_stay(fleet: Fleet, tmp_path: Path, packages: str) -> None:
    fleet.simulator.set_order_behaviour(OrderBehaviour(validation="never"))
    cloudflare, hetzner = Cloudflare(), Hetzner()
    cloudflare.values[RECORD] = list(FOREIGN)
    hetzner.values[RECORD] = [json.dumps(value) for value in FOREIGN]
    before = {service: {RECORD: list(service.values[RECORD])} for service in (cloudflare, hetzner)}
    (tmp_path / "azure").mkdir()
    azure = Azure(tmp_path / "azure", installed("azure/azcollection"))
    parts = [[FOREIGN[0]], ["x" * 200, "y" * 200]]
    azure.write({SHARED: parts})
    route53 = Route53(packages, tmp_path / "route53.jsonl")
    quoted = ['"v=spf1 a,b -all"', '"two" "parts"', '"a \\"quoted\\" text"']
    route53.add(*(value.replace('"', "&quot;") for value in quoted))
    credentials: dict[str, dict[str, str]] = {
        "route53": {"access_key": "AKIA", "secret_key": "S3cr3t", "region": "us-east-1", "endpoint_url": route53.url},
        "cloudflare": {"api_token": "t0k3n-c"},
        "hetzner": {"api_token": "t0k3n-h"},
        "azure": {"resource_group": "dns-group", "client_id": "cl13nt", "secret": "S3cr3t", "tenant": "t3nant"},
    }
    own: dict[str, t.Any] = {"dcv_method": "dns", "dns_zone": ZONE, "dns_alias": RECORD, "check": False}
    hosts: dict[str, dict[str, t.Any]] = {
        f"{provider}{number}.example.com": {**own, "dns_provider": provider, "dns_credentials": credentials[provider]}
        for provider in credentials
        for number in (1, 2)
    }
    fleet.ansible.longest_run = 480.0  # other collections' modules, which are slow on a busy machine
    env = fleet.ansible.env
    env["ANSIBLE_FORKS"] = "8"
    env["ANSIBLE_COLLECTIONS_PATH"] = os.pathsep.join([str(azure.path), env["ANSIBLE_COLLECTIONS_PATH"]])
    env["MORE_PACKAGES"] = packages
    try:
        with proxy_to(tmp_path, cloudflare, hetzner) as proxy:
            env.update(proxy)
            run = fleet.run(hosts=hosts)
        assert (run.rc, failures(run)) == (0, {}), run.output
        for host in hosts:
            fleet.verify(host)
        assert "S3cr3t" not in run.output
        for service, values in before.items():
            assert (service.values, service.tokens) == (values, {f"t0k3n-{service.host[4]}"})
            most = max((values for _name, values in service.history), key=len)
            assert (len(most), set(values[RECORD]) <= set(most)) == (4, True), service.history
        known = azure.read()
        assert {name: sorted(values) for name, values in known["sets"].items()} == {SHARED: parts}
        assert [len(values) for values in known["history"]] == [4, 2]
        assert known["ttl"] == [300, 300]
        assert sorted(route53.values()) == sorted(quoted)
        assert [len(values) for values in route53.changes()[1:]] == [5, 3]
    finally:
        route53.process.terminate()
        route53.process.wait(30)
