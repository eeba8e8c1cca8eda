# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""How a module of this collection starts and ends: common options, the client, and how to fail."""

from __future__ import annotations

import typing as t

from ansible.module_utils import basic
from ansible.module_utils.basic import env_fallback, missing_required_lib
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import (
    DigicertError,
    MissingLibraryError,
    printable,
)

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client

ISSUES = "https://github.com/ansible-collections/community.digicert/issues"
_MARK = "PRIVATE KEY-----"
_FILE_ATTRIBUTES = ("owner", "group", "mode")
_SAY_SO_THEMSELVES = ("csr_content", "auth_key", "api_key")  # options that have their own message for this


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


def new_module(**options: t.Any) -> AnsibleModule:
    """Return an AnsibleModule; end the process with one sentence where it would raise an exception about an option.

    Empty text counts as not given for an optional path, a file attribute, and an element of a list: that is what
    surveys and templates make of a missing value. An empty `path` is refused.

    Args:
        options: for AnsibleModule.
    """
    spec: dict[str, dict[str, t.Any]] = options["argument_spec"]
    given = _given_options()
    for name, value in given.items():
        # A secret is not logged, so it may have any character.
        if not spec.get(name, {}).get("no_log") and not all(map(_is_plain, _texts(value))):
            _end(f"{printable(name)} contains a NUL or another character that cannot be used. Correct it.")
    for name in _boolean_numbers(spec, given):  # which Ansible takes for 1 and 0, or shows as True in an address
        _end(f"{name} must be a number, not true or false.")
    try:
        module = basic.AnsibleModule(**options)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        _end(f"{_unreadable_option(spec, given)} has a value of the wrong type. Use the type in the documentation.")
    for name, value in module.params.items():
        kind = spec.get(name, {})
        if value == "" and (name in _FILE_ATTRIBUTES or kind.get("type") == "path"):
            if kind.get("required") or name == "path":  # without which a certificate is not installed
                module.fail_json(msg=f"{name} is empty. Set it to a path.")
            module.params[name] = None
        elif kind.get("type") == "list" and value:
            module.params[name] = [each for each in value if each != ""]
    return module


def _given_options() -> dict[str, t.Any]:
    """Return the options as Ansible sent them; none where somebody only wants to know the spec."""
    if basic._ANSIBLE_ARGS is None:
        return {}
    try:
        return dict(basic._load_params())
    except Exception:  # noqa: BLE001 (what it is depends on the version of Ansible)
        _end("The options of this task contain a character that cannot be used. Correct them.")


def _is_plain(text: str) -> bool:
    """Return whether Ansible can log a text: no NUL, no half of a character."""
    return "\0" not in text and text.encode(errors="replace").decode() == text


def _boolean_numbers(spec: t.Mapping[str, t.Any], given: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Yield the options of a type of number, at any depth, that have a truth value."""
    for name in given.keys() & spec.keys():
        kind, value = spec[name], given[name]
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, bool) and {kind.get("type"), kind.get("elements")} & {"int", "float"}:
                yield name
            elif isinstance(each, dict):
                yield from _boolean_numbers(kind.get("options") or {}, each)


def _unreadable_option(spec: t.Mapping[str, t.Any], given: t.Mapping[str, t.Any]) -> str:
    """Return the name of an option whose value Ansible fails to convert, or words for it."""
    from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

    for name in given.keys() & spec.keys():
        try:
            ArgumentSpecValidator({name: spec[name]}).validate({name: given[name]})
        except Exception:  # noqa: BLE001 (this one it is)
            return name
    return "An option"


def _end(message: str) -> t.NoReturn:
    """Fail as a module without options, because AnsibleModule does not take those that were given."""
    basic._ANSIBLE_ARGS = b'{"ANSIBLE_MODULE_ARGS": {}}'
    basic.AnsibleModule(argument_spec={}).fail_json(msg=message, changed=False)


def run(
    module: AnsibleModule,
    work: t.Callable[[Client], dict[str, t.Any]],
    failure_details: t.Callable[[], dict[str, t.Any]] = dict,
) -> t.NoReturn:
    """Do a module's work with a client made from its options, and end the module with the result or one error.

    Args:
        module: the module, whose argument spec includes `connection_argument_spec()`.
        work: takes the client and returns the module's result.
        failure_details: returns the other return values of a failed task.
    """
    # Modules that send nothing start without it: Ansible compiles what is imported in each task.
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client

    options = {name: module.params[name] for name in connection_argument_spec()}
    run_without_client(module, lambda: work(Client(**options)), failure_details)


def run_without_client(
    module: AnsibleModule,
    work: t.Callable[[], dict[str, t.Any]],
    failure_details: t.Callable[[], dict[str, t.Any]] = dict,
) -> t.NoReturn:
    """Do the work of a module that does not use the API; otherwise like `run`."""
    result: dict[str, t.Any] = {}
    failure: DigicertError | None = None
    try:
        _refuse_private_keys(module)
        result = work()
    except DigicertError as error:
        failure = error
    except Exception as exc:  # noqa: BLE001 (whatever it is, the user gets one sentence)
        failure = _unforeseen_error(exc)
    if failure is None:
        module.exit_json(**result)
    # Outside the except block, where Ansible would add a traceback at high verbosity.
    details = _failure_result(failure, failure_details)
    if isinstance(failure, MissingLibraryError):
        message = missing_required_lib(failure.library)
        if failure.reason:
            message += f" The import failed: {failure.reason.rstrip('.')}."
        module.fail_json(msg=message, exception=failure.traceback, **details)
    module.fail_json(msg=failure.message, **details)


def _refuse_private_keys(module: AnsibleModule) -> None:
    """Raise DigicertError if an option contains a private key by mistake, and keep the key out of the output."""
    named = [name for name, value in module.params.items() if _MARK in str(value)]
    for name in named:
        module.no_log_values.update(text for text in _texts(module.params[name]) if _MARK in text)
    for name in named:
        if name not in _SAY_SO_THEMSELVES:
            raise DigicertError(
                f"{name} contains a private key, which no option accepts. Set the option to the value that its "
                "documentation describes."
            )


def _texts(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        yield from _texts([*value, *value.values()])


def _failure_result(failure: DigicertError, failure_details: t.Callable[[], dict[str, t.Any]]) -> dict[str, t.Any]:
    try:
        details = failure_details()
    except Exception:  # noqa: BLE001 (the failure itself matters more)
        details = {}
    facts = {**details, "http_status": failure.http_status, "code": failure.code}
    given = {name: value for name, value in facts.items() if value is not None}
    return {**given, "changed": failure.changed or bool(given.get("changed"))}


def _unforeseen_error(exc: Exception) -> DigicertError:
    """Return one sentence for an unexpected exception, without its text, which may contain a secret."""
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "an unknown place"
    if trace is not None:
        code = trace.tb_frame.f_code
        place = f"{code.co_filename.replace(chr(92), '/').rpartition('/')[2]}:{trace.tb_lineno} in {code.co_name}"
    return DigicertError(
        f"The module failed in an unexpected way ({type(exc).__name__} at {place}). "
        f"This is a bug in community.digicert; report it at {ISSUES}."
    )
