package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/nikolalohinski/gonja/v2"
	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"
)

// A Template is a chat template: Jinja, as Hugging Face's transformers renders it. It is for one goroutine.
type Template struct {
	t      *exec.Template
	tokens map[string]string // bos_token, eos_token, …
	raised string            // what raise_exception said last
}

// A RefusedError says that a template does not take a conversation, in the template's own words.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "the chat template refuses: " + e.Reason }

// generation are tags that mark what the assistant said, for trainers that learn from that alone.
var generation = regexp.MustCompile(`\{%([-+]?)\s*(end)?generation\s*([-+]?)%\}`)

var (
	blankBefore = regexp.MustCompile(`(?m)^[ \t]+(\{[%#][^+])`)
	breakBehind = regexp.MustCompile(`([^+][%#]\})\n`)
)

// NewTemplate parses a template. tokens are the special tokens that it may name.
func NewTemplate(source string, tokens map[string]string) (t *Template, err error) {
	defer recovered(&err)
	source = generation.ReplaceAllStringFunc(source, func(tag string) string {
		m := generation.FindStringSubmatch(tag)
		if m[2] == "end" {
			return "{%" + m[1] + " endif " + m[3] + "%}"
		}
		return "{%" + m[1] + " if true " + m[3] + "%}"
	})
	source = strings.ReplaceAll(source, "\r\n", "\n")
	// transformers sets trim_blocks and lstrip_blocks: a line break behind a block, and blanks before one that begins a line, go.
	source = blankBefore.ReplaceAllString(source, "$1")
	source = breakBehind.ReplaceAllString(source, "$1")
	loader, err := loaders.NewShiftedLoader("/template", strings.NewReader(source), nowhere{})
	if err != nil {
		return nil, err
	}
	t = &Template{tokens: tokens}
	if t.t, err = exec.NewTemplate("/template", config.New(), loader, gonja.DefaultEnvironment); err != nil {
		return nil, fmt.Errorf("parsing the chat template: %w", shorter(err))
	}
	return t, nil
}

// nowhere has no templates: a chat template includes none.
type nowhere struct{}

func (nowhere) Read(path string) (io.Reader, error) {
	return nil, fmt.Errorf("%s: %w", path, os.ErrNotExist)
}
func (nowhere) Resolve(path string) (string, error)      { return path, nil }
func (n nowhere) Inherit(string) (loaders.Loader, error) { return n, nil }

func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the chat template cannot be rendered: %v", r)
	}
}

// shorter leaves the source of the template out of an error.
func shorter(err error) error {
	text := err.Error()
	if i := strings.LastIndex(text, "': "); i >= 0 && strings.HasPrefix(text, "failed to parse template") {
		text = text[i+3:]
	}
	return errors.New(text)
}

// Render gives the text of a conversation, turns as maps with role and content. What the template refuses is a *RefusedError.
func (t *Template) Render(turns []any) (out string, err error) {
	defer recovered(&err)
	t.raised = ""
	values := map[string]any{
		"messages": turns, "add_generation_prompt": false, "tools": nil, "documents": nil,
		"raise_exception": func(reason string) (string, error) {
			t.raised = reason
			return "", errors.New(reason)
		},
		"strftime_now": func(format string) string { return strftime(time.Now(), format) },
	}
	for k, v := range t.tokens {
		values[k] = v
	}
	out, err = t.t.ExecuteToString(exec.NewContext(values))
	if t.raised != "" {
		return "", &RefusedError{t.raised}
	}
	if err != nil {
		return "", fmt.Errorf("rendering with the chat template: %w", err)
	}
	return out, nil
}

// strftime knows what dates in chat templates use.
func strftime(now time.Time, format string) string {
	return strings.NewReplacer("%d", now.Format("02"), "%b", now.Format("Jan"), "%B", now.Format("January"), "%Y", now.Format("2006"), "%m", now.Format("01"),
		"%H", now.Format("15"), "%M", now.Format("04"), "%S", now.Format("05"), "%A", now.Format("Monday"), "%%", "%").Replace(format)
}

// marks stand in conversations that are rendered to see what a template does.
const (
	markSystem = "QZ7SYSTEM7QZ"
	markUser   = "QZ7USER7QZ"
)

// DefaultSystem is the system prompt that the template puts into a conversation that has none; "" where it puts none.
func (t *Template) DefaultSystem() (string, error) {
	turn := func(role, content string) any { return map[string]any{"role": role, "content": content} }
	without, err := t.Render([]any{turn("user", markUser), turn("assistant", "x")})
	if err != nil {
		return "", err
	}
	with, err := t.Render([]any{turn("system", markSystem), turn("user", markUser), turn("assistant", "x")})
	var refused *RefusedError
	if errors.As(err, &refused) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	head, tail, ok := strings.Cut(with, markSystem)
	if !ok {
		return "", nil
	}
	between, _, _ := strings.Cut(tail, markUser)
	rest, ok := strings.CutPrefix(without, head)
	if !ok {
		return "", nil
	}
	text, _, ok := strings.Cut(rest, between+markUser)
	if !ok || strings.Contains(text, markUser) {
		return "", nil
	}
	return strings.TrimSpace(text), nil
}

// A Model is the tokenizer and the chat template of one.
type Model struct {
	Tokenizer *Tokenizer
	Template  *Template
}

// Open reads them from a folder as transformers saves it: tokenizer.json, tokenizer_config.json, and chat_template.jinja or the
// template that stands in tokenizer_config.json. templateFile, where given, is the template instead.
func Open(folder, templateFile string) (*Model, error) {
	tok, err := ReadTokenizer(filepath.Join(folder, "tokenizer.json"))
	if err != nil {
		return nil, err
	}
	config, err := readConfig(filepath.Join(folder, "tokenizer_config.json"))
	if err != nil {
		return nil, err
	}
	source := config.template
	file := templateFile
	if file == "" {
		file = filepath.Join(folder, "chat_template.jinja")
	}
	text, err := os.ReadFile(file)
	switch {
	case err == nil:
		source = string(text)
	case templateFile != "" || source == "" && !errors.Is(err, os.ErrNotExist):
		return nil, err
	case source == "":
		return nil, fmt.Errorf("%s has no chat template: no chat_template.jinja, and none in tokenizer_config.json", folder)
	}
	t, err := NewTemplate(source, config.tokens)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return &Model{tok, t}, nil
}

type tokenizerConfig struct {
	tokens   map[string]string
	template string
}

func readConfig(file string) (c tokenizerConfig, err error) {
	c.tokens = map[string]string{}
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	var all map[string]json.RawMessage
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&all); err != nil {
		return c, fmt.Errorf("reading %s: %w", file, err)
	}
	for key, raw := range all {
		var text string
		var token struct{ Content string }
		switch {
		case !strings.HasSuffix(key, "_token") && key != "chat_template":
		case json.Unmarshal(raw, &text) == nil && key == "chat_template":
			c.template = text
		case json.Unmarshal(raw, &text) == nil:
			c.tokens[key] = text
		case key != "chat_template" && json.Unmarshal(raw, &token) == nil:
			c.tokens[key] = token.Content
		}
	}
	return c, nil
}
