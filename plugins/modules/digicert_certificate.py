#!/usr/bin/python

# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: digicert_certificate
short_description: Order a DV certificate from DigiCert CertCentral, install it, and renew it by reissue
version_added: 0.1.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Gets a domain-validated (DV) certificate for a certificate signing request (CSR) and installs it with its chain.
    If a request token proves control of the domains before the order is sent, the certificate comes with the response.
  - An order lasts longer than its certificates. As long as the order is valid, the module renews a certificate by a
    reissue within that order, free of charge. It places a new order, which costs money, only if there is no order, or
    if the order ends too soon, has ended, or is for other names. See O(renewal).
  - The module never sends the same order or reissue twice. If a response is lost, the module searches the account, and
    waits at least ten minutes before it sends the request again. If a run is interrupted, the next run continues.
  - As long as the installed certificate has the public key of the CSR, covers all names, and is valid for at least
    O(remaining_days) more, the module sends no request. It still corrects the content and attributes of the files.
extends_documentation_fragment:
  - community.digicert._options
  - community.digicert._order_options
  - community.digicert._attributes
  - community.digicert._attributes.api_module
  - ansible.builtin.files
attributes:
  check_mode:
    support: full
    details:
      - Sends no request, and predicts RV(action) from the files and the journal.
  diff_mode:
    support: full
    details:
      - Shows subject, names, serial number, and validity of the certificates in each file, and RV(action).
  idempotent:
    support: partial
    details:
      - Not with O(force=true). Without O(path) and O(full_chain_path), each run returns the certificate that the
        account has for the CSR, and gets one if there is none.
  safe_file_operations:
    description: Uses Ansible's strict file operation functions to ensure proper permissions and avoid data corruption.
    support: full
