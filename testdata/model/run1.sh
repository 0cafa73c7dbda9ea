#!/bin/bash
# run1.sh NAME MODE FLAGS... ; MODE = s (safety) | l (liveness). BFS=1 finds the shortest counterexample.
name=$1; mode=$2; shift 2
case $name in fold_*) model=fold.pml;; *) model=commit.pml;; esac
here="$(cd "$(dirname "$0")" && pwd)"
d=$(mktemp -d); trap 'rm -rf "$d"' EXIT; cd "$d" || exit 1
spin -a "$@" "$here/$model" > spin.out 2>&1 || { echo "$name SPIN-ERROR"; cat spin.out; exit 1; }
if [ "$mode" = s ]; then C="-DSAFETY"; R=""; else C="-DNFAIR=9"; R="-a -f"; fi
[ -n "$BFS" ] && C="$C -DBFS"
gcc -w "${O:--O2}" $C -DCOLLAPSE -DVECTORSZ=2048 -DMEMLIM="${MEM:-8000}" -o pan pan.c 2> gcc.out || { echo "$name GCC-ERROR"; head gcc.out; exit 1; }
timeout "${T:-300}" ./pan $R -m"${M:-3000000}" -w"${WB:-26}" > pan.out 2>&1; rc=$?
e=$(grep -o 'errors: [0-9]*' pan.out); st=$(grep 'states, stored' pan.out | awk '{print $1}'); tr=$(grep ' transitions' pan.out | awk '{print $1}'); el=$(grep 'elapsed' pan.out | sed 's/.*time //')
[ $rc -eq 124 ] && e="TIMEOUT"
why=$(grep -o 'assertion violated.*\|acceptance cycle.*\|invalid end state.*\|max search depth too small.*\|out of memory.*\|reached -DMEMLIM.*' pan.out | head -1)
[ "$e" = "errors: 0" ] && why=
printf '%-22s %-11s states=%-10s trans=%-11s %-10s %s [%s]\n' "$name" "${e:-rc$rc}" "$st" "$tr" "$el" "$why" "$*"
