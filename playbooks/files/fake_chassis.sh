#!/bin/bash
# fake_chassis.sh NAME... : a chassis in OVN's southbound database for each hypervisor with the fake driver, so that
# Neutron binds ports there as it does on real ones. Their tunnels would lead to loopback: no packet is ever sent.
set -euo pipefail
number=0
for name in "$@"; do
    number=$((number + 1))
    if [ -n "$(ovn-sbctl --bare --columns=name find Chassis_Private "name=$name")" ]; then
        continue
    fi
    ovn-sbctl --if-exists chassis-del "$name"
    ovn-sbctl chassis-add "$name" geneve "127.1.0.$number" -- set Chassis "$name" "hostname=$name"
    uuid=$(ovn-sbctl --bare --columns=_uuid find Chassis "name=$name")
    # Neutron takes a chassis for alive whose configuration is not behind; nobody will ever count this one up.
    ovn-sbctl create Chassis_Private "name=$name" "chassis=$uuid" nb_cfg=1000000 > /dev/null
    echo made
done
