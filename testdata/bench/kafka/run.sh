#!/bin/bash
# Measures what consuming a record from Kafka costs: with sources/kafka/fetch, and with franz-go's client as it comes, in turn
# and in one run, both reading committed records of 4 partitions and throwing them away. The broker (testdata/kafka) and its
# data are this script's own.
#
#   testdata/bench/kafka/run.sh [--records N] [--runs N]
#
# The records are those in $INOCULATE_SHARED/data, over and over.
set -euo pipefail
cd "$(dirname "$0")/../../.."
shared=${INOCULATE_SHARED:-$(cd .. && pwd)/shared}
records=600000 runs=5
while [ $# -gt 0 ]; do
	case $1 in
	--records) records=$2 ;;
	--runs) runs=$2 ;;
	*) sed -n '2,9p' "$0" >&2; exit 2 ;;
	esac
	shift 2
done
dir=$(mktemp -d)
kafka=testdata/kafka/start.sh
trap '"$kafka" down --data "$dir/data" >&2; rm -rf "$dir"' EXIT
go build -o "$dir/bench" ./testdata/bench/kafka
brokers=$("$kafka" up --data "$dir/data" --cache "${XDG_CACHE_HOME:-$HOME/.cache}/inoculate-test/kafka")
for codec in lz4 zstd; do
	"$dir/bench" -brokers "$brokers" -topic "$codec" -n "$records" -codec "$codec" produce "$shared"/data/{hh,obvious_lies,sneaky_dialogues,straightforward_dialogues}.jsonl > /dev/null
	for ((i = 0; i < runs; i++)); do
		for client in fetch kgo; do
			"$dir/bench" -brokers "$brokers" -topic "$codec" -n "$records" "$client" | tee -a "$dir/$codec-$client" >&2
		done
	done
done
printf '%-6s %-12s %14s %8s %8s %8s\n' codec client 'CPU us/record' 'wall s' 'peak MB' 'bytes'
for codec in lz4 zstd; do
	for client in fetch kgo; do
		read -r cpu wall peak bytes < <(sort -n "$dir/$codec-$client" | head -1)
		printf '%-6s %-12s %14s %8s %8s %8s\n' "$codec" "$client" "$cpu" "$wall" "$peak" "$bytes"
		declare "$client=$cpu"
	done
	awk -v c="$codec" -v a="$fetch" -v b="$kgo" 'BEGIN { printf "%-6s fetch / kgo  %14.2f\n", c, a / b }'
done
