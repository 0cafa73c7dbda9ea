#!/bin/bash
# Runs tests on processors that this machine need not have, and prints one line for each package and processor:
#
#   testdata/processors/run.sh [arm64] [nehalem] [icelake]      (all three)
#
#   arm64    the packages that touch records, in qemu
#   nehalem  the packages with kernels, in qemu: no AVX, no SHA, so that the checks before the kernels are run, too
#   icelake  the same, in bochs: AVX-512 with VBMI and VBMI2, which qemu lacks. Debian's kernel boots, and its only program (init)
#            runs the tests.
#
# For Debian on amd64, as root, with Go: it installs what it needs, and keeps the bochs it builds in the user's cache.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export CGO_ENABLED=0 GOOS=linux DEBIAN_FRONTEND=noninteractive
failed=0

die() { printf '%s\n' "$*" >&2; exit 1; }
need() { dpkg -s "$@" > /dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; } > /dev/null; }

# The packages with assembler, and those that are about the same bytes on every processor.
kernels() {
	GOARCH=amd64 go list -f '{{if .SFiles}}{{.ImportPath}}{{end}}' ./...
	printf 'inoculate/%s\n' sinks/internal/zstdpage transforms/scan/tiers
}
records() { go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./schemas/... ./transforms/... ./pipeline/... ./sources/... ./sinks/...; }

# emulated PROCESSOR GOARCH QEMU… runs the tests of the packages in $dir/packages.
emulated() {
	local processor=$1 arch=$2 package start status
	shift 2
	while read -r package; do
		start=$SECONDS status=ok
		{ GOARCH=$arch go test -c -o "$dir/test" "$package" &&
			(cd "$root/${package#*/}" && "$@" "$dir/test" -test.short -test.timeout=30m); } < /dev/null > "$dir/log" 2>&1 || status=FAIL
		[ "$status" = ok ] || { failed=1; cat "$dir/log"; }
		printf '%-4s %-8s %s %d s\n' "$status" "$processor" "$package" $((SECONDS - start))
	done < "$dir/packages"
}

# Tests that start themselves need the kernel to know qemu. Where it does not, it is told so in a namespace of its own (Linux 6.7).
arm64() {
	need qemu-user-static
	if [ ! -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] && [ -z "${PROCESSORS_UNSHARED:-}" ]; then
		PROCESSORS_UNSHARED=1 unshare --user --map-root-user --mount "$root/testdata/processors/run.sh" arm64 || failed=1
		return
	fi
	if [ ! -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ]; then
		mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
		printf '%s' ':qemu-aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/usr/bin/qemu-aarch64-static:F' \
			> /proc/sys/fs/binfmt_misc/register
	fi
	records > "$dir/packages"
	emulated arm64 arm64 qemu-aarch64-static
}

nehalem() {
	need qemu-user-static
	kernels > "$dir/packages"
	emulated nehalem amd64 qemu-x86_64-static -cpu Nehalem
}

# Bochs without windows and debugger, of Debian 13: in that of Debian 12 (2.7) Go's collector, which uses AVX-512 too, stops with a
# bad pointer. This one loses the bytes where vpcompressb keeps all 64 of them, by a shift by 64.
bochs() {
	local cache=${XDG_CACHE_HOME:-$HOME/.cache}/inoculate-test/bochs-3.0
	bochs=$cache/bochs
	[ ! -x "$bochs" ] || return 0
	need g++ make xz-utils curl
	curl -sSfL -o "$dir/bochs.tar.xz" 'https://deb.debian.org/debian/pool/main/b/bochs/bochs_3.0+dfsg.orig.tar.xz'
	echo "78f6c73d4a6472d5130a87ab9dc306d02c7c71ed8e25b3a8ef642e2a7acd282b  $dir/bochs.tar.xz" | sha256sum --quiet -c
	tar -C "$dir" -xf "$dir/bochs.tar.xz"
	(
		cd "$dir/bochs-3.0"
		sed -i 's/writemask = (BX_CONST64(1) << k) - 1;/writemask = k == 64 ? ~BX_CONST64(0) : (BX_CONST64(1) << k) - 1;/' cpu/avx/avx512.cc
		grep -q 'k == 64' cpu/avx/avx512.cc
		./configure --enable-x86-64 --enable-cpu-level=6 --enable-avx --enable-evex --enable-all-optimizations --with-nogui \
			--disable-plugins --disable-docbook --disable-debugger --disable-debugger-gui
		make -j"$(nproc)"
	) > "$dir/log" 2>&1 || { tail -20 "$dir/log" >&2; die "bochs does not build"; }
	mkdir -p "$cache"
	mv "$dir/bochs-3.0/bochs" "$bochs"
}

