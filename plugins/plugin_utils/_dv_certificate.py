# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this plugin util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The variables of the role dv_certificate: normalized and checked once for each pass, on the controller.

All input comes from the play. Values that a host returned must not be passed to this file.
"""

from __future__ import annotations

import importlib
import json
import posixpath
import re
import typing as t

from ansible.module_utils.common.validation import check_type_dict
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import ascii_name

PREFIX = "dv_certificate_"
RECORD_LABEL = "_dnsauth"  # the API page, section 3
# Ansible removes the prefix ansible_ of facts, even in the middle of a name.
_OUR_FACT = re.compile(r"(?:ansible_)?dv_certificate")
_OMITTED = "__omit_place_holder__"  # ansible-core before 2.19
_ACCOUNT = ("api_url", "api_key", "ca_path", "auth_key_ttl_days", "delegate_to")
_DNS_ACCOUNT = ("dns_provider", "dns_zone", "dns_credentials", "delegate_to")
_LISTS = ("dns_names", "dns_check_servers")
_FLAGS = ("backup", "new_private_key", "force", "check", "validate_certs")
_NUMBERS = ("private_key_size", "remaining_days", "dns_port", "check_timeout", "wait_timeout")
_AT_LEAST_ONE = ("cert_validity_days", "container_id", "auth_key_ttl_days")
_DICTIONARIES = ("order_validity", "dns_credentials")
# What may be in them is said where they are used.
_SECRETS = ("api_key", "auth_key", "private_key_passphrase", "pkcs12_passphrase")
# Option -> suffix of the file in `directory` if the option is not set.
_FILES = {
    "private_key_path": "key",
    "csr_path": "csr",
    "path": "pem",
    "chain_path": "chain.pem",
    "full_chain_path": "fullchain.pem",
}
_OTHER_FILES = ("pkcs12_path", "combined_path")
# The role's defaults. Null and empty values, which surveys send, count as not set.
DEFAULTS: dict[str, t.Any] = {
    "directory": "/etc/ssl/digicert",
    "mode": "0644",
    "private_key_type": "RSA",
    "private_key_size": 2048,
    "private_key_curve": "secp256r1",
    "backup": False,
    "new_private_key": False,
    "renewal": "auto",
    "force": False,
    "dcv_method": "http",
    "webroot": "/var/www/html",
    "dns_provider": "nsupdate",
    "dns_port": 53,
    "dns_credentials": {},
    "dns_tsig_algorithm": "hmac-sha256",
    "check": True,
    "check_timeout": 60,
    "product": "ssl_dv_geotrust_flex",
    "wait_timeout": 600,
    "delegate_to": "localhost",
    "order_from": "host",
}
# DNS provider -> the collection with its module, and the required keys of dns_credentials.
_PROVIDERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "route53": ("amazon.aws", ()),
    "cloudflare": ("community.general", ()),
    "azure": ("azure.azcollection", ("resource_group",)),
    "hetzner": ("community.dns", ()),
}
Options = t.Dict[str, t.Any]


def normalize_options(raw: t.Mapping[str, t.Any], facts: t.Iterable[t.Any] = ()) -> Options:
    """Return the role's options as its tasks use them.

    Args:
        raw: option without the prefix dv_certificate_ -> value; null, empty, and omitted values count as not set.
        facts: names of the facts that the host has.

    Returns:
        Every option in its own type or None, with `names` (A-labels, the common name first), `domains` (the names whose
        control is proven), `records` (where TXT records go), `account` (hosts with the same one share an AuthKey),
        `dns_account` (hosts with the same one have their TXT records written together), and `problems` (sentences; use
        the other values only if there are none).
    """
    problems: list[str] = []
    options: Options = {**DEFAULTS, **{name: [] for name in _LISTS}}
    for name, value in raw.items():
        try:
            typed = _typed(str(name), value)
        except DigicertError as error:
            typed = None
            problems.append(f"{PREFIX}{name} {error}")
        except (TypeError, ValueError):
            typed = None
            problems.append(f"{PREFIX}{name} has a value of the wrong type.")
        if typed is not None or name not in options:
            options[name] = typed
    ours = sorted(str(fact) for fact in facts if _OUR_FACT.match(str(fact)))
    if ours:
        problems.insert(0, _FACTS_REFUSED.format(ours[0][:60] if ours[0].isidentifier() else PREFIX + "…"))
    _add_names(options, problems)
    _add_files(options, raw, problems)
    problems.extend(_contradictions(options))
    options["dns_check_servers"] = options.get("dns_check_servers") or _update_server(options)
    options["account"] = [options.get(name) for name in _ACCOUNT]
    options["dns_account"] = [options.get(name) for name in _DNS_ACCOUNT]
    options["problems"] = problems
    return options


_FACTS_REFUSED = (
    "The facts of this host contain {}, which would set variables of the role. Remove them from the host or the "
    "fact cache, and set the role's variables in the play or the inventory."
)


def _typed(name: str, value: t.Any) -> t.Any:
    """Return a value in the type of its option; raises TypeError or ValueError."""
    absent = value is None or type(value).__name__ in ("Omit", "OmitType")
    if isinstance(value, str):
        # Ansible's own text types have tags that must not get into the copied options.
        value = f"{value}"
        absent = not value.strip() or value.startswith(_OMITTED)
    if absent:
        return [] if name in _LISTS else None
    convert: t.Callable[[t.Any], t.Any] = _CONVERTERS.get(name, _line)
    return convert(value)


def _text(value: t.Any) -> str:
    if isinstance(value, (t.Mapping, list, tuple, set)):
        raise TypeError
    # YAML reads `no`, 1.10 and 0644 as something else than what is there.
    if isinstance(value, (bool, float)):
        raise DigicertError("is not text. Put it in quotes.")
    return str(value)


def _line(value: t.Any) -> str:
    """Return a text without the line ends around it, which YAML's blocks have; others in it are refused."""
    text = _text(value).strip("\r\n")
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise DigicertError("contains a line end or another control character. Remove it.")
    return text


