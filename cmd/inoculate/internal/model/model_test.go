package model

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const chatML = `{%- for m in messages %}
    {%- if loop.first and m['role'] != 'system' %}
        {{- '<|im_start|>system\nYou are a parrot.<|im_end|>\n' }}
    {%- endif %}
    {{- '<|im_start|>' + m.role + '\n' }}{% generation %}{{ m.content | trim }}{% endgeneration %}{{ '<|im_end|>\n' }}
{%- endfor %}`

func turns(of ...string) (out []any) {
	for i := 0; i < len(of); i += 2 {
		out = append(out, map[string]any{"role": of[i], "content": of[i+1]})
	}
	return out
}

func TestTemplate(t *testing.T) {
	for _, c := range []struct{ name, source, want, system string }{
		{"a system prompt of its own", chatML, "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ \"é\"<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n", "You are a parrot."},
		{"none", "{% for m in messages %}\n  {% if m.role == 'user' %}\n[INST] {{ m.content }} [/INST]{% else %}\n{{ m.content }}{{ eos_token }}{% endif %}\n\r\n{% endfor %}\n", "S</s>\n[INST] Q \"é\"  [/INST]\nA </s>\n", ""},
		{"into the user turn", "{{ bos_token }}{% if messages[0].role == 'system' %}{% set s = messages[0].content + '\\n\\n' %}{% set rest = messages[1:] %}{% else %}{% set s = '' %}{% set rest = messages %}{% endif %}{% for m in rest %}<{{ m.role }}>{% if loop.first %}{{ s }}{% endif %}{{ m.content }}{% endfor %}", "<s><user>S\n\nQ \"é\" <assistant>A ", ""},
	} {
		tpl, err := NewTemplate(c.source, map[string]string{"bos_token": "<s>", "eos_token": "</s>"})
		if err != nil {
			t.Fatal(c.name, err)
		}
		got, err := tpl.Render(turns("system", "S", "user", "Q \"é\" ", "assistant", "A "))
		if err != nil || got != c.want {
			t.Errorf("%s: %q, want %q (%v)", c.name, got, c.want, err)
		}
		if system, err := tpl.DefaultSystem(); err != nil || system != c.system {
			t.Errorf("%s: default system %q, want %q (%v)", c.name, system, c.system, err)
		}
	}
}

func TestTemplateRefuses(t *testing.T) {
	tpl, err := NewTemplate("{% if messages[0].role != 'user' %}{{ raise_exception('roles must alternate') }}{% endif %}x", nil)
	if err != nil {
		t.Fatal(err)
	}
	var refused *RefusedError
	if _, err := tpl.Render(turns("system", "S")); !errors.As(err, &refused) || refused.Reason != "roles must alternate" {
		t.Error(err)
	}
	if out, err := tpl.Render(turns("user", "S")); err != nil || out != "x" {
		t.Error(out, err)
	}
	for source, want := range map[string]string{
		"{% if %}":                            "parsing the chat template: ",
		"{{ messages | nofilter }}":           "nofilter",
		"{% include '/etc/passwd' %}":         "",
		"{{ messages[0].content.nothing() }}": "rendering",
	} {
		tpl, err := NewTemplate(source, nil)
		if err == nil {
			_, err = tpl.Render(turns("user", "S"))
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "root:") {
			t.Errorf("%s: %v, want %s", source, err, want)
		}
	}
}

// tiny is a tokenizer.json whose parts a test replaces.
const tiny = `{"added_tokens": [{"id": 9, "content": "<e>", "special": true, "normalized": false}], "normalizer": null,
	"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
	"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "Ġ": 3, "Ġab": 4, "abab": 5}, "merges": ["a b", ["Ġ", "ab"], "ab ab"]}}`

func TestTokenizer(t *testing.T) {
	tok, err := newTokenizer([]byte(tiny))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{"": "[]", "ab": "[2]", "abab": "[5]", " ab": "[4]", "ab<e> ab": "[2 9 4]", "<e><e>": "[9 9]", "ba": "[1 0]", "a  ab": "[0 3 4]"} {
		if got, err := tok.Encode(text); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%q: %v, want %s (%v)", text, got, want, err)
		}
	}
}

func TestTokenizerRefuses(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{`"BPE"`, `"Unigram"`, `a model of the type "Unigram" is not known`},
		{`"type": "ByteLevel"`, `"type": "BertPreTokenizer"`, "pre_tokenizer: BertPreTokenizer is not known"},
		{`"normalizer": null`, `"normalizer": {"type": "BertNormalizer"}`, "normalizer: BertNormalizer is not known"},
		{`"a b"`, `"ab"`, "no two parts"},
		{`"type": "BPE"`, `"type": "BPE", "dropout": 0.1`, "dropout"},
		{`"type": "BPE"`, `"type": "BPE", "continuing_subword_prefix": "##"`, "affixes"},
		{`"type": "BPE"`, `"type": "BPE", "unk_token": "<u>"`, `unk_token "<u>" is no token`},
		{`"special": true`, `"single_word": true`, "single_word"},
		{`{"type": "ByteLevel", "add_prefix_space": false}`, `{"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated"}`, "pattern"},
		{`{"type": "ByteLevel", "add_prefix_space": false}`, `{"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Contiguous"}`, "Contiguous"},
		{tiny, `{`, "unexpected end"},
	} {
		if _, err := newTokenizer([]byte(strings.Replace(tiny, c.from, c.to, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.to, err, c.want)
		}
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wants := func(want string) {
		t.Helper()
		if _, err := Open(dir, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	wants("tokenizer.json")
	write("tokenizer.json", tiny)
	wants("has no chat template")
	write("tokenizer_config.json", "{")
	wants("tokenizer_config.json")
	write("tokenizer_config.json", `{"eos_token": {"content": "<e>"}, "bos_token": "<b>", "chat_template": "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}"}`)
	m, err := Open(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.Template.Render(turns("user", "x")); err != nil || got != "<b>x<e>" {
		t.Error(got, err)
	}
	write("chat_template.jinja", "file")
	if m, err = Open(dir, ""); err != nil {
		t.Fatal(err)
	}
	if got, err := m.Template.Render(turns("user", "x")); err != nil || got != "file" {
		t.Error(got, err)
	}
	if _, err := Open(dir, filepath.Join(dir, "other")); err == nil {
		t.Error("a template that is not there was taken")
	}
}

// FuzzTokenizer: any text gives tokens, and those of a text that is all known letters spell it.
func FuzzTokenizer(f *testing.F) {
	f.Add("ab <e> abab")
	f.Add("\xff\u2028  \n")
	tok, err := newTokenizer([]byte(tiny))
	if err != nil {
		f.Fatal(err)
	}
	spell := map[int]string{0: "a", 1: "b", 2: "ab", 3: " ", 4: " ab", 5: "abab", 9: "<e>"}
	f.Fuzz(func(t *testing.T, text string) {
		ids, err := tok.Encode(text)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Trim(text, "ab ") != "" {
			return
		}
		got := ""
		for _, id := range ids {
			got += spell[id]
		}
		if got != text {
			t.Errorf("%q is spelled %q", text, got)
		}
	})
}
