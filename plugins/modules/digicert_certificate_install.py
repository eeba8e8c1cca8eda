#!/usr/bin/python

# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: digicert_certificate_install
short_description: Install a certificate that another machine ordered, and keep its journal
version_added: 0.3.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Writes certificate and chain, and the journal beside them. Use it together with
    M(community.digicert.digicert_certificate), which orders the certificate on a machine that can reach CertCentral,
    and its option O(community.digicert.digicert_certificate#module:journal).
  - The module changes the journal only if no other run has changed it since it was read. This reserves the order.
    Without this reservation, the other machine must not send anything.
  - The module does not contact other machines, and needs no API key.
extends_documentation_fragment:
  - community.digicert._attributes
  - ansible.builtin.files
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  safe_file_operations:
    description: Uses Ansible's strict file operation functions to ensure proper permissions and avoid data corruption.
    support: full
options:
  path:
    description:
      - File of the certificate, as in M(community.digicert.digicert_certificate).
      - One of O(path) and O(full_chain_path) is required.
    type: path
  chain_path:
    description: File of the intermediate certificates.
    type: path
  full_chain_path:
    description: File of the certificate followed by the intermediate certificates.
    type: path
  certificate:
    description:
      - The certificate, PEM text. If not set, only the journal is written.
    type: str
  chain:
    description: The intermediate certificates, PEM text. Required with O(certificate).
    type: str
  expected:
    description:
      - Content of the journal when it was read, as returned by M(community.digicert.digicert_certificate_info).
    type: dict
    required: true
  journal:
    description: New content of the journal, as returned by M(community.digicert.digicert_certificate).
    type: dict
    required: true
  backup:
    description: Whether to keep a copy of each file that is replaced, with a timestamp in its name.
    type: bool
    default: false
  wait_timeout:
    description: Seconds to wait for another run on this machine that works on the same certificate.
    type: int
    default: 60
requirements:
  - cryptography >= 3.3 (for O(certificate))
notes:
  - If O(certificate) is set and RV(recorded) is V(false), no file was written.
  - Writing only the journal does not make the result V(changed).
seealso:
  - module: community.digicert.digicert_certificate
  - module: community.digicert.digicert_certificate_info
  - ref: ansible_collections.community.digicert.docsite.dv_certificate_guide
    description: How the controller orders for hosts that cannot reach CertCentral.
"""

EXAMPLES = r"""
- name: Reserve the order
  community.digicert.digicert_certificate_install:
    path: /etc/ssl/www.example.com.pem
    full_chain_path: /etc/ssl/www.example.com.fullchain.pem
    expected: "{{ look.journal.entry }}"
    journal: "{{ planned.journal }}"
  register: reserved

- name: Install the certificate
  community.digicert.digicert_certificate_install:
    path: /etc/ssl/www.example.com.pem
    full_chain_path: /etc/ssl/www.example.com.fullchain.pem
    certificate: "{{ ordered.certificate }}"
    chain: "{{ ordered.chain }}"
    expected: "{{ planned.journal }}"
    journal: "{{ ordered.journal }}"
  notify: Reload the web server
"""

RETURN = r"""
recorded:
  description:
    - Whether the journal now has the content of O(journal). Otherwise another run has changed it, and nothing was
      written.
  returned: success
  type: bool
  sample: true
journal:
  description: Content of the journal.
  returned: success
  type: dict
certificate:
  description: The installed certificate, PEM text. V(none) when there is none.
  returned: when RV(recorded) is V(false)
  type: str
  sample: "-----BEGIN CERTIFICATE-----..."
chain:
  description: Its chain, PEM text. V(none) if none of the files contains it.
  returned: when RV(recorded) is V(false)
  type: str
  sample: "-----BEGIN CERTIFICATE-----..."
backup_files:
  description: Copies that were made of replaced files.
  returned: success
  type: list
  elements: str
  sample: [/etc/ssl/www.example.com.pem.4711.2026-11-23@10:00:00~]
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.community.digicert.plugins.module_utils._ansible.file_writer import FileChanges, FileWriter
from ansible_collections.community.digicert.plugins.module_utils._ansible.runner import new_module, run_without_client
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._issuance.installed import (
    InstalledCertificate,
    InstallPaths,
    Wanted,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import (
    EMPTY,
    Journal,
    JournalEntry,
    entry_values,
    parse_entry,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.reservation import (
    is_same_installation,
    may_record,
)
from ansible_collections.community.digicert.plugins.module_utils._x509.certificates import (
    build_chain,
    describe,
    read_certificates,
)


class InstallTask:
    """The work of the module, from its options to its result."""

    def __init__(self, module: AnsibleModule) -> None:
        """Keep the module; nothing is read or written yet."""
        self.module = module
        self.options = module.params
        self.changes = FileChanges()
        self.writer = FileWriter(module, _describe)

    def work(self) -> dict[str, t.Any]:
        """Do the work, and return the module's result; raises DigicertError."""
        options = self.options
        given = InstallPaths(options["path"], options["chain_path"], options["full_chain_path"])
        if given.primary is None:
            raise DigicertError("Set path, full_chain_path, or both.")
        paths = given.resolve()
        paths.check({})
        journal = Journal(paths.primary)
        journal.take_over(given.primary)
        expected, entry = (self._entry(name) for name in ("expected", "journal"))
        if self.module.check_mode:
            journal.load()
            return self._record(journal, paths, expected, entry)
        with journal.locked(max(0, options["wait_timeout"])):
            return self._record(journal, paths, expected, entry)

    def failure_details(self) -> dict[str, t.Any]:
        """Return what a failed task returns besides the error."""
        return {"changed": self.changes.changed}

    def _entry(self, name: str) -> JournalEntry:
        values = self.options[name]
        return parse_entry(f"in the option {name}", values) if values else EMPTY

    def _record(
        self, journal: Journal, paths: InstallPaths, expected: JournalEntry, entry: JournalEntry
    ) -> dict[str, t.Any]:
        installed = InstalledCertificate.read(paths, Wanted(None, ()))
        is_recorded = is_same_installation(journal.entry, entry)
        if not is_recorded and not may_record(journal.entry, expected, entry):
            leaf, bundle = installed.leaf, installed.bundle
            found = {"certificate": leaf and leaf.pem, "chain": bundle and bundle.chain}
            return {"changed": False, "recorded": False, "journal": entry_values(journal.entry), **found}
        # Files are on the disk before the journal records them.
        if self.options["certificate"] is not None:
            contents = self._contents(paths)
            self.writer.put_files(contents, installed.texts, self.changes)
            self.writer.put_attributes(paths.paths, self.changes)
        # The journal alone does not count as a change, as in digicert_certificate: servers do not need a reload.
        if not is_recorded and journal.entry != entry and not self.module.check_mode:
            journal.save(entry)
        return {
            "changed": self.changes.changed,
            "recorded": True,
            "journal": entry_values(journal.entry),
            "backup_files": self.changes.backups,
            "diff": self.changes.diffs,
        }

    def _contents(self, paths: InstallPaths) -> dict[str, str]:
        """Return what to write; raises DigicertError if certificate and chain do not match."""
        leaf = read_certificates(self.options["certificate"])[:1]
        try:
            bundle = build_chain(
                [*leaf, *read_certificates(self.options["chain"])], leaf[0].public_key if leaf else None
            )
        except DigicertError as error:
            raise error.extend(before="certificate and chain do not match:") from error
        return {path: text for path, text in paths.contents(bundle.leaf, bundle).items() if text is not None}


def _describe(text: str | None) -> dict[str, t.Any]:
    return {} if text is None else describe(read_certificates(text, skip_damaged=True))


def main() -> None:
    """Run the module."""
    module = new_module(
        argument_spec={
            "path": {"type": "path"},
            "chain_path": {"type": "path"},
            "full_chain_path": {"type": "path"},
            "certificate": {"type": "str"},
            "chain": {"type": "str"},
            "expected": {"type": "dict", "required": True},
            "journal": {"type": "dict", "required": True},
            "backup": {"type": "bool", "default": False},
            "wait_timeout": {"type": "int", "default": 60},
        },
        required_together=[("certificate", "chain")],
        add_file_common_args=True,
        supports_check_mode=True,
    )
    task = InstallTask(module)
    run_without_client(module, task.work, task.failure_details)


if __name__ == "__main__":
    main()
