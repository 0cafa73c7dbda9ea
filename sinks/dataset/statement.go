package dataset

import (
	"cmp"
	"encoding/json"
	"fmt"
)

// StatementName is the file with the result of the separation check as an in-toto statement, for attestations that are signed.
const StatementName = "separation.intoto.json"

// statement says, over the digests of all data files, which checks they passed.
func (s *Sealer) statement(m *Manifest) ([]byte, error) {
	subjects := []node{}
	for _, f := range m.Files {
		if f.Phase == "train" || f.Phase == "test" {
			subjects = append(subjects, node{"name": f.Path, "digest": node{"sha256": f.SHA256}})
		}
	}
	var c struct{ Check struct{ Tier string } }
	if err := json.Unmarshal(m.Config, &c); err != nil {
		return nil, fmt.Errorf("reading the config of the run: %w", err)
	}
	passed, warned, failed := []string{}, []string{}, []string{}
	test := func(ok bool, worse *[]string, name string) {
		if ok {
			passed = append(passed, name)
		} else {
			*worse = append(*worse, name)
		}
	}
	test(m.Checks.CountsAddUp, &failed, "records in = train + test + filtered + rejects")
	test(m.Checks.Leaks == 0, &failed, "no test record carries a prompt, tier "+cmp.Or(c.Check.Tier, "exact"))
	test(m.Checks.Violations == 0, &failed, "each selected train record carries its prompts once, at their place, and no other record does")
	test(m.Checks.BothPhases.Conversations == 0, &warned, "no conversation stands in both phases")
	test(m.Checks.BothPhases.UserPrompts == 0, &warned, "no user prompt stands in both phases")
	result := "PASSED"
	switch {
	case len(failed) > 0:
		result = "FAILED"
	case len(warned) > 0:
		result = "WARNED"
	}
	return indented(node{
		"_type": "https://in-toto.io/Statement/v1", "subject": subjects, "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
		"predicate": node{
			"result": result, "passedTests": passed, "warnedTests": warned, "failedTests": failed,
			"configuration": []node{
				{"name": "config", "digest": node{"sha256": m.ConfigSHA256}}, {"name": "prompts", "digest": node{"sha256": m.PromptsSHA256}},
				{"name": "schema", "digest": node{"sha256": m.SchemaSHA256}},
			},
		},
	})
}
