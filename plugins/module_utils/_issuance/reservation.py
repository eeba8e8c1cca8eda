# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Note that this module util is **PRIVATE** to the collection. It can have breaking changes at any time.
# Do not use this from other collections or standalone plugins/modules!

"""Reservations: how two machines agree which run sends, if the journal is on a host and another machine orders.

The machine that orders plans a submission with the id of its run. The host writes it to the journal if the journal has
not changed since the plan was made. Only then may that run send it, only once, and only for some minutes: another run
that finds the reservation searches for the result, and takes over ten minutes after it has ended.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
import typing as t

from ansible_collections.community.digicert.plugins.module_utils._certcentral.errors import DigicertError
from ansible_collections.community.digicert.plugins.module_utils._files.paths import file_error
from ansible_collections.community.digicert.plugins.module_utils._files.replacing import ADVICE
from ansible_collections.community.digicert.plugins.module_utils._issuance.journal import JournalEntry

LONGEST_RESERVATION = 480.0  # seconds that a run may take from a reservation until it sends
_CORRECTION = 30.0  # seconds by which a clock is set back to correct it
_KEPT = 86400.0  # seconds that the use of a reservation is remembered, longer than a module that is started again
_USED = "community.digicert-"  # with the id of the run, an empty file


def new_run_id() -> str:
    """Return the id of a run, which begins with the time and the time since the machine started (seconds)."""
    return f"{int(time.time())}-{int(_uptime())}-{secrets.token_hex(8)}"


def seconds_left(run_id: str | None) -> float:
    """Return how long a run may still send what it reserved; 0 if the clock was set back, or for another text."""
    ages = _ages(run_id)
    return max(0.0, LONGEST_RESERVATION - max(ages)) if ages and min(ages) >= -_CORRECTION else 0.0


def _ages(run_id: str | None) -> tuple[float, ...]:
    """Return the seconds since the id of a run was made, by the clock and by the uptime; nothing for another text."""
    made = re.fullmatch("([0-9]{1,15})-([0-9]{1,15})-[0-9a-f]{16}", run_id or "")
    return () if made is None else (time.time() - int(made.group(1)), _uptime() - int(made.group(2)))


def _uptime() -> float:
    """Return the seconds since this machine started, suspended or not, which nobody can set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def use_once(run_id: str, notes: str) -> bool:
    """Return whether this is the first use of a reservation on this machine.

    Ansible runs a module again when the connection breaks after its work is done (`ansible_ssh_retries`). What is
    noted here does not end with the process.

    Args:
        run_id: the reservation.
        notes: the directory of the notes, the same one for each start of the module. It is created if missing, and
            may contain variables and the tilde, as Ansible's settings do.

    Raises:
        DigicertError: that cannot be noted, or the text is not the id of a run.
    """
    if not _ages(run_id):
        raise DigicertError("The id of the reservation is invalid, so this run sent nothing. Run the task again.")
    notes = os.path.expanduser(os.path.expandvars(str(notes)))
    try:
        with contextlib.suppress(FileExistsError):
            os.makedirs(notes, mode=0o700)
        _remove_used(notes)
        # The name cannot be guessed, so nobody else has put a file or a link there.
        os.close(os.open(os.path.join(notes, _USED + run_id), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    except OSError as exc:
        what = "This run sent nothing, because the use of its reservation cannot be recorded in"
        raise file_error(what, notes, exc, ADVICE) from None
    return True


def _remove_used(notes: str) -> None:
    """Remove the notes about reservations that ended long ago."""
    with contextlib.suppress(OSError):
        for name in os.listdir(notes):
            ages = _ages(name[len(_USED) :]) if name.startswith(_USED) else ()
            if ages and ages[0] > _KEPT:
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(notes, name))


def may_record(current: JournalEntry, expected: JournalEntry, entry: JournalEntry) -> bool:
    """Return whether an entry may replace the journal's entry, for a run that expects a certain content.

    Call this under the lock of the journal. It returns False if another run has changed the journal.
    """
    if current == entry or _without_loss(current) == _without_loss(expected):
        return True
    here, there = current.submission, expected.submission
    if here is None or there is None or here.run_id is None or here.run_id != there.run_id:
        return False
    # Another run found what this one reserved. Keep what it has recorded since then.
    is_installed = entry.submission is None and entry.serial_number not in (None, current.serial_number)
    is_accepted = entry.submission is not None and entry.submission.accepted
    return not here.accepted or is_installed or is_accepted


def _without_loss(entry: JournalEntry) -> JournalEntry:
    """Return an entry without the time of a search, which does not matter for who may send."""
    submission = entry.submission
    return entry if submission is None else entry._replace(submission=submission._replace(lost_at=None, noted_at=None))


def is_same_installation(current: JournalEntry, entry: JournalEntry) -> bool:
    """Return whether another run has already recorded that the same certificate is installed."""
    numbers: set[t.Any] = {current.serial_number, entry.serial_number}
    return current.submission is None and entry.submission is None and len(numbers) == 1 and None not in numbers
