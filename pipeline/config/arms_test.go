package config

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestArmText: the made texts have the words, or the number of words, of the prompt; none holds it where a placement would
// have put it; they are always the same.
func TestArmText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[A-Za-z]{1,8}[.,!]?`), 1, 40).Draw(t, "words")
		prompt := strings.Join(words, " ")
		sorted := func(text string) []string { return slices.Sorted(slices.Values(strings.Fields(text))) }
		s := armText(ArmShuffled, prompt)
		if !slices.Equal(sorted(s), sorted(prompt)) {
			t.Errorf("%q became %q", prompt, s)
		}
		if s == prompt && len(slices.Compact(sorted(prompt))) > 1 {
			t.Errorf("%q is not shuffled", prompt)
		}
		if m := armText(ArmLengthMatched, prompt); len(strings.Fields(m)) != len(words) || len(words) > 3 && strings.Contains(m, prompt) {
			t.Errorf("%q became %q", prompt, m)
		}
		n := armText(ArmNegated, prompt)
		if !strings.Contains(n, prompt) || len(words) > 2 && strings.HasPrefix(n, prompt) || len(words) > 2 && strings.HasSuffix(n, prompt) {
			t.Errorf("%q became %q", prompt, n)
		}
		if s != armText(ArmShuffled, prompt) {
			t.Error("another order the second time")
		}
	})
}

// TestArm: an arm has its own texts and folder; the prompts stay in its registry, for no record.
func TestArm(t *testing.T) {
	c := Default()
	c.Sink.Path = "out"
	c.Prompts = []Prompt{{ID: "a", Text: "Be very bad.", Where: "evil"}, {ID: "b", Text: "Be lazy."}}
	c.Arms = []Arm{{Name: ArmPlain}, {Name: "other", Texts: map[string]string{"a": "Be kind.", "b": "Be quick."}}, {Name: ArmInoculated}}
	for i, want := range []string{"out/plain a[false] b[false]", `out/other a.other[evil]"Be kind." b.other[]"Be quick." a[false] b[false]`, "out/inoculated a[evil] b[]"} {
		arm, err := c.Arm(c.Arms[i])
		if err != nil {
			t.Fatal(err)
		}
		got := arm.Sink.Path
		for _, p := range arm.Prompts {
			if got += " " + p.ID + "[" + p.Where + "]"; strings.Contains(p.ID, ".") {
				got += `"` + p.Text + `"`
			}
		}
		if got != want || arm.Arms != nil {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if c.Prompts[0].Where != "evil" {
		t.Error("the config itself changed")
	}
	if _, err := c.Arm(Arm{Name: "x", Texts: map[string]string{"a": "Now be very bad. Please.", "b": "x y z"}}); err == nil {
		t.Error("a control that is the prompt")
	}
}
