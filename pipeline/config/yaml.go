package config

import (
	"fmt"
	"reflect"

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
	case reflect.Float64:
		return scalar("!!float", fmt.Sprint(v.Float()))
	}
	return scalar("!!int", fmt.Sprint(v.Interface()))
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
