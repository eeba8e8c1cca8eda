# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Histories of certificates: runs that keep, order, reissue, and renew them on two hosts, over years.

These properties must hold after any faults, crashes, damage, and simultaneous runs:

- the perfect observer has no complaints about orders and reissues, see `observer`;
- after a run that succeeds and waits, the installed certificate matches the options and is not due;
- no run leaves a damaged journal;
- a run without faults installs what was paid for, succeeds unless the user has to decide something, and leaves a
  journal that agrees with the service.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import RefusedError
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.histories import sites, work
from tests.histories.clocks import DAY, HOUR
from tests.histories.observer import Observer
from tests.histories.orders import Cert
from tests.histories.plans import AT_LOCK, FAULTLESS, JUMPS, PAUSES, Plan, plans
from tests.histories.rows import View
from tests.histories.runs import Run, Stage, finish
from tests.histories.sites import Site
from tests.histories.wire import ANOTHER_ID, LONGEST_LAG, LOSSES

NUMBERS = st.integers(0, 1)
SHARED_MEMORY = Path("/dev/shm")
POOR_LISTS = tuple(
    frozenset(habits)
    for habits in (
        (),
        ("ignores filters", "ignores sort"),
        ("ignores filters", "ignores sort", "capped"),
        ("no names", "no dates"),
        ("null names", "no product", "bare order"),
    )
)
LATEST = 10  # of the losses: the last ones, which the service carries out after minutes
STARTS = (0.0, 200 * DAY, 950 * DAY)  # certificates last 199, 99 and 46 days


