#!/usr/bin/python

# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: digicert_certificate_bundle
short_description: Write private key, certificate, and chain to one file
version_added: 0.3.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Writes private key, certificate, and intermediate certificates to one file, as HAProxy (PEM), or Tomcat, Java, and
    Windows (PKCS#12) expect it.
  - The file is always complete. Other users can never read it, not even for a moment, unless the options allow that.
  - The module does not contact other machines, and needs no API key.
extends_documentation_fragment:
  - community.digicert._attributes
  - ansible.builtin.files
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows subject, names, serial number, and validity of the certificates in a PEM file. Shows nothing for a PKCS#12
        file.
  idempotent:
    support: full
  safe_file_operations:
    description: Uses Ansible's strict file operation functions to ensure proper permissions and avoid data corruption.
    support: full
options:
  path:
    description:
      - File to write.
      - The directory and its parents must belong to root, the task's user or O(owner), and nobody else may have write
        access. Directories with the sticky bit, such as C(/tmp), are allowed.
      - If O(mode) is not set, the file gets C(0600). A file that already contains a private key keeps its mode.
    type: path
    required: true
  format:
    description:
      - V(pem) writes the private key, then the certificate, then the intermediate certificates. An encrypted private
        key stays encrypted.
      - V(pkcs12) writes a PKCS#12 file, encrypted with O(passphrase).
    type: str
    choices: [pem, pkcs12]
    default: pem
  private_key_path:
    description: File of the private key.
    type: path
    required: true
  private_key_passphrase:
    description: Passphrase of the private key if it is encrypted.
    type: str
  certificate_path:
    description: File of the certificate. It can also contain the chain.
    type: path
    required: true
  chain_path:
    description: File of the intermediate certificates, if they are not in O(certificate_path).
    type: path
  passphrase:
    description: Passphrase of the PKCS#12 file. Required with O(format=pkcs12).
    type: str
  friendly_name:
    description: Name of the entry in the PKCS#12 file, which Java calls alias.
    type: str
  encryption_level:
    description:
      - How the PKCS#12 file is encrypted.
      - V(compatibility2022) uses old algorithms, for Windows Server 2016 and Java older than 8u301. It requires version
        38 or later of the Python library cryptography.
    type: str
    choices: [auto, compatibility2022]
    default: auto
  backup:
    description: Whether to keep a copy of the file if it is replaced, with a timestamp in its name.
    type: bool
    default: false
requirements:
  - cryptography >= 3.3
seealso:
  - module: community.digicert.digicert_certificate
  - module: community.digicert.digicert_certificate_request
  - ref: ansible_collections.community.digicert.docsite.certificate_guide
    description: How to get certificates with your own steps.
"""

EXAMPLES = r"""
- name: Write a file for HAProxy
  community.digicert.digicert_certificate_bundle:
    path: /etc/haproxy/certs/www.example.com.pem
    private_key_path: /etc/ssl/www.example.com.key
    certificate_path: /etc/ssl/www.example.com.fullchain.pem

- name: Write a key store for Tomcat
  community.digicert.digicert_certificate_bundle:
    path: /etc/tomcat/www.example.com.p12
    format: pkcs12
    passphrase: "{{ tomcat_passphrase }}"
    friendly_name: tomcat
    private_key_path: /etc/ssl/www.example.com.key
    certificate_path: /etc/ssl/www.example.com.pem
    chain_path: /etc/ssl/www.example.com.chain.pem
    owner: root
    group: tomcat
    mode: "0640"
"""

RETURN = r"""
backup_files:
  description: Copies of files that were replaced.
  returned: always
  type: list
  elements: str
  sample: [/etc/haproxy/certs/www.example.com.pem.4711.2026-11-23@10:00:00~]
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.community.digicert.plugins.module_utils._ansible.file_writer import (
    Attributes,
    FileChanges,
    FileWriter,
    user_id,
)
from ansible_collections.community.digicert.plugins.module_utils._ansible.runner import new_module, run_without_client
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._files.paths import open_place, same_file
from ansible_collections.community.digicert.plugins.module_utils._files.private_files import check_safe
from ansible_collections.community.digicert.plugins.module_utils._files.reading import (
    contains_private_key,
    read_regular,
)
from ansible_collections.community.digicert.plugins.module_utils._files.replacing import existing_folder
from ansible_collections.community.digicert.plugins.module_utils._x509.certificates import (
    Bundle,
    build_chain,
    describe,
    read_certificates,
)
from ansible_collections.community.digicert.plugins.module_utils._x509.pkcs12 import has_same_content, make_pkcs12
from ansible_collections.community.digicert.plugins.module_utils._x509.private_keys import (
    private_key_block,
    private_key_pem,
    public_key,
    read_private_key,
)


def argument_spec() -> dict[str, dict[str, t.Any]]:
    """Return the argument spec."""
    return {
        "path": {"type": "path", "required": True},
        "format": {"type": "str", "choices": ["pem", "pkcs12"], "default": "pem"},
        "private_key_path": {"type": "path", "required": True, "no_log": False},
        "private_key_passphrase": {"type": "str", "no_log": True},
        "certificate_path": {"type": "path", "required": True},
        "chain_path": {"type": "path"},
        "passphrase": {"type": "str", "no_log": True},
        "friendly_name": {"type": "str"},
        "encryption_level": {"type": "str", "choices": ["auto", "compatibility2022"], "default": "auto"},
        "backup": {"type": "bool", "default": False},
    }


def put_bundle(module: AnsibleModule, changes: FileChanges) -> dict[str, t.Any]:
    """Write the file, and return the result; raises DigicertError."""
    params = module.params
    path = params["path"]
    before = _existing(params)
    key_content = _required(params["private_key_path"])
    key = read_private_key(key_content, params["private_key_path"], params["private_key_passphrase"])
    bundle = _bundle(params, public_key(key))
    content: bytes
    if params["format"] == "pem":
        content = (private_key_block(key_content) or private_key_pem(key, None)) + bundle.leaf.pem.encode()
        content += bundle.chain.encode()
    elif before is not None and has_same_content(before, key, bundle, params["passphrase"]):
        content = before
    else:
        compatible = params["encryption_level"] != "auto"
        content = make_pkcs12(key, bundle, params["passphrase"], params["friendly_name"], compatible=compatible)
    writer = FileWriter(module, _described)
    mode = params["mode"]
    if mode is None and not contains_private_key(before or b""):
        mode = 0o600
    writer.put_files({path: content}, {path: before}, changes, Attributes(mode, params["owner"], params["group"]))
    writer.put_attributes([path], changes)
    return {"changed": changes.changed, "backup_files": changes.backups, "diff": changes.diffs}


def _existing(params: dict[str, t.Any]) -> bytes | None:
    """Return the content of the file; raises DigicertError if it must not be replaced, or its folder is not safe."""
    path = params["path"]
    for name in ("private_key_path", "certificate_path", "chain_path"):
        if params[name] is not None and same_file(path, params[name]):
            raise DigicertError(f"path and {name} must be different files.")
    with open_place(path, user_id(params["owner"])) as place:
        existing_folder(place)
        check_safe(place)
    before = read_regular(path)
    if before and not contains_private_key(before) and b"-----BEGIN CERTIFICATE-----" not in before:
        raise DigicertError(
            f"{printable(path, 500)} contains neither a private key nor a certificate. Remove it, or use another path."
        )
    return before


def _bundle(params: dict[str, t.Any], key: bytes) -> Bundle:
    """Return certificate and chain for a public key; raises DigicertError."""
    paths = [params[name] for name in ("certificate_path", "chain_path") if params[name] is not None]
    where = printable(" and ".join(paths), 500)
    text = "\n".join(_required(path).decode("utf-8", "replace") for path in paths)
    try:
        bundle = build_chain(read_certificates(text), key)
    except DigicertError as error:
        raise error.extend(before=f"Cannot use {where}:") from error
    if bundle.leaf.public_key != key:
        raise DigicertError(f"The certificate in {where} does not belong to the private key in private_key_path.")
    return bundle


def _required(path: str) -> bytes:
    content = read_regular(path)
    if content is None:
        raise DigicertError(f"{printable(path, 500)} does not exist. Create it first.")
    return content


def _described(content: bytes | None) -> t.Any:
    if content is None:
        return ""
    return describe(read_certificates(content.decode("utf-8", "replace"), skip_damaged=True))


def main() -> None:
    """Run the module."""
    module = new_module(
        argument_spec=argument_spec(),
        add_file_common_args=True,
        required_if=[("format", "pkcs12", ("passphrase",))],
        supports_check_mode=True,
    )
    changes = FileChanges()
    run_without_client(
        module,
        lambda: put_bundle(module, changes),
        lambda: {"changed": changes.changed, "backup_files": changes.backups},
    )


if __name__ == "__main__":
    main()
