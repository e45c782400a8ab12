#!/bin/sh
# install_keycloak.sh DEPOT_URL ARCHIVE SHA256 TARGET CONFIG DATA
# Puts Keycloak at TARGET, built for what CONFIG says of its database. A run that was cut leaves no half of it: the
# archive is checked, unpacked and built beside the target, then renamed. What it writes later goes to DATA.
set -eu
url=$1 archive=$2 sum=$3 target=$4 config=$5 data=$6
built="$sum $(grep -E '^(db|cache|health-enabled|metrics-enabled)=' "$config" | sha256sum)"
[ "$(cat "$target/.depot-sha256" 2>/dev/null || true)" != "$built" ] || exit 0
partial=$(dirname "$target")/.partial
rm -rf "$partial"
mkdir -p "$partial/tree"
curl --fail --silent --show-error --output "$partial/archive" "$url/$archive"
echo "$sum  $partial/archive" | sha256sum --check --quiet
tar -xzf "$partial/archive" -C "$partial/tree" --strip-components=1 --no-same-owner
rm -rf "$partial/tree/data"
ln -s "$data" "$partial/tree/data"
JAVA_HOME=/usr/lib/jvm/java-17-openjdk-amd64 "$partial/tree/bin/kc.sh" --config-file="$config" build
chmod -R go+rX "$partial/tree"
printf '%s\n' "$built" > "$partial/tree/.depot-sha256"
rm -rf "$target"
mv "$partial/tree" "$target"
rm -rf "$partial"
echo installed
