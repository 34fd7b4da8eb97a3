# SPDX-License-Identifier: MIT
# 7-Zip's methods, filters, digests and its AES; its benchmark checks itself.
cp "$noise" noise
cp "$text" text
head -c 500000 "$(command -v 7zz)" >program
touch -d 2024-01-01 noise text program

round_trip() {
    rm -rf archive.* back
    7zz a -bd -mmt1 "$@" archive.7z noise text program >log || cat log
    7zz x -bd -oback archive.7z -psecret >log || cat log
    cmp noise back/noise
    cmp text back/text
    cmp program back/program
    # A salt is random.
    case $* in
    *-psecret*) echo "$*" ;;
    *) echo "$* $(sha256sum <archive.7z)" ;;
    esac
}

round_trip -m0=LZMA -mx1
round_trip -m0=PPMd -mx1
round_trip -m0=Deflate -mx1
round_trip -m0=Copy -psecret -mhe=on
if [ "$QUICK" = 0 ]; then
    round_trip -m0=BCJ2 -m1=LZMA -mx5
    round_trip -m0=BCJ -m1=LZMA2 -mx9
    round_trip -m0=Delta:4 -m1=BZip2 -mx5
    round_trip -tzip -m0=Deflate64 -mx5
fi
for digest in CRC32 CRC64 XXH64 MD5 SHA1 SHA256 SHA384 SHA512 SHA3-256; do
    7zz h -bd -scrc$digest noise text program | grep ' for data'
done
# It ends with an error when a method gives back other bytes than it took.
7zz b 1 -mmt1 -md18 -mtime=0 >log || cat log
grep -c '^Tot:\|^Avr:' log
