# SPDX-License-Identifier: MIT
# Exceptions as signals; in the full form of 32-bit programs too.
. "$here/lib.sh"
set -e
build signals -mno-red-zone
./signals
[ "$QUICK" = 1 ] && exit
build signals -m32 -msse2
./signals
