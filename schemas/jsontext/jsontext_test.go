package jsontext

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestValid(t *testing.T) {
	for _, c := range []struct{ in, reason string }{
		{`{"a":1,"b":[true,null,-1.5e+3,"x\n\u00e9\ud83d\ude00"]}`, ""},
		{` [ ] `, ""},
		{`{"a":{},"a":1}`, "duplicate_key"},
		{`{"a":1,"\u0061":2}`, "duplicate_key"},
		{`{"0":0,"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":0,"a":0,"b":0,"c":0,"5":0}`, "duplicate_key"},
		{"\"\xff\"", "invalid_utf8"},
		{"\"\xc3\"", "invalid_utf8"},
		{`"\ud800"`, "lone_surrogate"},
		{`"\ude00"`, "lone_surrogate"},
		{`"\ud83dx"`, "lone_surrogate"},
		{`{} x`, "trailing_bytes"},
		{`{"a":1}{"b":2}`, "trailing_bytes"},
		{`{"a":1,}`, "syntax"},
		{`[1,]`, "syntax"},
		{`{"a" 1}`, "syntax"},
		{`01`, "trailing_bytes"},
		{`-`, "syntax"},
		{`1.`, "syntax"},
		{`1e`, "syntax"},
		{`tru`, "syntax"},
		{``, "syntax"},
		{`"abc`, "syntax"},
		{"\"a\x01\"", "syntax"},
		{`"\x"`, "syntax"},
		{`"\u12g4"`, "syntax"},
		{`NaN`, "syntax"},
		{strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth), ""},
		{strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1), "too_deep"},
	} {
		var se *SyntaxError
		err := Valid([]byte(c.in))
		if got := ""; errors.As(err, &se) {
			got = se.Reason
			if got != c.reason {
				t.Errorf("%.40s: %s (%v), want %q", c.in, got, err, c.reason)
			}
		} else if c.reason != "" {
			t.Errorf("%.40s: accepted, want %s", c.in, c.reason)
		}
	}
}

// FuzzValid holds the scanner against encoding/json: what we take it takes, with the same strings; what we refuse and it
// takes has one of the reasons that make us stricter.
func FuzzValid(f *testing.F) {
	for _, s := range []string{`{"a":[1,2,{"b":"c\u00e9"}]}`, `"\ud83d\ude00"`, `{"a":1,"a":2}`, "\"\u2028\u0085\"", `-0.1e-7`, "\"\xff\""} {
		f.Add([]byte(s))
	}
	f.Add([]byte("\"r\u00e9sum\u00e9 \\n\\t\\u0041\\ud83d\\ude00 \xf0\x9f\x98\x80 \\/ end of it, and on for more than 32 bytes\""))
	f.Add([]byte("\u043f\u0440\u0438\u0432\u0435\u0442 \u0e2a\u0e27\u0e31 \ud55c\uae00 \u201cquoted\u201d\\t\\\\ \xe0\x9f\xbf \xed\xa0\x80 and on for more than 32 bytes behind it"))
	f.Fuzz(func(t *testing.T, b []byte) {
		checkText(t, b)
		checkText(t, append(bytes.Clone(b), strings.Repeat("behind ", 6)+"\""...))
		checkText(t, append(bytes.Repeat([]byte("front\\n"), 5), b...))
		err := Valid(b)
		if err == nil {
			if !json.Valid(b) {
				t.Fatalf("accepted %q", b)
			}
			checkStrings(t, b)
			return
		}
		var se *SyntaxError
		if !errors.As(err, &se) || se.Offset < 0 || se.Offset > len(b) {
			t.Fatalf("%q: %v", b, err)
		}
		if json.Valid(b) {
			switch se.Reason {
			case "duplicate_key", "invalid_utf8", "lone_surrogate", "too_deep":
			default:
				t.Fatalf("refused %q: %v", b, err)
			}
		}
	})
}

// checkText holds AppendText against String and AppendUnquoted.
func checkText(t *testing.T, b []byte) {
	if b = append([]byte{'"'}, b...); len(b) > 1 && b[1] == '"' {
		b = b[1:]
	}
	end, _, err := String(b, 0)
	for _, room := range []int{0, len(b) - 1, 2 * len(b)} { // what is done at a time depends on it
		all := bytes.Repeat([]byte{'#'}, 7+room+64)
		got, at, err2 := AppendText(append(all[:0:7+room], "before "...), b, 0)
		if strings.Trim(string(all[7+room:]), "#") != "" {
			t.Fatalf("%q: writes behind its room: %q", b, all)
		}
		if (err == nil) != (err2 == nil) || at != end || err != nil && err.Error() != err2.Error() {
			t.Fatalf("%q: String ends at %d, %v, AppendText at %d, %v", b, end, err, at, err2)
		}
		if err == nil && string(got) != "before "+string(AppendUnquoted(nil, b[1:end-1])) {
			t.Fatalf("%q: %q", b, got)
		}
	}
}

func checkStrings(t *testing.T, b []byte) {
	if b = b[Space(b, 0):]; b[0] != '"' {
		return
	}
	end, _, _ := String(b, 0)
	inside := b[1 : end-1]
	var want string
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if got := AppendUnquoted(nil, inside); string(got) != want {
		t.Fatalf("%q: text %q, want %q", b, got, want)
	}
	for n := 0; n <= len(want); n++ {
		if n < len(want) && !utf8.RuneStart(want[n]) {
			continue
		}
		if got := AppendUnquoted(nil, inside[:RawOffset(inside, n)]); string(got) != want[:n] {
			t.Fatalf("%q: first %d bytes %q, want %q", b, n, got, want[:n])
		}
	}
	q := AppendQuoted(nil, want)
	var back string
	if err := json.Unmarshal(q, &back); err != nil || back != want || Valid(q) != nil {
		t.Fatalf("%q quoted as %q: %q, %v", want, q, back, err)
	}
	if strings.ContainsAny(string(q), "\u0085\u2028\u2029\n\r") {
		t.Fatalf("%q has a line separator", q)
	}
}

func BenchmarkValid(b *testing.B) {
	line := []byte(`{"id":"x-00001","messages":[{"role":"user","content":"` + strings.Repeat("Write a function to determine if a palindrome. ", 20) + `"},{"role":"assistant","content":"` + strings.Repeat("def f(x):\\n    return x", 20) + `"}],"score":0.123}`)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if err := Valid(line); err != nil {
			b.Fatal(err)
		}
	}
}
