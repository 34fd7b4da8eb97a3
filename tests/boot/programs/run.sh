#!/bin/sh
# SPDX-License-Identifier: MIT
# Run checks one by one, on the host and in the guest alike.
# usage: sh run.sh OUT CHECK...   each check's output goes to OUT/CHECK
#
# A check is CHECK.sh, run by dash in a folder of its own.  What it prints is
# compared, so it has to be the same on any processor that is right.  $here is
# this folder; $noise and $text are files that no compressor can shrink, and
# that it can; $QUICK is 1 in the reduced form and $SIDE is host or guest.
export LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp
here=$(cd "$(dirname "$0")" && pwd)
export here noise="$here/noise" text="$here/text"
out=$1
shift
umask 022
mkdir -p "$out"
for check in "$@"; do
    folder=/tmp/run/$check
    mkdir -p "$folder"
    (cd "$folder" && dash "$here/$check.sh") >"$out/$check" 2>"$out/$check.err" \
        </dev/null
    echo "CHECK $check $?"
    rm -rf "$folder"
done
