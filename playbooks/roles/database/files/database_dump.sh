#!/bin/bash
# Dumps all databases into FOLDER and keeps those of the last DAYS days. A dump that was cut has the name .part.
# database_dump.sh FOLDER DAYS
set -euo pipefail
folder=$1 days=$2
name=$folder/$(date -u +%Y-%m-%dT%H%M%SZ).sql.zst
umask 077
trap 'rm -f "$name.part"' EXIT
mariadb-dump --all-databases --single-transaction --quick --routines --events --triggers --hex-blob | zstd -q -T1 -o "$name.part"
zstd -q -t "$name.part"
sync "$name.part"
mv "$name.part" "$name"
find "$folder" -name '*.sql.zst' -mtime "+$days" -delete
echo "dumped all databases: $(stat -c %s "$name") bytes in $name"
