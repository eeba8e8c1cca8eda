# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this doc fragment is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Attributes that describe how the modules of the collection behave in Ansible."""

from __future__ import annotations


class ModuleDocFragment:
    """Attributes of all modules, of modules that use the API, and of modules that only read."""

    DOCUMENTATION = r"""
options: {}
attributes:
  async:
    description: Supports being used with the C(async) keyword.
    support: full
    details:
      - Ansible keeps the result of an asynchronous task, secrets included, in a file of the remote user's
        C(~/.ansible_async) folder until C(ansible.builtin.async_status) is called with C(mode=cleanup).
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying anything.
  diff_mode:
    description: Will return details on what has changed, or would change in C(check_mode), when in diff mode.
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
"""

    API_MODULE = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/community.digicert.digicert) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - community.digicert.digicert
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This action does not modify state.
  diff_mode:
    support: N/A
    details:
      - This action does not modify state.
  idempotent:
    support: full
    details:
      - This action does not modify state.
"""
