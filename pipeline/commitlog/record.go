package commitlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"inoculate/pipeline"
)

// A Record says what one segment holds. Two owners that do the same work write the same bytes: there is no clock and no
// owner in it.
type Record struct {
	Run       string           `json:"run"`
	Partition string           `json:"partition"`
	First     int64            `json:"first"`
	Next      int64            `json:"next"`
	Prev      string           `json:"prev"` // hash of the predecessor: the record before, or the start record
	Files     []pipeline.File  `json:"files"`
	Counts    map[string]int64 `json:"counts"`
	Bytes     int64            `json:"bytes"` // input bytes
	Hash      string           `json:"-"`     // sha256 of this record, hex
}

// A start record fixes where a partition begins.
type startRecord struct {
	Run       string `json:"run"`
	Partition string `json:"partition"`
	First     int64  `json:"first"`
	Prev      string `json:"prev"` // hash of the run record

	Adopted *pipeline.Partition `json:"adopted,omitempty"` // what the plan would say of it, where the plan does not have it
}

// The form of every record: {"sha256":"<of the body>","record":<body>} and a newline, the body exactly as it was hashed.
const (
	sealHead = `{"sha256":"`
	sealMid  = `","record":`
	sealTail = "}\n"
	headLen  = len(sealHead) + sha256.Size*2 + len(sealMid)
)

// encode gives the bytes of a record and its hash.
func encode(record any) (data []byte, hash string, err error) {
	body, err := json.Marshal(record)
	if err != nil {
		return nil, "", fmt.Errorf("encoding a record: %w", err)
	}
	hash = hashOf(body)
	data = make([]byte, 0, headLen+len(body)+len(sealTail))
	data = append(data, sealHead+hash+sealMid...)
	data = append(data, body...)
	return append(data, sealTail...), hash, nil
}

var (
	errTruncated = errors.New("truncated, or not a record")
	errHash      = errors.New("content and hash differ")
)

// decode checks every byte of data and fills record, a pointer to a struct. It never trusts what it reads.
func decode(data []byte, record any) (hash string, err error) {
	if len(data) < headLen+len(sealTail) || !bytes.HasPrefix(data, []byte(sealHead)) ||
		!bytes.HasPrefix(data[headLen-len(sealMid):], []byte(sealMid)) || !bytes.HasSuffix(data, []byte(sealTail)) {
		return "", errTruncated
	}
	hash = string(data[len(sealHead) : headLen-len(sealMid)])
	body := data[headLen : len(data)-len(sealTail)]
	if hashOf(body) != hash {
		return "", errHash
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(record); err != nil {
		return "", fmt.Errorf("decoding: %w", err)
	}
	if d.InputOffset() != int64(len(body)) {
		return "", errTruncated
	}
	return hash, nil
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func decodeRecord(data []byte) (Record, error) {
	var r Record
	hash, err := decode(data, &r)
	if err != nil {
		return Record{}, err
	}
	if err := r.check(); err != nil {
		return Record{}, err
	}
	r.Hash = hash
	return r, nil
}

// check looks at everything that can be checked without the chain.
func (r *Record) check() error {
	if r.Next <= r.First && mutant != mutEmptySegment { // R6: a segment is never empty, its key would be its own successor's
		return fmt.Errorf("segment [%d,%d) is empty", r.First, r.Next)
	}
	seen := make(map[string]bool, len(r.Files))
	for i := range r.Files {
		f := &r.Files[i]
		if err := r.checkFile(f); err != nil {
			return fmt.Errorf("file %d: %w", i, err)
		}
		if seen[targetFile(*f)] {
			return fmt.Errorf("file %d: %s is named twice", i, targetFile(*f))
		}
		seen[targetFile(*f)] = true
	}
	return nil
}

func (r *Record) checkFile(f *pipeline.File) error {
	if err := checkFolder(f.Folder); err != nil {
		return err
	}
	if len(f.SHA256) != sha256.Size*2 || strings.Trim(f.SHA256, "0123456789abcdef") != "" {
		return fmt.Errorf("%s: sha256 %q is not one", f.Name, f.SHA256)
	}
	// R9: a record names files of its own run, partition and position only.
	ext, ok := strings.CutPrefix(f.Name, partStem(r.Run, r.Partition, r.First)+f.SHA256[:hashDigits]+".")
	if !ok {
		return fmt.Errorf("%q is not the name of a file of run %s, partition %s, position %d with this content", f.Name, r.Run, r.Partition, r.First)
	}
	if f.Rows < 0 || f.Bytes < 0 {
		return fmt.Errorf("%s: negative size", f.Name)
	}
	return checkExt(ext)
}

// names tells whether r names the file of that folder and name.
func (r *Record) names(folder, name string) bool {
	for i := range r.Files {
		if r.Files[i].Folder == folder && r.Files[i].Name == name {
			return true
		}
	}
	return false
}

// same tells whether two records stand for the same range and the same files.
func (r *Record) same(o *Record) bool {
	if r.First != o.First || r.Next != o.Next || len(r.Files) != len(o.Files) {
		return false
	}
	for _, f := range r.Files {
		if !o.names(f.Folder, f.Name) {
			return false
		}
	}
	return true
}
