#!/bin/bash
# Measures false findings on millions of records in which no prompt stands: the source of Linux with its documentation, and the
# documentation of Java, C++ and LibreOffice, all as Debian packs them; prose, code, HTML, tables of numbers, changelogs.
#
#   testdata/bench/leakbench/clean.sh [DIR]      where they are unpacked, 2 GB (a temporary folder)
#
# Needs Debian's apt-get and dpkg-deb, and the network for 170 MB.
set -euo pipefail
cd "$(dirname "$0")/../../.."
if [ $# -gt 0 ]; then
	dir=$1
	mkdir -p "$dir"
else
	dir=$(mktemp -d)
	trap 'rm -rf "$dir"' EXIT
fi
if [ ! -e "$dir/ready" ]; then
	(cd "$dir" && apt-get download linux-source-6.12 openjdk-17-doc cppreference-doc-en-html libreoffice-help-en-us dict-gcide)
	for deb in "$dir"/*.deb; do dpkg-deb -x "$deb" "$dir/text"; done
	tar -C "$dir/text" -xf "$dir"/text/usr/src/linux-source-6.12.tar.xz
	rm "$dir"/text/usr/src/*.tar.xz
	touch "$dir/ready"
fi
go run ./testdata/bench/leakbench -text "$dir/text"
