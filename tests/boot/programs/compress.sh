# SPDX-License-Identifier: MIT
# Compressors: the same bytes come out as on the host, and go back.
pack() {
    for file in "$noise" "$text"; do
        "$@" <"$file" >packed || exit 1
        echo "$* $(sha256sum <packed)"
        "$1" -dc <packed | cmp - "$file"
    done
}

pack gzip -6
pack gzip -1
pack bzip2
pack xz -6 -T1 --check=sha256
pack xz -0 -T1 --check=crc64
pack zstd -3 --single-thread --check -q
pack zstd -12 --single-thread -q
[ "$QUICK" = 1 ] && exit
pack gzip -9
pack xz -8 -T1
pack zstd -17 --single-thread -q
pack lz4 -1 -q
pack lz4 -9 -q
pack brotli -5
