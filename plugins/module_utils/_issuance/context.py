# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The shared state of the work on one certificate: account, request, journal, installed files, and the time left."""

from __future__ import annotations

import contextlib
import time
import typing as t
from datetime import timedelta

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._certcentral.parsing import same_serial_number
from ansible_collections.community.digicert.plugins.module_utils._x509.csr import ascii_name, csr_fingerprint

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.client import Client
    from ansible_collections.community.digicert.plugins.module_utils._certcentral.orders import Order
    from ansible_collections.community.digicert.plugins.module_utils._issuance.installed import InstalledCertificate
    from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import (
        Journal,
        JournalEntry,
        Submission,
    )
    from ansible_collections.community.digicert.plugins.module_utils._issuance.request import (
        CertificateRequest,
        IssuanceOptions,
    )

# Values of the module's result `action`.
NONE, ORDERED, RENEWED, REISSUED, CONTINUED = "none", "ordered", "renewed", "reissued", "continued"


class Progress:
    """What is known so far, also after a failure.

    Attributes:
        order: as last read; None if none was read yet.
        action: one of the constants above.
        submitted: whether this run sent an order or a reissue that was, or may have been, carried out.
        warnings: sentences for the user.
    """

    def __init__(self) -> None:
        """Start with nothing known."""
        self.order: Order | None = None
        self.action = NONE
        self.submitted = False
        self.warnings: list[str] = []

    def warn(self, sentence: str) -> None:
        """Add a warning, once."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)


class CertificateContext:
    """Everything about one certificate; `installed` and the journal's entry change during the work."""

    def __init__(
        self,
        client: Client,
        request: CertificateRequest,
        options: IssuanceOptions,
        journal: Journal,
        progress: Progress,
        installed: InstalledCertificate,
    ) -> None:
        """Keep what is needed; the time that the run may wait begins now."""
        self.client = client
        self.request = request
        self.options = options
        self.journal = journal
        self.progress = progress
        self.installed = installed
        self.give_up = time.monotonic() + options.wait_timeout

    @property
    def time_left(self) -> float:
        """Seconds that the run may still wait."""
        return max(0.0, self.give_up - time.monotonic())

    @property
    def entry(self) -> JournalEntry:
        """The content of the journal."""
        return self.journal.entry

    def remember(self, entry: JournalEntry) -> None:
        """Save an entry when a failure to do so must not stop the work: after something was sent, or to clean up.

        If the entry is not on the disk, the next run finds the order in the account.
        """
        with contextlib.suppress(DigicertError):
            self.journal.save(entry)
        self.journal.entry = entry

    def is_ours(self, csr: str | None) -> bool:
        """Return whether the CSR in a response is the one of this run; False if there is none."""
        return csr_fingerprint(csr) == self.request.csr.fingerprint

    def is_installed(self, serial_number: str | None) -> bool:
        """Return whether a certificate is the installed one."""
        leaf = self.installed.leaf
        return leaf is not None and serial_number is not None and same_serial_number(serial_number, leaf.serial_number)

    def was_reissued_within(self, period: timedelta) -> bool:
        """Return whether the last reissue, by the service's clock, is more recent than that, and was installed."""
        last, leaf = self.entry.last_reissue, self.installed.leaf
        if last is None or self.client.now() - last >= period:
            return False
        return leaf is None or not self.is_installed(self.entry.serial_number) or leaf.not_before > last - period


def forget_order(context: CertificateContext, submission: Submission) -> Submission:
    """Treat a submission as one whose response was lost, because the response is wrong; update the journal."""
    lost = submission._replace(
        accepted=False, order_id=None, certificate_id=None, lost_at=submission.lost_at or context.client.service_time
    )
    context.remember(context.entry._replace(submission=lost))
    return lost


def known_names(names: t.Iterable[str] | None) -> frozenset[str] | None:
    """Return names in a response in the form of certificates; None if they are unknown or invalid."""
    if names is None:
        return None
    try:
        return frozenset(map(ascii_name, names))
    except DigicertError:
        return None
