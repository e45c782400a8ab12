#!/bin/sh
# boot.sh ROOT MATERIAL: what a guest needs that boots on virtual hardware: first file system, boot loader's settings.
set -eu
root=$1 material=$2
kernel=$(basename "$root"/boot/vmlinuz-*)
version=${kernel#vmlinuz-}
units=$root/etc/systemd/system

install -m 755 "$material/grow-root" "$root/usr/local/lib/guest/"
mkdir -p "$units/timers.target.wants"
ln -sf ../settle.timer "$units/timers.target.wants/settle.timer"
# Disks are named as the server starts, so that fstab may name them; all other devices once it has settled.
mkdir -p "$units/systemd-udev-trigger.service.d"
printf '[Service]\nExecStart=\nExecStart=-udevadm trigger --action=add --subsystem-match=block\n' \
    > "$units/systemd-udev-trigger.service.d/disks-only.conf"

# Paths of modules in the order in which they have to be loaded.
modules() {
    for module in "$@"; do
        modprobe -d "$root" -S "$version" --show-depends "$module" | sed -n 's/^insmod \([^ ]*\).*/\1/p'
    done | awk '!seen[$0]++'
}
first=$(mktemp -d)
mkdir -p "$first/bin" "$first/modules" "$first/dev" "$first/proc" "$first/sys" "$first/root"
cp "$root/bin/busybox" "$first/bin/"
now=$(modules virtio_pci virtio_blk virtio_net virtio_rng)
others=$(modules virtio_scsi ata_piix sd_mod)
for path in $now $others; do cp "$path" "$first/modules/"; done
names() { for path in "$@"; do basename "$path" .ko; done | tr '\n' ' '; }
sed -e "s/^@LOAD@/load $(names $now)\nfind_root || true/" -e "s/@OTHERS@/$(names $others)/" "$material/first-file-system" > "$first/init"
chmod 755 "$first/init"
# Compressed, because the boot loader cannot read a file with holes, and mke2fs makes holes of zeros.
(cd "$first" && find . | LC_ALL=C sort | cpio --quiet --create --format=newc --owner=0:0 --reproducible) |
    zstd -q -5 > "$root/boot/initrd.img-$version"
rm -rf "$first"

ln -sf "boot/$kernel" "$root/vmlinuz"
ln -sf "boot/initrd.img-$version" "$root/initrd.img"
mkdir -p "$root/boot/extlinux"
# no_timer_check: on a busy machine an emulated timer ticks too late for the kernel's check, which then panics.
# panic: a guest that panics starts again, and does not keep a core busy for ever.
cat > "$root/boot/extlinux/extlinux.conf" <<CONF
DEFAULT debian
PROMPT 0
TIMEOUT 0
LABEL debian
  LINUX /vmlinuz
  INITRD /initrd.img
  APPEND root=LABEL=debian-root rw quiet no_timer_check panic=10 console=tty0 console=ttyS0 net.ifnames=0 systemd.show_status=false
CONF
echo 'LABEL=debian-root / ext4 defaults,noatime 0 0' > "$root/etc/fstab"