options:
  csr:
    description:
      - File with the CSR in PEM form, on the host that runs the module.
      - Exactly one of O(csr) and O(csr_content) is required.
    type: path
  csr_content:
    description:
      - The CSR itself in PEM form.
      - Ansible keeps it out of logs, because it is easy to pass a private key by mistake. The module refuses a private
        key.
    type: str
  path:
    description:
      - File for the certificate.
      - The directory must exist. The module checks this before it sends anything.
      - The module follows a link only if the link and every directory in its path belong to root or the user of the
        task, and nobody else can write there.
      - If the file contains a private key, the task fails before it sends anything. The module never overwrites a
        private key.
      - Without O(path) and O(full_chain_path), the module only returns the certificate. A later run finds the order in
        the account by its names and its CSR.
    type: path
  chain_path:
    description:
      - File for the intermediate certificates, in the order of signing. The root certificate is never in it.
      - Requires O(path) or O(full_chain_path).
    type: path
  full_chain_path:
    description:
      - File for the certificate followed by the intermediate certificates, which is what most servers want.
    type: path
  include_root:
    description:
      - Whether O(full_chain_path) and RV(full_chain) end with the root certificate. Usually this is not needed, because
        clients already have it.
    type: bool
    default: false
  backup:
    description:
      - Whether to keep a copy of each file that is replaced, with a timestamp in its name.
    type: bool
    default: false
  journal:
    description:
      - Content of the journal on another machine, which installs the certificate, or V({}) if there is none. Use this
        to order on a controller for hosts that cannot reach CertCentral. The module returns the new content in
        RV(journal).
      - The module does not trust this content. It reads the order before it reissues, and reissues only for exactly the
        requested names. It places an order only if the account has neither a matching order nor an order for these
        names from the last seven days.
      - Before the module sends anything, it returns RV(reservation). Write RV(journal) on the other machine with
        M(community.digicert.digicert_certificate_install). If that succeeds, run this module again at once, with the
        returned journal and reservation as the options O(journal) and O(reservation).
      - Cannot be used together with O(path), O(chain_path), or O(full_chain_path).
    type: dict
    version_added: 0.3.0
  installed:
    description:
      - The certificate that is installed on the other machine, and its chain, PEM text.
      - Requires O(journal).
    type: str
    version_added: 0.3.0
  reservation:
    description:
      - The reservation that the previous run returned. It permits the module to send the order. Use it only after the
        other machine has written its journal, and only once.
      - Requires O(journal).
    type: str
    version_added: 0.3.0
  renewal:
    description:
      - How the module renews a certificate that is due.
      - With V(auto), the module reissues it within its order if the names are the same and the order lasts long enough
        that the new certificate is not due again at once. Otherwise it places an order. From 90 days to one day before
        the old order ends, the new one is linked to it.
      - With V(reissue), the module also reissues if the names have changed, with a warning, and never places an order.
      - With V(order), the module places an order for each renewal, as version 0.2 did.
      - If CertCentral refuses a reissue, the task fails. The module never places an order because of that.
    type: str
    choices: [auto, reissue, order]
    default: auto
    version_added: 0.3.0
  remaining_days:
    description:
      - A certificate that is valid for fewer days than this is due for renewal.
      - If not set, this is 30 days or a third of the certificate's validity, whichever is less.
      - Must be less than the days in O(cert_validity_days) and O(order_validity). If it is not less than the validity
        of the certificate, the module warns, and renews the certificate when a third of its validity is left, so that
        not every run renews it.
    type: int
  check_revoked:
    description:
      - Whether to ask CertCentral if the installed certificate was revoked, which makes it due. This costs one request
        in each run.
    type: bool
    default: false
    version_added: 0.3.0
  force:
    description:
      - Get another certificate even if none is due, as O(renewal) says.
      - Also place an order where the module otherwise refuses to, for example after an order was revoked or canceled,
        or if there is another order for the same names within seven days.
      - The module still continues an order that is pending for the same CSR, names, and product. It gives up an order
        that is pending for another CSR, and places a new one.
      - Use this option once, for example with C(-e) on the command line.
    type: bool
    default: false
  order_id:
    description:
      - Id of an existing order to work with. If it is set, the module never places an order.
      - If a certificate is due, the module installs the certificate of this order if it is for the CSR, and otherwise
        reissues within the order.
    type: int
  wait:
    description:
      - Whether to wait until the certificate is issued.
      - With V(false), the result contains no certificate as long as RV(order_status) is not V(issued). Publish
        RV(dcv_random_value) instead of a request token, then run the task again to continue.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds to wait for another run that works on the same certificate, for the certificate to be issued, and for
        the outcome of a request whose response was lost.
      - If nothing proves control of a domain, for example because no request token is published, the task waits all of
        this time before it fails.
      - After a lost response, the module searches the account for at least 90 seconds.
    type: int
    default: 600
requirements:
  - cryptography >= 3.3
  - idna (for names with characters outside ASCII)
notes:
  - Before it sends an order or a reissue, the module writes the journal C(.<name>.order.json) beside O(path), or beside
    O(full_chain_path) without O(path). If the path is a link, the journal is beside the target. Keep this file. It
    contains the ids and the end of the order, names, product, the fingerprint of the CSR, and serial numbers, but no
    secret. The module also reads the files of version 0.2. If the journal is damaged, the task fails before it sends
    anything.
  - Without a journal, the module finds the order of the installed certificate by its serial number, or in the list of
    orders. With neither journal nor certificate, it reads the list before it orders. If there is a valid order for the
    same names and product, it reissues the certificate within that order, so rebuilding a host costs nothing. With
    O(renewal=order), it does not read the list.
  - A file whose name ends with C(.next) shares the journal of the file without it, so you can stage a certificate
    beside the installed one.
  - A renewal by reissue takes two requests, a paid renewal takes three, and a first order takes two.
  - A second order for the same names within seven days needs O(force=true). If the clock of the host differs from the
    service's by more than an hour, or only the clock of the host makes a certificate due, the task fails and says so
    instead of placing an order.
  - If DigiCert renews an order automatically (C(auto_renew)), the module does not renew it while it is valid. If
    somebody renewed an order in CertCentral, the module uses the new order and does not place another one.
  - If the order was rejected, canceled, or revoked, the task fails until you run it once with O(force=true).
  - While an order waits for domain control validation, the module repeats the check until O(wait_timeout) ends, so it
    also finds a token or a random value that is published late.
  - Before it writes a file, the module checks that the certificate has the public key of the CSR, covers all names, and
    is valid, and that each certificate of the chain signed the one before it. It flushes files to disk before it
    records in the journal that they are installed.
  - The module rebuilds a lost file from the other files if possible, and downloads a chain that is in none of them. It
    never replaces a matching certificate because of its chain, or because it covers more names than requested.
