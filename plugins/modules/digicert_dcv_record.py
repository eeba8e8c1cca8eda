#!/usr/bin/python

# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: digicert_dcv_record
short_description: Publish or remove one TXT value for DigiCert by dynamic DNS update
version_added: 0.3.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Adds one text to the TXT records of a name, or removes it, by dynamic update (RFC 2136).
  - The module does not change other texts at the name, so several hosts can prove the same name at once.
  - The module does not send anything to DigiCert, and needs no API key.
requirements:
  - dnspython >= 2.0
extends_documentation_fragment:
  - community.digicert._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  record:
    description:
      - Full name of the TXT record, such as V(_dnsauth.www.example.com).
    type: str
    required: true
  value:
    description:
      - The text, such as a request token or a random value. At most 255 characters of printable ASCII.
    type: str
    required: true
  state:
    description:
      - Whether the text should be among the TXT records of the name.
    type: str
    choices: [present, absent]
    default: present
  server:
    description:
      - IP address or name of the primary name server, which receives the update.
    type: str
    required: true
  port:
    description:
      - UDP and TCP port of the name server.
    type: int
    default: 53
  zone:
    description:
      - The zone to update. If not set, the module asks O(server) for the SOA record.
    type: str
  ttl:
    description:
      - Time to live of a new TXT record, in seconds.
      - If the name already has TXT records, the name server applies this time to all of them.
    type: int
    default: 60
  key_name:
    description:
      - Name of the TSIG key that signs the update.
    type: str
  key_secret:
    description:
      - Secret of the TSIG key, base64. Required with O(key_name).
    type: str
  key_algorithm:
    description:
      - Algorithm of the TSIG key.
    type: str
    choices: [hmac-sha224, hmac-sha256, hmac-sha384, hmac-sha512, hmac-sha1, hmac-md5]
    default: hmac-sha256
  timeout:
    description:
      - Seconds that the whole task may take.
    type: float
    default: 30
notes:
  - If the response to an update is lost, the task succeeds if the name server shows the desired result.
seealso:
  - module: community.digicert.digicert_dcv_check
  - plugin: community.digicert.request_token
    plugin_type: filter
  - ref: ansible_collections.community.digicert.docsite.request_token_guide
    description: How to make, publish, and check request tokens.
"""

EXAMPLES = r"""
- name: Publish the request token
  community.digicert.digicert_dcv_record:
    record: _dnsauth.www.example.com
    value: "{{ csr | community.digicert.request_token(auth_key=digicert_auth_key) }}"
    server: ns1.example.com
    key_name: updates
    key_secret: "{{ tsig_secret }}"
  delegate_to: localhost
  register: published

- name: Remove it after the certificate was issued
  community.digicert.digicert_dcv_record:
    record: _dnsauth.www.example.com
    value: "{{ published.value }}"
    state: absent
    server: ns1.example.com
    key_name: updates
    key_secret: "{{ tsig_secret }}"
  delegate_to: localhost
"""

RETURN = r"""
record:
  description: Name of the TXT record.
  returned: success
  type: str
  sample: _dnsauth.www.example.com
value:
  description: The text that was to be published or removed.
  returned: success
  type: str
zone:
  description: The zone that has the record.
  returned: success
  type: str
  sample: example.com
