package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"sync"

	"inoculate/cmd/inoculate/internal/audit"
)

// maxRows is how many findings the page lists. All are counted.
const maxRows = 2000

//go:embed page.html
var pageText string

var pageTemplate = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(pageText)) })

// page collects one self-contained HTML file: a bar for each prompt and each source, and a table that can be filtered.
type page struct {
	w       io.Writer
	version string
	rows    []pageRow
	prompts map[string]int64
	sources map[string]int64
	levels  map[string]int64
	tiers   map[string]int64
}

type pageRow struct {
	Severity, What, How, Source, Pointer string
	Row                                  int64
	Before, Match, After                 string
	Fingerprint                          string
	Search                               string // what the filter looks at, in lower case
}

// bar is a count, drawn.
type bar struct {
	Name  string
	Count int64
	Share int // of the largest, in percent
}

// Finding adds a row.
func (p *page) Finding(f audit.Finding) error {
	if p.prompts == nil {
		p.prompts, p.sources, p.levels, p.tiers = map[string]int64{}, map[string]int64{}, map[string]int64{}, map[string]int64{}
	}
	name := f.Prompt
	if name == "" {
		name = "invisible text"
	}
	p.prompts[name]++
	p.sources[f.Source]++
	p.levels[f.Severity]++
	p.tiers[f.Tier]++
	if len(p.rows) == maxRows {
		return nil
	}
	how := strings.TrimSuffix(strings.TrimPrefix(title(&f), "prompt "+f.Prompt+" ("), ")")
	if f.Prompt == "" {
		how = f.Tier
	}
	before, match, after := f.Parts()
	r := pageRow{Severity: f.Severity, What: name, How: how, Source: f.Source, Pointer: f.Pointer, Row: f.Row, Before: before, Match: match, After: after, Fingerprint: f.Fingerprint}
	if f.Last != "" {
		r.Pointer += " to " + f.Last
	}
	r.Search = strings.ToLower(strings.Join([]string{r.Severity, r.What, r.How, r.Source, r.Pointer, f.Context, f.Behavior, f.Fingerprint}, " "))
	p.rows = append(p.rows, r)
	return nil
}

// bars are the largest counts, in order.
func bars(counts map[string]int64) (out []bar, more int) {
	const most = 20
	top := int64(1)
	for name, n := range counts {
		out = append(out, bar{Name: name, Count: n})
		top = max(top, n)
	}
	slices.SortFunc(out, func(a, b bar) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name)) })
	if len(out) > most {
		out, more = out[:most], len(out)-most
	}
	for i := range out {
		out[i].Share = max(1, int(100*out[i].Count/top))
	}
	return out, more
}

// End writes the page.
func (p *page) End(s *audit.Summary) error {
	prompts, morePrompts := bars(p.prompts)
	sources, moreSources := bars(p.sources)
	verdict := "No copies were found."
	if s.Findings > 0 {
		verdict = fmt.Sprintf("%d copies were found.", s.Findings)
	}
	return pageTemplate().Execute(p.w, map[string]any{
		"Verdict": verdict, "Clean": s.Findings == 0 && s.Problems == 0, "Summary": s, "Rows": p.rows, "Hidden": s.Findings - int64(len(p.rows)),
		"Prompts": prompts, "MorePrompts": morePrompts, "Sources": sources, "MoreSources": moreSources, "Levels": p.levels, "Tiers": strings.Join(s.Tiers, ", "), "Version": p.version,
	})
}
