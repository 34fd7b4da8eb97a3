# SPDX-License-Identifier: MIT
# Other libraries' assembly: libgcrypt's and nettle's, which pick by CPUID, and
# the kernel's, whose results are held against OpenSSL's.
for algorithm in MD5 SHA1 RIPEMD160 SHA224 SHA256 SHA384 SHA512; do
    gpg --print-md $algorithm <"$noise"
done
for algorithm in $(nettle-hash --list | sed -n 's/^ *\([a-z0-9_-]*\) [0-9].*/\1/p'); do
    echo "$algorithm $(nettle-hash -a "$algorithm" <"$noise")"
done
export GNUPGHOME="$PWD/gpg"
mkdir -m 700 gpg
for cipher in AES AES256 CAMELLIA256 TWOFISH BLOWFISH CAST5 3DES; do
    gpg -q --batch --pinentry-mode loopback --passphrase p --s2k-count 1024 \
        --cipher-algo $cipher -c <"$text" >message
    gpg -q --batch --pinentry-mode loopback --passphrase p -d <message |
        cmp - "$text" && echo "gpg $cipher"
done
gpgconf --kill gpg-agent

# The kernel's, through AF_ALG.  64 KiB is as much as one request takes.
head -c 65520 "$noise" >part
key=00112233445566778899aabbccddeeff
printf '\0\021\042\063\104\125\146\167' >key
printf '\210\231\252\273\314\335\356\377' >>key
kernel_digest() {
    if [ "$SIDE" = guest ]; then
        kcapi-dgst -c "$1" --hex <part
    else
        openssl dgst -"$2" -r <part | cut -d ' ' -f 1
    fi
}
kernel_cipher() {
    if [ "$SIDE" = guest ]; then
        kcapi-enc -e -c "$1" -i part -o out --keyfd 3 --iv $key 3<key >log \
            2>&1 || cat log
    else
        openssl enc -"$2" -K $key -iv $key -nopad -in part -out out
    fi
    echo "kernel $1 $(sha256sum <out)"
}
for digest in sha1 sha224 sha256 sha384 sha512 md5; do
    echo "kernel $digest $(kernel_digest $digest $digest)"
done
kernel_cipher 'cbc(aes)' aes-128-cbc
kernel_cipher 'ctr(aes)' aes-128-ctr
kernel_cipher 'ecb(aes)' aes-128-ecb
kernel_cipher 'cbc(camellia)' camellia-128-cbc
