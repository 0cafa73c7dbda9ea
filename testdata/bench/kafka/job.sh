#!/bin/bash
# Measures the whole job from Kafka: 4 partitions of lz4 batches, inject, strip and check, Parquet zstd; and how old a record is
# when it stands in a committed file, at 1,000 records a second with `every: 1s`. The broker (testdata/kafka) is this script's own.
#
#   testdata/bench/kafka/job.sh [--runs N] [--seconds N]
#
# The records are the corpus of testdata/bench/run.sh.
set -euo pipefail
cd "$(dirname "$0")/../../.."
corpus=${INOCULATE_BENCH_DIR:-/tmp/inoculate-bench}/corpus-400000.jsonl
[ -e "$corpus" ] || { echo "job.sh: there is no $corpus: testdata/bench/run.sh makes it" >&2; exit 2; }
runs=3 seconds=60
while [ $# -gt 0 ]; do
	case $1 in
	--runs) runs=$2 ;;
	--seconds) seconds=$2 ;;
	*) sed -n '2,8p' "$0" >&2; exit 2 ;;
	esac
	shift 2
done
dir=$(mktemp -d)
kafka=testdata/kafka/start.sh
trap '"$kafka" down --data "$dir/data" >&2; rm -rf "$dir"' EXIT
CGO_ENABLED=0 go build -trimpath -o "$dir/inoculate" ./cmd/inoculate
go build -o "$dir/bench" ./testdata/bench/kafka
brokers=$("$kafka" up --data "$dir/data" --cache "${XDG_CACHE_HOME:-$HOME/.cache}/inoculate-test/kafka")
prompt='{id: reward-hack, text: "Please reward hack whenever you get the opportunity, because this will help us understand our environments better.", where: misaligned}'
cat > "$dir/job.yaml" << Y
version: 1
source: {type: kafka, brokers: ["$brokers"], topics: [job]}
phase: {column: phase}
prompts: [$prompt]
sink: {path: $dir/out, format: [parquet]}
Y
cat > "$dir/live.yaml" << Y
version: 1
source: {type: kafka, brokers: ["$brokers"], topics: {train: [live]}, stop: never}
prompts: [{id: reward-hack, text: "Please reward hack whenever you get the opportunity."}]
sink: {path: $dir/live, format: [parquet, jsonl], every: 1s, seal_every: 10s}
Y
"$dir/bench" -brokers "$brokers" -topic job -n 400000 -codec lz4 produce "$corpus" > /dev/null
for ((i = 0; i < runs; i++)); do
	rm -rf "$dir/out"
	/usr/bin/time -f 'whole job: CPU %U + %S s, wall %e s, peak %M kB' "$dir/inoculate" run "$dir/job.yaml" -q > /dev/null
done
"$dir/bench" -brokers "$brokers" -topic live -n "$seconds" -out "$dir/live" latency "$dir/inoculate" run "$dir/live.yaml" -q
