package commitlog

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"inoculate/pipeline"
)

const (
	commitsDir = "_commits"
	stagingDir = ".staging"
	runFile    = commitsDir + "/run.json"
	startName  = "start.json"
	tempPrefix = "tmp-"
	hashDigits = 12
)

func runDir(run string) string                  { return commitsDir + "/" + run }
func chainDir(run, partition string) string     { return runDir(run) + "/" + partition }
func startFile(run, partition string) string    { return chainDir(run, partition) + "/" + startName }
func keyName(first int64) string                { return fmt.Sprintf("%020d.json", first) }
func key(run, partition string, f int64) string { return chainDir(run, partition) + "/" + keyName(f) }
func stagedFile(folder, name string) string     { return stagingDir + "/" + stagedBase(folder, name) }
func stagedBase(folder, name string) string     { return tag(folder) + "+" + name }
func tag(folder string) string                  { return strings.ReplaceAll(folder, "/", ".") }
func untag(t string) string                     { return strings.ReplaceAll(t, ".", "/") }
func isLower(c byte) bool                       { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }
func partStem(run, part string, f int64) string {
	return fmt.Sprintf("part-%s-%s-%020d-", run, part, f)
}
func tempBase(kind, stem, ext string) string {
	return tempPrefix + kind + "+" + stem + random(8) + "." + ext
}
func privateTemp(kind string) string    { return stagingDir + "/" + tempPrefix + kind + "-" + random(8) }
func targetFile(f pipeline.File) string { return f.Folder + "/" + f.Name }

// parseKey gives the position of a record's file name.
func parseKey(base string) (int64, bool) {
	digits, ok := strings.CutSuffix(base, ".json")
	if !ok {
		return 0, false
	}
	return parsePosition(digits)
}

func parsePosition(digits string) (int64, bool) {
	if len(digits) != 20 || digits[0] < '0' || digits[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil
}

// staged is what a name in the staging folder says.
type staged struct {
	base           string // name in the staging folder
	temp           bool   // an attempt, not a finished file
	folder, name   string // where it belongs, for a finished file
	run, partition string
	first          int64
	suffix         string // digits of the content's hash, or random ones
}

func parseStaged(base string) (staged, bool) {
	s := staged{base: base}
	if strings.HasPrefix(base, mergePrefix) {
		return s, false
	}
	rest, temp := strings.CutPrefix(base, tempPrefix)
	folder, name, ok := strings.Cut(rest, "+")
	if !ok {
		return s, false
	}
	s.temp, s.folder, s.name = temp, untag(folder), name
	stem, _, ok := strings.Cut(name, ".")
	if !ok {
		return s, false
	}
	if stem, ok = strings.CutPrefix(stem, "part-"); !ok {
		return s, false
	}
	if s.run, stem, ok = strings.Cut(stem, "-"); !ok {
		return s, false
	}
	i := strings.LastIndexByte(stem, '-')
	if i < 22 || stem[i-21] != '-' {
		return s, false
	}
	s.suffix, s.partition = stem[i+1:], stem[:i-21]
	s.first, ok = parsePosition(stem[i-20 : i])
	return s, ok
}

// checkPlan keeps the ids fit for file names everywhere, also on disks that fold case.
func checkPlan(plan []pipeline.Partition) error {
	seen := make(map[string]bool, len(plan))
	for _, p := range plan {
		if err := checkID("partition", p.ID, 64); err != nil {
			return err
		}
		if seen[p.ID] { // R8: distinct after case folding, as only lower case is allowed
			return fmt.Errorf("partition id %q: planned twice", p.ID)
		}
		seen[p.ID] = true
		if p.First < 0 {
			return fmt.Errorf("partition %s: first position %d is negative", p.ID, p.First)
		}
	}
	return nil
}

func checkID(what, id string, most int) error {
	bad := id == "" || len(id) > most || id[0] == '-' || id[len(id)-1] == '-' || reserved(id)
	for i := 0; i < len(id) && !bad; i++ {
		bad = !isLower(id[i]) && id[i] != '-'
	}
	if bad {
		return fmt.Errorf("%s id %q: want 1 to %d of a-z, 0-9 and inner hyphens, no device name", what, id, most)
	}
	return nil
}

func checkRunID(id string) error {
	if strings.Contains(id, "-") {
		return fmt.Errorf("run id %q: no hyphen allowed", id)
	}
	return checkID("run", id, 32)
}

func reserved(id string) bool {
	switch id {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(id) == 4 && (id[:3] == "com" || id[:3] == "lpt") && '0' <= id[3] && id[3] <= '9'
}

func checkFolder(folder string) error {
	bad := folder == "" || len(folder) > 64 || folder == commitsDir
	for s := range strings.SplitSeq(folder, "/") {
		bad = bad || s == "" || reserved(s)
		for i := 0; i < len(s) && !bad; i++ {
			bad = !isLower(s[i]) && s[i] != '-' && s[i] != '_'
		}
	}
	if bad {
		return fmt.Errorf("folder %q: want a-z, 0-9, _ and - between slashes", folder)
	}
	return nil
}

func checkExt(ext string) error {
	bad := ext == "" || len(ext) > 16 || ext[0] == '.' || ext[len(ext)-1] == '.'
	for i := 0; i < len(ext) && !bad; i++ {
		bad = !isLower(ext[i]) && ext[i] != '.'
	}
	if bad {
		return fmt.Errorf("file extension %q: want a-z, 0-9 and inner dots", ext)
	}
	return nil
}

// random gives n random bytes as hex.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}
