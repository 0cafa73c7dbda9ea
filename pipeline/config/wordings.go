package config

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"inoculate/pipeline/diag"
)

// MaxTexts is how many texts a registry may have, or the variants of a pipeline.
const MaxTexts = 100_000

const (
	maxWording  = 64 << 10 // bytes of a line of a file of wordings
	maxWordings = 64 << 20 // bytes of all of them
	maxFindings = 20       // of one file
)

// wording is one text of a file, and where it stands.
type wording struct {
	file string
	line int
	text string
}

// at is a finding about the line of a wording.
func (w wording) at(level, excerpt, hint, format string, args ...any) diag.Finding {
	f := diag.Finding{File: w.file, Line: w.line, Column: 1, Level: level, Message: fmt.Sprintf(format, args...), Hint: hint}
	if excerpt = strings.Trim(strconv.Quote(excerpt), `"`); len(excerpt) > 120 {
		excerpt = strings.ToValidUTF8(excerpt[:120], "") + "…"
	}
	f.Excerpt = excerpt
	return f
}

// wordings reads files of wordings.
type wordings struct {
	texts, bytes int // so far, of all files
}

// glob reads the files that a pattern names, in the order of their names.
func (r *wordings) glob(pattern string) (out []wording, l diag.List, err error) {
	names, err := filepath.Glob(pattern)
	if err != nil {
		return nil, nil, fmt.Errorf("%q is no glob: %w", pattern, err)
	}
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("no file matches %q", pattern)
	}
	slices.Sort(names)
	for _, name := range names {
		some, bad := r.file(name)
		out, l = append(out, some...), append(l, bad...)
	}
	return out, l, nil
}

// file reads one file: a text a line, or a JSON value a line where the name ends in .jsonl or .ndjson. Empty lines, the white
// space around a text and the mark of UTF-8 at the start are passed over. Not more than one line is kept beside the texts.
func (r *wordings) file(name string) (out []wording, l diag.List) {
	whole := func(format string, args ...any) diag.List {
		return append(l, diag.Finding{File: name, Level: "error", Message: fmt.Sprintf(format, args...)})
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, whole("%v", err)
	}
	defer f.Close()
	isJSON := slices.Contains([]string{".jsonl", ".ndjson"}, strings.ToLower(filepath.Ext(name)))
	s := bufio.NewScanner(f)
	s.Buffer(make([]byte, 0, 4096), maxWording)
	w := wording{file: name}
	for s.Scan() {
		w.line++
		line := s.Bytes()
		if w.line == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		trimmed := bytes.TrimSpace(line)
		if len(trimmed) == 0 {
			continue
		}
		text, problem, hint := textOf(trimmed, isJSON)
		if problem == "" && r.texts >= MaxTexts {
			problem, hint = fmt.Sprintf("there are more than %d texts", MaxTexts), "split the registry, and audit once for each"
		} else if problem == "" && r.bytes+len(text) > maxWordings {
			problem, hint = fmt.Sprintf("the texts have more than %d bytes together", maxWordings), "split the registry, and audit once for each"
		}
		if problem != "" {
			l = append(l, w.at("error", string(trimmed), hint, "%s", problem))
			if len(l) == maxFindings || r.texts >= MaxTexts || r.bytes+len(text) > maxWordings {
				return out, l
			}
			continue
		}
		w.text = text
		r.texts, r.bytes = r.texts+1, r.bytes+len(text)
		out = append(out, w)
	}
	switch err := s.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		w.line++
		l = append(l, w.at("error", "…", "one text a line", "the line is longer than %d bytes", maxWording))
	case err != nil:
		l = whole("reading it: %v", err)
	case len(out)+len(l) == 0:
		l = whole("it holds no text")
	}
	return out, l
}

// textOf reads the text of a line; problem and hint say what is wrong with it.
func textOf(line []byte, isJSON bool) (text, problem, hint string) {
	if !utf8.Valid(line) {
		if bytes.IndexByte(line, 0) >= 0 {
			return "", "the line is not UTF-8, and holds zero bytes", "save the file as UTF-8, not as UTF-16"
		}
		return "", "the line is not UTF-8", "save the file as UTF-8"
	}
	if !isJSON {
		// A text of a line has no line ends or tabs to be kept by escapes: other control characters are damage.
		if k := bytes.IndexFunc(line, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7F }); k >= 0 {
			if line[k] == '\r' {
				return "", "there is a carriage return in the line", `end lines with "\n" or "\r\n"; write texts of more than one line as JSON strings in a .jsonl file`
			}
			return "", fmt.Sprintf("there is a control character in the line, U+%04X at byte %d", line[k], k+1), "write it as a JSON string in a .jsonl file if it is meant"
		}
		return string(line), "", ""
	}
	const want = `a line is a JSON string, or an object with the string "text" or with one string alone`
	var value any
	if err := json.Unmarshal(line, &value); err != nil {
		return "", fmt.Sprintf("the line is no JSON: %v", err), want
	}
	switch v := value.(type) {
	case string:
		text = v
	case map[string]any:
		var ok bool
		if text, ok = v["text"].(string); !ok {
			n := 0
			for _, x := range v {
				if s, is := x.(string); is {
					text, n = s, n+1
				}
			}
			if n != 1 {
				return "", fmt.Sprintf(`the object has no "text", and %d strings`, n), want
			}
		}
	default:
		return "", "the line has no text", want
	}
	if strings.TrimSpace(text) == "" {
		return "", "the text is empty", want
	}
	return text, "", ""
}