seealso:
  - module: community.digicert.digicert_auth_key
  - plugin: community.digicert.request_token
    plugin_type: filter
  - module: community.digicert.digicert_certificate_info
  - module: community.digicert.digicert_certificate_install
  - module: community.digicert.digicert_certificate_request
  - module: community.digicert.digicert_order_info
  - ref: ansible_collections.community.digicert.docsite.certificate_guide
    description: How to get certificates with your own steps.
"""

EXAMPLES = r"""
- name: Install a certificate whose request token is published, and renew it in time
  community.digicert.digicert_certificate:
    api_key: "{{ digicert_api_key }}"
    csr: /etc/ssl/www.example.com.csr
    path: /etc/ssl/www.example.com.pem
    full_chain_path: /etc/ssl/www.example.com.fullchain.pem
    order_validity:
      years: 1
    owner: root
    group: root
    mode: "0644"
  notify: Reload the web server

- name: Read a CSR from another machine
  ansible.builtin.slurp:
    src: /etc/ssl/example.com.csr
  delegate_to: ca.example.com
  register: csr

- name: Install a wildcard certificate with a short life, validated by DNS
  community.digicert.digicert_certificate:
    api_key: "{{ digicert_api_key }}"
    csr_content: "{{ csr.content | b64decode }}"
    common_name: "*.example.com"
    dns_names: [example.com]
    dcv_method: dns-txt-token
    cert_validity_days: 47
    full_chain_path: /etc/haproxy/certs/example.com.pem

- name: Place an order without AuthKey, and do not wait
  community.digicert.digicert_certificate:
    api_key: "{{ digicert_api_key }}"
    csr: /etc/ssl/www.example.com.csr
    path: /etc/ssl/www.example.com.pem
    use_auth_key: false
    dcv_method: dns-txt-token
    wait: false
  register: pending

- name: Renew with a request token that was made with an expiring AuthKey
  community.digicert.digicert_certificate:
    api_key: "{{ digicert_api_key }}"
    auth_key_id: "{{ auth_key.auth_key_id }}"
    csr: /etc/ssl/www.example.com.csr
    path: /etc/ssl/www.example.com.pem

- name: Work with a known order, and only return its certificate
  community.digicert.digicert_certificate:
    api_key: "{{ digicert_api_key }}"
    csr_content: "{{ csr.content | b64decode }}"
    order_id: 123456789
  register: issued
"""

RETURN = r"""
action:
  description:
    - What the module did, or would do in check mode.
    - V(none) if nothing was due. V(ordered) for a paid order. V(renewed) for a paid order that is linked to the
      previous one. V(reissued) for a reissue, free of charge. V(continued) if the module finished what an earlier run
      sent, or used what the account already had for the CSR.
  returned: success, and failure if something was begun
  type: str
  sample: reissued
  version_added: 0.3.0
order_id:
  description:
    - Id of the order. V(none) if none was placed or read.
  returned: success, and failure when it is known
  type: int
  sample: 123456789
order_status:
  description:
    - State of the order when it was last read, for example V(issued) or V(pending). V(none) if none was read.
  returned: success, and failure when it is known
  type: str
  sample: issued
