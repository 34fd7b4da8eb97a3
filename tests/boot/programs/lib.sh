# SPDX-License-Identifier: MIT
# Sourced by the checks.

# Compile $here/$1.c into ./$1; more arguments go to gcc.
build() {
    program=$1
    shift
    gcc -O2 -std=gnu11 -o "$program" "$here/$program.c" "$@"
}

# OpenSSL's code paths, by the environment variable that hides features from
# its CPUID.  OPENSSL_ia32cap(3): two words, EDX and ECX of leaf 1 and EBX and
# ECX of leaf 7; ~ takes bits away.

sha=0x20000000
avx2=0x20
bmi_adx=0x80108                  # BMI1 BMI2 ADX
avx512=0xd0230000                # F DQ IFMA CD BW VL
aes_clmul=0x0200000200000000     # AES PCLMULQDQ
avx_fma_xop=0x1000180000000000   # AVX FMA XOP
ssse3_sse4=0x0018020000000000    # SSSE3 SSE4.1 SSE4.2

# Run "$@" once for each path, with its name before each line of output.
for_each_mask() {
    while read -r name low high; do
        OPENSSL_ia32cap=$(printf '~0x%x:~0x%x' $(($low)) $(($high)))
        export OPENSSL_ia32cap
        "$@" 2>&1 | sed "s/^/$name: /"
    done <<MASKS
default 0 0
no-sha 0 $sha
no-adx 0 $bmi_adx|$avx512
no-avx2 0 $avx2|$avx512|$sha
no-avx $avx_fma_xop $avx2|$avx512|$sha
no-aes $aes_clmul 0
sse2 $aes_clmul|$avx_fma_xop|$ssse3_sse4 $avx2|$avx512|$sha|$bmi_adx
MASKS
    unset OPENSSL_ia32cap
}
