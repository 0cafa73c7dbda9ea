// Package files finds the input files that a source names, tells whether they changed, and opens compressed ones.
package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"inoculate/pipeline"
)

// Stdin is the path that stands for standard input.
const Stdin = "-"

// ErrNoMatch is what a pattern that names no file gives, inside a *pipeline.InputError with a hint.
var ErrNoMatch = errors.New("no file matches")

// Expand turns patterns into file paths, in the order of the patterns and lexicographic within one. A pattern is a file, a
// glob (`*`, `?`, `[…]`, and `**` for any depth of folders), a folder, or Stdin. A folder stands for every file below it
// whose name ends in one of exts (".parquet"), hidden files and folders left out; wildcards match no hidden name either,
// unless they are written with the dot. A file that several patterns name is kept once, where it came first.
func Expand(patterns, exts []string) ([]string, error) {
	var out []string
	seen := make(map[string]bool)
	for _, p := range patterns {
		found, err := expandOne(p, exts)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, &pipeline.InputError{Source: p, Position: -1, Err: ErrNoMatch, Hint: hint(p, exts)}
		}
		for _, f := range found {
			if id := identity(f); !seen[id] {
				seen[id] = true
				out = append(out, f)
			}
		}
	}
	if len(out) == 0 {
		return nil, &pipeline.InputError{Source: "input", Position: -1, Err: ErrNoMatch, Hint: "no path was given"}
	}
	return out, nil
}

func expandOne(pattern string, exts []string) ([]string, error) {
	if pattern == Stdin {
		return []string{Stdin}, nil
	}
	info, err := os.Stat(pattern) // a name that exists is meant as it stands, whatever characters it has
	switch {
	case err == nil && info.IsDir():
		return below(pattern, exts)
	case err == nil:
		return []string{pattern}, nil
	case !errors.Is(err, fs.ErrNotExist) && !isGlob(pattern):
		return nil, &pipeline.InputError{Source: pattern, Position: -1, Err: err}
	case !isGlob(pattern):
		return nil, nil
	}
	matches, err := glob(pattern)
	if err != nil {
		return nil, &pipeline.InputError{Source: pattern, Position: -1, Err: err}
	}
	var out []string
	for _, m := range matches {
		info, err := os.Stat(m)
		switch {
		case err != nil:
			return nil, &pipeline.InputError{Source: m, Position: -1, Err: err}
		case !info.IsDir():
			out = append(out, m)
		case !strings.Contains(pattern, "**"): // like a shell that gives the folder as an argument
			files, err := below(m, exts)
			if err != nil {
				return nil, err
			}
			out = append(out, files...)
		}
	}
	slices.Sort(out)
	return out, nil
}

// below lists the files under a folder whose names end in one of exts, sorted.
func below(dir string, exts []string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != dir && hidden(d.Name()) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if !d.IsDir() && hasExt(d.Name(), exts) && isFile(path, d) {
			out = append(out, path)
		}
		return nil
	})
	if err != nil {
		return nil, &pipeline.InputError{Source: dir, Position: -1, Err: fmt.Errorf("listing the folder: %w", err)}
	}
	slices.Sort(out)
	return out, nil
}

// isFile says whether path is something to read; a link counts as what it leads to.
func isFile(path string, d fs.DirEntry) bool {
	if d.Type()&fs.ModeSymlink == 0 {
		return d.Type().IsRegular()
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") }

func hasExt(name string, exts []string) bool {
	return slices.ContainsFunc(exts, func(e string) bool { return strings.HasSuffix(name, e) })
}

// identity is equal for two spellings of one file.
func identity(path string) string {
	if path == Stdin {
		return path
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	return path
}
