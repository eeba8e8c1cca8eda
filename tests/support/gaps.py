# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Skip tests if this machine lacks something that they need."""

from __future__ import annotations

import os
import typing as t

import pytest


def cannot_run(reason: str) -> t.NoReturn:
    """Skip the test, except in CI, where a test that cannot run fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def package_folder(name: str) -> str:
    """Return the folder with the packages of requirements/<name>.txt, which an environment variable names."""
    variable = {"foreign": "FOREIGN_CLIENT", "providers": "PROVIDERS"}[name]
    if variable not in os.environ:
        cannot_run(f"{variable} does not name a folder: pip install --target FOLDER -r requirements/{name}.txt")
    return os.environ[variable]