order_valid_till:
  description:
    - When the paid order ends (UTC, ISO 8601), according to CertCentral, to the journal, or to what was ordered.
      V(none) if that is unknown.
  returned: success
  type: str
  sample: "2027-11-23T23:59:59+00:00"
  version_added: 0.3.0
certificate_id:
  description:
    - Id of the certificate in CertCentral. V(none) if no order was placed or read, or it is not issued.
  returned: success, and failure when it is known
  type: int
  sample: 456789123
certificate:
  description:
    - The certificate, PEM text. V(none) when it is not issued, and in check mode when an order would be placed.
  returned: success
  type: str
  sample: |
    -----BEGIN CERTIFICATE-----
    MIIE...
    -----END CERTIFICATE-----
chain:
  description:
    - The intermediate certificates, PEM text.
    - V(none) if RV(certificate) is V(none), or if they are not installed and O(chain_path) and O(full_chain_path) do
      not ask for them.
  returned: success
  type: str
  sample: |
    -----BEGIN CERTIFICATE-----
    MIIF...
    -----END CERTIFICATE-----
full_chain:
  description: RV(certificate) and RV(chain), with the root certificate when O(include_root=true).
  returned: success
  type: str
  sample: |
    -----BEGIN CERTIFICATE-----
    MIIE...
    -----END CERTIFICATE-----
    -----BEGIN CERTIFICATE-----
    MIIF...
    -----END CERTIFICATE-----
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
dcv_random_value:
  description: Value to publish instead of a request token so that a pending order is validated.
  returned: when CertCentral gave one
  type: str
  sample: 8f2c5a0d4b7e4f0fb0a1c2d3e4f50617
journal:
  description: New content for the journal on the other machine.
  returned: with O(journal)
  type: dict
  version_added: 0.3.0
reservation:
  description: Value of O(reservation) for the next run. V(none) if nothing has to be sent.
  returned: success with O(journal)
  type: str
  sample: 1764201600-0123456789abcdef
  version_added: 0.3.0
backup_files:
  description: Copies that were made of replaced files.
  returned: success
  type: list
  elements: str
  sample: [/etc/ssl/www.example.com.pem.4711.2026-11-23@10:00:00~]
http_status:
  description: HTTP status of the response that made the task fail.
  returned: failure, when there was a response
  type: int
  sample: 404
  version_added: 0.3.0
