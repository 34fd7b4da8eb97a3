# SPDX-License-Identifier: MIT
# What libraries and programs choose here, for tests/boot/choices.py.
. "$here/lib.sh"
set -e
grep -m 1 '^flags' /proc/cpuinfo
# glibc's hardware capability folders.
/lib64/ld-linux-x86-64.so.2 --help | sed -n 's/^ *\(x86-64-v.\)/level \1/p'
build choices -fno-builtin -lcrypto -lm
./choices
# OpenSSL's own words of CPUID.
echo "ia32cap $(openssl version -c | sed -n 's/.*cap=//p')"
# 7-Zip gives no rate to a method that it does not offer.
for methods in 'AES256CBC*' 'SHA1*' 'SHA256*'; do
    7zz b 1 "-mm=$methods" -mmt1 -mtime=0 >rates
    sed -n 's/^\([A-Z0-9]*:[0-9]\) *\([0-9]*\).*/7zip \1 \2/p' rates
done
[ "$QUICK" = 1 ] && exit
# Rates are no proof on a busy host, but no run may fail.
for job in 'sha1 sha256 sha512' 'rsa2048 ecdsap256' 'ecdhx25519 ed25519'; do
    # shellcheck disable=SC2086
    openssl speed -seconds 1 $job >rates 2>&1 || echo "speed failed: $job"
    sed 's/^/speed /' rates
done
for job in aes-128-gcm aes-256-cbc chacha20-poly1305 aes-128-cbc-hmac-sha256 \
    aes-128-xts sha256; do
    for cap in ~0x0:~0x0 ~0x200000200000000:~0x20000000 ~0x1218120200000000:~0x20000020; do
        case "$job $cap" in
        'aes-128-cbc-hmac-sha256 ~0x0:~0x0') ;;
        aes-128-cbc-hmac-sha256*) continue ;; # none without AES instructions
        esac
        echo "speed cap $cap"
        OPENSSL_ia32cap=$cap openssl speed -seconds 1 -bytes 8192 \
            -evp $job >rates 2>&1 || echo "speed failed: $job"
        sed 's/^/speed /' rates
    done
done
