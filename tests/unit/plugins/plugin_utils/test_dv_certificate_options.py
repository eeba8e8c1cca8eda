# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the role: unusual spellings, refused values, and complete lists of variables."""

from __future__ import annotations

import re
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.community.digicert.plugins.plugin_utils._dv_certificate import (
    DEFAULTS,
    PREFIX,
    normalize_options,
)
from ansible_collections.community.digicert.plugins.test.csr_for_names import csr_for_names

from tests.support.pki import new_csr

ROLE = Path(__file__).parents[4] / "roles" / "dv_certificate"
SPECS = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
DOCUMENTED = {name[len(PREFIX) :]: option for name, option in SPECS["argument_specs"]["main"]["options"].items()}
WWW: dict[str, t.Any] = {"common_name": "www.example.com", "directory": "/etc/ssl"}


class Omit:
    """As in ansible-core 2.19 and later."""


def test_nothing_but_a_name_is_needed() -> None:
    options = normalize_options(WWW)
    assert options["problems"] == []
    assert options["path"] == "/etc/ssl/www.example.com.pem"
    assert options["records"] == ["_dnsauth.www.example.com"]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"common_name": " WWW.Example.COM. "}, ["www.example.com"]),
        ({"common_name": "b\u00fccher.example", "dns_names": ["*.B\u00fccher.example"]},
         ["xn--bcher-kva.example", "*.xn--bcher-kva.example"]),
        ({"dns_names": "a.example, b.example;c.example"}, ["www.example.com", "a.example", "b.example", "c.example"]),
        ({"dns_names": ["a.example", None, "", "WWW.example.com."]}, ["www.example.com", "a.example"]),
        ({"dns_names": '["a.example", "b.example"]'}, ["www.example.com", "a.example", "b.example"]),
        ({"common_name": "www.example.com\n", "dns_names": ("a.example\n",)}, ["www.example.com", "a.example"]),
        ({"dns_names": []}, ["www.example.com"]),
        ({"dns_names": None}, ["www.example.com"]),
        ({"dns_names": "  "}, ["www.example.com"]),
        ({"dns_names": Omit()}, ["www.example.com"]),
        ({"dns_names": "__omit_place_holder__1234"}, ["www.example.com"]),
    ],
)  # fmt: skip
def test_names_are_taken_as_they_are_meant(given: dict[str, t.Any], names: list[str]) -> None:
    options = normalize_options({**WWW, "dcv_method": "custom", "publish_tasks": "p", "unpublish_tasks": "u", **given})
    assert (options["names"], options["problems"]) == (names, [])


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"common_name": None}, "common_name is not set"),
        ({"common_name": "192.0.2.1"}, "is an address"),
        ({"common_name": "[2001:db8::1]"}, "is an address"),
        ({"common_name": "www.example.com:443"}, "has a port"),
        ({"common_name": "2001:db8::1"}, "is an address"),
        ({"common_name": "https://www.example.com/"}, "common_name: a URL is not a DNS name"),
        ({"common_name": "localhost"}, "common_name: 'localhost' has no dot"),
        ({"dns_names": ["a.example", "Web1."]}, "dns_names: 'Web1.' has no dot"),
        ({"common_name": "*.com", "dcv_method": "dns"}, "'*.com' has no dot"),
        ({"common_name": "web server 1"}, "is not a DNS name"),
        ({"common_name": "a\nb"}, "common_name contains a line end"),
        ({"common_name": ["a.example"]}, "common_name has a value of the wrong type"),
        ({"dns_names": ["a.example", False]}, "dns_names is not text. Put it in quotes."),
        ({"dns_names": '["a.example"'}, "dns_names has a value of the wrong type"),
        ({"common_name": "../../etc/cron.d/x"}, "common_name"),
        ({"dns_names": ["{{ lookup('pipe', 'true') }}"]}, "dns_names"),
        ({"dns_names": {"a": 1}}, "wrong type"),
        ({"common_name": "*.example.com"}, "cannot validate wildcards"),
        ({"name": "a/b"}, "first part of a file's name"),
        ({"name": 1.10}, "name is not text. Put it in quotes."),
        ({"path": "/etc/a\0b"}, "path contains a line end or another control character"),
        ({"webroot": "/var/www\n/html"}, "webroot contains a line end or another control character"),
        ({"owner": True}, "owner is not text. Put it in quotes."),
        ({"mode": 644}, "mode is a number"),
        ({"private_key_mode": 400}, "private_key_mode is a number"),
        ({"private_key_mode": 10**30}, "private_key_mode is a number"),
        ({"mode": True}, "mode is not text"),
        ({"private_key_passphrase": 1.50}, "private_key_passphrase is not text"),
        ({"wait_timeout": True}, "wait_timeout has a value of the wrong type"),
        ({"remaining_days": float("nan")}, "remaining_days has a value of the wrong type"),
        ({"check_timeout": float("inf")}, "check_timeout has a value of the wrong type"),
        ({"auth_key_ttl_days": 0}, "auth_key_ttl_days must be at least 1"),
        ({"cert_validity_days": "0"}, "cert_validity_days must be at least 1"),
        ({"container_id": -1}, "container_id must be at least 1"),
        ({"dns_credentials": "secret"}, "dns_credentials has a value of the wrong type"),
        ({"order_validity": 1}, "order_validity has a value of the wrong type"),
        ({"order_validity": [1]}, "order_validity has a value of the wrong type"),
        ({"wait_timeout": "soon"}, "wait_timeout has a value of the wrong type"),
        ({"force": "perhaps"}, "force has a value of the wrong type"),
        ({"private_key_path": "/etc/ssl//www.example.com.PEM"}, "name the same file"),
        ({"csr_path": "/etc/ssl/x/../www.example.com.pem"}, "name the same file"),
        ({"combined_path": "/etc/ssl/www.example.com.fullchain.pem"}, "name the same file"),
        ({"pkcs12_path": "/etc/ssl/www.p12"}, "needs dv_certificate_pkcs12_passphrase"),
        ({"dcv_method": "dns"}, "needs dv_certificate_dns_server"),
        ({"dns_tsig_name": "updates"}, "must be set together"),
        ({"dcv_method": "custom", "publish_tasks": "p"}, "needs dv_certificate_publish_tasks"),
        ({"dcv_method": "dns", "dns_provider": "cloudflare"}, "needs dv_certificate_dns_zone"),
        ({"dcv_method": "dns", "dns_provider": "azure", "dns_zone": "example.com"}, "azure"),
        ({"auth_key_id": "7"}, "needs dv_certificate_auth_key"),
        ({"dns_alias": ["one.example.net"]}, "dns_alias has a value of the wrong type"),
        ({"dns_alias": {"www.example.com": True}}, "dns_alias is not text"),
        ({"order_validity": {"years": 1, "days": 90}}, "custom_expiration_date, but has years and days."),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_one_sentence(given: dict[str, t.Any], problem: str) -> None:
    problems = normalize_options({**WWW, **given})["problems"]
    assert [text for text in problems if problem in text], problems


