# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The properties of every cell: one clear sentence, nothing twice, nothing leaked, no file damaged or left behind."""

from __future__ import annotations

import re
import typing as t

from tests.campaign.calls import AUTH_KEY, AUTH_KEY_INFO, CERTIFICATE, ORDER_INFO, Call
from tests.campaign.stage import Result, Stage

LONGEST_MESSAGE = 1500  # characters
# The beginnings of sentences that say what to do, or what happens next.
ADVICE = re.compile(
    r"(?:^|[.,;] |and |so )(?:Approve|Ask|ask|Check|Choose|Compare|Copy|Correct|correct|Create|Delete|Finish|Fix|"
    r"Install|Look|look|lower|Make|make|Omit|omit|Publish|Raise|raise|Remove|remove|Request|Run|run|Set|set|Try|Turn|"
    r"Use|use|Wait)\b|[Tt]he next run "
)
WHAT = re.compile(
    r"Cannot |Order [0-9]+ |The permanent AuthKey |The (certificate|chain) that CertCentral returned |"
    "The certificate of order |The installed certificate |The directory |The journal of the order |/"
)
TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (float, int), "bool": (bool,)}


def check_speech(stage: Stage, result: Result) -> None:
    """The output is one document, and a failure is one clear message."""
    assert result.process.stderr == "", result
    assert "Traceback" not in result.process.stdout, result
    assert "exception" not in result.answer, result
    assert result.process.rc == (0 if result.ok else 1), result
    for warning in result.answer.get("warnings", []):
        assert _is_line(str(warning)), warning
    if not result.ok:
        check_message(stage, result.msg)


def check_message(stage: Stage, message: str) -> None:
    """A message says what failed, where, and what to do."""
    assert _is_line(message), message
    assert len(message) <= LONGEST_MESSAGE, message
    assert re.match(WHAT, message), message
    places = (stage.simulator.url, f":{stage.relay.port}/services/v2", str(stage.directory), "order ", "Order ")
    assert any(place in message for place in places), message
    assert ADVICE.search(message), f"does not say what to do: {message}"


def _is_line(text: str) -> bool:
    return text.isprintable() and text == text.strip() and text.endswith((".", "\u2026"))


def check_secrets(stage: Stage, results: t.Iterable[Result], module: str) -> None:
    """Output and files do not contain secrets, except AuthKeys where they are documented."""
    secrets = dict(stage.secrets)
    for key in stage.simulator.auth_keys():
        secrets[f"AuthKey {key.auth_key_id}"] = key.auth_key
    said = [result.process.stderr + _without_documented_keys(result, module) for result in results]
    files = [path for path in stage.directory.rglob("*") if path.is_file() and path != stage.key_file]
    for what, secret in secrets.items():
        assert not any(secret in text for text in said), f"{what} is shown: {said}"
        for path in files:
            assert secret.encode() not in path.read_bytes(), f"{what} is in {path}"


def _without_documented_keys(result: Result, module: str) -> str:
    answer = dict(result.answer)
    if result.ok and module == AUTH_KEY:
        answer.pop("auth_key", None)
        facts = answer.get("ansible_facts", {}).get("digicert_auth_key", {})
        facts.pop("auth_key", None)
    if result.ok and module == AUTH_KEY_INFO:
        for key in answer["auth_keys"]:
            key.pop("auth_key")
    return str(answer)


def check_nothing_twice(stage: Stage, call: Call) -> None:
    """There are not more AuthKeys, orders, and reissues than the task should end with."""
    keys, orders, reissues = call.ends_with
    started_with = 1 if call.ends_with[0] == 0 else 0
    assert len(stage.simulator.auth_keys()) <= max(keys, started_with), stage.simulator.auth_keys()
    assert len(stage.simulator.orders()) <= orders, stage.simulator.orders()
    assert sum(len(order.enrollments) - 1 for order in stage.simulator.orders()) <= reissues, stage.simulator.orders()


def check_no_leftovers(stage: Stage) -> None:
    """No temporary file is left; the journal and its lock do not count."""
    expected = {"private.key", "old.pem", "chain.pem", "full.pem", ".old.pem.order.json", ".old.pem.order.lock"}
    assert {path.name for path in stage.site.iterdir()} <= expected, list(stage.site.iterdir())
    assert list(stage.tmp.rglob("*")) == []
    assert sorted(path.name for path in stage.directory.iterdir()) == ["cwd", "site", "tmp"]
    assert list((stage.directory / "cwd").iterdir()) == []


def check_files_kept(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    """Every existing file is unchanged."""
    for name, content in before.items():
        if not name.endswith(".order.json"):
            assert after.get(name) == content, f"{name} was harmed"


def check_end(stage: Stage, call: Call, result: Result) -> None:
    """After a run without fault, everything is correct, and nothing exists twice."""
    keys, orders, reissues = call.ends_with
    assert result.ok, result.answer
    assert len(stage.simulator.auth_keys()) == keys
    assert len(stage.simulator.orders()) == orders
    assert sum(len(order.enrollments) - 1 for order in stage.simulator.orders()) == reissues
    if call.module == AUTH_KEY and keys:
        [key] = stage.simulator.auth_keys()
        assert (result.answer["auth_key_id"], result.answer["auth_key"]) == (key.auth_key_id, key.auth_key)
    if call.module == AUTH_KEY_INFO:
        assert [key["auth_key"] for key in result.answer["auth_keys"]] == [
            key.auth_key for key in stage.simulator.auth_keys()
        ]
    if call.module == ORDER_INFO:
        assert [row["order_id"] for row in result.answer["orders"]] == [order.id for order in stage.simulator.orders()]
    if call.state is not None:
        [order] = stage.simulator.orders()
        assert call.state == ("revoked" if order.primary.revoked else order.status)
    elif call.module == CERTIFICATE:
        check_installed(stage)


def check_installed(stage: Stage) -> None:
    """The files contain the certificate of the one order, and its chain."""
    [order] = stage.simulator.orders()
    assert order.certificate is not None
    leaf, middle = (link.pem.replace("\r\n", "\n") for link in order.certificate.chain[:2])
    files = {
        name: content.decode()
        for name, content in stage.contents().items()
        if name in {"old.pem", "chain.pem", "full.pem"}
    }
    assert files == {"old.pem": leaf, "chain.pem": middle, "full.pem": leaf + middle}


def check_types(returned: dict[str, t.Any], documented: dict[str, t.Any]) -> None:
    """Return values have the documented types."""
    for name, entry in documented.items():
        value: t.Any = returned.get(name)
        if value is None:
            continue
        kind = entry["type"]
        if kind in TYPES:
            assert isinstance(value, TYPES[kind]), (name, value)
            assert not isinstance(value, bool) or kind == "bool", (name, value)
        if kind == "str":
            value.encode()
        for part in value if kind == "list" and "contains" in entry else [value] if kind == "dict" else []:
            check_types(part, entry.get("contains", {}))
