# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The journal of a certificate: a small file beside it that remembers the order, and the lock of a run.

It is written before anything that costs money is sent, and stays after the installation. With it, a run after a crash
finds the order instead of placing another one, and a renewal knows which order to reissue. It does not contain secrets.
The rules are those of sections 4 to 6 of the API page.
"""

from __future__ import annotations

import contextlib
import json
import os
import typing as t
from datetime import datetime, timezone

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError, printable
from ansible_collections.community.digicert.plugins.module_utils._files.reading import read_regular

WHAT = "order of community.digicert.digicert_certificate"
VERSION = 3
STAGED = ".next"  # a certificate under this name belongs to the one without it
MOST_REMEMBERED = 50  # ids of earlier orders and certificates
LARGEST_FILE = 1024 * 1024  # bytes; two lists of MOST_NAMES of the longest names are half of that
LARGEST_ID = 2**63
LONGEST_TEXT = 300  # characters
MOST_NAMES = 1000  # of a certificate; CertCentral takes 250

EARLIEST, LATEST = (datetime(year, 1, 1, tzinfo=timezone.utc) for year in (2000, 9000))

ORDER, REISSUE = "order", "reissue"


class Submission(t.NamedTuple):
    """An order or a reissue that was sent, or may have been sent, and whose certificate is not installed yet.

    Attributes:
        kind: `order` or `reissue`.
        csr_sha256: fingerprint of the CSR, see `_x509.csr.Csr`.
        product: the API's identifier of the product.
        common_name: A-labels, lower case.
        dns_names: the other names.
        alternative_order_id: the id that was sent with an order; None for reissues and for orders of version 0.2.
        order_id: for a reissue, its order; for an order, None until it is known.
        certificate_id: the resulting certificate, None until it is known.
        renewal_of_order_id: the order that a new one was linked to.
        first_sent: by the service's clock, None if that was unknown.
        lost_at: the first time by the service's clock after the response was lost. None until then.
        noted_at: the same moment by the clock of the machine that noted it.
        others: ids of orders (for an order) or certificates (for a reissue) that are known to be different ones.
        old_serial_number: of the certificate to replace.
        accepted: the service is known to have accepted it.
        run_id: the run of a controller that reserved it and may send it; None for a run on this host.
    """

    kind: str
    csr_sha256: str
    product: str
    common_name: str
    dns_names: tuple[str, ...] = ()
    alternative_order_id: str | None = None
    order_id: int | None = None
    certificate_id: int | None = None
    renewal_of_order_id: int | None = None
    first_sent: datetime | None = None
    lost_at: datetime | None = None
    noted_at: datetime | None = None
    others: tuple[int, ...] = ()
    old_serial_number: str | None = None
    accepted: bool = False
    run_id: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All names, the common name first."""
        return (self.common_name, *self.dns_names)


class JournalEntry(t.NamedTuple):
    """What the journal records about a certificate.

    Attributes:
        order_id: the order that its certificates come from.
        order_valid_till: the end of that order.
        serial_number: of the certificate that was installed last.
        csr_sha256: fingerprint of the CSR of that certificate.
        product: of the order.
        names: of the order, the common name first.
        last_purchase: when a paid order was last placed, by the service's clock.
        last_reissue: when a certificate was last reissued, by the service's clock.
        replaced_serial_number: of the certificate that the last installation replaced.
        known_orders: ids of earlier orders, the newest last.
        known_certificates: ids of earlier certificates, the newest last.
        submission: what is pending.
        refused: the last submission that the service refused; its `lost_at` is the time. A run soon afterwards still
            searches for it.
    """

    order_id: int | None = None
    order_valid_till: datetime | None = None
    serial_number: str | None = None
    csr_sha256: str | None = None
    product: str | None = None
    names: tuple[str, ...] = ()
    last_purchase: datetime | None = None
    last_reissue: datetime | None = None
    replaced_serial_number: str | None = None
    known_orders: tuple[int, ...] = ()
    known_certificates: tuple[int, ...] = ()
    submission: Submission | None = None
    refused: Submission | None = None


def add_id(known: tuple[int, ...], number: int | None) -> tuple[int, ...]:
    """Return ids with one more, without the oldest ones if there are too many."""
    more = () if number is None else (number,)
    return tuple(dict.fromkeys([*(each for each in known if each != number), *more]))[-MOST_REMEMBERED:]


EMPTY = JournalEntry()


