package main

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is the path that all of our packages begin with.
const module = "inoculate/"

// layers says for each package which others of ours it may import: cmd → catalog → sources, transforms, sinks → pipeline →
// schemas. A package that is not in it fails the test: a new one needs a place first.
var layers = map[string][]string{
	"schemas/jsontext": nil,
	"schemas":          {"schemas/jsontext"},
	"schemas/jsonedit": {"schemas", "schemas/jsontext"},
	"schemas/jsonrow":  {"schemas/jsontext"},
	"schemas/place":    {"schemas"},

	"pipeline":                         {"schemas"},
	"pipeline/pool":                    nil,
	"pipeline/diag":                    nil,
	"pipeline/config":                  {"pipeline/diag", "schemas", "schemas/place"},
	"pipeline/commitlog":               {"pipeline", "pipeline/sha256x2"},
	"pipeline/commitlog/commitlogtest": {"pipeline/commitlog"},
	"pipeline/provenance":              {"pipeline", "schemas"},
	"pipeline/overlap":                 {"pipeline"},
	"pipeline/engine":                  {"pipeline", "pipeline/commitlog", "pipeline/overlap", "pipeline/provenance", "schemas", "schemas/jsonedit", "schemas/jsontext"},
	"pipeline/pipelinetest":            {"pipeline", "schemas", "schemas/place"},
	"pipeline/pipelinetest/require":    nil,
	"pipeline/pipelinetest/broker":     {"pipeline/pipelinetest/require"},
	"pipeline/kafkaconn":               nil,
	"pipeline/sha256x2":                nil,

	"sources/files":               {"pipeline"},
	"sources/internal/flatbuffer": nil,
	"sources/internal/arrowipc":   {"schemas", "sources/files", "sources/internal/flatbuffer"},
	"sources/parquet":             {"pipeline", "pipeline/pool", "schemas", "sources/files", "sources/internal/flatbuffer"},
	"sources/arrow":               {"pipeline", "pipeline/pool", "schemas", "sources/files", "sources/internal/arrowipc"},
	"sources/jsonl":               {"pipeline", "pipeline/pool", "schemas", "schemas/jsonrow", "schemas/jsontext", "sources/files"},
	"sources/kafka":               {"pipeline", "pipeline/kafkaconn", "schemas/jsonrow", "sources/internal/arrowipc", "sources/kafka/fetch"},
	"sources/kafka/fetch":         {"pipeline/kafkaconn"},

	"transforms/phase":           {"pipeline"},
	"transforms/scan":            {"pipeline", "schemas", "schemas/jsontext", "transforms/scan/literal", "transforms/scan/tiers"},
	"transforms/scan/literal":    {"transforms/scan/background"},
	"transforms/scan/normalize":  nil,
	"transforms/scan/encoded":    {"transforms/scan/normalize"},
	"transforms/scan/background": {"transforms/scan/normalize"},
	"transforms/scan/near":       {"transforms/scan/background", "transforms/scan/normalize"},
	"transforms/scan/leakbench":  {"transforms/scan/encoded", "transforms/scan/tiers"},
	"transforms/scan/tiers":      {"transforms/scan/background", "transforms/scan/encoded", "transforms/scan/literal", "transforms/scan/near", "transforms/scan/normalize"},
	"transforms/where":           {"schemas/jsonrow"},
	"transforms/inject":          {"pipeline", "schemas", "schemas/place", "transforms/where"},
	"transforms/strip":           {"pipeline", "schemas", "schemas/place"},
	"transforms/trainers":        {"pipeline", "schemas"},
	"transforms/check":           {"pipeline", "schemas", "schemas/place", "transforms/scan", "transforms/scan/literal", "transforms/scan/tiers"},

	"sinks/internal/zstdpage":    nil,
	"sinks/internal/parquetfile": {"pipeline", "pipeline/pool", "schemas", "sinks/internal/zstdpage"},
	"sinks/internal/columnar":    {"pipeline", "pipeline/commitlog", "schemas", "schemas/jsonrow", "schemas/jsontext", "sinks/internal/parquetfile"},
	"sinks/finetune":             {"schemas", "sinks/internal/columnar"},
	"sinks/eval":                 {"schemas", "sinks/internal/columnar"},
	"sinks/reject":               {"pipeline/commitlog", "sinks/internal/columnar"},
	"sinks/kafka":                {"pipeline", "pipeline/kafkaconn", "schemas/jsonrow"},
	"sinks/provenance":           {"pipeline/commitlog", "pipeline/provenance", "sinks/internal/columnar"},
	"sinks/dataset":              {"pipeline", "pipeline/commitlog", "pipeline/overlap", "schemas", "sinks/internal/columnar"},

	"cmd/inoculate":                  {"cmd/inoculate/internal/cli"},
	"cmd/inoculate/internal/audit":   {"cmd/inoculate/internal/catalog", "pipeline", "pipeline/config", "schemas", "schemas/jsonrow", "schemas/jsontext", "sources/files", "transforms/scan", "transforms/scan/background", "transforms/scan/tiers"},
	"cmd/inoculate/internal/report":  {"cmd/inoculate/internal/audit"},
	"cmd/inoculate/internal/monitor": {"pipeline", "pipeline/commitlog", "pipeline/engine"},
	"cmd/inoculate/internal/cli":     {"cmd/inoculate/internal/audit", "cmd/inoculate/internal/catalog", "cmd/inoculate/internal/compact", "cmd/inoculate/internal/model", "cmd/inoculate/internal/monitor", "cmd/inoculate/internal/report", "cmd/inoculate/internal/verify", "pipeline/*", "schemas/*", "sinks/dataset", "transforms/check", "transforms/scan/leakbench", "transforms/scan/tiers"},
	"cmd/inoculate/internal/compact": {"pipeline", "pipeline/commitlog", "pipeline/provenance", "sinks/dataset", "sinks/finetune", "sources/parquet"},
	"cmd/inoculate/internal/model":   {"cmd/inoculate/internal/catalog", "pipeline", "pipeline/provenance", "schemas"},
	"cmd/inoculate/internal/verify":  {"cmd/inoculate/internal/catalog", "pipeline/*", "schemas/*", "sinks/dataset", "transforms/scan", "transforms/scan/tiers"},
	"cmd/inoculate/internal/catalog": {"pipeline/*", "schemas/*", "sinks/*", "sources/*", "transforms/*"},
}

