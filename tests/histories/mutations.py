# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutations: each removes one safeguard from the collection, and the histories must find that."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, NamedTuple
from unittest import mock

from ansible_collections.community.digicert.plugins.module_utils._certcentral import (
    auth_key_creation,
    auth_key_deletion,
    auth_keys,
    errors,
    failures,
    orders,
)
from ansible_collections.community.digicert.plugins.module_utils._files import replacing
from ansible_collections.community.digicert.plugins.module_utils._issuance import (
    journal,
    lookup,
    quiet_time,
    submission,
    workflow,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.decision import Decider
from ansible_collections.community.digicert.plugins.module_utils._issuance.lookup import OrderFinder, Survey
from ansible_collections.community.digicert.plugins.module_utils._issuance.submission import Submitter

from tests.histories import program, runs
from tests.histories.auth_key_machine import AuthKeyMachine
from tests.histories.issuance_machine import IssuanceMachine

STEPS = 20_000  # in which a mutation must be found
Patch = Callable[[], AbstractContextManager[Any]]


class Mutation(NamedTuple):
    """A removed safeguard: which one, how, and which histories find it."""

    reason: str
    patch: Patch
    machine: Any = IssuanceMachine


def _nothing(*_args: Any) -> None:
    return None


def _true(*_args: Any) -> bool:
    return True


def _false(*_args: Any) -> bool:
    return False


def _no_survey(*_args: Any) -> Survey:
    return Survey()


def _forget_known() -> AbstractContextManager[Any]:
    real = auth_keys.AuthKeySpec.select_new
    return mock.patch.object(
        auth_keys.AuthKeySpec, "select_new", lambda spec, keys, _known, now: real(spec, keys, frozenset(), now)
    )


def _put(place: Any, name: str, value: Any) -> Patch:
    return lambda: mock.patch.object(place, name, value)


def _blind(kind: str) -> Patch:
    """Let searches for a lost request take time and find nothing."""
    real = Submitter._look

    def look(submitter: Any, submission_: Any, is_brief: bool = False) -> Any:
        if submission_.kind != kind:
            return real(submitter, submission_, is_brief)
        with contextlib.suppress(errors.DigicertError):
            real(submitter, submission_, is_brief)
        return None

    return _put(Submitter, "_look", look)


def _wrap(place: Any, name: str, change: Callable[[Any], Any]) -> Patch:
    """Change what a function returns."""
    real = getattr(place, name)
    return _put(place, name, lambda *args, **options: change(real(*args, **options)))


def _refusal(error: Any) -> Any:
    status = error.http_status or 0
    if isinstance(error, errors.UnusableResponseError) and 300 <= status <= 499:
        return errors.RefusedError(error.message, http_status=status)
    return error


def _complete_anyway() -> AbstractContextManager[Any]:
    real = orders.list_orders

    def listing(*args: Any, **options: Any) -> Any:
        return real(*args, **options)._replace(complete=True)

    return _all(_put(submission, "list_orders", listing), _put(lookup, "list_orders", listing))


def _all(*patches: Patch) -> AbstractContextManager[Any]:
    stack = contextlib.ExitStack()
    for patch in patches:
        stack.enter_context(patch())
    return stack


@contextlib.contextmanager
def _unlocked(book: Any, _patience: float) -> Iterator[None]:
    book.load()
    yield


def _save_after(book: Any, entry: Any) -> None:
    if entry.submission is None or entry.submission.accepted:
        _real_save(book, entry)
    else:
        book.entry = entry


_real_save = journal.Journal.save
_real_has_work = workflow.Workflow._has_work


def _forgetful(flow: Any, context: Any) -> bool:
    entry = context.journal.entry
    context.journal.entry = entry._replace(submission=None)
    try:
        return _real_has_work(flow, context)
    finally:
        context.journal.entry = entry


def _read_once(flow: Any) -> Any:
    if not hasattr(flow, "seen"):
        flow.seen = _real_read(flow)
    return flow.seen


_real_read = workflow.Workflow._read


def _replace_in_place(path: str, content: bytes, **_options: Any) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(descriptor, content[:100])
        os.write(descriptor, content[100:])
        os.close(descriptor)
    except OSError as exc:
        raise errors.DigicertError(str(exc.strerror)) from None


MUTATIONS: dict[str, Mutation] = {
    "refusal": Mutation("a gateway's 3xx or 4xx counts as a refusal", _wrap(failures, "status_error", _refusal)),
    "ten-minutes": Mutation("an order is sent again right after its answer was lost", _put(quiet_time, "QUIET", 0.0)),
    "no-look": Mutation("nothing looks for an order that was lost", _blind("order")),
    "no-look-reissue": Mutation("nothing looks for a reissue that was lost", _blind("reissue")),
    "complete-list": Mutation("a list that was cut off counts as all there is", _complete_anyway),
    "csr-decides": Mutation("an order for the same names counts as ours", _put(Submitter, "_is_result", _true)),
    "seven-days": Mutation("a second order within seven days is allowed", _put(OrderFinder, "is_recent", _false)),
    "clock": Mutation("the host's clock alone decides what is due", _put(Decider, "_check_due_by_service", _nothing)),
    "first-look": Mutation("an order is placed without a look at the account", _put(OrderFinder, "survey", _no_survey)),
    "another-order": Mutation("the order that a response names is taken for ours", _put(lookup, "is_foreign", _false)),
    "journal-first": Mutation("the journal is written after the answer", _put(journal.Journal, "save", _save_after)),
    "journal-atomic": Mutation(
        "the journal is overwritten in place", _put(replacing, "replace_file", _replace_in_place)
    ),
    "lock": Mutation("runs at the same place do not wait for each other", _put(journal.Journal, "locked", _unlocked)),
    "look-under-lock": Mutation("what is due is not looked at again", _put(workflow.Workflow, "_read", _read_once)),
    "finish-forced": Mutation(
        "what a cut off run left is not finished", _put(workflow.Workflow, "_has_work", _forgetful)
    ),
    "finish-installed": Mutation(
        "a run that was cut off right after the installation is not recognized",
        _put(workflow.Workflow, "_finish_interrupted", _false),
    ),
    "key-deletion": Mutation(
        "an unclear deletion counts as done", _put(auth_key_deletion, "_is_gone", _true), AuthKeyMachine
    ),
    "key-adoption": Mutation(
        "a refused second key is an error", _put(auth_key_creation, "EXISTS", "something else"), AuthKeyMachine
    ),
    "key-known": Mutation("a key that was there before counts as new", _forget_known, AuthKeyMachine),
}


def report(names: list[str], seed: int) -> int:
    """Run each mutation, print what was found, and return 1 if one was not found."""
    missed = 0
    for name in names or list(MUTATIONS):
        mutation = MUTATIONS[name]
        begun = time.monotonic()
        found = find(mutation, seed)
        missed += found is None
        print(
            f"{'red' if found else 'GREEN'}  {name}: {mutation.reason}\n"
            f"       {runs.TOTALS['steps']} steps, {time.monotonic() - begun:.0f} s: {found or 'nothing found'}",
            flush=True,
        )
    print(f"{missed} of {len(names or MUTATIONS)} mutations were not found")
    return 1 if missed else 0


def find(mutation: Mutation, seed: int) -> str | None:
    """Return the failure that the histories find for a mutation, or None."""
    with mutation.patch():
        try:
            program.play(STEPS, seed, shrink=False, machines=(mutation.machine,))
        except AssertionError as exc:
            return str(exc).splitlines()[0][:150]
    return None
