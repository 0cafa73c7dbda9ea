package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"inoculate/cmd/inoculate/internal/cli"
	"inoculate/cmd/inoculate/internal/monitor"
	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/config"
	"inoculate/pipeline/engine"
)

const deploy = "../../testdata/deploy"

// TestDeployPipeline: the pipeline file of the examples is one.
func TestDeployPipeline(t *testing.T) {
	if _, _, l := config.Load(filepath.Join(deploy, "stream.yaml")); len(l) > 0 {
		t.Error(l)
	}
}

// TestDeployCommands: the commands of the examples have flags that the program knows.
func TestDeployCommands(t *testing.T) {
	help := helpOf(t, "run")
	for _, file := range []string{"inoculate.service", "statefulset.yaml"} {
		text, err := os.ReadFile(filepath.Join(deploy, file))
		if err != nil {
			t.Fatal(err)
		}
		flags := regexp.MustCompile(`--[a-z-]+`).FindAllString(string(text), -1)
		if len(flags) == 0 {
			t.Errorf("%s starts nothing", file)
		}
		for _, f := range flags {
			if !strings.Contains(help, f+" ") {
				t.Errorf("%s: run has no %s", file, f)
			}
		}
	}
}

// TestDeployAudit: the hook, the action and the example of a CI job are YAML, and give flags that audit knows.
func TestDeployAudit(t *testing.T) {
	help := helpOf(t, "audit")
	for _, file := range []string{"../../.pre-commit-hooks.yaml", "../../action.yml", filepath.Join(deploy, "audit-ci.yaml")} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var any any
		if err := yaml.Unmarshal(text, &any); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		for _, f := range regexp.MustCompile(` --[a-z-]+`).FindAllString(string(text), -1) {
			if !strings.Contains(help, f+" ") {
				t.Errorf("%s: audit has no%s", file, f)
			}
		}
	}
}

// TestDeployDashboard: the dashboard and the advice ask for metrics that are there.
func TestDeployDashboard(t *testing.T) {
	m := monitor.New(&engine.Stats{}, extents{}, "1")
	m.Deliveries(outlet{})
	p := pipeline.Partition{ID: "p0", Source: "a/0", End: -1}
	m.Event("assigned", p)
	m.Committed(p, commitlog.Commit{Next: 1, Counts: map[string]int64{"in": 1, "reject:x": 1}}, 1)
	m.Sealed(1, nil)
	rec := httptest.NewRecorder()
	m.Handler(false).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	body, err := io.ReadAll(rec.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	dashboard, err := os.ReadFile(filepath.Join(deploy, "dashboard.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(dashboard) {
		t.Error("dashboard.json is no JSON")
	}
	advice, err := os.ReadFile(filepath.Join(deploy, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(inoculate|go|process)_[a-z_]+`).FindAllString(string(dashboard)+string(advice), -1)
	if len(names) < 15 {
		t.Errorf("only %d metrics: %v", len(names), names)
	}
	for _, name := range names {
		if !strings.Contains(string(body), "\n"+name) {
			t.Errorf("there is no metric %s", name)
		}
	}
}

// extents is a source that tells its extents and dates.
type extents struct{ pipeline.Source }

func (extents) Extents(_ context.Context, parts []pipeline.Partition) ([]pipeline.Extent, error) {
	return make([]pipeline.Extent, len(parts)), nil
}

func (extents) ObserveFetches(f func(time.Duration)) { f(time.Millisecond) }

// outlet is one that tells how its deliveries end.
type outlet struct{ pipeline.Outlet }

func (outlet) ObserveDeliveries(f func(pipeline.Delivered)) {
	f(pipeline.Delivered{Committed: true, Took: time.Second})
}

func helpOf(t *testing.T, command string) string {
	t.Helper()
	var out strings.Builder
	if code := cli.Main([]string{command, "--help"}, strings.NewReader(""), &out, io.Discard); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	return out.String()
}

func (extents) Dates(_ context.Context, parts []pipeline.Partition, _ []int64) ([]time.Time, error) {
	return make([]time.Time, len(parts)), nil
}
