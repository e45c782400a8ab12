#!/bin/sh
# find_data_volume.sh: the disk of the data volume. Prints "LABEL=data" where it is formatted already, else its device;
# ends 1 while there is no such disk yet.
set -eu
[ -z "$(blkid -L data 2> /dev/null || true)" ] || { echo LABEL=data; exit 0; }
for disk in /dev/vd[b-z] /dev/sd[b-z]; do
    [ -b "$disk" ] || continue
    blkid -p "$disk" > /dev/null 2>&1 || { echo "$disk"; exit 0; }
done
exit 1
