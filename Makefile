# Each target is a step of .ci/run, so that what passes here passes there. `make ci` runs them all.

.PHONY: build test race lint bench model interop test-interop fuzz tidy quickstart learn learn-tiny learn-smol ci

build:
	.ci/run build

test:
	.ci/run test

race:
	.ci/run race scripts

lint:
	.ci/run lint

model:
	testdata/model/run.sh

interop test-interop:
	.ci/run interop

fuzz:
	.ci/run fuzz

tidy:
	.ci/run tidy

quickstart:
	.ci/run quickstart

learn: learn-tiny learn-smol

learn-tiny:
	testdata/learn/run.sh

learn-smol:
	testdata/learn/smol/run.sh

bench:
	testdata/bench/run.sh

ci:
	.ci/run
