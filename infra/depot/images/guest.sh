#!/bin/sh
# guest.sh ROOT DEPOT_APT MATERIAL PACKAGE...: turn the bare server in ROOT into a guest of the cloud.
# Runs on the build host in mount and process namespaces of its own; packages come from the depot only.
set -eu
root=$1 depot=$2 material=$3
shift 3

install_packages() {
    mkdir -p "$root/run/depot"
    mount --bind "$depot" "$root/run/depot"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/tmp"
    printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    echo 'deb [signed-by=/run/depot/depot.asc] copy:/run/depot ./' > "$root/etc/apt/sources.list.d/depot.list"
    # The first file system is made by boot.sh, not by the kernel's package.
    in_root="env INITRD=No DEBIAN_FRONTEND=noninteractive chroot $root"
    $in_root apt-get -qq update
    $in_root apt-get -qq -o Dpkg::Options::=--force-unsafe-io -o Dpkg::Use-Pty=0 install --no-install-recommends -y "$@"
    rm -rf "$root/etc/apt/sources.list.d/depot.list" "$root/usr/sbin/policy-rc.d" "$root"/var/lib/apt/lists/* \
        "$root"/var/cache/apt/archives/*.deb "$root"/var/cache/apt/*.bin "$root"/var/log/*.log "$root"/var/log/apt
    umount -R "$root/dev" "$root/proc" "$root/tmp" "$root/run/depot"
    rm -rf "$root"/run/*
}

wants() {
    mkdir -p "$root/etc/systemd/system/$1.wants"
    ln -sf "/etc/systemd/system/$2" "$root/etc/systemd/system/$1.wants/$2"
}

install_packages "$@"
# The tree is as its packages left it: nothing has to be updated at the first boot.
touch "$root/etc/.updated" "$root/var/.updated"
[ ! -e "$root/usr/local/lib/guest" ] || exit 0

mkdir -p "$root/usr/local/lib/guest"
install -m 755 "$material/first-boot" "$material/dhcp-event" "$root/usr/local/lib/guest/"
install -m 644 "$material"/units/* "$root/etc/systemd/system/"
wants sysinit.target dhcp.service
wants sysinit.target first-boot.service

chroot "$root" useradd --create-home --shell /bin/bash --comment 'first user' debian
echo 'debian ALL=(ALL) NOPASSWD: ALL' > "$root/etc/sudoers.d/debian"
chmod 440 "$root/etc/sudoers.d/debian"
install -d -m 700 -o 1000 -g 1000 "$root/home/debian/.ssh"
sed -i 's/^PermitRootLogin .*/PermitRootLogin no/' "$root/etc/ssh/sshd_config.d/citycloud.conf"
# The shortest way to a server that answers: SSH waits for its host key and for nothing else, and people may log in
# while the rest is still starting. The check of the configuration before each start costs as much as the start.
# Nobody can mend a server that SSH does not let in: it is given all the time it needs, is started again whatever it
# ended with, and what it said then stands on the console.
mkdir -p "$root/etc/systemd/system/ssh.service.d" "$root/etc/systemd/system/ssh-host-key.service.d" "$root/etc/tmpfiles.d"
printf '[Unit]\nDefaultDependencies=no\nConflicts=shutdown.target\nBefore=shutdown.target\n' |
    tee "$root/etc/systemd/system/ssh-host-key.service.d/early.conf" > "$root/etc/systemd/system/ssh.service.d/early.conf"
cat > "$root/etc/systemd/system/ssh.service.d/start.conf" <<'UNIT'
[Unit]
StartLimitIntervalSec=0

[Service]
ExecStartPre=
ExecStopPost=-/bin/sh -c '[ "$$SERVICE_RESULT" = success ] || journalctl -b -u ssh -n 5 -o cat > /dev/console'
TimeoutStartSec=infinity
RestartPreventExitStatus=
RestartSec=3
UNIT
ln -sf /dev/null "$root/etc/tmpfiles.d/systemd-nologin.conf"
wants sysinit.target ssh-host-key.service
ln -sf /lib/systemd/system/ssh.service "$root/etc/systemd/system/sysinit.target.wants/ssh.service"
# dhcp.service is the network of a guest.
ln -sf /dev/null "$root/etc/systemd/system/networking.service"
# Units and generators whose work a guest does not need at its start.
for unit in systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-journal-flush.service \
    systemd-binfmt.service proc-sys-fs-binfmt_misc.automount dev-hugepages.mount sys-kernel-debug.mount \
    sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount modprobe@.service \
    kmod-static-nodes.service systemd-firstboot.service systemd-random-seed.service systemd-remount-fs.service \
    systemd-ask-password-console.path systemd-ask-password-wall.path; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
mkdir -p "$root/etc/systemd/system-generators"
for generator in bless-boot debug gpt-auto hibernate-resume integritysetup rc-local run system-update sysv veritysetup; do
    ln -sf /dev/null "$root/etc/systemd/system-generators/systemd-$generator-generator"
done
