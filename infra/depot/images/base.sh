#!/bin/sh
# base.sh ROOT: what every Debian 12 of City Cloud has in common, server and guest. Runs on the build host.
set -eu
root=$1

# An identity is made at the first boot, never copied: machine id, SSH host keys, random seed.
: > "$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id" "$root"/etc/ssh/ssh_host_*_key* "$root/var/lib/systemd/random-seed"
# A machine that loses its power in its first half minute comes back with an empty key: that one is made again.
cat > "$root/etc/systemd/system/ssh-host-key.service" <<'UNIT'
[Unit]
Description=SSH host key of this machine
ConditionFileNotEmpty=!/etc/ssh/ssh_host_ed25519_key
Before=ssh.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStartPre=/bin/rm -f /etc/ssh/ssh_host_ed25519_key
ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N "" -C "" -f /etc/ssh/ssh_host_ed25519_key

[Install]
WantedBy=multi-user.target
UNIT
cat > "$root/etc/ssh/sshd_config.d/citycloud.conf" <<'CONF'
HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UseDNS no
CONF

cat > "$root/etc/network/interfaces" <<'CONF'
auto lo
iface lo inet loopback
source-directory /etc/network/interfaces.d
CONF
echo debian > "$root/etc/hostname"
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost\n' > "$root/etc/hosts"
rm -f "$root/etc/resolv.conf"
: > "$root/etc/resolv.conf"
: > "$root/etc/fstab"
echo LANG=C.UTF-8 > "$root/etc/default/locale"
# The image is as its packages left it: nothing has to be updated at the first boot.
touch "$root/etc/.updated" "$root/var/.updated"

# No source of packages but the depot, and nothing that wakes up by itself to fetch or to tidy.
rm -f "$root"/etc/apt/sources.list.d/* "$root"/etc/apt/sources.list "$root"/etc/apt/trusted.gpg.d/*
: > "$root/etc/apt/sources.list"
for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    fstrim.timer systemd-networkd-wait-online.service systemd-pstore.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
ln -sf /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -sf ../ssh-host-key.service "$root/etc/systemd/system/multi-user.target.wants/ssh-host-key.service"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin "$root"/var/log/*.log "$root"/var/log/apt "$root/tmp"/*
mkdir -p "$root/var/lib/apt/lists/partial"
