#!/bin/bash
# Measures the exact tier against Vectorscan's literal API, in one run: one thread, ASCII letter case aside, 1 to 48,000 patterns
# over 256 MB of chat records with the patterns behind them, all in memory. Both must find the same number of matches.
#
#   testdata/bench/scan/run.sh [SECONDS]      CPU time for each measurement (5)
#
# Then it prints the speed of each tier, on English, Russian and Greek text and on the records.
#
# Needs gcc and Vectorscan (Debian: libvectorscan-dev, pkg-config), and the corpus of testdata/bench/run.sh.
set -euo pipefail
cd "$(dirname "$0")/../../.."
seconds=${1:-5}
corpus=${INOCULATE_BENCH_DIR:-/tmp/inoculate-bench}/corpus-400000.jsonl
[ -e "$corpus" ] || { echo "run.sh: there is no $corpus: testdata/bench/run.sh makes it" >&2; exit 2; }
pkg-config --exists libhs || { echo "run.sh: Vectorscan is missing (apt-get install libvectorscan-dev pkg-config)" >&2; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# shellcheck disable=SC2046
gcc -O2 -o "$dir/vectorscan" testdata/bench/scan/peer/vectorscan.c $(pkg-config --cflags --libs libhs)
CGO_ENABLED=0 go build -o "$dir/scan" ./testdata/bench/scan
head -c 268435456 "$corpus" > "$dir/records"
printf '%9s %10s %18s %18s %8s\n' patterns matches 'inoculate GB/s' 'vectorscan GB/s' ratio
for n in 1 32 1000 48000; do
	"$dir/scan" -make "$n" > "$dir/patterns"
	cat "$dir/records" "$dir/patterns" > "$dir/hay" # so that there is something to find
	read -r found ours < <(GOMAXPROCS=1 "$dir/scan" -seconds "$seconds" "$dir/patterns" "$dir/hay")
	read -r want theirs < <("$dir/vectorscan" "$dir/patterns" "$dir/hay" "$seconds")
	[ "$found" = "$want" ] || { echo "run.sh: $found and $want matches of $n patterns" >&2; exit 1; }
	awk -v n="$n" -v f="$found" -v a="$ours" -v b="$theirs" 'BEGIN { printf "%9d %10d %18.2f %18.2f %8.2f\n", n, f, a, b, a / b }'
done
printf '\nThe whole search by tier, GB per CPU second (records that the fast look lets pass):\n%9s %10s\n' patterns text
for n in 1000 48000; do
	"$dir/scan" -make "$n" > "$dir/patterns"
	GOMAXPROCS=1 "$dir/scan" -tiers -seconds "$(awk -v s="$seconds" 'BEGIN { print s / 2 }')" "$dir/patterns" "$dir/records"
done
