# SPDX-License-Identifier: MIT
# Is 2^2203 - 1 prime?  Powers modulo a number of 2203 bits.
hex=7
i=0
while [ $i -lt 550 ]; do
    hex=${hex}f
    i=$((i + 1))
done
/usr/bin/openssl prime -checks 25 -hex $hex
