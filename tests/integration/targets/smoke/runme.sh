#!/usr/bin/env bash
# Copyright: community.digicert contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Start the simulator and let the modules talk to it: `ansible-test integration --venv smoke`.
set -o errexit -o nounset
work=$(mktemp --directory)
python=${ANSIBLE_TEST_PYTHON_INTERPRETER:-python}
(cd "${ANSIBLE_COLLECTIONS_PATH%%:*}/ansible_collections/community/digicert" &&
  exec "$python" -m tests.simulator --validation never --json "$work/simulator.json") >"$work/output" 2>&1 &
simulator=$!
trap 'kill "$simulator"; rm --recursive "$work"' EXIT
while [ ! -e "$work/simulator.json" ]; do
  kill -0 "$simulator" || { cat "$work/output"; exit 1; }
  sleep 0.1
done
ansible-playbook smoke.yml --inventory ../../inventory --extra-vars "@$work/simulator.json" \
  --extra-vars "work=$work" "$@"