def test_a_mode_without_quotes_is_what_it_looks_like() -> None:
    options = normalize_options({**WWW, "mode": 0o644, "private_key_mode": 0o400})
    assert (options["mode"], options["private_key_mode"], options["problems"]) == ("0644", "0400", [])


def test_null_and_empty_text_mean_not_given() -> None:
    """As surveys send them. Ansible may refuse these values earlier for options that are not text."""
    unset = dict.fromkeys(DOCUMENTED) | {"common_name": "www.example.com"}
    for name in DOCUMENTED.keys() - {"common_name"}:
        for empty in ("", " ", "\n"):
            assert normalize_options({**unset, name: empty}) == normalize_options(unset), name
    assert normalize_options(unset)["problems"] == []


@pytest.mark.parametrize("given", ["years=2", '{"years": 2}', {"years": 2, "days": None}, {"years": 2, "days": ""}])
def test_dictionaries_as_the_command_line_has_them(given: t.Any) -> None:
    options = normalize_options({**WWW, "order_validity": given})
    assert ({key: int(value) for key, value in options["order_validity"].items()}, options["problems"]) == (
        {"years": 2},
        [],
    )


@pytest.mark.parametrize(
    ("provider", "collection"),
    [
        ("route53", "amazon.aws"),
        ("cloudflare", "community.general"),
        ("azure", "azure.azcollection"),
        ("hetzner", "community.dns"),
    ],
)
def test_a_missing_collection_is_one_sentence(monkeypatch: pytest.MonkeyPatch, provider: str, collection: str) -> None:
    options = {**WWW, "dcv_method": "dns", "dns_provider": provider, "dns_zone": "example.com"}
    options["dns_credentials"] = {"resource_group": "dns"}
    monkeypatch.setitem(sys.modules, f"ansible_collections.{collection}", None)
    assert normalize_options(options)["problems"] == [
        f"dv_certificate_dns_provider={provider} needs the Ansible collection {collection} on the controller: "
        f"ansible-galaxy collection install {collection}."
    ]


