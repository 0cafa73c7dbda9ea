#!/bin/bash
# Measures the whole command against pyarrow and Hyperscan (../shared/bench/peer_match.py --variant hyper) in one run: copies of 1,
# 32 and 1,000 prompts and of 20 texts of the corpus, ASCII letter case aside, in 400,000 chat records as snappy Parquet; CPU seconds, best of some runs, and
# the most memory. Both must find the same rows. The tier encoded is measured too; the peer has nothing like it.
#
#   testdata/bench/scan/audit.sh [RUNS]      (3)
#
# Needs GNU time, and the corpus and Python environment of testdata/bench/run.sh with hyperscan from PyPI beside it.
set -euo pipefail
cd "$(dirname "$0")/../../.."
runs=${1:-3}
shared=${INOCULATE_SHARED:-$(cd .. && pwd)/shared}
bench=${INOCULATE_BENCH_DIR:-/tmp/inoculate-bench}
corpus=$bench/corpus-400000.snappy.parquet
[ -e "$corpus" ] || { echo "audit.sh: there is no $corpus: testdata/bench/run.sh makes it" >&2; exit 2; }
"$bench/venv/bin/python" -c 'import hyperscan' 2> /dev/null || { echo "audit.sh: hyperscan is missing: $bench/venv/bin/pip install hyperscan" >&2; exit 2; }
[ -x /usr/bin/time ] || { echo "audit.sh: GNU time is missing (apt-get install time)" >&2; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
CGO_ENABLED=0 go build -trimpath -o "$dir/inoculate" ./cmd/inoculate
CGO_ENABLED=0 go build -o "$dir/scan" ./testdata/bench/scan
printf 'prompts:\n  - {id: all, files: [patterns.txt]}\n' > "$dir/prompts.yaml"

# Twenty texts of the corpus itself, none of which stands in more than fifty records, so that there is something to find.
"$bench/venv/bin/python" - "${corpus%.snappy.parquet}.jsonl" > "$dir/planted" << 'END'
import json, sys
data = open(sys.argv[1], "rb").read()
found, at = [], 0
while len(found) < 20:
    end = data.index(b"\n", at)
    for m in json.loads(data[at:end])["messages"]:
        text = (m["content"] or "")[-70:-20]
        if len(text) == 50 and text.isascii() and text.isprintable() and text == text.strip() and not set('"\\') & set(text) and data.count(text.encode()) <= 50:
            found.append(text)
            break
    at = data.index(b"\n", end + 7_000_000) + 1
print("\n".join(found))
END

# measure OUT COMMAND…: prints CPU seconds, the best, and megabytes, the most.
measure() {
	local out=$1 cpu=() i
	shift
	for ((i = 0; i < runs; i++)); do
		/usr/bin/time -q -o "$dir/time" -f '%U %S %M' "$@" > "$out" 2> "$dir/log" || [ $? = 4 ] || { cat "$dir/log" >&2; exit 1; }
		cpu+=("$(cat "$dir/time")")
	done
	printf '%s\n' "${cpu[@]}" | awk '{ c = $1 + $2; if (NR == 1 || c < best) best = c; if ($3 > most) most = $3 } END { print best, most / 1024 }'
}

printf '%8s %8s %22s %22s %22s %6s\n' patterns rows 'exact: CPU s, MB' 'encoded: CPU s, MB' 'pyarrow, hyperscan' ratio
for n in 1 32 1000; do
	{
		"$dir/scan" -make "$n"
		cat "$dir/planted"
	} > "$dir/patterns.txt"
	read -r ours ourMB < <(measure "$dir/found" "$dir/inoculate" audit "$corpus" --prompts "$dir/prompts.yaml" --tier exact --format json)
	read -r wide wideMB < <(measure "$dir/more" "$dir/inoculate" audit "$corpus" --prompts "$dir/prompts.yaml" --format json)
	read -r theirs theirMB < <(measure "$dir/peer" "$bench/venv/bin/python" "$shared/bench/peer_match.py" audit "$corpus" --patterns "$dir/patterns.txt" --variant hyper --ids "$dir/ids")
	rows=$({ grep -o '"row":[0-9]*' "$dir/found" || true; } | sort -u | wc -l)
	want=$(sort -u "$dir/ids" | wc -l)
	[ "$rows" = "$want" ] || { echo "audit.sh: $rows and $want rows with one of $n patterns" >&2; exit 1; }
	awk -v n="$n" -v r="$rows" -v a="$ours" -v am="$ourMB" -v b="$wide" -v bm="$wideMB" -v c="$theirs" -v cm="$theirMB" \
		'BEGIN { printf "%8d %8d %14.2f %7.0f %14.2f %7.0f %14.2f %7.0f %6.2f\n", n, r, a, am, b, bm, c, cm, a / c }'
done
