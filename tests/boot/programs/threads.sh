# SPDX-License-Identifier: MIT
. "$here/lib.sh"
set -e
build threads -mavx2 -mcx16 -frounding-math -pthread -lm
./threads $((QUICK ? 100 : 2000))
