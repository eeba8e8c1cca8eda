# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""The memory of an order under way: a small file beside the certificate, which is also the lock.

It is written before an order is placed and removed when the certificate is installed, so that a run after a crash looks
for the order instead of placing another one. It holds nothing secret. An empty file is a lock and no memory.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
import typing as t

from ansible_collections.community.digicert.plugins.module_utils._errors import DigicertError

LOOK_AGAIN = 0.2  # seconds between two tries to get the lock
# What a file system that knows no locks says; without them, the memory works all the same.
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)

MEND = "Make the folder writable, or make room, and run the task again."


class Record(t.NamedTuple):
    """What is known of an order under way.

    Attributes:
        csr_sha256: fingerprint of the CSR, see `_certificates.Csr`.
        product: the API's identifier of the product.
        common_name: A-labels, lower case.
        dns_names: the other names.
        first_sent: when the order was first sent, seconds since 1970 by this machine's clock.
        last_sent: when it was last sent.
        order_id: None as long as it is not known.
        other_orders: ids of orders for the same CSR that are known to be others.
    """

    csr_sha256: str
    product: str
    common_name: str
    dns_names: tuple[str, ...]
    first_sent: float
    last_sent: float
    order_id: int | None = None
    other_orders: tuple[int, ...] = ()


class Marker:
    """The record of the order under way for one certificate: in a file, or for this run only."""

    def __init__(self, certificate_path: str | None) -> None:
        """Name the file; nothing is read or written yet.

        Args:
            certificate_path: where the certificate is installed; None for a record that ends with the run.
        """
        self.path: str | None = None
        if certificate_path is not None:
            directory, name = os.path.split(os.path.abspath(certificate_path))
            self.path = os.path.join(directory, f".{name}.order.json")
        self.record: Record | None = None
        self._lock: int | None = None

    def load(self) -> None:
        """Read the record from the file, if there is one; raises DigicertError."""
        if self.path is None:
            return
        try:
            with open(self.path, "rb") as file:
                content = file.read()
        except FileNotFoundError:
            content = b""
        except OSError as exc:
            raise DigicertError(
                f"Cannot read the order's marker {self.path}: {exc.strerror}. Run the task as the user that owns it."
            ) from None
        self.record = _parsed(self.path, content) if content else None

    @contextlib.contextmanager
    def locked(self, patience: float) -> t.Iterator[None]:
        """Keep other runs from ordering for the same certificate, and load the record.

        Args:
            patience: seconds to wait for another run to end.

        Raises:
            DigicertError: the file cannot be written, or the other run did not end in time.
        """
        if self.path is None:
            yield
            return
        self._acquire(self.path, time.monotonic() + patience)
        try:
            self.load()
            yield
        finally:
            self._release(self.path)

    def save(self, record: Record) -> None:
        """Remember an order, safe against a crash at any moment; raises DigicertError."""
        if self.path is not None:
            text = json.dumps(
                {"what": "order of community.digicert.digicert_certificate", **record._asdict()}, indent=1
            )
            try:
                self._replace(self.path, text + "\n")
            except OSError as exc:
                raise DigicertError(
                    f"Cannot write the order's marker {self.path}: {exc.strerror}. The order was not sent. {MEND}"
                ) from None
        self.record = record

    def forget(self) -> None:
        """Drop the record; raises DigicertError."""
        self.record = None
        if self.path is None or self._lock is None:
            return
        try:
            os.ftruncate(self._lock, 0)
        except OSError as exc:
            raise DigicertError(f"Cannot empty the order's marker {self.path}: {exc.strerror}. Remove it.") from None

    def _acquire(self, path: str, give_up: float) -> None:
        while True:
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            except OSError as exc:
                raise DigicertError(
                    f"Cannot write the order's marker {path}: {exc.strerror}. It must be written before an order is "
                    f"placed; no order was placed. {MEND}"
                ) from None
            if not _got_lock(descriptor):
                os.close(descriptor)
                if time.monotonic() >= give_up:
                    raise DigicertError(
                        f"Another run of the task is at work on the same certificate (it holds {path}), and did not "
                        "end within wait_timeout. Run the task again later."
                    )
                time.sleep(LOOK_AGAIN)
                continue
            # Whoever had the lock may have replaced or removed the file meanwhile.
            if _is_file(descriptor, path):
                self._lock = descriptor
                return
            os.close(descriptor)

    def _release(self, path: str) -> None:
        """Give the lock back, and leave no file without a record."""
        descriptor, self._lock = self._lock, None
        if descriptor is None:
            return
        with contextlib.suppress(OSError):
            if _is_file(descriptor, path) and os.fstat(descriptor).st_size == 0:
                os.unlink(path)
        os.close(descriptor)

    def _replace(self, path: str, text: str) -> None:
        """Put a new file in the place of the marker, which takes over the lock; raises OSError."""
        # Whoever holds the lock is alone; what a killed run left under this name is overwritten.
        temporary = path + ".new"
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with open(descriptor, "wb", closefd=False) as file:
                file.write(text.encode("utf-8"))
            os.fsync(descriptor)
            _got_lock(descriptor)
            os.rename(temporary, path)
        except BaseException:
            os.close(descriptor)
            os.unlink(temporary)
            raise
        if self._lock is not None:
            os.close(self._lock)
        self._lock = descriptor
        _sync_directory(os.path.dirname(path))


def _got_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as exc:
        if exc.errno not in NO_LOCKS:
            raise
    return True


def _is_file(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _sync_directory(directory: str) -> None:
    """Make a rename last; a file system that cannot do this keeps its own promises."""
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _parsed(path: str, content: bytes) -> Record:
    """Return the record that a marker holds; raises DigicertError."""
    try:
        values = json.loads(content)
        record = Record(
            csr_sha256=str(values["csr_sha256"]),
            product=str(values["product"]),
            common_name=str(values["common_name"]),
            dns_names=tuple(str(name) for name in values["dns_names"]),
            first_sent=float(values["first_sent"]),
            last_sent=float(values["last_sent"]),
            order_id=None if values["order_id"] is None else int(values["order_id"]),
            other_orders=tuple(int(number) for number in values["other_orders"]),
        )
    except (ValueError, TypeError, LookupError, RecursionError):
        raise DigicertError(
            f"The order's marker {path} is damaged. Look in CertCentral whether an order for this certificate is open: "
            "if so, remove the file and give its id in order_id; if not, remove the file. No order was placed."
        ) from None
    return record
