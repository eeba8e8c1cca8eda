# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module ends with its result, or with one sentence and the details of the failure."""

from __future__ import annotations

import typing as t

import pytest

pytest.importorskip("ansible.module_utils.basic", reason="ansible-core does not run on the oldest Python of a host")

from ansible_collections.community.digicert.plugins.module_utils._ansible import runner
from ansible_collections.community.digicert.plugins.module_utils._certcentral import errors


class Module:
    """Records how it ended."""

    def __init__(self) -> None:
        self.params = dict.fromkeys(runner.connection_argument_spec(), None) | {
            "api_url": "https://h.example",
            "api_key": "k",
            "timeout": 1.0,
            "retry_timeout": 0,
        }
        self.no_log_values: set[str] = set()
        self.ended: dict[str, t.Any] = {}

    def exit_json(self, **result: t.Any) -> None:
        self.ended = result
        raise SystemExit

    fail_json = exit_json


def end(work: t.Callable[[], t.Any], details: t.Callable[[], t.Any] = dict) -> dict[str, t.Any]:
    module = Module()
    with pytest.raises(SystemExit):
        runner.run(t.cast(t.Any, module), lambda _client: work(), details)
    return module.ended


def fail(error: Exception) -> t.Callable[[], t.Any]:
    def work() -> t.Any:
        raise error

    return work


def test_a_failure_returns_its_sentence_and_what_is_known_of_it() -> None:
    error = errors.RefusedError("No.", http_status=403, code="c", changed=True)
    assert end(lambda: {"changed": True}) == {"changed": True}
    assert end(fail(error)) == {"msg": "No.", "changed": True, "http_status": 403, "code": "c"}
    assert end(fail(errors.NotSentError("No.")), lambda: {"order_id": 1, "csr": None, "changed": True}) == {
        "msg": "No.",
        "changed": True,
        "order_id": 1,
    }


def test_a_missing_library_is_named_with_the_python_that_lacks_it() -> None:
    for cause, words in ((None, ""), (ImportError("bad."), " The import failed: ImportError: bad.")):
        ended = end(fail(errors.MissingLibraryError("requests", "Trace", cause)))
        assert "Failed to import the required Python library (requests)" in ended["msg"]
        assert ended["msg"].partition(" The import failed")[1:] == words.partition(" The import failed")[1:]
        assert ended["exception"] == "Trace"


def test_what_nobody_thought_of_is_one_sentence_without_its_text() -> None:
    for details in (dict, fail(ValueError("s3cret"))):
        ended = end(fail(KeyError("s3cret\x1b[31m")), details)
        assert ended["msg"].startswith("The module failed in an unexpected way (KeyError at test_runner.py:")
        assert ended["msg"].endswith(f"report it at {runner.ISSUES}.")
        assert "s3cret" not in str(ended)
        assert ended["changed"] is False
