# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: csr_for_names
short_description: (internal) Test whether a CSR asks for certain DNS names and nothing else
version_added: 0.3.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Tests whether a certificate signing request (CSR) has exactly the given subject alternative names, all of them DNS
    names, and no other name as its common name.
  - Use it on the controller for a CSR that comes from a host, before anything is published or ordered for it.
positional: names
options:
  _input:
    description:
      - The CSR in PEM form. The test fails for any other text, and for text with anything besides the CSR.
    type: string
    required: true
  names:
    description:
      - The names, in any order and spelling.
    type: list
    elements: string
    required: true
seealso:
  - plugin: community.digicert.request_token
    plugin_type: filter
  - ref: ansible_collections.community.digicert.docsite.request_token_guide
    description: How to make, publish, and check request tokens.
"""

EXAMPLES = r"""
- name: Refuse a CSR for other names
  ansible.builtin.assert:
    that: request.csr is community.digicert.csr_for_names(['www.example.com', 'example.com'])
"""

RETURN = r"""
_value:
  description: Whether the CSR asks for these names and nothing else.
  type: boolean
"""

import re
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import ascii_name, read_csr

_FRAMED = re.compile(
    r"-----BEGIN (NEW )?CERTIFICATE REQUEST-----\s[A-Za-z0-9+/=\s]+-----END (NEW )?CERTIFICATE REQUEST-----\s*"
)
_LONGEST = 100_000  # characters


def csr_for_names(csr: object, names: object) -> bool:
    """Return whether a CSR asks for exactly these names; raises AnsibleFilterError for unusable names."""
    if isinstance(names, (str, bytes)) or not isinstance(names, t.Iterable):
        raise AnsibleFilterError("csr_for_names needs the names as a list.")
    try:
        wanted = {ascii_name(str(name)) for name in names}
    except DigicertError as error:
        raise AnsibleFilterError(str(error)) from None
    if not isinstance(csr, str) or len(csr) > _LONGEST or not _FRAMED.fullmatch(csr):
        return False
    try:
        request = read_csr(csr)
        found = {ascii_name(name) for name in request.dns_names}
        subject = {ascii_name(request.common_name)} if request.common_name else set()
    except DigicertError:
        return False
    return found == wanted and subject <= wanted and not request.has_other_names


class TestModule:
    """The test, for Ansible."""

    def tests(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the test by its name."""
        return {"csr_for_names": csr_for_names}
