package commitlog

// mutant takes one rule away, to prove that the tests notice. Only tests set it.
var mutant string

const (
	mutPutByRename     = "a record is put by check, then rename"
	mutNoFileSync      = "a data file is not synced"
	mutNoStagingSync   = "the staging folder is not synced"
	mutNoParentSync    = "the parent of a new folder is not synced"
	mutNoRecordSync    = "a record is linked before it is synced"
	mutNoChainSync     = "the folder of a new record is not synced"
	mutActBeforeSync   = "records are acted on before their folder is synced"
	mutSyncAgain       = "a failed sync is tried again"
	mutLoserAll        = "a loser deletes its files without comparing"
	mutLoserUndecided  = "a loser deletes files of open positions"
	mutUnknownIsLost   = "an unknown answer is taken for a lost position"
	mutCollectOpen     = "the collector deletes files of open positions"
	mutCollectSecond   = "the collector deletes second copies of committed files"
	mutFirstFromData   = "a segment begins at the first position seen"
	mutStartFromCaller = "a partition begins where its owner says"
	mutEmptySegment    = "a segment may be empty"
	mutNoRunCheck      = "the run record is not checked"
	mutOneRunID        = "all runs have one id"
	mutSharedTemp      = "attempts share a temporary name"
	mutVisibleEarly    = "a file is visible before its record"
	mutSealOpen        = "an unfinished run is sealed"
	mutMergeKeepsOld   = "files that were merged stay"
	mutMergeByRename   = "a merge is put by check, then rename"
	mutMergesFirst     = "files are deleted by merges that were read before they were listed"
	mutFoldedCounts    = "what is put at a folded position counts"
	mutFoldedMerges    = "a merge counts that is put behind a fold that is gone"
	mutFoldNotSynced   = "records go before the fold that stands for them is durable"
	mutNoPreparedSync  = "the name of a prepared record is not synced"
)

// mutantDropsOpen tells whether R1 is taken away.
func mutantDropsOpen() bool {
	switch mutant {
	case mutCollectOpen, mutLoserUndecided, mutUnknownIsLost:
		return true
	}
	return false
}
