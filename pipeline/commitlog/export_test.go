package commitlog

// Mutants are the rules that tests take away, one at a time.
var Mutants = []string{
	mutPutByRename, mutNoFileSync, mutNoStagingSync, mutNoParentSync, mutNoRecordSync, mutNoChainSync, mutActBeforeSync,
	mutSyncAgain, mutLoserAll, mutLoserUndecided, mutUnknownIsLost, mutCollectOpen, mutCollectSecond, mutFirstFromData,
	mutStartFromCaller, mutEmptySegment, mutNoRunCheck, mutOneRunID, mutSharedTemp, mutVisibleEarly, mutSealOpen, mutNoPreparedSync,
	mutMergeKeepsOld, mutMergeByRename, mutMergesFirst, mutFoldedCounts, mutFoldedMerges, mutFoldNotSynced,
}

// Mutate takes a rule away until the returned function is called.
func Mutate(rule string) (restore func()) {
	mutant = rule
	return func() { mutant = "" }
}

// Unmutated calls fn with every rule in place.
func Unmutated(fn func()) {
	m := mutant
	mutant = ""
	fn()
	mutant = m
}

// Decoders of what a folder holds.
var (
	DecodeRecord = decodeRecord
	DecodeRun    = decodeRun
	Encode       = encode
)