class Journal:
    """The entry for one certificate, in a file or only in memory."""

    def __init__(self, certificate_path: str | None, entry: JournalEntry | None = None) -> None:
        """Name the file; nothing is read or written yet.

        Args:
            certificate_path: where the certificate is installed, resolved; None for a journal in memory.
                A name that ends with `.next` shares the journal of the name without it.
            entry: the initial content of a journal in memory.
        """
        self.path: str | None = None
        self._older: list[str] = []  # where earlier versions kept the journal
        self.entry = entry or EMPTY
        if certificate_path is not None:
            directory, name = os.path.split(os.path.abspath(certificate_path))
            base = name[: -len(STAGED)] if name.endswith(STAGED) and name != STAGED else name
            self.path = os.path.join(directory, f".{base}.order.json")
            self._older.append(os.path.join(directory, f".{base}{STAGED}.order.json"))

    def take_over(self, link: str) -> None:
        """Also read the journal beside a link, where version 0.2 wrote it, if there is none beside the target."""
        directory, name = os.path.split(os.path.abspath(link))
        older = os.path.join(directory, f".{name}.order.json")
        if self.path is not None and older != self.path:
            self._older.append(older)

    def load(self) -> None:
        """Read the entry, if there is one; raises DigicertError, before anything is sent, if it cannot be read."""
        for path in (self.path, *self._older):
            content = None if path is None else read_regular(path, LARGEST_FILE)
            if path is not None and content:
                self.entry = parse_entry(path, content)
                return
        if self.path is not None:
            self.entry = EMPTY

    @contextlib.contextmanager
    def locked(self, patience: float) -> t.Iterator[None]:
        """Keep other runs from working on the same certificate, and load the entry.

        Args:
            patience: seconds to wait for another run to end.

        Raises:
            DigicertError: the lock cannot be created, or the other run did not finish in time.
        """
        if self.path is None:
            yield
            return
        from ansible_collections.community.digicert.plugins.module_utils._files.locks import FileLock

        lock = FileLock(self.path[: -len(".json")] + ".lock")
        if not lock.acquire(patience):
            raise DigicertError(
                f"Another run is working on the same certificate (it holds {printable(lock.path)}) and did not "
                "finish within wait_timeout. Run the task again later."
            )
        try:
            self.load()
            yield
        finally:
            lock.release()

    def save(self, entry: JournalEntry) -> None:
        """Save an entry, safely even if there is a crash at any moment.

        Raises:
            DigicertError: it cannot be written. The caller explains what that means for the order.
        """
        if self.path is not None and entry == EMPTY:
            self._remove((self.path, *self._older))
        elif self.path is not None:
            # Most runs only read: what is imported is compiled in each task.
            from ansible_collections.community.digicert.plugins.module_utils._files.replacing import replace_file

            content = (json.dumps(entry_values(entry), indent=1, ensure_ascii=True) + "\n").encode("ascii")
            try:
                replace_file(self.path, content, mode=0o600)
            except DigicertError as error:
                raise error.extend(before="The journal of the order could not be written.") from error
            self._remove(self._older)
        self.entry = entry

    @staticmethod
    def _remove(paths: t.Iterable[str]) -> None:
        for path in paths:
            with contextlib.suppress(OSError):
                os.unlink(path)


def entry_values(entry: JournalEntry) -> dict[str, t.Any]:
    """Return an entry as values for JSON, as `parse_entry` reads them."""

    def plain(value: t.Any) -> t.Any:
        if isinstance(value, datetime):
            # Whatever a response says, what is written can be read again.
            return min(max(value, EARLIEST), LATEST).astimezone(timezone.utc).isoformat()
        if isinstance(value, Submission):
            return {name: plain(item) for name, item in value._asdict().items()}
        return list(value) if isinstance(value, tuple) else value

    return {"what": WHAT, "version": VERSION, **{name: plain(value) for name, value in entry._asdict().items()}}


