#!/bin/bash
# Explores the variants of commit.pml, and of fold.pml (fold_…), with spin. All of them: about ten minutes on 2 cores, up to 8 GB each (MEM); writes
# results.txt. `run.sh quick`: those that take a minute together; writes nothing, and fails where one does not come out as it must.
# T is the limit in seconds of one exploration.
cd "$(dirname "$0")" || exit 1
for tool in spin gcc; do
	command -v $tool > /dev/null || { echo "run.sh: $tool is not installed (apt-get install spin gcc); nothing was checked" >&2; exit 2; }
done
export MEM=${MEM:-8000} T=${T:-280}
out=$(mktemp); trap 'rm -f "$out"' EXIT
say() { tee -a "$out"; }
# each NAME MODE FLAGS… on standard input
all() { xargs -P2 -I{} sh -c './run1.sh {}' | say; }
fail() { sed 's/^\([^ ]*\)/\1 s/' bugs.txt; }
hold() { cat <<'X'
live_n2_gc l -DN=2 -DW=2 -DLIVE -DNOSEAL
live_n3 l -DN=3 -DW=2 -DLIVE -DNOSEAL -DNOGC
recreate_run_id s -DN=3 -DW=2 -DRECREATE -DNOSEAL -DNOGC
power_seal s -DN=2 -DW=2 -DPOWER -DNOGC
power_n3 s -DN=3 -DW=2 -DPOWER -DNOGC -DNOSEAL
publish_glob_n3 s -DN=3 -DW=2 -DPUBLISH -DGLOB -DNOGC
fold_prep_n1 s -DN=1 -DW=2 -DFOLDERS=1 -DK=1 -DPREP
fold_k1 s -DN=2 -DW=2 -DFOLDERS=1 -DK=1
X
[ -n "$quick" ] || cat <<'X'
live_n2_w3 l -DN=2 -DW=3 -DLIVE -DPIPE -DNOSEAL -DNOGC
publish_glob_gc s -DN=2 -DW=2 -DPUBLISH -DGLOB
publish_gc_power s -DN=2 -DW=2 -DPUBLISH -DPOWER -DNOSEAL
publish_power s -DN=3 -DW=2 -DPUBLISH -DPOWER -DNOGC -DNOSEAL
publish_power_seal s -DN=2 -DW=2 -DPUBLISH -DPOWER -DNOGC
power_gc s -DN=2 -DW=2 -DPOWER -DNOSEAL
async_gc s -DN=2 -DW=2 -DASYNC -DNOSEAL
async_pipe s -DN=3 -DW=2 -DASYNC -DPIPE -DNOGC -DNOSEAL
ckpt_keeps_keys s -DN=2 -DW=2 -DCKPT -DPIPE -DNOSEAL
workers3_n3 s -DN=3 -DW=3 -DNOGC -DNOSEAL
workers3_gc s -DN=2 -DW=3 -DNOSEAL
pipe_n4 s -DN=4 -DW=2 -DPIPE -DNOGC -DNOSEAL
pipe_gc s -DN=3 -DW=2 -DPIPE -DNOSEAL
base s -DN=3 -DW=2
fold_k2 s -DN=2 -DW=2 -DFOLDERS=1 -DK=2
fold_f2 s -DN=2 -DW=1 -DFOLDERS=2 -DK=2
fold_n3 s -DN=3 -DW=2 -DFOLDERS=1 -DK=1
fold_prep s -DN=2 -DW=2 -DFOLDERS=1 -DK=1 -DPREP
X
}
[ "$1" = quick ] && quick=1
slow='^(fold_walk_once|fold_no_stands|fold_no_tidy|fold_dead_book|skip_existing|no_fsync_after_read|no_dir_fsync|gc_second|glob) '
echo "MUST FAIL (breadth first, so the shortest counterexample):" | say
export BFS=1 WB=22
if [ -n "$quick" ]; then export O=-O1; fail | grep -Ev "$slow" | all; else fail | all; fi
unset BFS O
./run1.sh live_empty l -DN=2 -DW=2 -DLIVE -DNOSEAL -DNOGC -DBUG_EMPTY | say
echo "MUST HOLD (exhaustive):" | say
export WB=$([ -n "$quick" ] && echo 23 || echo 25)
hold | all
[ -n "$quick" ] || cp "$out" results.txt
# every line before MUST HOLD has an error, every one after it has none
awk '/^MUST/ { want = /FAIL/ ? "1" : "0"; next } { n++ } $3 != want || $2 != "errors:" { bad = 1; print "NOT AS IT MUST BE: " $0 } END { exit bad || n < 20 }' "$out"
