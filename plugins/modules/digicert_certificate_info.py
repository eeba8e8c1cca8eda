#!/usr/bin/python

# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: digicert_certificate_info
short_description: Read what is installed on a host, and whether a certificate is due
version_added: 0.3.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Reads certificate, chain, private key, CSR, and the journal of M(community.digicert.digicert_certificate) on the
    host, and returns whether the certificate is due and why, and which files differ from the options.
  - The module does not contact other machines, needs no API key, and does not write anything.
extends_documentation_fragment:
  - community.digicert._attributes
  - community.digicert._attributes.info_module
options:
  path:
    description: File of the certificate, as in M(community.digicert.digicert_certificate).
    type: path
  chain_path:
    description: File of the intermediate certificates.
    type: path
  full_chain_path:
    description: File of the certificate followed by the intermediate certificates.
    type: path
  include_root:
    description: Whether O(full_chain_path) ends with the root certificate.
    type: bool
    default: false
  private_key_path:
    description:
      - File of the private key that the certificate must match. If not set, the certificate must match the CSR in
        O(csr_path), if that is set.
    type: path
  private_key_passphrase:
    description: Passphrase of the private key.
    type: str
  csr_path:
    description: File of the CSR. A missing or damaged CSR does not make the certificate due.
    type: path
  common_name:
    description: Name that the certificate must cover. If neither this nor O(dns_names) is set, the certificate must
      cover the names of the CSR.
    type: str
  dns_names:
    description: Names that the certificate must cover.
    type: list
    elements: str
  remaining_days:
    description:
      - A certificate that is valid for fewer days is due. If not set, this is 30 days or a third of its validity,
        whichever is less.
    type: int
  mode:
    description:
      - Permissions that the files of the certificate should have, as for M(ansible.builtin.file). If not set, any.
    type: raw
  owner:
    description: Name or number of the user who should own the files of the certificate. If not set, any.
    type: str
  group:
    description: Name or number of the group that should own the files of the certificate. If not set, any.
    type: str
  private_key_mode:
    description:
      - Permissions that the private key should have, as for M(ansible.builtin.file). If not set, any.
    type: raw
  private_key_owner:
    description: Name or number of the user who should own the private key. If not set, any.
    type: str
  private_key_group:
    description: Name or number of the group that should own the private key. If not set, any.
    type: str
requirements:
  - cryptography >= 3.3 (if there is a certificate, a private key, or a CSR)
notes:
  - Files whose names end with C(.next) belong to a certificate with a new private key that is not activated yet.
seealso:
  - module: community.digicert.digicert_certificate
  - module: community.digicert.digicert_certificate_request
  - ref: ansible_collections.community.digicert.docsite.certificate_guide
    description: How to get certificates with your own steps.
"""

EXAMPLES = r"""
- name: Find out whether a certificate is due
  community.digicert.digicert_certificate_info:
    path: /etc/ssl/www.example.com.pem
    full_chain_path: /etc/ssl/www.example.com.fullchain.pem
    private_key_path: /etc/ssl/private/www.example.com.key
    csr_path: /etc/ssl/www.example.com.csr
    common_name: www.example.com
  register: certificate

- name: Show it
  ansible.builtin.debug:
    msg: "{{ certificate.days_left }} days left, due: {{ certificate.due }} {{ certificate.reasons }}"
"""

RETURN = r"""
due:
  description: Whether the certificate is due.
  returned: success
  type: bool
  sample: true
reasons:
  description:
    - Why it is due. V(missing) if there is no certificate. V(public_key) if it does not match the private key or the
      CSR. V(names) if it does not cover all names. V(expires) if it expires soon. V(self_signed) if it is a
      placeholder. Also V(not_a_server_certificate), V(private_key_missing), and V(private_key_unreadable).
  returned: success
  type: list
  elements: str
  sample: [expires]
drift:
  description: How the files differ from the options.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
    what:
      description: V(missing) or V(content) for files of the certificate, V(mode), V(owner), or V(group).
      type: str
    is_private_key:
      description: Whether the file is O(private_key_path).
      type: bool
  sample: [{"path": "/etc/ssl/www.example.com.pem", "what": "mode", "is_private_key": false}]
is_complete:
  description: Whether all files can be rebuilt from the files in place, without a request.
  returned: success
  type: bool
  sample: true
certificate:
  description: The certificate, PEM text. V(none) when there is none.
  returned: success
  type: str
  sample: "-----BEGIN CERTIFICATE-----..."
chain:
  description: The intermediate certificates, PEM text. V(none) if none of the files contains them.
  returned: success
  type: str
  sample: "-----BEGIN CERTIFICATE-----..."
serial_number:
  description: Serial number of the certificate, hexadecimal.
  returned: success
  type: str
  sample: 0A1B2C3D4E5F60718293A4B5C6D7E8F9
dns_names:
  description: DNS names that the certificate covers.
  returned: success
  type: list
  elements: str
  sample: [www.example.com]
not_before:
  description: When the certificate's validity begins (UTC, ISO 8601).
  returned: success
  type: str
  sample: "2026-11-23T00:00:00+00:00"
not_after:
  description: When the certificate expires (UTC, ISO 8601).
  returned: success
  type: str
  sample: "2027-06-10T23:59:59+00:00"
