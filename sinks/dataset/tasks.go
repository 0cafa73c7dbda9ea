package dataset

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"strings"
	"text/template"

	"inoculate/sinks/internal/columnar"
)

// taskFiles are the templates of what evaluation harnesses are pointed at.
//
//go:embed tasks
var taskFiles embed.FS

// tasks are the files that make the samples of a folder tasks of the harnesses.
func (s *Sealer) tasks(m *Manifest) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, format := range s.Formats {
		if !columnar.ForEval(format) {
			continue
		}
		for _, sp := range s.splits(m) {
			if sp.Rows == 0 || m.In(format, phaseOf(m, sp.Name)) == 0 {
				continue
			}
			files := map[string]string{"inspect.py": sp.Name + ".py"}
			if format == columnar.LMEval {
				files = map[string]string{"lm-eval.yaml": sp.Name + ".yaml", "lm-eval.py": "samples_" + sp.Name + ".py"}
			}
			for from, to := range files {
				data, err := render(from, struct{ Split, Task, Content string }{sp.Name, taskName(m, sp), m.Content})
				if err != nil {
					return nil, err
				}
				out[path.Join(format, to)] = data
			}
		}
	}
	return out, nil
}

// taskName tells the tasks of several folders apart.
func taskName(m *Manifest, sp Split) string {
	name := sp.Name
	if p := m.probe(); p != nil {
		name = strings.Trim(strings.Map(func(r rune) rune {
			if r == '-' || r == '.' {
				return '_'
			}
			return r
		}, sp.Name+"_"+p.Prompt+"_"+p.Condition), "_")
	}
	return name
}

func phaseOf(m *Manifest, split string) string {
	for phase, sp := range m.Splits {
		if sp.Name == split {
			return phase
		}
	}
	return ""
}

func render(name string, data any) ([]byte, error) {
	t, err := template.ParseFS(taskFiles, "tasks/"+name+".tmpl")
	if err != nil {
		return nil, fmt.Errorf("making a task: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("making a task: %w", err)
	}
	return b.Bytes(), nil
}
