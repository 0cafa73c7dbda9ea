package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func isGlob(pattern string) bool { return strings.ContainsAny(pattern, `*?[`) }

// glob lists the paths that match pattern, unsorted and perhaps with repeats. Folders that cannot be read are an error:
// input is never left out in silence.
func glob(pattern string) ([]string, error) {
	parts := strings.Split(strings.ReplaceAll(filepath.ToSlash(pattern), "[!", "[^"), "/") // [!a] is how shells say [^a]
	for _, p := range parts {
		if _, err := filepath.Match(p, ""); err != nil {
			return nil, fmt.Errorf("the pattern's part %q: %w", p, err)
		}
	}
	root := ""
	if parts[0] == "" {
		root, parts = "/", parts[1:]
	}
	var out []string
	err := globIn(root, parts, &out)
	return out, err
}

// globIn matches parts below dir.
func globIn(dir string, parts []string, out *[]string) error {
	for len(parts) > 0 && !isGlob(parts[0]) { // no listing for what is written out
		dir, parts = filepath.Join(dir, parts[0]), parts[1:]
	}
	if len(parts) == 0 {
		if _, err := os.Stat(dir); err == nil {
			*out = append(*out, dir)
		}
		return nil
	}
	if parts[0] == "**" {
		for len(parts) > 1 && parts[1] == "**" {
			parts = parts[1:]
		}
		rest := parts[1:]
		if len(rest) == 0 {
			rest = []string{"*"}
		}
		if err := globIn(dir, rest, out); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(orDot(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if hidden(e.Name()) && !hidden(parts[0]) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if parts[0] == "**" {
			if e.IsDir() { // links to folders are not followed: they may lead in circles
				if err := globIn(path, parts, out); err != nil {
					return err
				}
			}
			continue
		}
		if ok, _ := filepath.Match(parts[0], e.Name()); !ok {
			continue
		}
		if len(parts) == 1 {
			*out = append(*out, path)
		} else if info, err := os.Stat(path); err == nil && info.IsDir() {
			if err := globIn(path, parts[1:], out); err != nil {
				return err
			}
		}
	}
	return nil
}

func orDot(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

// hint says what is there where a pattern found nothing.
func hint(pattern string, exts []string) string {
	if info, err := os.Stat(pattern); err == nil && info.IsDir() {
		return fmt.Sprintf("the folder exists, but has no file named *%s below it", strings.Join(exts, " or *"))
	}
	dir := pattern
	for isGlob(dir) || !isDir(dir) {
		up := filepath.Dir(dir)
		if up == dir {
			return "no part of this path exists"
		}
		dir = up
	}
	what := listing(dir)
	switch {
	case strings.HasPrefix(pattern, "~"):
		return `"~" is the shell's word: write the home folder out`
	case isGlob(pattern):
		return fmt.Sprintf("looked in %s, which %s; a pattern for inoculate needs quotes, so that the shell leaves it alone", dir, what)
	default:
		return fmt.Sprintf("the nearest folder that exists is %s, which %s", dir, what)
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// listing names the first few entries of a folder.
func listing(dir string) string {
	const most = 3
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "cannot be read"
	}
	var names []string
	n := 0
	for _, e := range entries {
		if hidden(e.Name()) {
			continue
		}
		if n++; n <= most {
			names = append(names, e.Name())
		}
	}
	switch {
	case n == 0:
		return "is empty"
	case n > most:
		return fmt.Sprintf("has %s and %d more", strings.Join(names, ", "), n-most)
	}
	return "has " + strings.Join(names, ", ")
}
