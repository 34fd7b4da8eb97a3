# SPDX-License-Identifier: MIT
# Sourced by the other scripts: packages, guest kernels, initramfs images.
# Needs $src (the checkout); downloads are kept in $cache.

cache=${HEDDLE_CACHE:-$src/build-guests}

say() {
    echo "== $*" >&2
}

die() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Install those of the named Debian packages that are missing.
need_packages() {
    missing=
    for p in "$@"; do
        dpkg-query -W -f '${Status}' "$p" 2>/dev/null |
            grep -q 'ok installed' || missing="$missing $p"
    done
    [ -n "$missing" ] || return 0
    say "installing$missing (apt-get, as root)"
    as_root apt-get update -qq || die "apt-get update failed"
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive as_root apt-get install -y -qq \
        --no-install-recommends $missing >/dev/null ||
        die "apt-get install failed"
}

build_packages="gcc libc6-dev meson ninja-build pkg-config python3
    libglib2.0-dev libcapstone-dev libffi-dev liburcu-dev libjson-c-dev
    libseccomp-dev acpica-tools seabios"

# Configure and build in $1, further arguments go to configure.
build_heddle() {
    # shellcheck disable=SC2086
    need_packages $build_packages
    dir=$1
    shift
    if [ ! -f "$dir/build.ninja" ]; then
        say "configuring in $dir"
        "$src/configure" --builddir="$dir" "$@" >/dev/null ||
            die "configure failed"
    fi
    say "building"
    ninja -C "$dir" --quiet || die "the build failed"
}

# apt-get for architecture $1 with lists of its own, so that the machine's
# configuration stays as it is.
apt_for() {
    arch=$1
    shift
    state=$cache/apt-$arch
    mkdir -p "$state/lists/partial" "$state/archives/partial"
    apt-get -qq -o "APT::Architecture=$arch" -o "APT::Architectures=$arch" \
        -o "Dir::State::lists=$state/lists" \
        -o "Dir::Cache::archives=$state/archives" \
        -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=" \
        -o "APT::Sandbox::User=root" "$@"
}

# One list that a mirror cannot give does not matter if another has the
# package.
update_lists() {
    apt_for "$1" update >&2 || say "some package lists for $1 are missing"
}

# The package of a kernel, or of Xen, that metapackage $1 of architecture $2 stands
# for.
kernel_package() {
    update_lists "$2"
    apt-cache -o "APT::Architecture=$2" -o "APT::Architectures=$2" \
        -o "Dir::State::lists=$cache/apt-$2/lists" \
        -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=" \
        depends "$1" | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p
            s/^ *Depends: \(xen-hypervisor-[0-9][^ ]*\)$/\1/p' |
        head -n 1
}

# Unpack package $1 of architecture $2 to $cache/$3, once.
get_package() {
    [ -f "$cache/$3/.done" ] && return 0
    mkdir -p "$cache/$3"
    say "getting Debian's $1 ($2)"
    update_lists "$2"
    (cd "$cache/$3" && rm -f ./*.deb && apt_for "$2" download "$1" &&
        dpkg-deb -x ./*.deb . && rm -f ./*.deb && touch .done) ||
        die "cannot get package $1"
}

# Unpack packages $3... and all that they need into the tree $2, without
# configuring them; $1 is the apt-get to ask, with its options.  False if it
# cannot give them.
unpack_closure() {
    apt=$1
    into=$2
    shift 2
    archives=$(mktemp -d) && mkdir "$archives/partial" && mkdir -p "$into"
    # shellcheck disable=SC2086
    $apt -o "Dir::State::status=/dev/null" -o "Debug::NoLocking=true" \
        -o "Dir::Cache::archives=$archives" --no-install-recommends \
        --download-only -y install "$@" >&2 || return 1
    for deb in "$archives"/*.deb; do
        dpkg-deb -x "$deb" "$into" || return 1
    done
    rm -rf "$archives"
}

# $cache/kernel-FLAVOUR/vmlinuz for cloud-amd64, amd64, 686-pae or xen.
get_kernel() {
    arch=amd64
    meta=linux-image-$1
    case $1 in
    686-pae) arch=i386 ;;
    xen) meta=xen-system-amd64 ;;
    esac
    kernel=$cache/kernel-$1/vmlinuz
    [ -f "$kernel" ] && return 0
    package=$(kernel_package "$meta" "$arch")
    [ -n "$package" ] || die "no kernel package for $meta"
    get_package "$package" "$arch" "kernel-$1"
    image=$(cd "$cache/kernel-$1" &&
        ls boot/vmlinuz-* boot/xen-*.gz 2>/dev/null || true)
    ln -sf "$image" "$kernel"
}

# Modules $2... of the kernel cloud-amd64, and those that they need, into /lib of
# the initramfs tree $1; their names in load order to standard output.
copy_modules() {
    get_kernel cloud-amd64
    need_packages kmod
    modules=$cache/kernel-cloud-amd64
    version=$(basename "$modules"/lib/modules/*)
    to=$1/lib
    shift
    mkdir -p "$to"
    /sbin/depmod -b "$modules" "$version"
    for m in "$@"; do
        /sbin/modprobe -d "$modules" -S "$version" --show-depends "$m" ||
            die "the kernel has no $m"
    done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
        while read -r file; do
            cp "$file" "$to/"
            basename "$file"
        done
}

# $cache/initramfs-ARCH-NAME.gz: Debian's busybox and the init script on
# standard input; the program $HEDDLE_INITRAMFS_EXTRA becomes /bin/work; what the
# folder $HEDDLE_INITRAMFS_TREE has is there too; the modules
# $HEDDLE_INITRAMFS_MODULES are in /lib, their list in /lib/modules.
# $1: amd64 or i386, $2: NAME.
make_initramfs() {
    need_packages cpio
    get_package busybox-static "$1" "busybox-$1"
    root=$(mktemp -d)
    mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/sys" "$root/tmp"
    cp "$cache/busybox-$1/bin/busybox" "$root/bin/"
    for applet in sh mount cat ls uname nproc poweroff reboot dmesg grep \
        sleep date echo stty setsid cttyhack md5sum dd seq mknod head \
        insmod; do
        ln -s busybox "$root/bin/$applet"
    done
    if [ -n "${HEDDLE_INITRAMFS_EXTRA:-}" ]; then
        install -m 755 "$HEDDLE_INITRAMFS_EXTRA" "$root/bin/work"
    fi
    if [ -n "${HEDDLE_INITRAMFS_TREE:-}" ]; then
        cp -R "$HEDDLE_INITRAMFS_TREE/." "$root"
    fi
    if [ -n "${HEDDLE_INITRAMFS_MODULES:-}" ]; then
        # shellcheck disable=SC2086
        list=$(copy_modules "$root" $HEDDLE_INITRAMFS_MODULES) || exit 1
        echo "$list" >"$root/lib/modules"
    fi
    cat >"$root/init"
    chmod +x "$root/init"
    initramfs=$cache/initramfs-$1-$2.gz
    # The same bytes each time, and never half of them: another test may boot it.
    (cd "$root" && find . -exec touch -h -d @0 {} + && find . | LC_ALL=C sort |
        cpio -o -H newc --quiet --reproducible | gzip -1n) >"$initramfs.$$" ||
        die "cannot make $initramfs"
    mv "$initramfs.$$" "$initramfs"
    rm -rf "$root"
}
