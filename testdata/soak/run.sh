#!/bin/bash
# Streams small records from Kafka through inoculate for minutes, as fast as it takes them, and looks every 10 s at its memory,
# goroutines, open files, commits, and the files of its folder, which it merges at each seal. At the end each record must stand in
# the folder once, and nothing may have grown: in the last third at most 1.2 times of what it was in the second, by the most
# memory, files of the commit log and of the dataset, and by the fewest goroutines and open files.
#
#   testdata/soak/run.sh [MINUTES]      (10)
#
# The broker (testdata/kafka) and its data are this script's own; ten minutes take some GB of disk.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
kafka=testdata/kafka/start.sh
trap '"$kafka" down --data "$dir/data" >&2; rm -rf "$dir"' EXIT
CGO_ENABLED=0 go build -trimpath -o "$dir/inoculate" ./cmd/inoculate
go build -o "$dir/soak" ./testdata/soak
brokers=$("$kafka" up --data "$dir/data" --cache "${XDG_CACHE_HOME:-$HOME/.cache}/inoculate-test/kafka")
"$dir/soak" -brokers "$brokers" -program "$dir/inoculate" -dir "$dir" -for "${1:-10}m"