// owned says which packages may import a module of others, where not all may.
var owned = map[string][]string{
	"github.com/klauspost/compress/huff0":        {"sinks/internal/zstdpage"},
	"github.com/parquet-go/parquet-go":           {"sources/parquet", "sinks/internal/parquetfile"},
	"github.com/bytedance/sonic":                 {"schemas/jsonrow"},
	"cel.dev/cel-go":                             {"transforms/where"},
	"go.yaml.in/yaml":                            {"pipeline/config"},
	"github.com/spf13/cobra":                     {"cmd/inoculate/internal/cli"},
	"github.com/nikolalohinski/gonja":            {"cmd/inoculate/internal/model"},
	"github.com/dlclark/regexp2":                 {"cmd/inoculate/internal/model"},
	"github.com/prometheus":                      {"cmd/inoculate/internal/monitor"},
	"github.com/schollz/progressbar":             {"cmd/inoculate/internal/cli"},
	"golang.org/x/term":                          {"cmd/inoculate/internal/cli"},
	"github.com/segmentio/kafka-go":              {"sources/kafka", "sources/kafka/fetch", "sinks/kafka", "pipeline/kafkaconn", "pipeline/pipelinetest/broker"},
	"github.com/twmb/franz-go":                   {"pipeline/pipelinetest/broker"}, // else tests and benchmarks only
	"github.com/apache/arrow/go/v17/parquet":     nil,                              // kills the process on a flipped byte
	"github.com/rogpeppe/go-internal":            nil,                              // tests only
	"pgregory.net/rapid":                         nil,                              // tests only
	"inoculate/pipeline/pipelinetest":            nil,                              // tests only
	"inoculate/pipeline/commitlog/commitlogtest": nil,                              // tests only
}

// A goPackage is what `go list` says of a package.
type goPackage struct {
	ImportPath string
	Name       string
	Dir        string
	Standard   bool
	Imports    []string
	GoFiles    []string
	CgoFiles   []string
	Error      *struct{ Err string }
}

// list runs `go list -json`.
func list(t *testing.T, args ...string) (out []goPackage) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-e", "-json=ImportPath,Name,Dir,Standard,Imports,GoFiles,CgoFiles,Error"}, args...)...)
	cmd.Dir = filepath.Join("..", "..")
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errOut strings.Builder
	cmd.Stderr = &errOut
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(pipe)
	for {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("go list: %v\n%s", err, errOut.String())
		}
		out = append(out, p)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("go list: %v\n%s", err, errOut.String())
	}
	return out
}