@pytest.mark.parametrize("fact", ["dv_certificate_api_url", "dv_certificate__options", "ansible_dv_certificate_x"])
def test_facts_with_names_of_the_role_come_first(fact: str) -> None:
    problems = normalize_options({"common_name": None}, ["os_family", fact])["problems"]
    assert problems[0].startswith(f"The facts of this host contain {fact},")


def test_unusual_facts_do_not_get_into_the_message() -> None:
    assert "\x1b" not in normalize_options(WWW, ["dv_certificate_\x1b[2J"])["problems"][0]


@pytest.mark.parametrize(
    ("alias", "records"),
    [
        ("Proof.Example.net.", ["proof.example.net"]),
        ({"www.example.com": "one.example.net"}, ["one.example.net", "_dnsauth.example.com"]),
        ({"WWW.example.com.": "one.example.net\n", "example.com": None}, ["one.example.net", "_dnsauth.example.com"]),
    ],
)
def test_records_lie_where_the_cname_leads(alias: t.Any, records: list[str]) -> None:
    assert normalize_options({**WWW, "dns_names": "example.com", "dns_alias": alias})["records"] == records


def test_every_list_of_the_variables_has_all_of_them() -> None:
    defaults = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))
    documented = {PREFIX + name: option for name, option in DOCUMENTED.items()}
    frozen = re.findall(rf"'(\w+)': {PREFIX}\1\b", (ROLE / "tasks" / "main.yml").read_text(encoding="utf-8"))
    assert {PREFIX + name for name in frozen} == documented.keys() == defaults.keys()
    values = {name: value for name, value in defaults.items() if not (isinstance(value, str) and "{{" in value)}
    assert {name: value for name, value in values.items() if value not in (None, [])} == {
        PREFIX + name: value for name, value in DEFAULTS.items()
    }
    stated = {name: option["default"] for name, option in documented.items() if "default" in option}
    assert stated == {name: defaults[name] for name in stated}


@pytest.mark.parametrize(
    ("csr", "expected"),
    [
        (new_csr("www.example.com", "example.com"), True),
        (new_csr("EXAMPLE.com", "www.example.com", common_name=None), True),
        (new_csr("www.example.com"), False),
        (new_csr("www.example.com", "example.com", "bank.example.com"), False),
        (new_csr("www.example.com", "example.com", common_name="bank.example.com"), False),
        (new_csr("www.example.com", "{{ 7 * 7 }}"), False),
        ("{{ 7 * 7 }}" + new_csr("www.example.com", "example.com"), False),
        (new_csr("www.example.com", "example.com") + "x", False),
        ("", False),
        (None, False),
    ],
)
def test_a_csr_is_for_the_names_and_nothing_else(csr: t.Any, expected: bool) -> None:
    assert csr_for_names(csr, ["www.example.com", "Example.com."]) is expected
