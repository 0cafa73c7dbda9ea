package files

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"inoculate/pipeline"
)

// tree makes empty files in a new folder and makes it the working one.
func tree(t *testing.T, names ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, n := range names {
		if err := os.MkdirAll(filepath.Dir(n), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(n, []byte(n), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestExpand(t *testing.T) {
	tree(t, "b.parquet", "a.parquet", "d/x.parquet", "d/e/y.parquet", "d/e/notes.txt", "d/.hidden/z.parquet", "d/.h.parquet",
		"odd[1].parquet", "f/10.parquet", "f/9.parquet")
	if err := os.Symlink("a.parquet", "link.parquet"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		in   string
		want string
	}{
		{"a.parquet", "a.parquet"},
		{"*.parquet", "a.parquet b.parquet odd[1].parquet"}, // link.parquet is a.parquet
		{"b.parquet *.parquet", "b.parquet a.parquet odd[1].parquet"},
		{"?.parquet", "a.parquet b.parquet"},
		{"[!b].parquet", "a.parquet"},
		{"[bx].*", "b.parquet"},
		{"[x].*", ""},
		{"[^b].parquet", "a.parquet"},
		{"odd[1].parquet", "odd[1].parquet"},
		{"d", "d/e/y.parquet d/x.parquet"},
		{"d/", "d/e/y.parquet d/x.parquet"},
		{"d/**/*.parquet", "d/e/y.parquet d/x.parquet"},
		{"d/**", "d/e/notes.txt d/e/y.parquet d/x.parquet"},
		{"**/y.parquet", "d/e/y.parquet"},
		{"d/**/**/e/*.parquet", "d/e/y.parquet"},
		{"d/.*/*.parquet", "d/.hidden/z.parquet"},
		{"d/*", "d/e/y.parquet d/x.parquet"},
		{"f/*", "f/10.parquet f/9.parquet"},
		{"- - a.parquet", "- a.parquet"},
		{"./a.parquet a.parquet link.parquet", "./a.parquet"},
	} {
		got, err := Expand(strings.Fields(c.in), []string{".parquet"})
		if c.want == "" {
			if !errors.Is(err, ErrNoMatch) {
				t.Errorf("%s: %v, %v", c.in, got, err)
			}
			continue
		}
		if err != nil || !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%s: %v, %v; want %s", c.in, got, err, c.want)
		}
	}
}

func TestExpandAbsolute(t *testing.T) {
	tree(t, "d/a.jsonl")
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Expand([]string{wd + "/**/*.jsonl"}, nil)
	if err != nil || !slices.Equal(got, []string{wd + "/d/a.jsonl"}) {
		t.Fatalf("%v, %v", got, err)
	}
}

func TestNoMatchSaysWhatIsThere(t *testing.T) {
	tree(t, "data/train.parquet", "data/readme.md", "none/x.txt")
	for in, want := range map[string]string{
		"data/tain.parquet":  "the nearest folder that exists is data, which has readme.md, train.parquet",
		"data/*.jsonl":       "looked in data, which has readme.md, train.parquet; a pattern",
		"nope/**/*.parquet":  "looked in ., which has data, none",
		"none":               "has no file named *.parquet below it",
		"~/x.parquet":        "home folder",
		"data/sub/x.parquet": "the nearest folder that exists is data,",
	} {
		_, err := Expand([]string{in}, []string{".parquet"})
		var ie *pipeline.InputError
		if !errors.As(err, &ie) || !errors.Is(err, ErrNoMatch) || ie.Source != in || !strings.Contains(ie.Hint, want) {
			t.Errorf("%s: %v", in, err)
		}
	}
	if _, err := Expand(nil, nil); !errors.Is(err, ErrNoMatch) {
		t.Errorf("no pattern: %v", err)
	}
	if _, err := Expand([]string{"data/["}, nil); err == nil || errors.Is(err, ErrNoMatch) {
		t.Errorf("bad pattern: %v", err)
	}
}

func TestFingerprint(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return p
	}
	print := func(p string) string {
		s, err := Fingerprint(p)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	big := bytes.Repeat([]byte("0123456789abcdef"), 40_000)
	a := write("a", big)
	fa := print(a)
	if b := write("b", big); print(b) != fa {
		t.Error("a copy has another fingerprint")
	}
	if err := os.Chtimes(a, time.Unix(1, 0), time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if print(a) != fa {
		t.Error("the time changes the fingerprint")
	}
	seen := map[string]string{fa: "a"}
	for name, b := range map[string][]byte{
		"longer": append(bytes.Clone(big), 'x'), "first": append([]byte("x"), big[1:]...),
		"last": append(bytes.Clone(big[:len(big)-1]), 'x'), "empty": nil, "small": []byte("x"), "small2": []byte("y"),
	} {
		f := print(write(name, b))
		if o := seen[f]; o != "" {
			t.Errorf("%s has the fingerprint of %s", name, o)
		}
		seen[f] = name
	}
	if _, err := Fingerprint(filepath.Join(dir, "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
}

func gz(s string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.Bytes()
}

func zst(s string) []byte {
	var b bytes.Buffer
	w, _ := zstd.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.Bytes()
}

func read(name string, b []byte) (string, error) {
	r, err := Decompress(name, io.NopCloser(bytes.NewReader(b)))
	if err != nil {
		return "", err
	}
	defer r.Close()
	out, err := io.ReadAll(r)
	return string(out), err
}

func TestDecompress(t *testing.T) {
	text := strings.Repeat("a line of text\n", 5000)
	for _, c := range []struct {
		name string
		in   []byte
		want string
	}{
		{"x.jsonl", []byte(text), text},
		{"x.jsonl", nil, ""},
		{"x.gz", gz(text), text},
		{"x.zst", zst(text), text},
		{"standard input", gz(text), text},
		{"standard input", zst(text), text},
		{"x.gz", gz(""), ""},
		{"x.zst", zst("x"), "x"},
		{"x.gz", slices.Concat(gz("a\n"), gz("b\n")), "a\nb\n"},
		{"x.zst", slices.Concat(zst("a\n"), zst("b\n")), "a\nb\n"},
	} {
		if got, err := read(c.name, c.in); err != nil || got != c.want {
			t.Errorf("%s of %d bytes: %d bytes, %v", c.name, len(c.in), len(got), err)
		}
	}
}

func TestDecompressTruncated(t *testing.T) {
	text := strings.Repeat("a line of text\n", 500)
	for name, whole := range map[string][]byte{"x.gz": gz(text), "x.zst": zst(text)} {
		for n := range whole {
			if got, err := read(name, whole[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s cut to %d of %d bytes: %d bytes, %v", name, n, len(whole), len(got), err)
			}
		}
		two := slices.Concat(whole, whole)
		for _, n := range []int{len(whole) + 1, len(whole) + 5, len(two) - 1} {
			if _, err := read(name, two[:n]); err == nil {
				t.Errorf("%s with a second member cut to %d bytes gives no error", name, n-len(whole))
			}
		}
	}
	if _, err := read("x.gz", []byte("plain text")); err == nil {
		t.Error("plain text in a .gz file gives no error")
	}
	if _, err := read("x.zst", []byte("plain text")); err == nil {
		t.Error("plain text in a .zst file gives no error")
	}
}

func TestZstdWindowIsBounded(t *testing.T) {
	// A frame header that asks for a window of 2 GiB: descriptor 0, window exponent 21.
	if _, err := read("x.zst", []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00}); !errors.Is(err, zstd.ErrWindowSizeExceeded) {
		t.Errorf("%v", err)
	}
}

func TestOpen(t *testing.T) {
	p := filepath.Join(t.TempDir(), "x.gz")
	if err := os.WriteFile(p, gz("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := Open(p)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil || string(b) != "hello" {
		t.Errorf("%q, %v", b, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if !IsCompressed(p) || IsCompressed("x.jsonl") {
		t.Error("IsCompressed")
	}
}
