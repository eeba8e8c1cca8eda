# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: request_token_info
short_description: Show when a DigiCert request token was made and how long it is valid
version_added: 0.1.0
author:
  - community.digicert contributors (!UNKNOWN)
description:
  - Reads the timestamp of a request token. The token is valid for 30 days after it.
  - To check whether a token matches a CSR and an AuthKey, use P(community.digicert.valid_request_token#test).
options:
  _input:
    description:
      - A request token, or a text that contains one, such as the value of a TXT record or the body of a file.
      - If there are several tokens, the filter reads the first one.
    type: string
    required: true
seealso:
  - plugin: community.digicert.request_token
    plugin_type: filter
  - plugin: community.digicert.valid_request_token
    plugin_type: test
  - ref: ansible_collections.community.digicert.docsite.request_token_guide
    description: How to make, publish, and check request tokens.
"""

EXAMPLES = r"""
- name: Read the token that the web server shows
  ansible.builtin.uri:
    url: http://www.example.com/.well-known/pki-validation/fileauth.txt
    return_content: true
  register: page

- name: Show until when it is valid
  ansible.builtin.debug:
    msg: "Valid until {{ (page.content | community.digicert.request_token_info).expires }}"

- name: Make a new token when the old one is valid for less than a week
  ansible.builtin.set_fact:
    token: "{{ csr | community.digicert.request_token(auth_key=digicert_auth_key) }}"
  when: (page.content | community.digicert.request_token_info).remaining_days < 7
"""

RETURN = r"""
_value:
  description: What the token says about itself.
  type: dictionary
  contains:
    timestamp:
      description: The timestamp, 14 digits C(YYYYMMDDhhmmss) in UTC.
      returned: success
      type: str
      sample: "20261123161453"
    created:
      description: The timestamp as a date (UTC, ISO 8601). The token is valid from this second on.
      returned: success
      type: str
      sample: "2026-11-23T16:14:53+00:00"
    expires:
      description: 30 days after RV(_value.created) (UTC, ISO 8601), the last instant at which the token is valid.
      returned: success
      type: str
      sample: "2026-12-23T16:14:53+00:00"
    expired:
      description: Whether RV(_value.expires) has passed by the controller's clock.
      returned: success
      type: bool
      sample: false
    remaining_days:
      description:
        - How many days of 24 hours are left until RV(_value.expires), by the controller's clock.
        - Negative when it has passed, and more than V(30) for a token that is not valid yet.
      returned: success
      type: float
      sample: 29.8
"""

import time
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._x509.request_tokens import read_token


def request_token_info(text: object) -> dict[str, t.Any]:
    """Return the dates of the first request token in a text; raises AnsibleFilterError."""
    try:
        info = read_token(text)
    except DigicertError as error:
        raise AnsibleFilterError(str(error)) from None
    now = time.time()
    return {
        "timestamp": info.timestamp,
        "created": info.created.isoformat(),
        "expires": info.expires.isoformat(),
        "expired": info.expired(now),
        "remaining_days": info.remaining_days(now),
    }


class FilterModule:
    """The filter, for Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filter by its name."""
        return {"request_token_info": request_token_info}
