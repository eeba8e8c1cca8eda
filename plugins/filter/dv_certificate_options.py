# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: dv_certificate_options
short_description: (internal) Normalize the variables of the role dv_certificate
version_added: 0.3.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - The role P(community.digicert.dv_certificate#role) uses this filter to copy and check its variables before it runs
    anything on a host. You usually do not need it yourself.
  - The filter converts names to A-labels in lower case without a dot at the end, and accepts text instead of a list.
    Null, an empty text, and an omitted value mean that an option is not set.
options:
  _input:
    description:
      - The options, without the prefix C(dv_certificate_).
    type: dict
    required: true
  facts:
    description:
      - All facts of the host, or their names. A name that begins with C(dv_certificate) is a problem, because facts
        come from the host and must not set variables of the role.
    type: raw
    default: []
seealso:
  - ref: ansible_collections.community.digicert.docsite.dv_certificate_guide
    description: How to get certificates with the role.
"""

EXAMPLES = r"""
- name: Show how names are understood
  ansible.builtin.debug:
    msg: "{{ ({'common_name': 'WWW.Bücher.example.', 'dns_names': 'a.example, b.example'}
              | community.digicert.dv_certificate_options).names }}"
"""

RETURN = r"""
_value:
  description:
    - The options, each in its own type or null, with C(names), C(domains), C(records), C(account), C(dns_account), and
      C(problems), a list of sentences.
  type: dict
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.community.digicert.plugins.plugin_utils._dv_certificate import Options, normalize_options


def dv_certificate_options(raw: object, facts: object = ()) -> Options:
    """Return the normalized options of the role; raises AnsibleFilterError for other types than dictionaries."""
    if not isinstance(raw, t.Mapping) or not isinstance(facts, (t.Iterable, type(None))):
        raise AnsibleFilterError("dv_certificate_options needs a dictionary, and facts or their names.")
    return normalize_options(raw, facts or ())


class FilterModule:
    """The filter, for Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"dv_certificate_options": dv_certificate_options}
