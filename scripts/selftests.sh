# SPDX-License-Identifier: MIT
# Sourced after common.sh: the tests that the Linux kernel brings along.

# make in folder $1 of the kernel's tests, for $2 bits; x86's makefile makes both
# at once.  Makefiles decide on the optimization: watchpoints want none.
make_selftests() {
    out=$source/out$2
    [ "$1" = x86 ] && bits="" || bits=-m$2
    mkdir -p "$out"
    make -s -C "$source/tools/testing/selftests/$1" "OUTPUT=$out" \
        "CC=gcc -static $bits" ${3:+"$out/$3"} >"$source/log" 2>&1 ||
        die "cannot build $1: $(tail -n 3 "$source/log")"
}

# $tree/amd64 and $tree/i386: what the initramfs of such a guest has, once.
get_selftests() {
    tree=$cache/selftests
    [ ! -f "$tree/.done" ] || return 0
    need_packages linux-source-6.1 gcc-multilib libc6-dev-i386 make xz-utils
    say "building the kernel's selftests"
    source=$(mktemp -d)
    tar -xJf /usr/src/linux-source-6.1.tar.xz -C "$source" --wildcards \
        --strip-components=1 '*/tools/testing/selftests/*' \
        '*/tools/include/*' '*/x86/include/asm/desc_defs.h' '*/mm/gup_test.h'
    make_selftests x86 64
    for n in 64 32; do
        for t in breakpoints/breakpoint_test perf_events/sigtrap_threads \
            sigaltstack/sas syscall_user_dispatch/sud_test; do
            make_selftests "$(dirname $t)" $n
            mv "$out/$(basename $t)" "$out/$(basename $t)_$n"
        done
        make_selftests vm $n protection_keys_$n
    done
    mkdir -p "$tree/amd64/tests" "$tree/i386/tests" "$tree/amd64/etc"
    echo "root:x:0:0::/:/bin/sh" >"$tree/amd64/etc/passwd" # one test reads it
    cp -R "$tree/amd64/etc" "$tree/i386/"
    install -s "$source"/out??/*_?? "$tree/amd64/tests"
    install -s "$source"/out??/*_32 "$tree/i386/tests"
    rm -rf "$source"
    touch "$tree/.done"
}
