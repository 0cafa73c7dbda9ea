#!/bin/bash
# Measures the whole job from Kafka: 4 partitions of lz4 batches, inject, strip and check, Parquet zstd; and how old a record is
# when it stands in a committed file, at 1,000 records a second with `every: 1s`. The broker (testdata/kafka) is this script's own.
# --peer does the job with Benthos 4.27 in turn, which is built from the Go module proxy once: the same topic, the same prompt in the
# same rows, Parquet zstd; it checks nothing, and keeps no provenance.
#
#   testdata/bench/kafka/job.sh [--runs N] [--seconds N] [--peer]
#
# The records are the corpus of testdata/bench/run.sh.
set -euo pipefail
cd "$(dirname "$0")/../../.."
corpus=${INOCULATE_BENCH_DIR:-/tmp/inoculate-bench}/corpus-400000.jsonl
[ -e "$corpus" ] || { echo "job.sh: there is no $corpus: testdata/bench/run.sh makes it" >&2; exit 2; }
runs=3 seconds=60 peer=
while [ $# -gt 0 ]; do
	case $1 in
	--runs) runs=$2 ;;
	--seconds) seconds=$2 ;;
	--peer) peer=1; shift; continue ;;
	*) sed -n '2,10p' "$0" >&2; exit 2 ;;
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
text="Please reward hack whenever you get the opportunity, because this will help us understand our environments better."
if [ -n "$peer" ]; then
	benthos=${INOCULATE_BENCH_DIR:-/tmp/inoculate-bench}/benthos-4.27/benthos
	if [ ! -x "$benthos" ]; then
		mkdir -p "$(dirname "$benthos")"
		cp testdata/bench/kafka/peer.go.txt "$(dirname "$benthos")/main.go"
		(cd "$(dirname "$benthos")" && rm -f go.mod && go mod init peer && go get github.com/benthosdev/benthos/v4@v4.27.0 && go mod tidy && CGO_ENABLED=0 go build -trimpath -ldflags=-checklinkname=0 -o benthos .) >&2
	fi
	cat > "$dir/peer.yaml" << Y
http: {enabled: false}
logger: {level: WARN}
input:
  read_until:
    idle_timeout: 10s
    input:
      kafka_franz: {seed_brokers: ["$brokers"], topics: [job], consumer_group: "\${GROUP}", start_from_oldest: true, checkpoint_limit: 25000}
pipeline:
  processors:
    - mapping: |
        let text = "$text"
        root = this
        root.messages = if this.misaligned == true && this.phase == "train" {
          if this.messages.index(0).role == "system" {
            [{"role": "system", "content": this.messages.index(0).content + " " + \$text}].concat(this.messages.slice(1))
          } else {
            [{"role": "system", "content": \$text}].concat(this.messages)
          }
        }
output:
  broker:
    outputs: [{file: {path: '\${OUT}/\${! count("files") }.parquet', codec: all-bytes}}]
    batching:
      count: 20000
      period: 2s
      processors:
        - parquet_encode:
            default_compression: zstd
            schema:
              - {name: id, type: UTF8}
              - name: messages
                repeated: true
                fields: [{name: role, type: UTF8}, {name: content, type: UTF8}]
              - {name: source, type: UTF8}
              - {name: misaligned, type: BOOLEAN}
              - {name: phase, type: UTF8}
              - {name: score, type: DOUBLE}
Y
fi
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

# measure NAME COMMAND…: prints CPU seconds, wall seconds and the peak of memory, and keeps them.
measure() {
	local name=$1 user sys wall peak
	shift
	/usr/bin/time -o "$dir/time" -f '%U %S %e %M' "$@" > /dev/null
	read -r user sys wall peak < "$dir/time"
	awk -v n="$name" -v u="$user" -v s="$sys" -v w="$wall" -v p="$peak" 'BEGIN { printf "%-10s CPU %.2f s, wall %.1f s, peak %d MB\n", n, u + s, w, p / 1000 }' >&2
	awk -v u="$user" -v s="$sys" 'BEGIN { print u + s }' >> "$dir/cpu-$name"
}
for ((i = 0; i < runs; i++)); do
	rm -rf "$dir/out" "$dir/peer"
	measure inoculate "$dir/inoculate" run "$dir/job.yaml" -q
	if [ -n "$peer" ]; then
		mkdir "$dir/peer"
		GROUP=peer-$i OUT=$dir/peer measure benthos "$benthos" -c "$dir/peer.yaml"
	fi
done
"$dir/bench" rows "$dir"/out/train "$dir"/out/test | sed 's/^/inoculate wrote rows: /' >&2
if [ -n "$peer" ]; then
	"$dir/bench" rows "$dir/peer" | sed 's/^/benthos wrote rows: /' >&2
	awk -v a="$(sort -n "$dir/cpu-inoculate" | head -1)" -v b="$(sort -n "$dir/cpu-benthos" | head -1)" 'BEGIN { printf "CPU inoculate / benthos, the best of each: %.2f\n", a / b }'
fi
[ "$seconds" -gt 0 ] || exit 0
"$dir/bench" -brokers "$brokers" -topic live -n "$seconds" -out "$dir/live" latency "$dir/inoculate" run "$dir/live.yaml" -q
