// Package commitlog keeps the run record and the chains of commit records: put-if-absent, replay, roll forward, garbage.
//
// It is the only truth about what is done. The layout below the output folder:
//
//	_commits/run.json                                 the run record: config, prompts, schema, plan
//	_commits/<run>/<partition>/start.json             where the partition begins
//	_commits/<run>/<partition>/<first, 20 digits>.json  one commit record
//	_commits/<run>/<partition>/merge-[<fold>-]<number, 20 digits>.json  files in the place of those of several records
//	_commits/<run>/<partition>/fold-<number, 20 digits>-<id>.json  what stands for all records and merges before its number
//	.staging/                                         files that no record names yet, and temporary files
//	train/, test/, …                                  committed files only
//
// No locks, no leases, no clocks: any number of processes may work on one folder, and any of them may be killed at any
// point. The rules that make this safe are numbered; a comment names the rule at the line that keeps it.
//
//	R1  A file is deleted only after reading a record that covers its position and does not name it.
//	R2  A refused owner compares its files with the record that it read back.
//	R3  A chain is walked by key from its start record, never taken from a listing.
//	R4  The key of a record is never removed or used again, unless a fold stands for it (M2).
//	R5  Only success, or a record read back, decides a key; any other answer means unknown.
//	R6  A segment is not empty, and follows the record that stands in the log.
//	R7  A start record fixes where a partition begins; a segment begins where its predecessor ended. The start record of a
//	    partition that came up after the run's start (Adopt) holds what the plan would have said of it.
//	R8  One run record fixes config, prompts, schema and plan; it is checked at each reading of a chain.
//	R9  The run id is in every key and file name; all access goes through one root opened at the start.
//	R10 A file is visible to readers only after a durable record names it.
//	R11 Before the record: each file is synced, renamed, its folder synced, and the parents of new folders too.
//	R12 A record is written, synced, linked, its folder synced; who reads records syncs the folder before acting.
//	R13 Temporary names are unique to an attempt and hold partition and position; one that is gone means decided.
//	R14 The seal walks every planned partition to its end, or refuses.
//	M1  A merge is put if absent under the number behind the last one, and covers whole records and whole merges. Only then the
//	    old files are deleted, durably, and only then the new ones become visible: no reader sees a row twice. Which files are
//	    old is decided by merges read after the files were listed. (An owner that has slept between its look at the merges and its
//	    rename may show a second copy of an old file until it looks again, or the next process does.)
//	M2  A fold names all files that the records and merges before it leave, each durable in its folder; a record under the next
//	    number among the merges names the fold, put if absent; then the fold goes into the chain's folder, the fold before it goes,
//	    and after it the merges behind that one and the records, each durable before the next. Merges after a fold have its id
//	    in their keys, which is made of a random number and so never comes up again. Whoever has put looks for the fold afterwards
//	    (a merge: for the one it follows; a commit: for one that stands for its position), and what was put behind a fold that
//	    is gone counts for nothing, nor does what was read behind it. The first merges, before any fold, stay.
//
// testdata/model holds the model of this protocol.
package commitlog
