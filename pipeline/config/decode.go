package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"

	"inoculate/pipeline/diag"
)

// Parse decodes a pipeline file over the defaults. Every mistake is a finding: unknown keys (with the nearest known one),
// wrong types, keys that stand twice.
func Parse(file string, data []byte) (*Config, diag.List) {
	c := Default()
	c.File, c.places = file, map[string][2]int{}
	var root yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&root); err != nil && !errors.Is(err, io.EOF) {
		return nil, diag.List{syntaxFinding(file, err)}
	}
	if err := dec.Decode(new(yaml.Node)); err == nil {
		return nil, diag.List{{File: file, Level: "error", Message: "the file holds more than one document"}}
	}
	d := &decoder{config: &c}
	if len(root.Content) > 0 {
		d.value(root.Content[0], reflect.ValueOf(&c).Elem(), "")
	}
	if len(d.findings) > 0 {
		return nil, d.findings
	}
	return &c, nil
}

// syntaxFinding finds the line in the YAML library's message.
func syntaxFinding(file string, err error) diag.Finding {
	f := diag.Finding{File: file, Level: "error", Message: strings.TrimPrefix(err.Error(), "yaml: ")}
	for _, format := range []string{"line %d, column %d:", "line %d:", "while parsing a block mapping at line %d, column %d"} {
		if i := strings.Index(f.Message, "line "); i >= 0 {
			if n, _ := fmt.Sscanf(f.Message[i:], format, &f.Line, &f.Column); n > 0 {
				break
			}
		}
	}
	if f.Line > 0 && f.Column == 0 {
		f.Column = 1
	}
	return f
}

// unmarshaler is what values with a syntax of their own meet.
type unmarshaler interface {
	fromNode(n *yaml.Node) (problem string)
}

type decoder struct {
	config   *Config
	findings diag.List
}

func (d *decoder) fail(n *yaml.Node, hint, format string, args ...any) {
	d.findings = append(d.findings, diag.Finding{File: d.config.File, Line: n.Line, Column: n.Column, Level: "error", Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	d.config.places[path] = [2]int{n.Line, n.Column}
	if u, ok := v.Addr().Interface().(unmarshaler); ok {
		if problem := u.fromNode(n); problem != "" {
			d.fail(n, "", "%s: %s", name(path), problem)
		}
		return
	}
	if l, ok := v.Addr().Interface().(*Layout); ok {
		if n.Kind == yaml.ScalarNode && n.Tag == "!!str" {
			l.Type = n.Value
			return
		}
		d.mapping(n, reflect.ValueOf(&l.Spec).Elem(), path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), path)
	case reflect.Struct:
		d.mapping(n, v, path)
	case reflect.Slice:
		if n.Kind == yaml.ScalarNode && n.Tag == "!!str" && v.Type().Elem().Kind() == reflect.String {
			v.Set(reflect.ValueOf([]string{n.Value})) // one value stands for a list of one
			return
		}
		if n.Kind != yaml.SequenceNode {
			d.fail(n, "", "%s is %s; it takes a list", name(path), kind(n))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
		for i, c := range n.Content {
			d.value(c, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	default:
		d.scalar(n, v, path)
	}
}

func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	if v.Kind() == reflect.Interface {
		var x any
		if err := n.Decode(&x); err != nil {
			d.fail(n, "", "%s: %v", name(path), err)
			return
		}
		v.Set(reflect.ValueOf(&x).Elem())
		return
	}
	if n.Kind != yaml.ScalarNode {
		d.fail(n, "", "%s is %s; it takes %s", name(path), kind(n), wanted(v))
		return
	}
	var err error
	switch {
	case v.Kind() == reflect.String && n.Tag == "!!str":
		v.SetString(n.Value)
	case v.Kind() == reflect.String && n.Tag != "!!null":
		d.fail(n, fmt.Sprintf("write it in quotes: %q", n.Value), "%s is %s; it takes text", name(path), kind(n))
	case v.Kind() == reflect.Int && n.Tag == "!!int", v.Kind() == reflect.Bool && n.Tag == "!!bool":
		err = n.Decode(v.Addr().Interface())
	default:
		d.fail(n, "", "%s is %s; it takes %s", name(path), kind(n), wanted(v))
	}
	if err != nil {
		d.fail(n, "", "%s: %v", name(path), err)
	}
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, "", "%s is %s; it takes keys: %s", name(path), kind(n), strings.Join(keysOf(v.Type()), ", "))
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		field, ok := fieldOf(v, key.Value)
		sub := key.Value
		if path != "" {
			sub = path + "." + key.Value
		}
		switch {
		case seen[key.Value]:
			d.fail(key, "", "key %q stands twice", key.Value)
		case !ok:
			hint := "known keys: " + strings.Join(keysOf(v.Type()), ", ")
			if near := nearest(key.Value, keysOf(v.Type())); near != "" {
				hint = fmt.Sprintf("did you mean %q?", near)
			}
			d.fail(key, hint, "unknown key %q%s", key.Value, below(path))
		default:
			d.value(value, field, sub)
		}
		seen[key.Value] = true
	}
}

func below(path string) string {
	if path == "" {
		return ""
	}
	return " below " + path
}

func name(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func fieldOf(v reflect.Value, key string) (reflect.Value, bool) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if tag := f.Tag.Get("yaml"); tag == key && tag != "" && tag != "-" {
			return v.Field(i), true
		}
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			if field, ok := fieldOf(v.Field(i), key); ok {
				return field, true
			}
		}
	}
	return reflect.Value{}, false
}

func keysOf(t reflect.Type) (keys []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		if tag := f.Tag.Get("yaml"); tag != "" && tag != "-" {
			keys = append(keys, tag)
		}
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			keys = append(keys, keysOf(f.Type)...)
		}
	}
	return keys
}

func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!int", "!!float":
		return "the number " + n.Value
	case "!!bool":
		return "the truth value " + n.Value
	case "!!null":
		return "empty"
	}
	return fmt.Sprintf("the text %q", n.Value)
}

func wanted(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Int:
		return "a whole number"
	case reflect.Bool:
		return "true or false"
	}
	return "text"
}