code:
  description: Error code of the API.
  returned: failure, when the response had one
  type: str
  sample: not_found|product
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.community.digicert.plugins.module_utils._ansible.file_writer import FileChanges, FileWriter
from ansible_collections.community.digicert.plugins.module_utils._ansible.runner import (
    connection_argument_spec,
    new_module,
    run,
)
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._files.reading import read_regular
from ansible_collections.community.digicert.plugins.module_utils._issuance.context import NONE, Progress
from ansible_collections.community.digicert.plugins.module_utils._issuance.installed import InstallPaths
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import (
    EMPTY,
    entry_values,
    parse_entry,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.request import (
    CertificateRequest,
    certificate_request,
    issuance_options,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.workflow import (
    Elsewhere,
    Outcome,
    Workflow,
)
from ansible_collections.community.digicert.plugins.module_utils._x509.certificates import describe, read_certificates

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client


def argument_spec() -> dict[str, dict[str, t.Any]]:
    """Return the argument spec."""
    return {
        **connection_argument_spec(),
        "csr": {"type": "path"},
        # A private key that is passed by mistake must not get into the log.
        "csr_content": {"type": "str", "no_log": True},
        "common_name": {"type": "str"},
        "dns_names": {"type": "list", "elements": "str"},
        "product": {"type": "str", "default": "ssl_dv_geotrust_flex"},
        "dcv_method": {"type": "str", "choices": ["http-token", "dns-txt-token"], "default": "http-token"},
        "use_auth_key": {"type": "bool", "default": True, "no_log": False},
        "auth_key_id": {"type": "str", "no_log": False},
        "csr_format": {"type": "str", "choices": ["base64", "pem", "pem_line"], "default": "base64"},
        "order_validity": {
            "type": "dict",
            "options": {
                "years": {"type": "int"},
                "days": {"type": "int"},
                "custom_expiration_date": {"type": "str"},
            },
        },
        "cert_validity_days": {"type": "int"},
        "container_id": {"type": "int"},
        "payment_method": {"type": "str"},
        "skip_approval": {"type": "bool", "default": True},
        "comments": {"type": "str"},
        "custom_fields": {
            "type": "list",
            "elements": "dict",
            "options": {
                "metadata_id": {"type": "int", "required": True},
                "value": {"type": "str", "required": True},
            },
        },
        "renewal_of_order_id": {"type": "int"},
        "additional_fields": {"type": "dict"},
        "path": {"type": "path"},
        "chain_path": {"type": "path"},
        "full_chain_path": {"type": "path"},
        "include_root": {"type": "bool", "default": False},
        "backup": {"type": "bool", "default": False},
        "journal": {"type": "dict"},
        "installed": {"type": "str"},
        "reservation": {"type": "str"},
        "renewal": {"type": "str", "choices": ["auto", "reissue", "order"], "default": "auto"},
        "remaining_days": {"type": "int"},
        "check_revoked": {"type": "bool", "default": False},
        "force": {"type": "bool", "default": False},
        "order_id": {"type": "int"},
        "wait": {"type": "bool", "default": True},
        "wait_timeout": {"type": "int", "default": 600},
    }


class CertificateTask:
    """The work of the module, from its options to its result."""

    def __init__(self, module: AnsibleModule) -> None:
        """Keep the module; nothing is read, sent, or written yet."""
        self.module = module
        self.options = module.params
        self.changes = FileChanges()
        self.writer = FileWriter(module, describe_text)
        self.workflow: Workflow | None = None

    def work(self, client: Client) -> dict[str, t.Any]:
        """Do the work, and return the module's result; raises DigicertError."""
        options = self.options
        request = self._request()
        paths = InstallPaths(
            options["path"], options["chain_path"], options["full_chain_path"], options["include_root"]
        )
        elsewhere = self._elsewhere()
        how = issuance_options(options, is_hint=elsewhere is not None)
        self.workflow = Workflow(client, request, how, paths, csr_path=options["csr"], elsewhere=elsewhere)
        try:
            outcome = self.workflow.run(self._install, self.module.check_mode)
        except DigicertError as error:
            raise error.extend(changed=error.changed or self.changes.changed) from error
        finally:
            for sentence in self.workflow.progress.warnings:
                self.module.warn(sentence)
        if outcome.predicted:
            self._predict(outcome, sorted(request.names))
        self.writer.put_attributes(self.workflow.paths.paths, self.changes)
        return self._result(outcome, self.workflow.progress.submitted)

    def failure_details(self) -> dict[str, t.Any]:
        """Return the order's facts for a failed task."""
        progress = None if self.workflow is None else self.workflow.progress
        return {**self._order_details(progress), **self._journal()}

    @staticmethod
    def _order_details(progress: Progress | None) -> dict[str, t.Any]:
        if progress is None or (progress.order is None and not progress.submitted):
            return {}
        order = progress.order
        return {
            "action": progress.action,
            "order_id": order and order.order_id,
            "order_status": (order and order.status) or None,
            "certificate_id": order and order.certificate_id,
            "dcv_random_value": order and order.dcv_random_value,
        }

    def _elsewhere(self) -> Elsewhere | None:
        values = self.options["journal"]
        if values is None:
            return None
        entry = parse_entry("of the other machine", values) if values else EMPTY
        # Not what Python takes for temporary files, which can be another directory at the next start of the module.
        notes = t.cast("t.Any", self.module)._remote_tmp or "~/.ansible/tmp"
        return Elsewhere(entry, self.options["installed"] or "", self.options["reservation"], notes)

    def _journal(self) -> dict[str, t.Any]:
        if self.options["journal"] is None or self.workflow is None:
            return {}
        return {"journal": entry_values(self.workflow.journal.entry)}

    def _request(self) -> CertificateRequest:
        """Return the request; raises DigicertError."""
        csr = self._csr()
        try:
            return certificate_request(csr, self.options)
        except DigicertError as error:
            # Filters call it csr, too; the user knows it by the option.
            if self.options["csr"] is None and error.message.startswith("csr "):
                raise DigicertError(f"csr_content{error.message[len('csr') :]}") from error
            raise

    def _csr(self) -> str | bytes:
        path = self.options["csr"]
        if path is None:
            return str(self.options["csr_content"])
        content = read_regular(path)
        if content is None:
            raise DigicertError(f"Cannot read the CSR {printable(path)}: it does not exist. Create it first.")
        return content

    def _install(self, contents: t.Mapping[str, str], before: t.Mapping[str, str | None]) -> None:
        self.writer.put_files(contents, before, self.changes)

    def _predict(self, outcome: Outcome, names: list[str]) -> None:
        """Record what check mode predicts for the files."""
        paths = t.cast(Workflow, self.workflow).paths
        if outcome.action == NONE:
            if outcome.leaf is not None:
                known = paths.contents(outcome.leaf, outcome.bundle)
                self.changes.changed = self.changes.changed or None in known.values()
                texts = t.cast(Workflow, self.workflow).texts
                self._install({path: text for path, text in known.items() if text is not None}, texts)
            return
        self.changes.changed = True
        texts = t.cast(Workflow, self.workflow).texts
        for path in paths.paths:
            expected = {"certificates": [{"dns_names": names, "serial_number": "(given by CertCentral)"}]}
            before = describe_text(texts.get(path))
            diff = {"before": before, "after": {**expected, "action": outcome.action}}
            self.changes.diffs.append({"before_header": path, "after_header": path, **diff})

    def _result(self, outcome: Outcome, submitted: bool) -> dict[str, t.Any]:
        order, leaf, bundle = outcome.order, outcome.leaf, outcome.bundle
        random_value = order and order.dcv_random_value
        end = outcome.order_valid_till
        return {
            "changed": submitted or self.changes.changed,
            "action": outcome.action,
            "order_id": order and order.order_id,
            "order_status": (order and order.status) or None,
            "order_valid_till": end and end.isoformat(),
            "certificate_id": order and order.certificate_id,
            "certificate": leaf and leaf.pem,
            "chain": bundle and bundle.chain,
            "full_chain": bundle and bundle.full_chain(self.options["include_root"]),
            "serial_number": leaf and leaf.serial_number,
            "dns_names": leaf and list(leaf.names),
            "not_before": leaf and leaf.not_before.isoformat(),
            "not_after": leaf and leaf.not_after.isoformat(),
            "backup_files": self.changes.backups,
            "diff": self.changes.diffs,
            **({} if random_value is None else {"dcv_random_value": random_value}),
            **self._journal(),
            **({} if self.options["journal"] is None else {"reservation": outcome.run_id}),
        }


def describe_text(text: str | None) -> dict[str, t.Any]:
    """Return what a diff shows of a file's text."""
    return {} if text is None else describe(read_certificates(text, skip_damaged=True))


def main() -> None:
    """Run the module."""
    module = new_module(
        argument_spec=argument_spec(),
        add_file_common_args=True,
        mutually_exclusive=[
            ("csr", "csr_content"),
            *(("journal", name) for name in ("path", "chain_path", "full_chain_path")),
        ],
        required_by={"installed": ("journal",), "reservation": ("journal",)},
        required_one_of=[("csr", "csr_content")],
        supports_check_mode=True,
    )
    task = CertificateTask(module)
    run(module, task.work, task.failure_details)


if __name__ == "__main__":
    main()
