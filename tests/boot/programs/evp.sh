# SPDX-License-Identifier: MIT
# OpenSSL's digests, MACs and ciphers on each of its code paths.
. "$here/lib.sh"
set -e
build evp -lcrypto
sorted() {
    ./evp | sort
}
for_each_mask sorted