"""

import binascii
import typing as t
from base64 import b64decode

from ansible_collections.community.digicert.plugins.module_utils._ansible.runner import new_module, run_without_client
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._dcv.name_servers import named_server
from ansible_collections.community.digicert.plugins.module_utils._dcv.time_limits import TimeLimit, checked_timeout
from ansible_collections.community.digicert.plugins.module_utils._dcv.updates import (
    Key,
    NoAnswerError,
    Primary,
    Record,
)
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import ascii_name

LONGEST_TEXT = 255  # bytes, RFC 1035, 3.3.14
LONGEST_TTL = 2**31 - 1  # RFC 2181, 8


def checked_record(params: t.Mapping[str, t.Any]) -> Record:
    """Return what to update, from the options of the module; raises DigicertError."""
    text = params["value"]
    if not text or len(text) > LONGEST_TEXT or not text.isascii() or not text.isprintable():
        raise DigicertError(f"value must be 1 to {LONGEST_TEXT} characters of printable ASCII.")
    if not 0 <= params["ttl"] <= LONGEST_TTL:
        raise DigicertError(f"ttl must be between 0 and {LONGEST_TTL} seconds.")
    if not params["server"].strip():
        raise DigicertError("server is empty. Set it to the name server that accepts the update.")
    if not 0 < params["port"] < 65536:
        raise DigicertError("port must be between 1 and 65535.")
    name = ascii_name(params["record"].strip())
    zone = ascii_zone(params["zone"] or "")
    if zone and name != zone and not name.endswith(f".{zone}"):
        raise DigicertError(f"The record {name} is not in the zone {zone}.")
    return Record(name, zone, text, params["ttl"])


def ascii_zone(zone: str) -> str:
    """Return the name of a zone, which may have one label only; raises DigicertError."""
    plain = zone.strip().rstrip(".")
    return ascii_name(f"x.{plain}")[2:] if plain else ""


def checked_key(params: t.Mapping[str, t.Any]) -> Key | None:
    """Return the TSIG key, from the options of the module; raises DigicertError."""
    name, secret = (params["key_name"] or "").strip(), (params["key_secret"] or "").strip()
    if not name and not secret:
        return None
    if not name or not secret:
        raise DigicertError("key_name and key_secret must be set together.")
    try:
        b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        raise DigicertError("key_secret must be base64, as the name server's configuration has it.") from None
    return Key(ascii_zone(name), secret, params["key_algorithm"])


def work(params: t.Mapping[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """Do the work and return the result; raises DigicertError."""
    record, key = checked_record(params), checked_key(params)
    limit = TimeLimit(checked_timeout(params["timeout"]))
    primary = Primary(named_server(params["server"].strip(), params["port"], limit), key, limit)
    record = record._replace(zone=record.zone or primary.find_zone(record.name))
    wanted = params["state"] == "present"
    before = primary.texts(record)
    changed = (record.text in before) is not wanted
    if changed and not check_mode:
        _update(primary, record, wanted)
    after = [text for text in before if text != record.text] + ([record.text] if wanted else [])
    result = {"changed": changed, "record": record.name, "value": record.text, "zone": record.zone}
    shown = [[printable(text, 300) for text in texts] for texts in (before, after if changed else before)]
    return {**result, "diff": {"before": {"texts": shown[0]}, "after": {"texts": shown[1]}}}


def _update(primary: Primary, record: Record, wanted: bool) -> None:
    """Update, and check the result of an update without an answer; raises DigicertError."""
    try:
        primary.update(record, wanted)
    except NoAnswerError as error:
        try:
            done = (record.text in primary.texts(record)) is wanted
        except DigicertError:
            done = False
        if not done:
            raise error.extend(after="The update may still be carried out.", changed=True) from error


def main() -> None:
    """Run the module."""
    algorithms = [f"hmac-{name}" for name in ("sha224", "sha256", "sha384", "sha512", "sha1", "md5")]
    module = new_module(
        argument_spec={
            "record": {"type": "str", "required": True},
            "value": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "server": {"type": "str", "required": True},
            "port": {"type": "int", "default": 53},
            "zone": {"type": "str"},
            "ttl": {"type": "int", "default": 60},
            "key_name": {"type": "str", "no_log": False},
            "key_secret": {"type": "str", "no_log": True},
            "key_algorithm": {"type": "str", "choices": algorithms, "default": "hmac-sha256", "no_log": False},
            "timeout": {"type": "float", "default": 30.0},
        },
        supports_check_mode=True,
    )
    run_without_client(module, lambda: work(module.params, module.check_mode))


if __name__ == "__main__":
    main()
