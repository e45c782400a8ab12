#!/bin/sh
# container.sh ROOT: what a guest needs that shares its hypervisor's kernel (nova with virt_type lxc).
set -eu
root=$1
# Devices and kernel settings are the hypervisor's.
for unit in systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-udev-trigger.service \
    systemd-modules-load.service systemd-sysctl.service systemd-remount-fs.service systemd-random-seed.service \
    systemd-hwdb-update.service dev-mqueue.mount getty@.service serial-getty@.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
# The wire is a veth into a userspace switch that drops packets whose checksum is left to hardware.
mkdir -p "$root/etc/systemd/system/dhcp.service.d"
printf '[Service]\nExecStartPre=-/sbin/ethtool -K eth0 tx off\n' > "$root/etc/systemd/system/dhcp.service.d/container.conf"