icelake() {
	need bochsbios vgabios isolinux syslinux-common xorriso cpio
	bochs
	local disk=$dir/disk kernel package name
	mkdir -p "$disk" "$dir/initrd/"{proc,dev,tmp,tests} "$dir/kernel"
	kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p')
	(cd "$dir/kernel" && apt-get download -qq -o APT::Sandbox::User=root "$kernel" && dpkg-deb -x ./*.deb .)
	cp "$dir"/kernel/boot/vmlinuz-* "$disk/vmlinuz"
	cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$disk"
	GOARCH=amd64 go build -ldflags=-s -o "$dir/initrd/init" ./testdata/processors/init
	kernels > "$dir/packages"
	while read -r package; do
		name=${package#*/}
		mkdir "$dir/initrd/tests/${name//\//%}"
		GOARCH=amd64 go test -c -ldflags=-s -o "$dir/initrd/tests/${name//\//%}/${name//\//%}.test" "$package"
		[ ! -d "$name/testdata" ] || cp -r "$name/testdata" "$dir/initrd/tests/${name//\//%}"
	done < "$dir/packages"
	(cd "$dir/initrd" && find . | cpio -o -H newc --quiet) > "$disk/initrd"
	cat > "$disk/isolinux.cfg" <<-X
		default linux
		label linux
		kernel vmlinuz
		append initrd=initrd console=ttyS0 quiet random.trust_cpu=on mitigations=off panic=-1 clearcpuid=pku,xsaves,xsavec,fsrm
	X
	xorriso -as mkisofs -quiet -o "$dir/disk.iso" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$disk" 2> "$dir/log" ||
		{ cat "$dir/log" >&2; die "no disk was made"; }
	cat > "$dir/bochsrc" <<-X
		display_library: nogui
		romimage: file=/usr/share/bochs/BIOS-bochs-latest
		vgaromimage: file=/usr/share/vgabios/vgabios.bin
		cpu: model=corei7_icelake_u, ips=50000000
		memory: guest=1024, host=1024
		ata0-master: type=cdrom, path=$dir/disk.iso, status=inserted
		boot: cdrom
		com1: enabled=1, mode=file, dev=$dir/serial
		log: /dev/null
		panic: action=fatal
	X
	timeout 3h "$bochs" -q -f "$dir/bochsrc" < /dev/null > /dev/null 2>&1 || true # it ends with 1 where the machine turns itself off
	tr -d '\r' < "$dir/serial" > "$dir/log"
	sed -n 's/^result: \(ok\|FAIL\) /\1 icelake /p; s/^processor: /     icelake  has /p' "$dir/log"
	if [ "$(grep -c '^result: ok' "$dir/log")" != "$(wc -l < "$dir/packages")" ]; then
		cat "$dir/log"
		failed=1
	fi
}

main() {
	local processor
	[ $# -gt 0 ] || set -- arm64 nehalem icelake
	for processor; do
		case $processor in
		arm64) arm64 ;;
		nehalem) nehalem ;;
		icelake) icelake ;;
		*) die "run.sh: $processor is none of arm64, nehalem, icelake" ;;
		esac
	done
	exit $failed
}
main "$@"
