# SPDX-License-Identifier: MIT
# Numbers to text and back, and more of glibc.
. "$here/lib.sh"
set -e
build text -lm
./text $((QUICK ? 500 : 20000))