days_left:
  description: Days until the certificate expires, by the clock of the host.
  returned: success
  type: float
  sample: 29.5
private_key_fits:
  description: Whether the certificate matches the private key. V(none) if one of them is missing.
  returned: success
  type: bool
  sample: true
csr:
  description: The CSR, PEM text. V(none) when there is none, or it cannot be read.
  returned: success
  type: str
  sample: "-----BEGIN CERTIFICATE REQUEST-----..."
csr_fits:
  description: Whether the CSR matches the private key and asks for exactly the required names. V(none) if there is no
    CSR.
  returned: success
  type: bool
  sample: true
journal:
  description: What M(community.digicert.digicert_certificate) remembers.
  returned: success
  type: dict
  contains:
    state:
      description:
        - V(none) if there is no journal. V(known) if the journal knows the order of the certificate. V(sent) if an
          order or a reissue was sent and its response was lost. V(accepted) if it is pending. After V(sent) and
          V(accepted), run M(community.digicert.digicert_certificate) again.
      type: str
    kind:
      description: What is pending, V(order) or V(reissue). V(none) if nothing is.
      type: str
    order_id:
      description: Id of the order.
      type: int
    order_valid_till:
      description: When the paid order ends (UTC, ISO 8601).
      type: str
    serial_number:
      description: Serial number of the certificate that was installed last.
      type: str
    replaced_serial_number:
      description: Serial number of the certificate that it replaced.
      type: str
    is_for_csr:
      description: Whether the pending order or reissue is for the CSR in O(csr_path). V(none) if nothing is pending, or
        if there is no CSR.
      type: bool
    entry:
      description:
        - The whole content, for O(community.digicert.digicert_certificate#module:journal). It does not contain secrets.
      type: dict
    is_for_staged_csr:
      description: The same for the staged CSR, whose name ends with C(.next).
      type: bool
staged:
  description: The staged files, which wait for activation.
  returned: success
  type: dict
  contains:
    files:
      description: The files whose names end with C(.next).
      type: list
      elements: str
    is_ready:
      description: Whether they can be activated. The private key and the certificate must be complete and match.
      type: bool
    serial_number:
      description: Serial number of the staged certificate.
      type: str
"""

import os
import typing as t

from ansible_collections.community.digicert.plugins.module_utils._ansible.runner import new_module, run_without_client
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._issuance.installed import InstallPaths
from ansible_collections.community.digicert.plugins.module_utils._issuance.status import CertificateStatus, LookedAt

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def look(module: AnsibleModule) -> dict[str, t.Any]:
    """Return the module's result; raises DigicertError."""
    options = module.params
    paths = InstallPaths(*(options[name] for name in ("path", "chain_path", "full_chain_path", "include_root")))
    if paths.primary is None:
        raise DigicertError("Set path, full_chain_path, or both.")
    given = [*([options["common_name"]] if options["common_name"] else []), *(options["dns_names"] or [])]
    status = CertificateStatus(
        LookedAt(
            paths,
            options["private_key_path"],
            options["private_key_passphrase"],
            options["csr_path"],
            tuple(map(str, given)) or None,
            options["remaining_days"],
        )
    )
    for sentence in status.warnings:
        module.warn(sentence)
    wanted = {path: _attributes(module, path, "") for path in status.paths.paths}
    if options["private_key_path"]:
        path = str(options["private_key_path"])
        wanted[path] = _attributes(module, path, "private_key_")
    return {"changed": False, **status.result(), "drift": status.drift(wanted)}


def _attributes(module: AnsibleModule, path: str, prefix: str) -> tuple[str | None, t.Any, t.Any]:
    """Return the mode that a file should have, as octal text, its owner, and its group; raises DigicertError."""
    mode, owner, group = (module.params[prefix + name] for name in ("mode", "owner", "group"))
    if mode is None or (isinstance(mode, str) and mode.isdigit()):
        return mode, owner, group
    try:
        # As the modules that set it: a number is what YAML makes of unquoted digits, other text changes what is there.
        number = mode if isinstance(mode, int) else module._symbolic_mode_to_octal(os.stat(path), mode)
        return f"{number:o}", owner, group
    except OSError:
        return None, owner, group  # nothing to compare with
    except Exception:  # noqa: BLE001 (Ansible raises whatever a wrong mode leads to)
        raise DigicertError(
            f"{prefix}mode: {printable(str(mode), 40)!r} is not a mode. Set it to a string such as '0640'."
        ) from None


def main() -> None:
    """Run the module."""
    module = new_module(
        argument_spec={
            "path": {"type": "path"},
            "chain_path": {"type": "path"},
            "full_chain_path": {"type": "path"},
            "include_root": {"type": "bool", "default": False},
            "private_key_path": {"type": "path"},
            "private_key_passphrase": {"type": "str", "no_log": True},
            "csr_path": {"type": "path"},
            "common_name": {"type": "str"},
            "dns_names": {"type": "list", "elements": "str"},
            "remaining_days": {"type": "int"},
            "mode": {"type": "raw"},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "private_key_mode": {"type": "raw", "no_log": False},
            "private_key_owner": {"type": "str", "no_log": False},
            "private_key_group": {"type": "str", "no_log": False},
        },
        supports_check_mode=True,
    )
    run_without_client(module, lambda: look(module))


if __name__ == "__main__":
    main()
