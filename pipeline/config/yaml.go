package config

import (
	"fmt"
	"reflect"
	"time"

	"go.yaml.in/yaml/v4"
)

// tree is the config as YAML nodes, keys in the order of the structs, what is at its zero value left out.
func (c *Config) tree() *yaml.Node { return node(reflect.ValueOf(*c)) }

func scalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

func node(v reflect.Value) *yaml.Node {
	switch x := v.Interface().(type) {
	case Size:
		return scalar("!!str", x.String())
	case Allowance:
		if x.Unset {
			return nil
		}
		if x.Share > 0 {
			return scalar("!!str", fmt.Sprintf("%v%%", x.Share*100))
		}
		return scalar("!!int", fmt.Sprint(x.Count))
	case Duration:
		return scalar("!!str", time.Duration(x).String())
	case Arm:
		if x.Text == "" && len(x.Texts) == 0 {
			return scalar("!!str", x.Name)
		}
		return words(x)
	case Topics, Bound, Assign:
		return words(x)
	case Layout:
		if x.Spec == (Layout{}.Spec) {
			return scalar("!!str", "auto")
		}
		return node(reflect.ValueOf(x.Spec))
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return node(v.Elem())
	case reflect.Struct:
		n := &yaml.Node{Kind: yaml.MappingNode}
		for i := range v.NumField() {
			if v.Type().Field(i).Anonymous && !v.Field(i).IsZero() {
				n.Content = append(n.Content, node(v.Field(i)).Content...)
				continue
			}
			key := v.Type().Field(i).Tag.Get("yaml")
			if key == "" || key == "-" || v.Field(i).IsZero() && key != "layout" {
				continue
			}
			if value := node(v.Field(i)); value != nil {
				n.Content = append(n.Content, scalar("!!str", key), value)
			}
		}
		if len(n.Content) == 0 {
			return nil
		}
		return n
	case reflect.Slice:
		n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for i := range v.Len() {
			item := node(v.Index(i))
			if item.Kind == yaml.MappingNode {
				n.Style = 0
			}
			n.Content = append(n.Content, item)
		}
		return n
	case reflect.String:
		s := scalar("!!str", v.String())
		if v.String() == "" || v.String() == " " {
			s.Style = yaml.DoubleQuotedStyle
		}
		return s
	case reflect.Bool:
		return scalar("!!bool", fmt.Sprint(v.Bool()))
	case reflect.Float64:
		return scalar("!!float", fmt.Sprint(v.Float()))
	}
	return scalar("!!int", fmt.Sprint(v.Interface()))
}

// words writes what has a syntax of its own, as fromNode reads it.
func words(x any) *yaml.Node {
	n, plain := &yaml.Node{}, any(nil)
	switch x := x.(type) {
	case Arm:
		of := map[string]any{"name": x.Name}
		if x.Text != "" {
			of["text"] = x.Text
		} else {
			of["texts"] = x.Texts
		}
		plain = of
	case Topics:
		if plain = x.List; x.Phased() {
			plain = map[string][]string{"train": x.Train, "test": x.Test}
		}
	case Bound:
		switch {
		case x.Offsets != nil:
			plain = x.Offsets
		case !x.Time.IsZero():
			return scalar("!!str", x.Time.Format(time.RFC3339Nano))
		default:
			return scalar("!!str", x.At)
		}
	case Assign:
		switch {
		case x.Shards > 0:
			plain = map[string]string{"shard": fmt.Sprintf("%d/%d", x.Shard, x.Shards)}
		case x.Group != "":
			plain = map[string]string{"group": x.Group}
		default:
			plain = x.Partitions
		}
	}
	if err := n.Encode(plain); err != nil {
		return scalar("!!str", err.Error()) // maps of numbers and texts: it does not fail
	}
	return n
}

// String writes the size in the largest unit that keeps it whole.
func (s Size) String() string {
	for _, u := range []struct {
		name string
		size Size
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if s >= u.size && s%u.size == 0 {
			return fmt.Sprintf("%d%s", s/u.size, u.name)
		}
	}
	return fmt.Sprint(int64(s))
}