// matches says whether a name is in a list of names, where "x/*" stands for all below x and x itself.
func matches(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		tree, ok := strings.CutSuffix(n, "/*")
		return n == name || ok && (name == tree || strings.HasPrefix(name, tree+"/"))
	})
}

func TestImportsPointDown(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range list(t, "./...") {
		name := strings.TrimPrefix(p.ImportPath, module)
		seen[name] = true
		allowed, ok := layers[name]
		if !ok {
			t.Errorf("%s is not in the table of layers", name)
			continue
		}
		for _, imp := range p.Imports {
			if ours, ok := strings.CutPrefix(imp, module); ok && !matches(allowed, ours) {
				t.Errorf("%s must not import %s", name, ours)
			}
			for dep, owners := range owned {
				if (imp == dep || strings.HasPrefix(imp, dep+"/")) && !slices.Contains(owners, name) && !strings.HasPrefix(p.ImportPath, dep+"/") {
					t.Errorf("%s must not import %s", name, imp)
				}
			}
		}
	}
	for name := range layers {
		if !seen[name] {
			t.Errorf("the table of layers has %s, which is no package", name)
		}
	}
}

// TestLayersHaveNoBackEdges holds the table itself against the rule that it stands for.
func TestLayersHaveNoBackEdges(t *testing.T) {
	rank := func(name string) int {
		top, _, _ := strings.Cut(name, "/")
		return map[string]int{"schemas": 0, "pipeline": 1, "sources": 2, "transforms": 2, "sinks": 2, "cmd": 3}[top]
	}
	for name, allowed := range layers {
		for _, a := range allowed {
			if rank(a) > rank(name) {
				t.Errorf("%s → %s points up", name, a)
			}
			side, _, _ := strings.Cut(name, "/")
			other, _, _ := strings.Cut(a, "/")
			if rank(name) == 2 && rank(a) == 2 && side != other {
				t.Errorf("%s → %s: sources, transforms and sinks do not import one another", name, a)
			}
			if rank(name) == 2 && (a == "pipeline/engine" || a == "pipeline/config") {
				t.Errorf("%s → %s: only cmd knows the engine and the config", name, a)
			}
		}
	}
}

// TestBinaryIsPureGo looks at everything the program is linked from, for each platform that it is built for.
func TestBinaryIsPureGo(t *testing.T) {
	t.Setenv("CGO_ENABLED", "0")
	for _, goos := range []string{"linux", "darwin", "windows"} {
		t.Setenv("GOOS", goos)
		for _, p := range list(t, "-deps", "./cmd/inoculate") {
			if p.Error != nil {
				t.Errorf("%s: %s: %s", goos, p.ImportPath, p.Error.Err)
			}
			if len(p.CgoFiles) > 0 {
				t.Errorf("%s: %s uses cgo", goos, p.ImportPath)
			}
			for dep, owners := range owned {
				if owners == nil && (p.ImportPath == dep || strings.HasPrefix(p.ImportPath, dep+"/")) {
					t.Errorf("%s: the program is linked with %s", goos, p.ImportPath)
				}
			}
		}
	}
}

// TestPackagesSayWhatTheyAre wants one doc comment a package: "Package x …" or "Command x …", a whole sentence.
func TestPackagesSayWhatTheyAre(t *testing.T) {
	for _, p := range list(t, "./...") {
		name := strings.TrimPrefix(p.ImportPath, module)
		docs := map[string]string{}
		for _, file := range slices.Concat(p.GoFiles, p.CgoFiles) {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if text := docText(f); text != "" {
				docs[file] = text
			}
		}
		if len(docs) != 1 {
			t.Errorf("%s has %d package comments, in %v; it needs one", name, len(docs), slices.Sorted(maps.Keys(docs)))
			continue
		}
		want := "Package " + p.Name + " "
		if p.Name == "main" {
			want = "Command " + path.Base(name) + " "
		}
		for file, text := range docs {
			first, _, _ := strings.Cut(text, "\n\n")
			if !strings.HasPrefix(text, want) || !strings.HasSuffix(strings.TrimSpace(first), ".") {
				t.Errorf("%s/%s: the package comment is no sentence that starts %q: %q", name, file, want, first)
			}
		}
	}
}

func docText(f *ast.File) string {
	if f.Doc == nil {
		return ""
	}
	return f.Doc.Text()
}
