# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared by the tests of modules that write files on a host."""

from __future__ import annotations

import stat
import typing as t
from pathlib import Path

REQUEST = "digicert_certificate_request"
FILE = "digicert_dcv_file"
NAME = "www.example.com"
VALUE = "20261123100000token"
FILEAUTH = Path(".well-known", "pki-validation", "fileauth.txt")


def options(folder: Path, **more: t.Any) -> dict[str, t.Any]:
    """Return options for a small private key and a CSR in a folder."""
    paths = {"private_key_path": f"{folder}/a.key", "csr_path": f"{folder}/a.csr"}
    return {**paths, "common_name": NAME, "private_key_type": "ECC", **more}


def mode_of(path: Path) -> int:
    """Return the permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)
