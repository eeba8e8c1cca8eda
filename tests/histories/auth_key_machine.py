# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Histories of an account's AuthKeys: runs that create or delete one, and other people who do the same.

These properties must hold after any faults, crashes, and simultaneous runs:

- the account never has two permanent AuthKeys, and has exactly one after a run without faults that wants it;
- a run that succeeds returns an AuthKey of the account that matches the options, with the right secret;
- a run that reports "unchanged" changed nothing, whether it succeeded or failed;
- a run without faults succeeds, and creates one AuthKey at most.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.community.digicert.plugins.module_utils._certcentral import (
    auth_key_creation,
    auth_key_deletion,
    auth_keys,
)
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.histories.plans import FAULTLESS, JUMPS, PAUSES, Plan, plans
from tests.histories.runs import Run, Stage, finish
from tests.histories.wire import LONGEST_LAG

SPECS = ((None, None), (1, None), (30, None), (30, 29.0), (90, 10.0))  # ttl_days, min_remaining_days


class AuthKeyMachine(RuleBasedStateMachine):
    """Several controllers that manage the AuthKeys of one account."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage()
        self.connection = self.stage.wire.connected()
        self.connection.__enter__()

    def teardown(self) -> None:
        """Restore what the machine replaced."""
        self.connection.__exit__(None, None, None)
        finish(self.stage)

    @property
    def now(self) -> float:
        """The true time."""
        return self.stage.world.now

    def ids(self) -> set[str]:
        """Return the ids of the keys in use."""
        return {key.auth_key_id for key in self.stage.service.keys.active(self.now)}

    @rule(plan=plans(), spec=st.sampled_from(SPECS), force=st.booleans())
    def want(self, plan: Plan, spec: Any, force: bool) -> None:
        """Let a run make sure that the account has a key."""
        self._want(plan, spec, force)

    @rule(spec=st.sampled_from(SPECS), force=st.booleans())
    def want_without_faults(self, spec: Any, force: bool) -> None:
        """Let late requests arrive, and let a run without faults make sure that the account has a key."""
        self.stage.world.pass_time(600)
        before = self.ids()
        run = self._want(FAULTLESS, spec, force)
        assert run.is_clean, f"a run without faults failed: {run}"
        assert len(self.ids() - before) <= 1, "a run without faults created more than one AuthKey"
        if spec[0] is None:
            assert len(self.stage.service.keys.permanent(self.now)) == 1

    @rule(moment=st.integers(0, 4))
    def race(self, moment: int) -> None:
        """Let two runs create the permanent key at once."""
        self.stage.world.pass_time(600)
        self._want(Plan(meanwhile=(moment, FAULTLESS)), SPECS[0], False)
        assert len(self.stage.service.keys.permanent(self.now)) == 1

    def _want(self, plan: Plan, spec: Any, force: bool) -> Run[Any]:
        wanted = auth_keys.AuthKeySpec.from_options(*spec)
        before = self._state()
        run = self.stage.run(
            plan,
            lambda client: auth_key_creation.ensure_present(client, wanted, force=force),
            lambda other: self._want(other, spec, force),
        )
        self.stage.note(f"want {spec} force={force}: {run}")
        self._check_honesty(plan, before, run)
        key = run.result and run.result.after
        is_undisturbed = plan._replace(meanwhile=None).is_faultless and not before[1]
        if is_undisturbed and spec[0] is None and not force:
            assert run.is_clean, f"a run failed because another one was faster: {run}"
        if key and run.result and run.result.changed:
            assert key != run.result.before, "a run named the key that it replaced"
        created = (
            run.is_clean and run.result and run.result.changed and not plan.meanwhile and not self.stage.wire.in_flight
        )
        # Lists that are behind still show what was deleted a moment ago, even if they did not show it before.
        deleted = [each.deleted for each in self.stage.service.keys.keys if each.deleted is not None]
        is_behind = plan.view.lag > 0 and any(moment > run.begun - LONGEST_LAG for moment in deleted)
        if key and not is_behind and (created or (run.is_clean and self._is_alone(plan))):
            known = [each for each in self.stage.service.keys.active(self.now) if each.auth_key_id == key.auth_key_id]
            assert [each.auth_key for each in known] == [key.auth_key], (
                "a run named a key that the account does not have"
            )
            assert (known[0].expires is None) == (spec[0] is None), "a run named a key of another kind"
        return run

    @rule(plan=plans(), number=st.one_of(st.none(), st.integers(0, 5)))
    def delete(self, plan: Plan, number: int | None) -> None:
        """Let a run delete the permanent key, or one by its id."""
        self._delete(plan, number)

    def _delete(self, plan: Plan, number: int | None) -> None:
        keys = self.stage.service.keys.keys
        auth_key_id = None if number is None else keys[-1 - number].auth_key_id if number < len(keys) else "none"
        before = self._state()
        run = self.stage.run(
            plan,
            lambda client: auth_key_deletion.ensure_absent(
                client, auth_key_id=auth_key_id, permanent=auth_key_id is None
            ),
            lambda other: self._delete(other, number),
        )
        self.stage.note(f"delete {auth_key_id}: {run}")
        self._check_honesty(plan, before, run)
        if run.is_clean and self._is_alone(plan):
            left = [key for key in keys if key.exists(self.now) and key.auth_key_id == auth_key_id]
            left += self.stage.service.keys.permanent(self.now) if auth_key_id is None else []
            assert not left, "a run says that an AuthKey is deleted, and it is not"
        if plan.is_faultless and not self.stage.wire.in_flight:
            assert run.is_clean, f"a run without faults failed: {run}"

    def _state(self) -> tuple[set[str], bool]:
        """Return the account's keys, and whether late requests may still arrive."""
        existing = {key.auth_key_id for key in self.stage.service.keys.keys if key.exists(self.now)}
        return existing, bool(self.stage.wire.in_flight)

    def _is_alone(self, plan: Plan) -> bool:
        return not plan.meanwhile and not plan.view.lag and not self.stage.wire.in_flight

    def _check_honesty(self, plan: Plan, before: tuple[set[str], bool], run: Run[Any]) -> None:
        existing, _rest = self._state()
        if plan.meanwhile or before[1] or existing == before[0] or run.killed:
            return
        says = run.error or run.result
        assert says is not None
        assert says.changed, f"a run says that it changed nothing, and did: {run}"

    @rule(seconds=st.sampled_from(PAUSES))
    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self.stage.world.pass_time(seconds)
        self.stage.counts["pauses"] += 1

    @rule(computer=st.integers(0, 2), off_by=st.sampled_from(JUMPS))
    def jump(self, computer: int, off_by: float) -> None:
        """Set a computer's clock."""
        self.stage.computers[computer].off_by = off_by
        self.stage.counts["clocks set"] += 1

    @rule(days=st.sampled_from((None, 30)), number=st.integers(0, 3))
    def stranger(self, days: int | None, number: int) -> None:
        """Let somebody create a key, or delete one, in CertCentral."""
        self.stage.counts["strangers"] += 1
        keys = self.stage.service.keys
        if number == 0 and (days is not None or not keys.permanent(self.now)):
            path = ["auth-key"] if days is None else ["auth-key", str(days)]
            keys.handle("POST", path, self.now, self.now)
        elif number and len(keys.active(self.now)) >= number:
            keys.active(self.now)[number - 1].deleted = self.now

    @invariant()
    def never_two(self) -> None:
        """The account has at most one permanent AuthKey."""
        self.stage.counts["steps"] += 1
        assert len(self.stage.service.keys.permanent(self.now)) <= 1
