#!/bin/sh
# unpack_environment.sh DEPOT_URL ARCHIVE SHA256 TARGET
# Puts an environment of the depot at TARGET and points TARGET/../current at it. A run that was cut leaves no
# half environment: the archive is checked and unpacked beside the target, then renamed.
set -eu
url=$1 archive=$2 sum=$3 target=$4
parent=$(dirname "$target")
if [ "$(cat "$target/.depot-sha256" 2>/dev/null || true)" != "$sum" ]; then
    partial="$parent/.partial"
    rm -rf "$partial"
    mkdir -p "$partial"
    python3 - "$url/$archive" "$partial/archive" "$sum" <<'PY'
import hashlib, shutil, sys, urllib.request
url, path, want = sys.argv[1:]
with urllib.request.urlopen(url, timeout=60) as reply, open(path, "wb") as out:
    shutil.copyfileobj(reply, out, 1 << 20)
with open(path, "rb") as file:
    got = hashlib.file_digest(file, "sha256").hexdigest()
if got != want:
    sys.exit(f"{url}: sha256 is {got}, the depot's manifest says {want}; run: citycloud depot verify")
PY
    mkdir "$partial/tree"
    tar --zstd -xf "$partial/archive" -C "$partial/tree" --strip-components=1
    printf '%s\n' "$sum" > "$partial/tree/.depot-sha256"
    rm -rf "$target"
    mv "$partial/tree" "$target"
    rm -rf "$partial"
    echo unpacked
fi
if [ "$(readlink "$parent/current" 2>/dev/null || true)" != "$(basename "$target")" ]; then
    ln -sfn "$(basename "$target")" "$parent/.current"
    mv -T "$parent/.current" "$parent/current"
    echo unpacked: current
fi
