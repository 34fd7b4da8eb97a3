# SPDX-License-Identifier: MIT
# Sourced after common.sh: disk images that boot from their MBR, made without
# loop devices or mounts.  Root is needed for chroot and for file owners.
#
# Image: MBR | GRUB's core in the gap before the partition | one ext4 file
# system from sector 2048 on.

part_start=2048
grub_dir=/usr/lib/grub/i386-pc
# What GRUB needs from the BIOS disk to the kernel, so that it loads no module
# from the file system.
grub_modules="biosdisk part_msdos ext2 normal linux serial terminal
    configfile echo"
debian_packages=linux-image-cloud-amd64,systemd-sysv,udev,kmod,procps,dbus

# The $3 bytes at offset $2 of file $1, as one little-endian number.
number_at() {
    od -A n -t "u$3" -j "$2" -N "$3" "$1" | tr -d ' '
}

# GRUB into the MBR and the gap of image $1.  boot.img loads the sector in its
# field at 0x5c; that sector is diskboot.img, the first of core.img, whose
# block list at 0x1f4 says where the rest lies.  Both default to "core.img
# follows the MBR", so nothing needs patching; see that it is so.
install_grub() {
    core=$1.core
    # shellcheck disable=SC2086
    grub-mkimage -O i386-pc -d $grub_dir -p '(hd0,msdos1)/boot/grub' \
        -o "$core" $grub_modules || die "grub-mkimage failed"
    if [ "$(number_at $grub_dir/boot.img 92 8)" != 1 ] ||
        [ "$(number_at "$core" 500 8)" != 2 ]; then
        die "GRUB's boot sectors do not expect core.img after the MBR"
    fi
    sectors=$((($(stat -c %s "$core") + 511) / 512))
    [ $sectors -lt $part_start ] || die "GRUB's core.img does not fit"
    # The disk signature and the partition table begin at byte 440.
    dd if=$grub_dir/boot.img of="$1" bs=440 count=1 conv=notrunc status=none
    dd if="$core" of="$1" bs=512 seek=1 conv=notrunc status=none
    rm -f "$core"
}

# GRUB's menu for the kernel and initrd files of the tree $1, kernel
# parameters $2.
write_grub_cfg() {
    as_root mkdir -p "$1/boot/grub"
    as_root tee "$1/boot/grub/grub.cfg" >/dev/null <<CFG
serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
set timeout=0
menuentry "Linux" {
    linux /boot/$(basename "$1"/boot/vmlinuz*) $2
    initrd /boot/$(basename "$1"/boot/initrd*)
}
CFG
}

# Image $1 of $3 MiB from the tree $2.  Features that GRUB 2.06 cannot read
# are left out.
image_from_tree() {
    tmp=$1.tmp
    rm -f "$tmp"
    truncate -s "$3M" "$tmp"
    printf 'label: dos\nstart=%s, type=83, bootable\n' $part_start |
        sfdisk -q "$tmp" || die "sfdisk failed"
    as_root mke2fs -q -F -t ext4 -O '^metadata_csum_seed,^orphan_file' \
        -E "offset=$((part_start * 512))" -d "$2" "$tmp" \
        $(($3 * 1024 - part_start / 2))k || die "mke2fs failed"
    install_grub "$tmp"
    mv "$tmp" "$1"
}

# --- a whole Debian ---

# What debootstrap leaves to the administrator.
configure_debian() {
    echo heddle-guest | as_root tee "$1/etc/hostname" >/dev/null
    echo '/dev/vda1 / ext4 errors=remount-ro 0 1' |
        as_root tee "$1/etc/fstab" >/dev/null
    as_root sed -i 's/^root:[^:]*:/root::/' "$1/etc/shadow"
    as_root rm -f "$1"/var/cache/apt/archives/*.deb
    # systemd starts a getty on the console that the kernel was given.
    write_grub_cfg "$1" "root=/dev/vda1 ro console=ttyS0"
}

# Debian in the tree $1, with packages $2 beside the essential ones.
bootstrap_debian() {
    need_packages debootstrap
    say "debootstrap: Debian bookworm in $1"
    as_root rm -rf "$1"
    as_root debootstrap --variant=minbase --arch=amd64 --include="$2" \
        bookworm "$1" >"$1.log" || die "debootstrap failed: see $1.log"
    configure_debian "$1"
}

make_debian_disk() {
    root=$cache/root-debian
    bootstrap_debian "$root" "$debian_packages"
    image_from_tree "$disk" "$root" 1536
    as_root rm -rf "$root"
}

# --- busybox on Debian's kernel ---

busybox_link_all() {
    mkdir -p "$1/bin"
    cp "$cache/busybox-amd64/bin/busybox" "$1/bin/"
    for applet in $("$1/bin/busybox" --list); do
        [ "$applet" = busybox ] || ln -s busybox "$1/bin/$applet"
    done
}

busybox_initrd() {
    tree=$(mktemp -d)
    mkdir -p "$tree/dev" "$tree/lib" "$tree/root"
    busybox_link_all "$tree"
    {
        echo '#!/bin/sh'
        echo 'mount -t devtmpfs none /dev'
        # crc32c is asked for at run time, by ext4's checksums.
        copy_modules "$tree" crc32c_generic virtio_pci virtio_blk ext4 | sed 's,^,insmod /lib/,'
        echo 'mount -t ext4 /dev/vda1 /root || exec sh'
        echo 'mount --move /dev /root/dev'
        echo 'exec switch_root /root /bin/init'
    } >"$tree/init"
    chmod +x "$tree/init"
    (cd "$tree" && find . | cpio -o -H newc --quiet | gzip -1) >"$1" ||
        die "cannot make $1"
    rm -rf "$tree"
}

busybox_etc() {
    echo 'root::0:0:root:/root:/bin/sh' >"$1/passwd"
    echo 'root:x:0:' >"$1/group"
    echo heddle-guest >"$1/hostname"
    cat >"$1/inittab" <<'TAB'
::sysinit:/bin/mount -t proc none /proc
::sysinit:/bin/mount -t sysfs none /sys
::sysinit:/bin/hostname -F /etc/hostname
ttyS0::respawn:/bin/getty -L 115200 ttyS0 linux
::shutdown:/bin/mount -o remount,ro /
TAB
}

# The tree $1 becomes a busybox that GRUB can boot; root's password is empty.
busybox_system() {
    need_packages cpio kmod
    get_kernel cloud-amd64
    get_package busybox-static amd64 busybox-amd64
    for dir in boot dev etc proc root sys tmp; do
        mkdir -p "$1/$dir"
    done
    busybox_link_all "$1"
    busybox_etc "$1/etc"
    cp "$kernel" "$1/boot/vmlinuz"
    busybox_initrd "$1/boot/initrd.gz"
    write_grub_cfg "$1" "console=ttyS0 quiet panic=-1"
}

make_busybox_disk() {
    root=$(mktemp -d)
    busybox_system "$root"
    as_root chown -R 0:0 "$root"
    image_from_tree "$disk" "$root" 64
    as_root rm -rf "$root"
}

# $cache/disk-KIND.img of any kind below; root's password is empty.
get_disk() {
    disk=$cache/disk-$1.img
    case $1 in
    userland*) get_userland "$1" ;; # which drops an image of another tree
    esac
    [ -f "$disk" ] && return 0
    need_packages e2fsprogs fdisk grub-common grub-pc-bin
    mkdir -p "$cache"
    say "making $disk"
    case $1 in
    userland) image_from_tree "$disk" "$userland" 3072 ;;
    userland-quick) image_from_tree "$disk" "$userland" 640 ;;
    *) "make_$1_disk" ;;
    esac
}
