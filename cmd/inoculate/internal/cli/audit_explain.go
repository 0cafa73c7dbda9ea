package cli

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"inoculate/cmd/inoculate/internal/audit"
	"inoculate/transforms/scan/tiers"
)

// maxExplained is how many places of one finding are shown.
const maxExplained = 5

func (a *app) auditExplainCommand() *cobra.Command {
	var f auditFlags
	c := &cobra.Command{
		Use:   "explain FINGERPRINT PATH… --prompts FILE",
		Short: "Say why a finding is one: the tier, how the text was read, what it matches",
		Long: `Audit the paths again and say of the finding with this fingerprint (or occurrence; the first six digits will do)
why it is one: by which tier, how the text was decoded and read, where exactly it stands, and what it matches.`,
		Example: "  inoculate audit explain db00042e66c4 eval/ --prompts prompts.yaml",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usageError{errors.New("it takes a fingerprint and the paths to look in")}
			}
			if len(args[0]) < 6 || strings.Trim(args[0], "0123456789abcdef") != "" {
				return usageError{fmt.Errorf("%q is no fingerprint: at least six hexadecimal digits", args[0])}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			au, err := f.auditor(a)
			if err != nil {
				return err
			}
			n := 0
			au.Found = func(x audit.Finding) error {
				if !strings.HasPrefix(x.Fingerprint, args[0]) && !strings.HasPrefix(x.Occurrence, args[0]) {
					return nil
				}
				if n++; n <= maxExplained {
					a.explain(&x)
				}
				return nil
			}
			if err := au.Run(c.Context(), args[1:]); err != nil {
				return err
			}
			if n > maxExplained {
				fmt.Fprintf(a.out, "and %d more\n", n-maxExplained)
			}
			if n == 0 {
				return fmt.Errorf("nothing that is found has the fingerprint %s (a rule of the registry may allow it, or another --tier find it)", args[0])
			}
			return (&auditPrinter{app: a}).incomplete(&au.Summary)
		},
	}
	f.add(c)
	return c
}

// tierHelp says what a tier finds.
var tierHelp = map[string]string{
	"exact":      "byte for byte, letter case of ASCII aside",
	"normalized": "the same once case, spaces, punctuation, accents, invisible and look-alike characters are set aside",
	"encoded":    "the same once it is decoded",
	"near":       "a near copy: most of its telling words, in order",
}

func (a *app) explain(f *audit.Finding) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(a.out, "  %-10s %s\n", name, visible(fmt.Sprintf(format, args...)))
	}
	fmt.Fprintf(a.out, "%s: %s, %s\n", f.Fingerprint, visible(what(*f)), f.Severity)
	line("where", "%s, line or row %d%s, bytes %d to %d", f.Source, f.Row, at(*f), f.Span[0], f.Span[1])
	line("tier", "%s: %s", f.Tier, tierHelp[f.Tier])
	if f.Via != "" {
		line("decoded", "%s, outermost first", strings.ReplaceAll(f.Via, ">", ", then "))
	}
	if f.Kind == tiers.NearCopy {
		line("score", "%.2f of 1, %s", f.Score, counted(f.Edits, "edit"))
	}
	if f.Polarity == "negated" {
		line("negated", "it says not to; a model may take it for the prompt all the same")
	}
	before, match, after := f.Parts()
	line("text", "%s[[%s]]%s", before, match, after)
	if f.Read() != match {
		line("read as", "%s", f.Read())
	}
	if f.LookedFor() != "" {
		line("matches", "%s", f.LookedFor())
	}
	if odd := oddRunes(match); odd != "" {
		line("characters", "%s", odd)
	}
	line("accept", "allow: [{hash: %s, reason: …}] in the registry, or audit baseline", f.Fingerprint)
	fmt.Fprintln(a.out)
}

// oddRunes names the characters of a match that are not plain ASCII text.
func oddRunes(s string) string {
	var parts []string
	seen := map[rune]bool{}
	for _, r := range s {
		if r >= 0x80 && r != utf8.RuneError && !seen[r] {
			seen[r] = true
			if parts = append(parts, fmt.Sprintf("%U", r)); len(parts) == 12 {
				return strings.Join(parts, " ") + " …"
			}
		}
	}
	return strings.Join(parts, " ")
}
