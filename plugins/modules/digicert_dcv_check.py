#!/usr/bin/python

# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: digicert_dcv_check
short_description: Check published DigiCert request tokens or random values the way DigiCert does
version_added: 0.3.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Checks whether DigiCert would find a request token or a random value for each name, over HTTP or DNS.
  - Run it before you order, because an order costs money even if control of the names cannot be proven.
  - The module repeats the check until it finds all of them. If it does not find them within O(timeout), it fails.
  - The module does not send anything to DigiCert, and needs no API key.
  - The module checks from the host that runs it. DigiCert checks from several places in the world, so the module cannot
    detect a firewall or a name server that answers only this host.
extends_documentation_fragment:
  - community.digicert._attributes
  - community.digicert._attributes.info_module
options:
  names:
    description:
      - The DNS names to check. For a wildcard, the module checks the name after C(*.).
    type: list
    elements: str
    required: true
  method:
    description:
      - V(http) requests C(/.well-known/pki-validation/fileauth.txt) over HTTPS first, with any TLS certificate, and
        then over HTTP. DigiCert uses the first page that answers with a status below 400. So at least one of the two
        must answer, and each that answers must show the token. Only the first 5,000 characters count.
      - With V(http), the module follows up to 5 redirects (301, 302, 307, 308) on ports 80 and 443. A redirect must
        lead to one of O(names), its C(www.) form, or its parent.
      - V(dns) reads the TXT records of C(_dnsauth.<name>), then those of C(<name>). Every name server must show the
        token, and the record must contain nothing else.
    type: str
    choices: [http, dns]
    required: true
  csr:
    description:
      - The CSR for which the request token was made, see P(community.digicert.request_token#filter).
      - Exactly one of O(csr) and O(value) is required.
    type: str
  auth_key:
    description:
      - The AuthKey with which the request token was made. Required with O(csr).
    type: str
  csr_format:
    description:
      - Which form of the CSR was hashed, see P(community.digicert.request_token#filter).
    type: str
    choices: [base64, pem, pem_line]
    default: base64
  value:
    description:
      - The random value of a pending order, if you published it instead of a request token.
    type: str
  http_address:
    description:
      - IP address or host to connect to instead of the names, optionally with the TCP port for HTTP, such as
        V(192.0.2.1), V(192.0.2.1:8080), or V([2001:db8::1]:8080).
      - If not set, the module refuses private and loopback addresses, because DigiCert cannot reach them.
    type: str
  https_port:
    description:
      - TCP port for HTTPS.
    type: int
    default: 443
  user_agent:
    description:
      - The C(User-Agent) header, for web servers that answer differently to different clients.
    type: str
    default: community.digicert
  dns_servers:
    description:
      - IP addresses or names of the DNS servers to ask. If not set, the module asks all authoritative servers of the
        zone.
    type: list
    elements: str
  dns_port:
    description:
      - UDP and TCP port of the DNS servers.
    type: int
    default: 53
  timeout:
    description:
      - Seconds that the check of all names may take in total.
    type: float
    default: 60
  service_time:
    description:
      - The current time by DigiCert's clock (ISO 8601), for hosts whose own clock is wrong. DigiCert refuses a token
        whose timestamp is later than this.
    type: str
requirements:
  - dnspython >= 2.0 (for O(method=dns))
seealso:
  - plugin: community.digicert.request_token
    plugin_type: filter
  - plugin: community.digicert.valid_request_token
    plugin_type: test
  - module: community.digicert.digicert_dcv_record
  - ref: ansible_collections.community.digicert.docsite.request_token_guide
    description: How to make, publish, and check request tokens.
"""

EXAMPLES = r"""
- name: Make sure that the web server shows the request token
  community.digicert.digicert_dcv_check:
    names: [www.example.com, example.com]
    method: http
    csr: "{{ csr }}"
    auth_key: "{{ digicert_auth_key }}"
  delegate_to: localhost

- name: Make sure that all name servers of the zone show the request token
  community.digicert.digicert_dcv_check:
    names: ["*.example.com"]
    method: dns
    csr: "{{ csr }}"
    auth_key: "{{ digicert_auth_key }}"
    timeout: 300
  delegate_to: localhost

- name: Make sure that the random value of a pending order can be seen
  community.digicert.digicert_dcv_check:
    names: [www.example.com]
    method: dns
    value: "{{ pending.dcv_random_value }}"
  delegate_to: localhost
"""

RETURN = r"""
results:
  description: What was found for each name, in the order of O(names).
  returned: when the names were checked
  type: list
  elements: dict
  contains:
    name:
      description: The name, in the form of certificates.
      returned: always
      type: str
      sample: www.example.com
    seen:
      description: Whether DigiCert would find what it looks for.
      returned: always
      type: bool
    where:
      description: The URL or the TXT record that shows it, or the last one that was checked.
      returned: always
      type: str
      sample: _dnsauth.www.example.com
    asked:
      description: Addresses of the servers that were asked.
      returned: always
      type: list
      elements: str
      sample: ["192.0.2.53"]
    cname:
      description: Where a CNAME record at C(_dnsauth.<name>) leads. The TXT record must be there.
      returned: if there is one
      type: str
    reason:
      description: Why it was not found.
      returned: if it was not found
      type: str
"""

import time
import typing as t

from ansible_collections.community.digicert.plugins.module_utils._ansible.runner import new_module, run_without_client
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import parse_datetime
from ansible_collections.community.digicert.plugins.module_utils._dcv import name_servers, web
from ansible_collections.community.digicert.plugins.module_utils._dcv.looks import (
    Look,
    ServerFinder,
    Sought,
    look_over_dns,
    look_over_http,
    look_until,
)
from ansible_collections.community.digicert.plugins.module_utils._dcv.time_limits import TimeLimit, checked_timeout
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import ascii_name


def checked_names(names: t.Sequence[str], method: str) -> list[str]:
    """Return names in the form of certificates, each once; raises DigicertError."""
    checked = list(dict.fromkeys(ascii_name(name.strip()) for name in names))
    if not checked:
        raise DigicertError("names is empty. Set the DNS names to check.")
    for name in checked:
        if method == "http" and name.startswith("*."):
            raise DigicertError(f"{name} is a wildcard, which cannot be validated over HTTP. Use method=dns for it.")
    return checked


def site_of(params: t.Mapping[str, t.Any], names: t.Sequence[str]) -> web.Site:
    """Return how the names are reached, from the options of the module; raises DigicertError."""
    if not params["user_agent"].isascii() or not params["user_agent"].isprintable():
        raise DigicertError("user_agent must be printable ASCII text on one line.")
    allowed = {*names, *(f"www.{name}" for name in names)}
    allowed |= {name.partition(".")[2] for name in names if name.count(".") > 1}
    address, port = _split_address(params["http_address"])
    ports = {"https": checked_port("https_port", params["https_port"]), "http": port}
    return web.Site(address, ports, params["user_agent"], allowed)


def _split_address(text: str | None) -> tuple[str | None, int]:
    """Return host and port of `http_address`; raises DigicertError."""
    address = (text or "").strip()
    if not address:
        return None, web.PORTS["http"]
    host, colon, port = address.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        host, port = address, str(web.PORTS["http"])  # no port, or a bare IPv6 address
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not port.isdecimal() or not host or any(one in " /@\\[]?#" or not one.isprintable() for one in host):
        raise DigicertError("http_address must be an IP address or a host, optionally with a colon and a TCP port.")
    return host, checked_port("http_address", int(port[:6]))


def checked_port(option: str, port: int) -> int:
    """Return a port; raises DigicertError, which names the option."""
    if not 0 < port < 65536:
        raise DigicertError(f"The port in {option} must be between 1 and 65535.")
    return port


def sought_by(params: t.Mapping[str, t.Any]) -> Sought:
    """Return the value that must be published, from the options; raises DigicertError."""
    offset = 0.0
    if params["service_time"]:
        moment = parse_datetime(params["service_time"])
        if moment is None:
            raise DigicertError(
                "service_time must be a date and time in ISO 8601 format, such as 2026-11-23T16:14:53+00:00."
            )
        offset = moment.timestamp() - time.time()
    value = params["value"]
    if value is not None and (not value.strip() or len(value.split()) != 1):
        raise DigicertError("value must be a random value of CertCentral: one word that is not empty.")
    csr, auth_key = params["csr"] or "", params["auth_key"] or ""
    sought = Sought(params["method"], value and value.strip(), csr, auth_key, params["csr_format"], offset)
    sought.fault("")  # raises for a wrong csr or auth_key
    return sought


def main() -> None:
    """Run the module."""
    module = new_module(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "method": {"type": "str", "choices": ["http", "dns"], "required": True},
            # A private key that is passed by mistake must not get into the log.
            "csr": {"type": "str", "no_log": True},
            "auth_key": {"type": "str", "no_log": True},
            "csr_format": {"type": "str", "choices": ["base64", "pem", "pem_line"], "default": "base64"},
            "value": {"type": "str"},
            "http_address": {"type": "str"},
            "https_port": {"type": "int", "default": 443},
            "user_agent": {"type": "str", "default": "community.digicert"},
            "dns_servers": {"type": "list", "elements": "str"},
            "dns_port": {"type": "int", "default": 53},
            "timeout": {"type": "float", "default": 60.0},
            "service_time": {"type": "str"},
        },
        required_one_of=[("csr", "value")],
        mutually_exclusive=[("csr", "value")],
        required_by={"csr": ("auth_key",)},
        supports_check_mode=True,
    )
    looks: dict[str, Look] = {}
    params = module.params

    def results() -> dict[str, t.Any]:
        return {"results": [look.result() for look in looks.values()]} if looks else {}

    def work() -> dict[str, t.Any]:
        names = checked_names(params["names"], params["method"])
        sought = sought_by(params)
        limit = TimeLimit(checked_timeout(params["timeout"]))
        if params["method"] == "http":
            site = site_of(params, names)
            look_until(names, lambda name, part: look_over_http(name, sought, site, part), limit, looks)
        else:
            name_servers.load_dnspython()
            finder = ServerFinder(params["dns_servers"] or (), checked_port("dns_port", params["dns_port"]), limit)
            look_until(names, lambda name, part: look_over_dns(name, sought, finder, part), limit, looks)
        failed = [look for look in looks.values() if look.reason]
        if failed:
            raise DigicertError(f"{_failure(failed)} {failed[0].advice}")
        for look in looks.values():
            if look.warning:
                module.warn(look.warning)
        return {"changed": False, **results()}

    run_without_client(module, work, results)


def _failure(failed: t.Sequence[Look]) -> str:
    """Return the message for names that do not show the value."""
    reason = failed[0].reason
    others = f" {len(failed) - 1} more names failed; see results." if len(failed) > 1 else ""
    return f"{reason[:1].upper()}{reason[1:]}.{others}"


if __name__ == "__main__":
    main()