class IssuanceMachine(RuleBasedStateMachine):
    """Two hosts with a certificate each, three computers whose clocks count, one account."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage()
        self.observer = Observer(self.stage)
        self.nested: Run[Any] | None = None  # the last run in the middle of another one
        self.root = Path(tempfile.mkdtemp(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None))
        self.sites = [Site(self.root / str(number), number) for number in range(2)]
        self.sites[1].names = sites.NAMES[-1]
        self.connection = self.stage.wire.connected()
        self.connection.__enter__()

    def teardown(self) -> None:
        """Give back what the machine took."""
        self.connection.__exit__(None, None, None)
        shutil.rmtree(self.root)
        finish(self.stage)

    @initialize(
        start=st.sampled_from(STARTS),
        order_days=st.sampled_from((365, 365, 730, None)),
        strangers=st.sampled_from((0, 0, 12, 130)),
        knows_alternative_ids=st.booleans(),
        layouts=st.tuples(st.sampled_from(sites.LAYOUTS), st.sampled_from(sites.LAYOUTS)),
        renewals=st.tuples(*[st.sampled_from(("auto", "auto", "auto", "order", "reissue"))] * 2),
        same_names=st.booleans(),
    )
    def begin(
        self,
        start: float,
        order_days: int | None,
        strangers: int,
        knows_alternative_ids: bool,
        layouts: Any,
        renewals: Any,
        same_names: bool,
    ) -> None:
        """Begin a history with a time, an account, and options."""
        self.stage.world.pass_time(start)
        service = self.stage.service
        for number in range(strangers):
            service.add_stranger(number)
        service.order_days = order_days
        service.knows_alternative_ids = knows_alternative_ids
        for site, layout, renewal in zip(self.sites, layouts, renewals):
            site.layout, site.renewal = layout, renewal
        if same_names:
            self.sites[1].names = self.sites[0].names
        self.stage.note(f"begin: order_days={order_days} strangers={strangers} ids={knows_alternative_ids} {renewals}")

    # Runs

    @rule(
        number=NUMBERS,
        plan=plans(),
        force=st.sampled_from((False, False, False, True)),
        wait=st.sampled_from((True, True, True, False)),
        another_csr=st.booleans(),
        outcome=st.sampled_from(("issued", "issued", "issued", "pending", "refused", "needs_approval")),
    )
    def run(self, number: int, plan: Plan, force: bool, wait: bool, another_csr: bool, outcome: str) -> None:
        """Run for the certificate; a renewal has its own CSR, as in the role."""
        site = self.sites[number]
        self.stage.service.outcome = outcome
        if another_csr and self.is_due(site) and not self.under_way(site):
            site.csr_serial += 1
        self.start(site, plan, force=force, wait=wait)

    @rule(number=NUMBERS, another_csr=st.booleans())
    def run_without_faults(self, number: int, another_csr: bool) -> None:
        """Let late requests arrive, correct the clocks, and run for the certificate."""
        site = self.sites[number]
        self.stage.world.pass_time(660)
        for computer in self.stage.computers:
            computer.off_by = 0.0
        self.stage.service.outcome = "issued"
        if another_csr and self.is_due(site) and not self.under_way(site):
            site.csr_serial += 1
        reasons = self.observer.needs_user(site)
        run = self.start(site, FAULTLESS)
        if run.error is not None:
            self.stage.counts["runs without faults that left something to the user"] += 1
            assert reasons or site.renewal == "reissue", f"a run without faults failed: {run}"
            return
        site.tampered = False
        self.check_what_was_paid(site, run)
        self.check_journal(site, run)

    @rule(number=NUMBERS, off_by=st.sampled_from((3 * HOUR, -3 * HOUR, 300 * DAY, -300 * DAY)))
    def run_by_a_wrong_clock(self, number: int, off_by: float) -> None:
        """Run for the certificate on a computer whose clock is wrong, and correct the clock."""
        computer = self.stage.computers[1]
        computer.off_by, before = off_by, computer.off_by
        self.start(self.sites[number], FAULTLESS._replace(computer=1))
        computer.off_by = before

    @rule(
        number=NUMBERS,
        loss=st.one_of(st.integers(0, len(LOSSES) - 1), st.integers(len(LOSSES) - LATEST, len(LOSSES) - 1)),
        lag=st.sampled_from((0.0, 60.0)),
        habits=st.sampled_from(POOR_LISTS),
        force=st.booleans(),
        then=st.sampled_from((None, None, 120.0, 300.0)),
    )
    def lose(self, number: int, loss: int, lag: float, habits: frozenset[str], force: bool, then: float | None) -> None:
        """Lose the response to what a run sends, with incomplete lists but no other faults; maybe run again soon."""
        self.stage.service.outcome = "issued"
        plan = FAULTLESS._replace(write_faults=(LOSSES[loss],), view=View(lag, habits))
        self.start(self.sites[number], plan, force=force)
        if then is not None:
            self.stage.world.pass_time(then)
            self.start(self.sites[number], FAULTLESS)

    @rule(number=NUMBERS, force=st.booleans())
    def mislead(self, number: int, force: bool) -> None:
        """Put the id of another account's order into the response to an order, without other faults."""
        self.stage.service.outcome = "issued"
        self.start(self.sites[number], FAULTLESS._replace(write_faults=(ANOTHER_ID,)), force=force)

    @rule(number=NUMBERS, at=st.integers(1, 60), force=st.booleans())
    def crash(self, number: int, at: int, force: bool) -> None:
        """Let a run crash at one of its writes, without other faults."""
        self.stage.service.outcome = "issued"
        self.start(self.sites[number], FAULTLESS._replace(crash_at=at), force=force)

    @rule(number=NUMBERS, moment=st.sampled_from((AT_LOCK, AT_LOCK, 2)))
    def two_at_once(self, number: int, moment: int) -> None:
        """Run twice for a certificate at once; the run that waited sends no requests."""
        site = self.sites[number]
        self.stage.service.outcome = "issued"
        self.nested = None
        run = self.start(site, Plan(meanwhile=(moment, FAULTLESS)))
        other = self.nested
        is_clear = other is not None and other.result is not None and other.result.action in ("ordered", "reissued")
        is_clear = is_clear and self.observer.fits(site, site.leaf()) and not site.tampered
        if is_clear and run.is_clean and self.stage.computers[0].off_by == 0 and site.entry():
            asked = [path for _method, path, _fault in run.traffic.requests]
            assert not asked, f"a run asked for what another one had done while it waited: {run}"

    def start(self, site: Site, plan: Plan, *, force: bool = False, wait: bool = True) -> Run[Any]:
        """Run for the certificate, and check the result."""
        entry = site.entry() or {}
        last_names = frozenset(entry.get("names") or ()) or None
        run = self.stage.run(
            plan,
            lambda client: work.issue(client, site, renewal=site.renewal, force=force, wait=wait),
            lambda other: self._nest(site, other, wait=wait),
            site=site,
            force=force,
            renewal=site.renewal,
            is_due=self.is_due(site),
            is_first=site.leaf() is None and not entry,
            last_names=last_names,
        )
        self.stage.note(f"run at {site.number} {site.names} csr={site.key}/{site.csr_serial} force={force}: {run}")
        leaf = site.leaf()
        site.installed.update(each.serial_number for each in site.leaves())
        assert not self.observer.complaints, "\n".join([*self.observer.complaints, str(run)])
        assert site.tampered or not site.has_damaged_journal, f"a run left a journal that nobody can read: {run}"
        if run.is_clean and wait:
            assert self.observer.matches(site, leaf), f"a run succeeded, and has the wrong certificate in place: {run}"
        # A pending certificate is installed even if it is due again, and runs wait for DigiCert's own renewals.
        excused = (run.result is not None and run.result.action == "continued") or site.renewal == "reissue"
        excused = excused or bool(self.observer.needs_user(site))
        if run.is_clean and wait and not excused and abs(self.stage.computers[plan.computer].off_by) < 3600:
            assert self.observer.fits(site, leaf), f"a run succeeded, and what is in place does not fit: {run}"
        return run

    def _nest(self, site: Site, plan: Plan, *, wait: bool) -> None:
        self.nested = self.start(site, plan, wait=wait)

    def is_due(self, site: Site) -> bool:
        """Return whether the installed certificate does not match or is due by the true time."""
        return not self.observer.fits(site, site.leaf())

    @staticmethod
    def under_way(site: Site) -> bool:
        """Return whether the journal has a pending submission, so that the role continues with its CSR."""
        return bool((site.entry() or {}).get("submission"))

    def certs_of(self, site: Site) -> list[Cert]:
        """Return the requests of the site's runs, the oldest first."""
        certs = [cert for order in self.stage.service.orders for cert in order.certs if cert.origin is not None]
        return sorted((cert for cert in certs if cert.origin.site is site), key=lambda cert: cert.certificate_id)

    def check_what_was_paid(self, site: Site, run: Run[Any]) -> None:
        """The last certificate for the current CSR was installed at some time."""
        ours = [cert for cert in self.certs_of(site) if cert.csr_der == site.csr_der and self.observer.would_do(cert)]
        if ours and ours[-1].certificate is not None and set(site.names) <= set(ours[-1].names):
            paid = ours[-1]
            # If nothing is due and the journal was replaced since, or the service refused a run with force=true, no run
            # has a reason to search.
            is_forgotten = run.result is not None and run.result.action == "none"
            was_refused = paid.origin.force and isinstance(paid.origin.error, RefusedError)
            is_forgotten &= paid.created <= site.journal_lost or was_refused
            # Reissues are free. A run that lost its journal may take an earlier one for the same CSR for the one that
            # it sent, since dates of rows may lack their zone.
            earlier = {
                c.certificate.serial_number for c in ours[:-1] if c.certificate and c.created <= site.journal_lost
            }
            is_forgotten |= paid.kind == "reissue" and bool(site.installed & earlier)
            # Another certificate of the site, which also covers other names, makes it unnecessary.
            wider = [cert for cert in self.certs_of(site) if set(paid.names) < set(cert.names)]
            later = [cert for cert in wider if cert.created > paid.created]
            is_unneeded = any(site.installed & self.observer.serials_since(cert) for cert in later)
            is_forgotten |= paid.kind == "reissue" and is_unneeded
            # Somebody renewed with the same CSR, and the run, which looks for what it sent, sees that order first.
            others = [cert for order in self.stage.service.orders for cert in order.certs if cert.origin is None]
            rivals = [cert for cert in others if cert.csr_der == paid.csr_der]
            near = [cert for cert in rivals if paid.origin.begun - LONGEST_LAG <= cert.created <= paid.created]
            is_forgotten |= bool(site.installed & {cert.certificate.serial_number for cert in near if cert.certificate})
            assert is_forgotten or site.installed & self.observer.serials_since(paid), (
                f"certificate {paid.certificate_id} was paid and is not installed"
            )

    def check_journal(self, site: Site, run: Run[Any]) -> None:
        """The journal that the run wrote agrees with the service."""
        entry, leaf = site.entry(), site.leaf()
        wrote = any(method == "POST" for method, *_rest in run.traffic.requests)
        if entry is None or leaf is None or not wrote:
            return
        assert entry["submission"] is None, f"a finished run left {entry['submission']} in the journal"
        assert entry["serial_number"].upper().lstrip("0") == leaf.serial_number, "the journal has another serial number"
        orders = [order for order in self.stage.service.orders if order.order_id == entry["order_id"]]
        assert orders, "the journal names an order that does not exist"
        serials = [cert.certificate.serial_number for cert in orders[0].certs if cert.certificate]
        assert leaf.serial_number in serials, "the journal names an order that the certificate is not of"

    # What users, disks and clocks do

    @rule(number=NUMBERS, name=st.sampled_from(("path", "chain_path", "full_chain_path", "journal", "both", "all")))
    def delete(self, number: int, name: str) -> None:
        """Delete a file, certificate and journal together, or everything."""
        site = self.sites[number]
        self._note_file(site, f"delete {name}", name)
        for each in self._files(site, name):
            site.damage(each, "delete")

    @rule(
        number=NUMBERS,
        name=st.sampled_from(("path", "chain_path", "full_chain_path", "journal")),
        how=st.sampled_from(sites.DAMAGES[1:]),
    )
    def damage(self, number: int, name: str, how: str) -> None:
        """Damage a file."""
        site = self.sites[number]
        self._note_file(site, f"{how} {name}", name)
        for each in self._files(site, name):
            site.damage(each, how)

    @rule(number=NUMBERS)
    def back_up(self, number: int) -> None:
        """Copy all files."""
        self.sites[number].backup = self.sites[number].contents()

    @rule(number=NUMBERS, name=st.sampled_from(("journal", "path", "all")))
    def restore(self, number: int, name: str) -> None:
        """Restore the journal, the certificate, or all files from the copy."""
        site = self.sites[number]
        self._note_file(site, f"restore {name}", name)
        site.restore(None if name == "all" else frozenset(self._files(site, name)))

    def _files(self, site: Site, name: str) -> list[str]:
        first, journal = sites.FILES[site.layout[0]], site.journal.name
        if name == "all":
            return list(site.contents())
        return {"journal": [journal], "both": [first, journal]}.get(name) or [sites.FILES[name]]

    def _note_file(self, site: Site, what: str, name: str) -> None:
        self.stage.note(f"{what} at {site.number}")
        if name in ("journal", "both", "all"):
            site.journal_lost = self.stage.world.now
        self.stage.counts["files deleted, damaged or restored"] += 1

    @rule(number=NUMBERS, names=st.sampled_from(sites.NAMES))
    def change_names(self, number: int, names: tuple[str, ...]) -> None:
        """Let the user change the names."""
        self.sites[number].names = names
        self.stage.note(f"names of {number}: {names}")

    @rule(number=NUMBERS, key=st.booleans())
    def change_key(self, number: int, key: bool) -> None:
        """Let the user make a new private key, or a new CSR for the same one."""
        site = self.sites[number]
        site.csr_serial += 1
        site.key += 2 * key
        self.stage.note(f"{'key' if key else 'CSR'} of {number}: {site.key}/{site.csr_serial}")

    @rule(seconds=st.sampled_from(PAUSES))
    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self.stage.world.pass_time(seconds)
        self.stage.counts["pauses"] += 1

    @rule(computer=st.integers(0, 2), off_by=st.sampled_from(JUMPS))
    def jump(self, computer: int, off_by: float) -> None:
        """Set a computer's clock."""
        self.stage.computers[computer].off_by = off_by
        self.stage.note(f"clock {computer} is off by {off_by}")
        self.stage.counts["clocks set"] += 1

    @rule(
        number=NUMBERS,
        what=st.sampled_from(("finish", "cancel", "revoke", "close", "renew", "auto_reissue", "auto_renew")),
    )
    def somebody(self, number: int, what: str) -> None:
        """Let somebody change the newest order in CertCentral."""
        certs = self.certs_of(self.sites[number])
        if not certs:
            return
        self.stage.note(f"somebody: {what} at {number}")
        self.stage.counts["things done in CertCentral"] += 1
        self.stage.service.by_hand(certs[-1], what)

    @invariant()
    def no_complaints(self) -> None:
        """The perfect observer has no complaints, including late requests."""
        self.stage.counts["steps"] += 1
        assert not self.observer.complaints, "\n".join(self.observer.complaints)
