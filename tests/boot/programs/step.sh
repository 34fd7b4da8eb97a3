# SPDX-License-Identifier: MIT
. "$here/lib.sh"
set -e
build step -mno-red-zone
./step
