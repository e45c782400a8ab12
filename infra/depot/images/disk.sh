#!/bin/sh
# disk.sh ROOT DISK MIB MATERIAL: a disk that boots by BIOS, with one ext4 partition that holds ROOT.
set -eu
root=$1 disk=$2 mib=$3
start=2048
truncate -s "${mib}M" "$disk"
printf 'label: dos\nstart=%s,type=83,bootable\n' "$start" | sfdisk -q "$disk"
mke2fs -q -t ext4 -b 4096 -m 1 -O '^metadata_csum,^64bit' -L debian-root -d "$root" -E "offset=$((start * 512)),lazy_itable_init=0" \
    "$disk" "$((mib * 256 - start / 8))"
for record in /usr/lib/EXTLINUX/mbr.bin /usr/lib/syslinux/mbr/mbr.bin; do
    [ ! -f "$record" ] || dd if="$record" of="$disk" conv=notrunc bs=440 count=1 status=none
done
mounted=$(mktemp -d)
mount -o "loop,offset=$((start * 512))" "$disk" "$mounted"
extlinux --install "$mounted/boot/extlinux" > /dev/null 2>&1
umount "$mounted"
rmdir "$mounted"
