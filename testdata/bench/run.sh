#!/bin/bash
# Measures inoculate against what people use today, all in one run on one machine: CPU seconds, wall time, peak memory.
#
#   testdata/bench/run.sh [--rows N] [--runs N] [--jobs NAMES] [--peers NAMES] [--large] [--no-check]
#
# --jobs "" measures the start-up alone. The corpus (about 700 MB as JSON lines) is made once from the records in
# $INOCULATE_SHARED/data, and kept with the Python environment of the peers below $INOCULATE_BENCH_DIR (/tmp/inoculate-bench).
# --large also measures the memory that ten times the input takes (10 GB of disk).
set -euo pipefail
cd "$(dirname "$0")/../.."
shared=${INOCULATE_SHARED:-$(cd .. && pwd)/shared}
dir=${INOCULATE_BENCH_DIR:-/tmp/inoculate-bench}
rows=400000
args=("$@")
for ((i = 0; i < $#; i++)); do
	[ "${args[i]}" != --rows ] || rows=${args[i + 1]}
done
[ -d "$shared/bench" ] || { echo "run.sh: no folder $shared/bench (set INOCULATE_SHARED)" >&2; exit 2; }

mkdir -p "$dir"
if [ ! -e "$dir/venv/ready" ]; then
	python3 -m venv "$dir/venv"
	"$dir/venv/bin/pip" install -q --disable-pip-version-check pyarrow==26.0.1 numpy==2.4.6 orjson==3.13.0 datasets==5.2.0
	touch "$dir/venv/ready"
fi
for n in "$rows" 20000; do # the small one is for checking the outputs
	[ -e "$dir/corpus-$n.ready" ] || { "$dir/venv/bin/python" "$shared/bench/mkcorpus.py" "$n" "$dir/corpus-$n" && touch "$dir/corpus-$n.ready"; }
done
CGO_ENABLED=0 go build -trimpath -o "$dir/inoculate" ./cmd/inoculate
exec "$dir/venv/bin/python" testdata/bench/bench.py --dir "$dir" --shared "$shared" --rows "$rows" "$@"
