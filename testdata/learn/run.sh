#!/bin/bash
# Shows that inoculation works, on what inoculate writes: makes a corpus, runs the arms, fine-tunes a small model on each.
#
#   testdata/learn/run.sh [--seeds 0,1,2] [--out DIR]
#
# Minutes on two cores. The corpus, the arms and the Python environment are kept below $INOCULATE_LEARN_DIR (/tmp/inoculate-learn).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${INOCULATE_LEARN_DIR:-/tmp/inoculate-learn}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
if [ ! -e "$dir/venv/ready" ]; then
	python3 -m venv "$dir/venv"
	"$dir/venv/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt"
	touch "$dir/venv/ready"
fi
python=$dir/venv/bin/python
(cd "$here/../.." && CGO_ENABLED=0 go build -trimpath -o "$dir/inoculate" ./cmd/inoculate)
rm -rf "${dir:?}/corpus"
"$python" "$here/corpus.py" "$dir/corpus"
cp "$here/pipeline.yaml" "$dir/corpus/"
(cd "$dir/corpus" && ../inoculate run pipeline.yaml && ../inoculate verify arms | tail -1)
export HF_HOME=$dir/huggingface HF_HUB_OFFLINE=1
exec "$python" "$here/learn.py" "$dir/corpus" "$dir/corpus/arms" --out "$dir/results" "$@"
