package pipeline

// Counter names of commit records. A reject is also counted under RejectPrefix plus its reason, and a
// record that the source left out under FilteredPrefix plus its reason.
const (
	CountIn       = "in"
	CountTrain    = "train"
	CountTest     = "test"
	CountFiltered = "filtered"
	CountRejects  = "rejects"
	RejectPrefix  = "reject:"

	FilteredPrefix = "filtered:"
)

// DecisionNames are the counters of Decision, bit by bit.
var DecisionNames = []string{"injected", "already_present", "unselected", "selected_by_null", "stripped", "natural", "leaked", "violations",
	"llama_factory_drops", "torchtune_refuses", "openai_refuses", "trl_refuses", "axolotl_refuses"}