def parse_entry(path: str, content: bytes | t.Mapping[str, t.Any]) -> JournalEntry:
    """Return the entry in a journal of this version, or in a marker of version 0.2.

    Args:
        path: where it comes from, for the message.
        content: the file, or its values.

    Raises:
        DigicertError: it is damaged, or not a journal.
    """
    try:
        values = json.loads(content, parse_constant=_refuse) if isinstance(content, bytes) else content
        if values["what"] != WHAT:
            raise ValueError
        version = values.get("version", 1)
        if isinstance(version, int) and VERSION < version < LARGEST_ID:
            raise DigicertError(
                f"The order's journal {printable(path)} was written by a newer version of community.digicert, so "
                "nothing was sent. Use that version."
            )
        return _entry(values) if "version" in values else _marker(values)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError):
        raise DigicertError(
            f"The order's journal {printable(path)} is damaged or not a journal, so nothing was sent. Remove it, "
            "and set order_id if CertCentral shows a pending order for this certificate."
        ) from None


def _entry(values: t.Mapping[str, t.Any]) -> JournalEntry:
    given, refused = values["submission"], values.get("refused")
    return JournalEntry(
        order_id=_id(values["order_id"]),
        order_valid_till=_time(values["order_valid_till"]),
        serial_number=_hex(values["serial_number"]),
        csr_sha256=_hex(values["csr_sha256"]),
        product=_text(values["product"]),
        names=_names(values["names"]),
        last_purchase=_time(values["last_purchase"]),
        last_reissue=_time(values["last_reissue"]),
        replaced_serial_number=_hex(values["replaced_serial_number"]),
        known_orders=_ids(values["known_orders"]),
        known_certificates=_ids(values["known_certificates"]),
        submission=None if given is None else _submission(given),
        refused=None if refused is None else _submission(refused),
    )


def _submission(values: t.Mapping[str, t.Any]) -> Submission:
    kind = values["kind"]
    if kind not in (ORDER, REISSUE) or (kind == REISSUE and values["order_id"] is None):
        raise ValueError
    return Submission(
        kind=kind,
        csr_sha256=_required(_hex(values["csr_sha256"])),
        product=_required(_text(values["product"])),
        common_name=_required(_text(values["common_name"])),
        dns_names=_names(values["dns_names"]),
        alternative_order_id=_text(values["alternative_order_id"]),
        order_id=_id(values["order_id"]),
        certificate_id=_id(values["certificate_id"]),
        renewal_of_order_id=_id(values["renewal_of_order_id"]),
        first_sent=_time(values["first_sent"]),
        lost_at=_time(values["lost_at"]),
        noted_at=_time(values.get("noted_at")),
        others=_ids(values["others"]),
        old_serial_number=_hex(values["old_serial_number"]),
        accepted=values["accepted"] is True,
        run_id=_text(values["run_id"]),
    )


def _marker(values: t.Mapping[str, t.Any]) -> JournalEntry:
    """Return the entry in a marker of version 0.2: an order, with times by the host's clock."""
    for name in ("first_sent", "last_sent"):
        # These times do not count, but without valid times, version 0.2 did not write the file.
        datetime.fromtimestamp(float(values[name]), timezone.utc)
    submission = Submission(
        kind=ORDER,
        csr_sha256=_required(_hex(values["csr_sha256"])),
        product=_required(_text(values["product"])),
        common_name=_required(_text(values["common_name"])),
        dns_names=_names(values["dns_names"]),
        order_id=_id(values["order_id"]),
        others=_ids(values["other_orders"]),
        accepted=values["order_id"] is not None,
    )
    return JournalEntry(known_orders=submission.others, submission=submission)


def _refuse(_constant: str) -> t.NoReturn:
    raise ValueError


def _required(value: str | None) -> str:
    if value is None:
        raise ValueError
    return value


def _id(value: t.Any) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 0 < value < LARGEST_ID):
        raise ValueError
    return value


def _ids(values: t.Any) -> tuple[int, ...]:
    if not isinstance(values, list) or len(values) > MOST_NAMES:
        raise ValueError
    return tuple(number for number in map(_id, values) if number is not None)


def _text(value: t.Any) -> str | None:
    if value is not None and not (isinstance(value, str) and value.isprintable() and 0 < len(value) <= LONGEST_TEXT):
        raise ValueError
    return value


def _hex(value: t.Any) -> str | None:
    text = _text(value)
    if text is not None:
        int(text, 16)
    return text


def _names(values: t.Any) -> tuple[str, ...]:
    if not isinstance(values, list) or len(values) > MOST_NAMES:
        raise ValueError
    return tuple(_required(_text(value)) for value in values)


def _time(value: t.Any) -> datetime | None:
    text = _text(value)
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or not EARLIEST <= moment <= LATEST:
        raise ValueError
    return moment.astimezone(timezone.utc)
