# SPDX-License-Identifier: MIT
# Sourced after disk.sh: the file trees of tests/boot/userland.  A tree is kept,
# as the host runs the same programs in it that the guest runs on the image.

# What runs much of the code that picks its instructions by CPUID: ciphers,
# compressors, compilers and what they make, interpreters, media codecs.
programs="openssl libssl-dev 7zip gcc libc6-dev xz-utils zstd bzip2 sqlite3
    python3-minimal"
# Those that a Debian has in any case.
quick_packages="$programs coreutils dash grep gzip libc-bin perl-base sed"
userland_packages="$programs linux-image-cloud-amd64 systemd-sysv udev kmod
    procps dbus gpg nettle-bin kcapi-tools lz4 brotli gcc-multilib python3
    libpython3.11-testsuite python3-numpy libopenblas0-pthread perl gawk bc
    luajit nodejs x265 dav1d aom-tools vpx-tools webp libjpeg-turbo-progs flac
    lame opus-tools stress-ng"

make_userland_tree() {
    # shellcheck disable=SC2086
    bootstrap_debian "$1" "$(echo $userland_packages | tr ' ' ,)"
}

# Debian's programs on a busybox, as debootstrap takes minutes.
make_userland_quick_tree() {
    as_root rm -rf "$1"
    mkdir -p "$1"
    busybox_system "$1"
    update_lists amd64
    # shellcheck disable=SC2086
    unpack_closure "apt_for amd64" "$1" $quick_packages ||
        die "cannot get packages: $quick_packages"
    as_root chown -R 0:0 "$1"
}

# $cache/tree-KIND for userland or userland-quick, made anew when its list of
# packages is another.
get_userland() {
    userland=$cache/tree-$1
    case $1 in
    userland) packages=$userland_packages ;;
    userland-quick) packages=$quick_packages ;;
    esac
    [ -f "$userland.packages" ] && [ "$(cat "$userland.packages")" = "$packages" ] &&
        return 0
    mkdir -p "$cache"
    rm -f "$userland.packages" "$cache/disk-$1.img"
    say "making $userland"
    "make_$(echo "$1" | tr - _)_tree" "$userland"
    echo "$packages" >"$userland.packages"
}
