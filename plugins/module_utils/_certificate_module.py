# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""What the module `digicert_certificate` does, from its options to its result."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

from ansible_collections.community.digicert.plugins.module_utils._certificate_files import (
    Files,
    Targets,
    warnings_about,
)
from ansible_collections.community.digicert.plugins.module_utils._certificates import Bundle, Certificate
from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._issuance import Issuance, Wishes, issued_chain
from ansible_collections.community.digicert.plugins.module_utils._module_files import FileChanges, file_diff
from ansible_collections.community.digicert.plugins.module_utils._order_marker import Marker
from ansible_collections.community.digicert.plugins.module_utils._order_placing import Progress
from ansible_collections.community.digicert.plugins.module_utils._order_request import OrderRequest, order_request
from ansible_collections.community.digicert.plugins.module_utils._order_states import ISSUED

if t.TYPE_CHECKING:
    from ansible_collections.community.digicert.plugins.module_utils._client import Client
    from ansible_collections.community.digicert.plugins.module_utils._module_files import FileModule


class _Place(t.NamedTuple):
    """Everything about one certificate: the account, what is wanted, where, the memory, and what is in place."""

    client: Client
    request: OrderRequest
    targets: Targets
    marker: Marker
    files: Files


class CertificateWork:
    """What the module does, from options to result."""

    def __init__(self, module: FileModule) -> None:
        """Take the module; nothing is read, sent or written yet."""
        self.module = module
        self.options = module.params
        self.progress = Progress()
        self.changes = FileChanges()

    def result(self, client: Client) -> dict[str, t.Any]:
        """Do the work, and return the module's result; raises DigicertError."""
        try:
            return self._result(client)
        except DigicertError as error:
            error.changed = error.changed or self.progress.placed or self.changes.changed
            raise
        finally:
            for sentence in self.progress.warnings:
                self.module.warn(sentence)

    def known(self) -> dict[str, t.Any]:
        """Return what a failed task returns of the order."""
        order = self.progress.order
        if order is None:
            return {}
        return {
            "order_id": order.order_id,
            "order_status": order.status,
            "certificate_id": order.certificate_id,
            "dcv_random_value": order.dcv_random_value,
        }

    def _result(self, client: Client) -> dict[str, t.Any]:
        options = self.options
        if options["wait_timeout"] < 0:
            raise DigicertError("wait_timeout must be 0 or a positive number of seconds.")
        request = order_request(self._csr_text(), options)
        targets = Targets(options["path"], options["chain_path"], options["full_chain_path"], options["include_root"])
        targets.check()
        marker = Marker(targets.primary)
        marker.load()
        place = _Place(client, request, targets, marker, Files.read(targets, request))
        if not self._to_be_asked(place):
            return self._kept(place)
        if self.module.check_mode:
            return self._predicted(place)
        with marker.locked(options["wait_timeout"]):
            # Another run may have done the work while this one waited.
            place = place._replace(files=Files.read(targets, request))
            if self._to_be_asked(place):
                return self._continued(place)
        return self._kept(place)

    def _csr_text(self) -> str:
        path = self.options["csr"]
        if path is None:
            return str(self.options["csr_content"])
        try:
            with open(path, "rb") as file:
                return file.read().decode("utf-8", "replace")
        except OSError as exc:
            raise DigicertError(f"Cannot read the CSR {path}: {exc.strerror}.") from None

    def _due(self, place: _Place) -> bool:
        return place.files.due(self.options["remaining_days"], datetime.now(timezone.utc))

    def _to_be_asked(self, place: _Place) -> bool:
        return self._due(place) or self.options["force"] or place.marker.record is not None

    def _predicted(self, place: _Place) -> dict[str, t.Any]:
        """Return the result of check mode where an order would be placed or continued."""
        names = sorted(place.request.names)
        expected = {"certificates": [{"dns_names": names, "serial_number": "(given by CertCentral)"}]}
        self.changes.changed = True
        self.changes.diffs = [file_diff(path, place.files.texts[path], expected) for path in place.targets.paths]
        return self._outcome(None, None)

    def _continued(self, place: _Place) -> dict[str, t.Any]:
        """Return the result after an order was placed or continued."""
        wishes = Wishes(
            due=self._due(place),
            force=self.options["force"],
            order_id=self.options["order_id"],
            wait=self.options["wait"],
            wait_timeout=self.options["wait_timeout"],
            installed=place.files.leaf,
        )
        bundle = Issuance(place.client, place.request, place.marker, wishes, self.progress).obtain()
        order = self.progress.order
        if bundle is not None:
            return self._installed(place, bundle.leaf, bundle, finished=True)
        if order is not None and order.status != ISSUED:
            self.module.put_attributes(place.targets.paths, self.changes)
            return self._outcome(None, None)
        return self._kept(place)

    def _kept(self, place: _Place) -> dict[str, t.Any]:
        """Return the result when the certificate in place stays, with all files made to fit it."""
        leaf, bundle = t.cast(Certificate, place.files.leaf), place.files.bundle  # it is not due, so it is there
        if None in place.targets.contents(leaf, bundle).values():
            if self.module.check_mode:
                self.changes.changed = True
            else:
                bundle = issued_chain(place.client, place.request, leaf, self.options["order_id"], self.progress)
        return self._installed(place, leaf, bundle)

    def _installed(
        self, place: _Place, leaf: Certificate, bundle: Bundle | None, finished: bool = False
    ) -> dict[str, t.Any]:
        """Return the result after the files were written, where they need it, and a finished order's marker dropped.

        The marker goes before the attributes are set: these are put right without an order at any time.
        """
        self.progress.warnings += warnings_about(leaf, place.request, self.options["remaining_days"])
        known = place.targets.contents(leaf, bundle)
        contents = {path: text for path, text in known.items() if text is not None}
        try:
            self.module.put_files(contents, place.files.texts, self.changes)
        except DigicertError as error:
            order = self.progress.order
            what = "The certificate in place" if order is None else f"The certificate of order {order.order_id}"
            error.message += (
                f" {what} is not lost: make the file writable, or make room, and run the task again, which does not "
                "place another order."
            )
            raise
        if finished:
            place.marker.forget()
        self.module.put_attributes(place.targets.paths, self.changes)
        return self._outcome(leaf, bundle)

    def _outcome(self, leaf: Certificate | None, bundle: Bundle | None) -> dict[str, t.Any]:
        order = self.progress.order
        random_value = order and order.dcv_random_value
        given = {} if random_value is None else {"dcv_random_value": random_value}
        return {
            "changed": self.progress.placed or self.changes.changed,
            "order_id": order and order.order_id,
            "certificate_id": order and order.certificate_id,
            "status": order and order.status,
            "certificate": leaf and leaf.pem,
            "chain": bundle and bundle.chain,
            "full_chain": bundle and bundle.full_chain(self.options["include_root"]),
            "serial_number": leaf and leaf.serial_number,
            "dns_names": leaf and list(leaf.names),
            "not_before": leaf and leaf.not_before.isoformat(),
            "not_after": leaf and leaf.not_after.isoformat(),
            "backup_files": self.changes.backups,
            "diff": self.changes.diffs,
            **given,
        }
