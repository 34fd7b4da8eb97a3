# SPDX-License-Identifier: MIT
# libm as picked by CPUID, and without what it may pick.
. "$here/lib.sh"
set -e
count=$((QUICK ? 300 : 4000))
build libm -lm
./libm $count
export GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4
./libm $count | sed 's/^/no-fma /'
[ "$QUICK" = 1 ] && exit
export GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX,-SSE4_1
./libm $count | sed 's/^/sse2 /'