def _mode(value: t.Any) -> str:
    """Return a mode as text; 0644 without quotes is the number 420, and 644 one that nobody means."""
    if not isinstance(value, int) or isinstance(value, bool):
        return _line(value)
    text = f"{value:o}"
    if not re.fullmatch("[046]{1,3}", text):
        raise DigicertError('is a number, but must be text, such as "0640". Put it in quotes.')
    return f"0{text}"


def _flag(value: t.Any) -> bool:
    return bool(boolean(value))


def _number(value: t.Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError
    return int(value)


def _positive(value: t.Any) -> int:
    # The role's tasks omit 0, so an order would silently use the default.
    number = _number(value)
    if number < 1:
        raise DigicertError("must be at least 1. Correct it, or remove it to use the default.")
    return number


def _dictionary(value: t.Any) -> dict[str, t.Any]:
    # Text is JSON or key=value, as in Ansible's own options.
    items = {str(key): _plain(item) for key, item in check_type_dict(value).items()}
    return {key: item for key, item in items.items() if item not in (None, "")}


def _alias(value: t.Any) -> t.Any:
    if not isinstance(value, t.Mapping):
        return _line(value)
    return {str(key): _line(item) for key, item in value.items() if item is not None and str(item).strip()}


def _plain(value: t.Any) -> t.Any:
    """Return a number or flag unchanged, and everything else, such as a date, as text."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    text = str(value)
    return "" if text.startswith(_OMITTED) else text


def _texts(value: t.Any) -> list[str]:
    """Return a list of texts, which can also be one text with commas or spaces between them."""
    if isinstance(value, str) and value.lstrip().startswith('["'):  # from the command line
        value = json.loads(value)
    if isinstance(value, str):
        return [part for part in re.split(r"[\s,;]+", value) if part]
    if isinstance(value, t.Mapping):
        raise TypeError
    items = list(value) if isinstance(value, t.Iterable) else [value]
    texts = [_text(item).strip() for item in items if item is not None]
    return [text for text in texts if text]


_CONVERTERS: dict[str, t.Callable[[t.Any], t.Any]] = {
    **dict.fromkeys(_LISTS, _texts),
    **dict.fromkeys(_FLAGS, _flag),
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(_AT_LEAST_ONE, _positive),
    **dict.fromkeys(_DICTIONARIES, _dictionary),
    **dict.fromkeys(_SECRETS, _text),
    "mode": _mode,
    "private_key_mode": _mode,
    "dns_alias": _alias,
}


def _add_names(options: Options, problems: list[str]) -> None:
    """Add `names`, `domains` and `records`."""
    first = options.get("common_name")
    given = [first, *options.get("dns_names", [])] if first else []
    if not first:
        problems.append(f"{PREFIX}common_name is not set. Set it to the first name of the certificate.")
    names: list[str] = []
    for name in given:
        try:
            names.append(_name(str(name)))
        except DigicertError as error:
            problems.append(f"{PREFIX}{'common_name' if name == first else 'dns_names'}: {error}")
    options["names"] = list(dict.fromkeys(names))
    options["domains"] = list(dict.fromkeys(re.sub(r"^[*][.]", "", name) for name in names))
    try:
        options["records"] = _records(options["domains"], options.get("dns_alias"))
    except DigicertError as error:
        options["records"] = []
        problems.append(f"{PREFIX}dns_alias: {error}")
    if not options.get("name"):
        options["name"] = re.sub(r"^[*]", "_wildcard", str(first or "").strip().lower().rstrip("."))
    if re.search(r"[/\0]", options["name"]) or options["name"] in ("", ".", ".."):
        problems.append(f"{PREFIX}name cannot be used as the first part of a file's name.")


def _name(name: str) -> str:
    address = name.strip().strip("[]")
    if "://" in address:
        raise DigicertError("a URL is not a DNS name. Use only the name in it.")
    if ":" in address or re.fullmatch(r"[0-9.]+", address):
        raise DigicertError(f"{name!r} is an address or has a port. Use DNS names only.")
    checked = ascii_name(name.strip())
    if "." not in re.sub(r"^[*][.]", "", checked):
        raise DigicertError(f"{name!r} has no dot, so DigiCert cannot validate it. Use a complete DNS name.")
    return checked


def _records(domains: t.Iterable[str], alias: t.Any) -> list[str]:
    """Return the names of the TXT records, without a dot at the end."""
    if not alias:
        return [f"{RECORD_LABEL}.{domain}" for domain in domains]
    if not isinstance(alias, dict):
        return [_name(alias)]
    by_domain = {re.sub(r"^[*][.]", "", _name(name)): _name(record) for name, record in alias.items()}
    return list(dict.fromkeys(by_domain.get(domain) or f"{RECORD_LABEL}.{domain}" for domain in domains))


def _add_files(options: Options, raw: t.Mapping[str, t.Any], problems: list[str]) -> None:
    """Add the paths that are not set; two options must not name the same file."""
    for option, ending in _FILES.items():
        # The role's default turns into this if directory or name is null.
        unset = f"{raw.get('directory') or ''}/{raw.get('name') or ''}.{ending}"
        if not options.get(option) or options[option] == unset:
            options[option] = f"{options['directory']}/{options['name']}.{ending}"
    seen: dict[str, str] = {}
    for option in (*_FILES, *_OTHER_FILES):
        path = options.get(option)
        if not path:
            continue
        key = posixpath.normpath(re.sub(r"/+", "/", path)).casefold()
        if key in seen:
            problems.append(f"{PREFIX}{seen[key]} and {PREFIX}{option} name the same file.")
        seen[key] = option


def _provider_problems(provider: str, options: Options) -> list[str]:
    collection, credentials = _PROVIDERS[provider]
    found = []
    if not _is_installed(collection):
        found.append(
            f"{PREFIX}dns_provider={provider} needs the Ansible collection {collection} on the controller: "
            f"ansible-galaxy collection install {collection}."
        )
    if not options.get("dns_zone"):
        found.append(f"{PREFIX}dns_provider={provider} needs {PREFIX}dns_zone.")
    lacking = [key for key in credentials if key not in (options.get("dns_credentials") or {})]
    if lacking:
        found.append(f"{PREFIX}dns_provider={provider} needs {lacking[0]} in {PREFIX}dns_credentials.")
    return found


def _is_installed(collection: str) -> bool:
    try:
        importlib.import_module(f"ansible_collections.{collection}")
    except ImportError:
        return False
    return True


def _update_server(options: Options) -> list[str]:
    """Return the server that accepts the updates, which is the default for checks."""
    updated = options.get("dcv_method") == "dns" and options.get("dns_provider") == "nsupdate"
    return [options["dns_server"]] if updated and options.get("dns_server") else []


def _contradictions(options: Options) -> list[str]:
    """Return problems of options that are valid on their own but not together."""
    method, provider = options.get("dcv_method"), options.get("dns_provider")
    found = []
    if method == "http" and any(name.startswith("*") for name in options["names"]):
        found.append(f"{PREFIX}dcv_method=http cannot validate wildcards. Use dns or custom.")
    if method == "dns" and provider == "nsupdate" and not options.get("dns_server"):
        found.append(f"{PREFIX}dcv_method=dns needs {PREFIX}dns_server.")
    if bool(options.get("dns_tsig_name")) != bool(options.get("dns_tsig_secret")):
        found.append(f"{PREFIX}dns_tsig_name and {PREFIX}dns_tsig_secret must be set together.")
    if method == "custom" and not (options.get("publish_tasks") and options.get("unpublish_tasks")):
        found.append(f"{PREFIX}dcv_method=custom needs {PREFIX}publish_tasks and {PREFIX}unpublish_tasks.")
    if method == "dns" and provider in _PROVIDERS:
        found.extend(_provider_problems(str(provider), options))
    if options.get("pkcs12_path") and not options.get("pkcs12_passphrase"):
        found.append(f"{PREFIX}pkcs12_path needs {PREFIX}pkcs12_passphrase.")
    if options.get("auth_key_id") and not options.get("auth_key"):
        found.append(f"{PREFIX}auth_key_id needs {PREFIX}auth_key, the AuthKey with that id.")
    validity = options.get("order_validity")
    if validity and (len(validity) != 1 or set(validity) - {"years", "days", "custom_expiration_date"}):
        found.append(
            f"{PREFIX}order_validity needs exactly one of years, days, and custom_expiration_date, but has "
            f"{printable(' and '.join(validity), 100)}."
        )
    return found
