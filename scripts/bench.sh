# SPDX-License-Identifier: MIT
# Sourced after common.sh: trees of Debian packages with all that they need, so
# that programs run from there and nothing is installed.

# apt-get with the machine's sources and those of the release's backports.
apt_backports() {
    state=$cache/apt-backports
    mkdir -p "$state/sources" "$state/lists/partial" "$state/archives/partial"
    for f in /etc/apt/sources.list.d/*; do
        [ ! -f "$f" ] || ln -sf "$f" "$state/sources/"
    done
    [ ! -f /etc/apt/sources.list ] ||
        ln -sf /etc/apt/sources.list "$state/sources/machine.list"
    apt_for amd64 -o "Dir::Etc::sourcelist=/dev/null" \
        -o "Dir::Etc::sourceparts=$state/sources" \
        -o "Dir::State::lists=$state/lists" \
        -o "Debug::NoLocking=true" "$@"
}

# Add the backports of the release that the machine's sources name, from the
# same mirror.
add_backports() {
    mkdir -p "$cache/apt-backports/sources"
    apt-get indextargets --format '$(LABEL) $(CODENAME) $(REPO_URI)' \
        'Created-By: Packages' |
        awk '$1 == "Debian" && $2 !~ /-/ {
            print "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]",
                $3, $2 "-backports", "main"
            exit
        }' >"$cache/apt-backports/sources/backports.list"
    backports=$(awk '{ print $4 }' \
        "$cache/apt-backports/sources/backports.list")
}

# Unpack packages $3... and all that they need to $cache/$1, once; of release $2
# where it is not empty.  False if apt-get cannot give them.
get_tree() {
    tree=$cache/$1
    [ -f "$tree/.done" ] && return 0
    release=$2
    shift 2
    say "getting Debian's $* ${release:+of $release }and what they need"
    apt_backports update >&2 || say "some package lists are missing"
    unpack_closure "apt_backports ${release:+-t $release}" "$tree" "$@" ||
        return 1
    touch "$tree/.done"
}

# $tree: the newest qemu-system-x86 that Debian has for this release.
get_qemu() {
    add_backports
    get_tree qemu-backports "$backports" qemu-system-x86 || {
        say "no backports: taking the release's own qemu-system-x86"
        get_tree qemu-release "" qemu-system-x86 || die "cannot get QEMU"
    }
}

# --- the root file system of tests/bench ---

bench_packages="gzip xz-utils zstd python3.11-minimal perl-base lua5.4 openssl
    sqlite3 cpp-12 coreutils libstb-dev"
bench_programs="bin/gzip usr/bin/xz usr/bin/zstd usr/bin/python3.11
    usr/bin/perl usr/bin/lua5.4 usr/bin/openssl usr/bin/sqlite3 bin/true
    usr/lib/gcc/x86_64-linux-gnu/12/cc1"
# Where compilers and loaders of one architecture look.
triplet=x86_64-linux-gnu

# Program $2 of tree $1 and the libraries that it loads, to root $3.
copy_program() {
    mkdir -p "$3/$(dirname "$2")"
    cp -L "$1/$2" "$3/$2"
    "$1/lib64/ld-linux-x86-64.so.2" --list --library-path \
        "$1/lib/$triplet:$1/usr/lib/$triplet" "$1/$2" |
        sed -n 's/.* => \(.*\) (0x.*/\1/p' |
        while read -r library; do
            cp -Lu "$library" "$3/lib/$triplet/"
        done
}

# The text that is compressed and hashed, 4 MiB of it, and a large C file.
make_bench_data() {
    mkdir -p "$2/data"
    find "$1/usr/lib/python3.11" "$1/usr/include/stb" -name '*.py' -o \
        -name '*.h' | LC_ALL=C sort | xargs cat >"$2/data/corpus"
    truncate -s 4M "$2/data/corpus"
    printf '#define %s\n#include "%s"\n' \
        STB_IMAGE_WRITE_IMPLEMENTATION stb_image_write.h |
        gcc -E -P -I "$1/usr/include/stb" -x c - -o "$2/data/compile.i" ||
        die "cannot preprocess stb_image_write.h"
}

# $root: a root file system with the programs and data of tests/bench.
get_bench_root() {
    root=$cache/bench-root
    [ -f "$root.done" ] && return 0
    add_backports
    # shellcheck disable=SC2086
    get_tree bench-packages "" $bench_packages || die "cannot get the packages"
    get_package busybox-static amd64 busybox-amd64
    rm -rf "$root"
    for dir in bin dev proc tmp lib64 "lib/$triplet"; do
        mkdir -p "$root/$dir"
    done
    cp "$cache/busybox-amd64/bin/busybox" "$root/bin/"
    for program in $bench_programs; do
        copy_program "$tree" "$program" "$root"
    done
    cp -L "$tree/lib64/ld-linux-x86-64.so.2" "$root/lib64/"
    cp -r "$tree/usr/lib/python3.11" "$root/usr/lib/"
    make_bench_data "$tree" "$root"
    touch "$root.done"
}

# --- for tests/boot/soak ---

# $root: stress-ng with the libraries that it loads, to go into an initramfs.
get_stress_root() {
    root=$cache/stress-root
    [ -f "$root.done" ] && return 0
    get_tree stress-packages "" stress-ng || die "cannot get stress-ng"
    rm -rf "$root"
    mkdir -p "$root/lib64" "$root/lib/$triplet"
    copy_program "$tree" usr/bin/stress-ng "$root"
    cp -L "$tree/lib64/ld-linux-x86-64.so.2" "$root/lib64/"
    touch "$root.done"
}
