#!/bin/bash
# map_hypervisors.sh BIN HYPERVISOR... : nova's cell learns of hypervisors that are new, and this waits for all of them.
# Without it the first servers after a deployment end in ERROR: the scheduler looks for new ones only now and then.
set -euo pipefail
bin=$1
shift
export PATH=$bin:$PATH PYTHONWARNINGS=ignore
for _ in $(seq 60); do
    known=$(mariadb --batch --skip-column-names --execute 'SELECT host FROM nova_api.host_mappings')
    missing=()
    for name in "$@"; do
        grep -qxF "$name" <<< "$known" || missing+=("$name")
    done
    if [ ${#missing[@]} = 0 ]; then
        exit 0
    fi
    nova-manage --config-file /etc/nova/nova.conf cell_v2 discover_hosts --by-service > /dev/null
    echo mapped
    sleep 1
done
echo "hypervisors that did not report to nova in time: ${missing[*]}; see journalctl -u nova-compute there" >&2
exit 1
