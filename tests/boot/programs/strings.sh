# SPDX-License-Identifier: MIT
# glibc's string functions, those of CPUID's choice and those of older CPUs.
. "$here/lib.sh"
set -e
build strings -fno-builtin -fno-tree-loop-distribute-patterns
for without in '' AVX2 AVX2,-AVX,-ERMS AVX2,-AVX,-ERMS,-SSE4_2,-SSSE3; do
    export GLIBC_TUNABLES=${without:+glibc.cpu.hwcaps=-$without}
    echo "without $without: $(./strings $((QUICK ? 100 : 1500)))"
done
