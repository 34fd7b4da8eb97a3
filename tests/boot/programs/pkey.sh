# SPDX-License-Identifier: MIT
# Public keys with OpenSSL: its big numbers on each of their code paths.
. "$here/lib.sh"
set -e
build pkey -lcrypto
for_each_mask ./pkey $((QUICK ? 1024 : 2560))
