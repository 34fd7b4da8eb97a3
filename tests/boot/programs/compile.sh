# SPDX-License-Identifier: MIT
# gcc's assembly and objects, and what comes out of them.
. "$here/lib.sh"
set -e

# The source $1 with options "$@"; objects hold no path.
compile() {
    source=$1
    shift
    set -- -frandom-seed="$source" "$@" # in the names of sections of -flto
    gcc -std=gnu11 -fwrapv "$@" -S -o code.s "$here/$source.c"
    gcc -std=gnu11 -fwrapv "$@" -c -o code.o "$here/$source.c"
    echo "$source $*: $(sha256sum <code.s) $(sha256sum <code.o)"
    gcc "$@" -o program code.o -lm
    ./program
}

compile vectors -O2 -mavx2
compile vectors -O3 -march=x86-64-v3
[ "$QUICK" = 1 ] && exit
for source in vectors libm text; do
    compile $source -O0
    compile $source -O1 -mfma -mavx2
    compile $source -O2
    compile $source -Os -march=x86-64-v2
    compile $source -O3 -funroll-loops -march=x86-64-v3
    compile $source -O2 -mfpmath=387
done
compile vectors -Ofast -march=x86-64-v3
compile vectors -O2 -m32
compile vectors -O3 -m32 -msse2 -mfpmath=sse
compile vectors -O2 -m32 -march=i486
compile text -O2 -m32
compile libm -O2 -m32
compile vectors -O2 -flto
