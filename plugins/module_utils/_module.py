# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What the collection's modules share with Ansible: common options, the client made from them, and how to fail."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import env_fallback, missing_required_lib
from ansible_collections.community.digicert.plugins.module_utils._client import Client
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._http_errors import REQUESTS_IMPORT_ERROR

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


def connection_argument_spec() -> dict[str, dict[str, t.Any]]:
    """Return the argument spec of the options in the documentation fragment `community.digicert._options`."""
    return {
        "api_key": {
            "type": "str",
            "required": True,
            "no_log": True,
            "fallback": (env_fallback, ["DIGICERT_API_KEY"]),
        },
        "api_url": {
            "type": "str",
            "default": "https://www.digicert.com/services/v2",
            "fallback": (env_fallback, ["DIGICERT_API_URL"]),
        },
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
        "timeout": {"type": "float", "default": 30.0},
        "retry_timeout": {"type": "int", "default": 300},
    }


def run(
    module: AnsibleModule,
    work: t.Callable[[Client], dict[str, t.Any]],
    known: t.Callable[[], dict[str, t.Any]] = dict,
) -> t.NoReturn:
    """Do a module's work with a client made from its options, and end the module with the result or one clear error.

    Args:
        module: the module, whose argument spec includes `connection_argument_spec()`.
        work: takes the client, returns the module's result.
        known: returns what a failed task returns besides the error itself.
    """
    if REQUESTS_IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    options = {name: module.params[name] for name in connection_argument_spec()}
    failure: DigicertError | None = None
    result: dict[str, t.Any] = {}
    try:
        result = work(Client(**options))
    except DigicertError as error:
        failure = error
    if failure is None:
        module.exit_json(**result)
    # Outside the except block, where Ansible would add a traceback at high verbosity.
    answer: dict[str, t.Any] = {"status": failure.status, "code": failure.code}
    given = {name: value for name, value in {**known(), **answer}.items() if value is not None}
    module.fail_json(msg=failure.message, changed=failure.changed, **given)
