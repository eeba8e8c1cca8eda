# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""One whole run for one certificate: keep, continue, reissue, renew, or order, and install. It does not need Ansible.

Use it like this; it reads and writes only in the folders of the paths:

    request = certificate_request(csr_text, options)   # a mapping of all names in `request.DEFAULTS`
    paths = InstallPaths(path, chain_path, full_chain_path)
    workflow = Workflow(client, request, issuance_options(options), paths)
    outcome = workflow.run(install_files)   # raises DigicertError; then read `workflow.progress`

`install(contents, before)` writes the files durably, in the order of `contents` (path -> text); `before` is the current
text of each, None if it does not exist. `install_files` in this file does this without owner, mode, and backup.
"""

from __future__ import annotations

import time
import typing as t
from datetime import datetime, timedelta, timezone

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._files.replacing import replace_file
from ansible_collections.community.digicert.plugins.module_utils._issuance.context import (
    CONTINUED,
    NONE,
    ORDERED,
    RENEWED,
    CertificateContext,
    Progress,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.installed import (
    InstalledCertificate,
    InstallPaths,
    Wanted,
    warnings_about,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import (
    Journal,
    JournalEntry,
    add_id,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.reservation import (
    new_run_id,
)
from ansible_collections.community.digicert.plugins.module_utils._issuance.states import ISSUED

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.orders import Order
    from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import Submission
    from ansible_collections.community.digicert.plugins.module_utils._issuance.plan import Plan
    from ansible_collections.community.digicert.plugins.module_utils._issuance.request import (
        CertificateRequest,
        IssuanceOptions,
    )
    from ansible_collections.community.digicert.plugins.module_utils._x509.certificates import Bundle, Certificate

Install = t.Callable[[t.Mapping[str, str], t.Mapping[str, t.Optional[str]]], None]
REVOKED = "revoked"  # a reason why a certificate is due, beside those of `installed`


class Outcome(t.NamedTuple):
    """The result of a run.

    Attributes:
        action: one of the constants of `context`.
        order: as last read, None if none was read.
        leaf: the certificate; None if it is not issued, or only predicted.
        bundle: the certificate with its chain, None if that is unknown.
        order_valid_till: the end of the order, as far as known.
        predicted: this is the prediction of check mode; nothing was sent or written.
        run_id: the plan needs a reservation for this run; nothing was sent.
    """

    action: str
    order: Order | None = None
    leaf: Certificate | None = None
    bundle: Bundle | None = None
    order_valid_till: datetime | None = None
    predicted: bool = False
    run_id: str | None = None


class Elsewhere(t.NamedTuple):
    """The state of another machine, which installs the certificate and keeps the journal.

    Attributes:
        entry: its journal, which is only a hint unless `run_id` is set.
        text: its installed certificate and chain, PEM text, empty if there is none.
        run_id: the run that planned `entry`, once the other machine has reserved it.
        notes: the directory of this machine that remembers which reservations were used.
    """

    entry: JournalEntry
    text: str
    run_id: str | None
    notes: str


class Workflow:
    """The work on one certificate."""

    def __init__(
        self,
        client: Client,
        request: CertificateRequest,
        options: IssuanceOptions,
        paths: InstallPaths,
        *,
        csr_path: str | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """Keep what is needed; nothing is read, sent, or written yet.

        Args:
            client: connection to the account.
            request: the requested certificate.
            options: how to get it.
            paths: where to install it; without paths, the certificate is only returned.
            csr_path: the file that the CSR was read from, which must not be overwritten.
            elsewhere: the state of another machine that keeps the journal. Then nothing is sent without its
                reservation.
        """
        self._client = client
        self._request = request
        self._options = options
        self._given = paths
        self._csr_path = csr_path
        self._elsewhere = elsewhere
        self.paths = paths
        self.progress = Progress()
        self.journal = Journal(None, elsewhere and elsewhere.entry)
        self.texts: dict[str, str | None] = {}  # of the installed files, as last read

    def run(self, install: Install, check_mode: bool = False) -> Outcome:
        """Do the work.

        Args:
            install: writes files.
            check_mode: predict the result without sending or writing anything.

        Raises:
            DigicertError: its `changed` says whether something was changed before.
        """
        try:
            return self._run(install, check_mode)
        except DigicertError as error:
            if self.progress.submitted and not error.changed:
                raise error.extend(changed=True) from error
            raise

    def _run(self, install: Install, check_mode: bool) -> Outcome:
        if not 0 <= self._options.wait_timeout <= 10**8:
            raise DigicertError("wait_timeout must be 0 or a positive number of seconds.")
        self.paths = self._given.resolve()
        self.paths.check({"csr": self._csr_path})
        self.journal = Journal(self.paths.primary, self._elsewhere and self._elsewhere.entry)
        if self._given.primary is not None:
            self.journal.take_over(self._given.primary)
        self.journal.load()
        installed = self._read()
        if check_mode:
            return self._predict(installed)
        context = CertificateContext(self._client, self._request, self._options, self.journal, self.progress, installed)
        if not self._has_work(context):
            return self._keep(context, install)
        with self.journal.locked(context.time_left):
            # Another run may have done the work while this one waited.
            context.installed = self._read()
            return self._work(context, install)

    def _read(self) -> InstalledCertificate:
        wanted = Wanted(self._request.csr.public_key, self._request.names)
        if self._elsewhere is not None:
            return InstalledCertificate.of_text(self._elsewhere.text, wanted)
        installed = InstalledCertificate.read(self.paths, wanted)
        self.texts = installed.texts
        return installed

    def _reasons(self, installed: InstalledCertificate) -> tuple[str, ...]:
        now = datetime.fromtimestamp(time.time(), timezone.utc)
        return installed.due_reasons(self._options.remaining_days, now)

    def _has_work(self, context: CertificateContext) -> bool:
        installed = context.installed
        asked = self._options.force or self._options.check_revoked
        drifted = installed.has_drifted(self.paths) or self._lacks_chain(installed)
        return bool(self._reasons(installed)) or asked or context.entry.submission is not None or drifted

    def _lacks_chain(self, installed: InstalledCertificate) -> bool:
        """Return whether another machine has a certificate without its chain."""
        return self._elsewhere is not None and installed.leaf is not None and installed.bundle is None

    def _work(self, context: CertificateContext, install: Install) -> Outcome:
        """Do the work under the lock, and return the outcome."""
        # Imported here because most runs find nothing due and should not spend time on these imports.
        from ansible_collections.community.digicert.plugins.module_utils._issuance.decision import Decider
        from ansible_collections.community.digicert.plugins.module_utils._issuance.plan import Plan
        from ansible_collections.community.digicert.plugins.module_utils._issuance.resumption import (
            Resumption,
            is_revoked,
        )
        from ansible_collections.community.digicert.plugins.module_utils._issuance.submission import Submitter

        reasons = self._reasons(context.installed)
        was_refused = context.entry.refused is not None
        Submitter(context).look_after_refusal(bool(reasons))
        submission = context.entry.submission
        reserved = submission and self._reserved_plan(context, submission)
        if reserved is not None:
            return self._submit(context, install, reserved)
        if submission is not None:
            resumed = Resumption(context).resume(submission, bool(reasons))
            if resumed is not None and not self._finish_interrupted(context, resumed):
                return self._complete(context, install, Plan(CONTINUED, resumed, context.entry.submission))
            if resumed is not None and not reasons:
                return self._keep(context, install)
            if context.entry.submission is not None:
                return self._keep(context, install)
        if not reasons and self._options.check_revoked and is_revoked(context):
            reasons = (REVOKED,)
        if not reasons and not self._options.force:
            return self._keep(context, install)
        plan = Decider(context, reasons, submission is not None or was_refused).decide()
        if plan.action == NONE:
            return self._keep(context, install)
        if plan.submission is not None and plan.body is not None and self._elsewhere is not None:
            return self._reserve(context, plan)
        return self._submit(context, install, plan)

    def _reserved_plan(self, context: CertificateContext, submission: Submission) -> Plan | None:
        """Return the plan to send what another machine has reserved for this run, if it has."""
        from ansible_collections.community.digicert.plugins.module_utils._issuance.plan import reserved_plan

        there = self._elsewhere
        if there is None or there.run_id is None:
            return None
        return reserved_plan(context, submission, there.run_id, there.notes)

    def _reserve(self, context: CertificateContext, plan: Plan) -> Outcome:
        """Return the outcome if another machine has to reserve the plan first."""
        run_id = new_run_id()
        submission = t.cast("Submission", plan.submission)._replace(run_id=run_id, first_sent=self._client.service_time)
        context.remember(context.entry._replace(submission=submission))
        self.progress.action = plan.action
        return Outcome(plan.action, plan.order, order_valid_till=context.entry.order_valid_till, run_id=run_id)

    def _submit(self, context: CertificateContext, install: Install, plan: Plan) -> Outcome:
        """Send the plan once, if it has something to send, install the certificate, and return the outcome."""
        from ansible_collections.community.digicert.plugins.module_utils._issuance.submission import Submitter

        if plan.body is not None and plan.submission is not None:
            known = plan.order
            order = Submitter(context).submit_once(plan.submission, plan.body)
            if order is None:
                raise DigicertError(
                    "The response was lost, and the account shows that the request was not carried out. Run the task "
                    "again."
                )
            if known is not None:
                order = order._replace(order_valid_till=order.order_valid_till or known.order_valid_till)
            plan = plan._replace(order=order, submission=context.entry.submission)
        return self._complete(context, install, plan)

    def _complete(self, context: CertificateContext, install: Install, plan: Plan) -> Outcome:
        """Fetch and install the certificate of an order, and return the outcome."""
        from ansible_collections.community.digicert.plugins.module_utils._issuance.completion import Completion

        progress = self.progress
        progress.action = plan.action
        completion = Completion(context, plan.submission)
        order = completion.wait_until_issued(t.cast("Order", plan.order), plan.body is not None)
        progress.order = order
        if order.status != ISSUED:
            return Outcome(plan.action, order, order_valid_till=self._order_end(context, order))
        bundle = completion.fetch(order)
        leaf = context.installed.leaf
        entry = context.entry
        if plan.submission is None and leaf is not None:
            # The serial number recorded here, before the certificate is replaced, allows revoking a leaked key later.
            context.remember(entry._replace(replaced_serial_number=leaf.serial_number))
        self._install(context, install, bundle.leaf, bundle, order)
        self._finish(context, order, bundle.leaf, plan.submission)
        return self._outcome(context, plan.action, bundle.leaf, bundle)

    def _finish_interrupted(self, context: CertificateContext, order: Order) -> bool:
        """Return whether an earlier run installed the order's certificate but did not record that."""
        from ansible_collections.community.digicert.plugins.module_utils._issuance.resumption import is_in_place

        submission, leaf = t.cast("Submission", context.entry.submission), context.installed.leaf
        if leaf is None or not is_in_place(context, submission, order):
            return False
        self._finish(context, order, leaf, submission)
        return True

    def _finish(
        self, context: CertificateContext, order: Order, leaf: Certificate, submission: Submission | None
    ) -> None:
        """Record that a certificate is installed; the files are on the disk before that."""
        entry = context.entry
        replaced = entry.replaced_serial_number if submission is None else submission.old_serial_number
        context.remember(
            entry._replace(
                order_id=order.order_id,
                order_valid_till=self._order_end(context, order),
                serial_number=leaf.serial_number,
                csr_sha256=self._request.csr.fingerprint,
                product=self._request.product,
                names=self._request.names,
                replaced_serial_number=replaced,
                known_orders=add_id(entry.known_orders, order.order_id),
                known_certificates=add_id(entry.known_certificates, order.certificate_id),
                submission=None,
            )
        )

    def _order_end(self, context: CertificateContext, order: Order) -> datetime | None:
        """Return the end of an order: from the service, else from the journal, else as ordered."""
        entry = context.entry
        if order.order_valid_till is not None:
            return order.order_valid_till
        if entry.order_id == order.order_id and entry.order_valid_till is not None:
            return entry.order_valid_till
        if self.progress.action not in (ORDERED, RENEWED):
            return None
        validity = self._request.body["order_validity"]
        days = validity.get("days") or 365 * validity.get("years", 0)
        return self._request.ends if not days else self._client.now() + timedelta(days=min(days, 10**5))

    def _keep(self, context: CertificateContext, install: Install) -> Outcome:
        """Keep the installed certificate, correct all files, and return the outcome."""
        installed = context.installed
        leaf, bundle = installed.leaf, installed.bundle
        if leaf is None or installed.faults:
            return Outcome(NONE, self.progress.order)
        if installed.missing_texts(self.paths) or self._lacks_chain(installed):
            from ansible_collections.community.digicert.plugins.module_utils._issuance.resumption import missing_chain

            bundle = missing_chain(context, leaf)
        self._install(context, install, leaf, bundle, None)
        return self._outcome(context, NONE, leaf, bundle)

    def _install(
        self,
        context: CertificateContext,
        install: Install,
        leaf: Certificate,
        bundle: Bundle | None,
        order: Order | None,
    ) -> None:
        """Write the files; raises DigicertError."""
        known = self.paths.contents(leaf, bundle)
        contents = {path: text for path, text in known.items() if text is not None}
        try:
            install(contents, context.installed.texts)
        except DigicertError as error:
            what = "The installed certificate" if order is None else f"The certificate of order {order.order_id}"
            advice = f"{what} is not lost. Make the file writable, or free disk space, and run the task again."
            raise error.extend(after=advice) from error

    def _outcome(self, context: CertificateContext, action: str, leaf: Certificate, bundle: Bundle | None) -> Outcome:
        self.progress.action = action
        names, days = self._request.names, self._options.remaining_days
        for sentence in warnings_about(leaf, bundle, names, days, self._client.now()):
            self.progress.warn(sentence)
        return Outcome(action, self.progress.order, leaf, bundle, context.entry.order_valid_till)

    def _predict(self, installed: InstalledCertificate) -> Outcome:
        """Predict what a run would do, from files and journal only."""
        from ansible_collections.community.digicert.plugins.module_utils._issuance.prediction import predict_action

        reasons, entry = self._reasons(installed), self.journal.entry
        action = predict_action(self._request, self._options, entry, installed, bool(reasons))
        self.progress.action = action
        if action != NONE or installed.leaf is None:
            return Outcome(action, order_valid_till=entry.order_valid_till, predicted=True)
        names, days = self._request.names, self._options.remaining_days
        for sentence in warnings_about(installed.leaf, installed.bundle, names, days, self._client.now()):
            self.progress.warn(sentence)
        return Outcome(NONE, None, installed.leaf, installed.bundle, entry.order_valid_till, predicted=True)


def install_files(contents: t.Mapping[str, str], before: t.Mapping[str, str | None]) -> None:
    """Write files durably, readable by everybody; raises DigicertError."""
    for path, text in contents.items():
        if text != before.get(path):
            replace_file(path, text.encode("utf-8"), mode=0o644)
