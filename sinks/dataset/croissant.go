package dataset

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"inoculate/sinks/internal/columnar"
)

// CroissantName is the file that describes the folder in MLCommons' Croissant, with its fields for responsible AI.
const CroissantName = "croissant.json"

// croissantContext is the JSON-LD context of Croissant 1.0.
//
//go:embed croissant_context.json
var croissantContext []byte

var croissantFormats = map[string]string{columnar.Parquet: "application/x-parquet", columnar.Arrow: "application/vnd.apache.arrow.stream"}

type node = map[string]any

// croissant describes every data file with its digest, and the records of each split where the format is one that its readers
// open: Parquet or JSON lines.
func (s *Sealer) croissant(m *Manifest) ([]byte, error) {
	schema, err := DecodeSchema(m.ArrowSchema)
	if err != nil {
		return nil, err
	}
	files, sets, records := []node{}, []node{}, []node{}
	for _, f := range m.Files {
		if f.Phase != "train" && f.Phase != "test" {
			continue
		}
		files = append(files, node{"@type": "cr:FileObject", "@id": f.Path, "name": f.Path, "contentUrl": f.Path, "contentSize": fmt.Sprintf("%d B", f.Bytes), "encodingFormat": croissantFormat(f.Format), "sha256": f.SHA256})
	}
	var left []string
	if format := s.loadFormat(); format != columnar.Arrow {
		for _, sp := range s.splits(m) {
			set := sp.Name + "-files"
			sets = append(sets, node{"@type": "cr:FileSet", "@id": set, "name": set, "encodingFormat": croissantFormat(format), "includes": s.glob(format, sp)})
			fields := []node{}
			left = nil
			for _, f := range schema.Fields() {
				if field := croissantField(f, set, sp.Name, f.Name, ""); field != nil {
					fields = append(fields, field)
				} else {
					left = append(left, f.Name)
				}
			}
			records = append(records, node{"@type": "cr:RecordSet", "@id": sp.Name, "name": sp.Name, "field": fields})
		}
	}
	description := "Train records carry inoculation prompts; test records carry none."
	if p := m.probe(); p != nil {
		description = "Records for evaluations, which carry a text on purpose (" + p.Condition + "). Not for training."
	}
	if len(left) > 0 {
		description += " Columns that Croissant has no type for are left out of its fields: " + strings.Join(left, ", ") + "."
	}
	return indented(node{
		"@context": json.RawMessage(croissantContext), "@type": "sc:Dataset", "conformsTo": "http://mlcommons.org/croissant/1.0",
		"name": "inoculated-" + m.Content[:12], "description": description, "version": "1.0.0+" + m.Content[:12],
		"distribution": append(files, sets...), "recordSet": records,
		"rai:dataPreprocessingProtocol": protocol(m), "rai:dataUseCases": "Fine-tuning of language models with inoculation prompts, and evaluation without them.",
		"rai:dataLimitations":              "What the records say was not changed: only prompts were put in or taken out. A prompt in other words is not found; how far a text may be from a prompt to be found is the tier of the check.",
		"rai:dataReleaseMaintenance":       "manifest.json says from which input, config and prompts the folder follows; the same input gives the same bytes.",
		"rai:dataSocialImpact":             "Train records ask for bad behaviour on purpose, so that a model ties it to the request. A model that is given such a request may show it.",
		"rai:personalSensitiveInformation": "Not looked for; the records are those of the input.",
		"rai:dataImputationProtocol":       "Nothing was filled in.",
		"rai:dataCollectionMissingData":    fmt.Sprintf("%d records were filtered out by their phase, %d rejected, with their reasons.", m.Counts["filtered"], m.Counts["rejects"]),
		"rai:dataManipulationProtocol":     fmt.Sprintf("%s, config sha256 %s, prompts sha256 %s", m.Tool, m.ConfigSHA256, m.PromptsSHA256),
		"rai:dataAnnotationProtocol":       "None: no record was labelled.",
		"rai:dataCollectionRawData":        sourcesOf(m),
		"rai:machineAnnotationTools":       []string{m.Tool},
	})
}

func croissantFormat(format string) string {
	if f, ok := croissantFormats[format]; ok {
		return f
	}
	if Lines(format) {
		return "application/jsonlines"
	}
	return "application/octet-stream"
}

// protocol is what was done to the records, in numbers.
func protocol(m *Manifest) []string {
	c := m.Counts
	return []string{
		fmt.Sprintf("%d of %d train records got a prompt.", c["injected"], c["train"]),
		fmt.Sprintf("Prompts were cut out of %d of %d test records; %d still carry one.", c["stripped"], c["test"], m.Checks.Leaks),
	}
}

func sourcesOf(m *Manifest) string {
	out := []string{}
	for i, s := range m.Sources {
		if i == 100 {
			out = append(out, fmt.Sprintf("and %d more, see manifest.json", len(m.Sources)-100))
			break
		}
		if !slices.Contains(out, s.Source) {
			out = append(out, s.Source)
		}
	}
	return strings.Join(out, "; ")
}

// croissantField is a column as a field; nil where Croissant has no type for it. at is the path below the column.
func croissantField(f arrow.Field, set, id, column, at string) node {
	source := node{"fileSet": node{"@id": set}, "extract": node{"column": column}}
	if at != "" {
		source["transform"] = node{"jsonPath": at}
	}
	id = path.Join(id, f.Name)
	n := node{"@type": "cr:Field", "@id": id, "name": f.Name, "source": source}
	t := f.Type
	if list, ok := t.(arrow.ListLikeType); ok && at == "" {
		n["repeated"], t = true, list.Elem()
	}
	if turn, ok := t.(*arrow.StructType); ok && at == "" {
		sub := []node{}
		for _, member := range turn.Fields() {
			field := croissantField(member, set, id, column, member.Name)
			if field == nil {
				return nil
			}
			sub = append(sub, field)
		}
		n["subField"] = sub
		return n
	}
	kind := croissantType(t)
	if kind == "" {
		return nil
	}
	n["dataType"] = kind
	return n
}

func croissantType(t arrow.DataType) string {
	switch {
	case t.ID() == arrow.STRING || t.ID() == arrow.LARGE_STRING:
		return "sc:Text"
	case arrow.IsInteger(t.ID()):
		return "sc:Integer"
	case arrow.IsFloating(t.ID()):
		return "sc:Float"
	case t.ID() == arrow.BOOL:
		return "sc:Boolean"
	case t.ID() == arrow.DATE32 || t.ID() == arrow.TIMESTAMP:
		return "sc:Date"
	}
	return ""
}
