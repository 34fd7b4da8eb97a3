# SPDX-License-Identifier: MIT
# coreutils' digests.
for sum in md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum cksum \
    sum; do
    echo "$sum $($sum <"$noise") $($sum <"$text")"
done
