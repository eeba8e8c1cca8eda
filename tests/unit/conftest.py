# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let tests and the programs that they start import the collection from any place, such as `ansible-test units`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

COLLECTION = Path(__file__).resolve().parents[2]
# The second folder contains ansible_collections, and so the collection under its full name.
FOLDERS = [str(COLLECTION), str(COLLECTION.parents[2])]

sys.path[:0] = FOLDERS[:1]
os.environ["PYTHONPATH"] = os.pathsep.join([*FOLDERS, *filter(None, [os.environ.get("PYTHONPATH")])])
