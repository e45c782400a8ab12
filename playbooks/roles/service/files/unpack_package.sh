#!/bin/bash
# unpack_package.sh PACKAGE INTO
# Puts the files of a Debian package, as the depot's signed index has it, into a folder of their own: what they need to run
# is not installed, as nothing of them is run. A run that was cut leaves no half folder.
set -eu
package=$1 into=$2
wanted=$(apt-cache show --no-all-versions "$package" | awk '$1 == "SHA256:" { print $2 }')
[ -n "$wanted" ]
[ "$(cat "$into/.depot-sha256" 2>/dev/null || true)" = "$wanted" ] && exit 0
partial="$into.partial"
rm -rf "$partial"
mkdir -p "$partial/download"
(cd "$partial/download" && apt-get -qq -o APT::Sandbox::User=root download "$package")
dpkg-deb --extract "$partial"/download/*.deb "$partial/tree"
printf '%s\n' "$wanted" > "$partial/tree/.depot-sha256"
chmod 0755 "$partial/tree"
rm -rf "$into"
mv "$partial/tree" "$into"
rm -rf "$partial"
echo unpacked
