package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"inoculate/schemas"
	"inoculate/sinks/internal/columnar"
)

// trainerInfo is dataset_info.json, LLaMA-Factory's map; nil where it has no word for the layout. It lists every file of a
// folder, so the folder must hold data files only: never that of a save_to_disk split.
func (s *Sealer) trainerInfo(m *Manifest) ([]byte, error) {
	format := s.loadFormat()
	if format == columnar.Arrow {
		return nil, nil
	}
	columns, tags := map[string]string{}, map[string]string(nil)
	formatting := "alpaca"
	for _, sl := range s.Layout.Slots {
		switch {
		case sl.Kind == schemas.TextSlot && sl.Role == schemas.RoleSystem:
			columns["system"] = sl.Name
		case sl.Kind == schemas.TextSlot && sl.Role == schemas.RoleUser:
			columns["prompt"] = sl.Name
		case sl.Kind == schemas.TextSlot && s.Layout.Rejected != nil:
			columns["chosen"] = sl.Name
		case sl.Kind == schemas.TextSlot:
			columns["response"] = sl.Name
		case sl.Kind == schemas.JSONSlot || s.Layout.Name == "prompt-completion" || s.Layout.Rejected != nil:
			return nil, nil
		default:
			formatting = "sharegpt" // "openai" would add a system prompt of its own
			columns["messages"] = sl.Name
			tags = map[string]string{"role_tag": sl.RoleKey, "content_tag": sl.TextKey}
			if s.Layout.Name == "messages" {
				tags["user_tag"], tags["assistant_tag"], tags["system_tag"] = "user", "assistant", "system"
				tags["observation_tag"] = "tool"
			}
		}
	}
	if r := s.Layout.Rejected; r != nil {
		if r.Kind != schemas.TextSlot {
			return nil, nil
		}
		columns["rejected"] = r.Name
	}
	info := map[string]any{}
	for _, sp := range s.splits(m) {
		e := map[string]any{"file_name": columnar.Folder(s.Formats, format, sp.Name), "formatting": formatting, "columns": columns}
		if tags != nil {
			e["tags"] = tags
		}
		if s.Layout.Rejected != nil {
			e["ranking"] = true
		}
		info[sp.Name] = e
	}
	return indented(info)
}

// saveToDisk is what load_from_disk reads beside the Arrow streams. The fingerprint is of the content: with a constant
// one, `datasets` would take rows from the caches of an earlier run.
func (s *Sealer) saveToDisk(m *Manifest) (map[string][]byte, error) {
	files := map[string]any{}
	names := []string{}
	for _, sp := range s.withEmpty(m) {
		names = append(names, sp.Name)
		shards := []map[string]string{}
		folder := columnar.Folder(s.Formats, columnar.Arrow, sp.Name)
		for _, f := range m.Files {
			if path.Dir(f.Path) == folder {
				shards = append(shards, map[string]string{"filename": strings.TrimPrefix(f.Path, sp.Name+"/")})
			}
		}
		if sp.Rows == 0 {
			shards = append(shards, map[string]string{"filename": strings.TrimPrefix(s.glob(columnar.Arrow, sp), sp.Name+"/")})
		}
		slices.SortFunc(shards, func(a, b map[string]string) int { return strings.Compare(a["filename"], b["filename"]) })
		files[sp.Name+"/state.json"] = map[string]any{
			"_data_files": shards, "_fingerprint": fingerprint(m.Content, sp.Name), "_format_columns": nil, "_format_kwargs": map[string]any{},
			"_format_type": nil, "_output_all_columns": false, "_split": sp.Name,
		}
		files[sp.Name+"/dataset_info.json"] = map[string]any{"features": nil}
	}
	files["dataset_dict.json"] = map[string]any{"splits": names}
	out := make(map[string][]byte, len(files))
	for name, v := range files {
		data, err := indented(v)
		if err != nil {
			return nil, err
		}
		out[name] = data
	}
	return out, nil
}

func fingerprint(content, split string) string {
	sum := sha256.Sum256([]byte(content + " " + split))
	return hex.EncodeToString(sum[:8])
}

// shards are the index.json files that MosaicML's streaming reads beside the shards of a split.
func (s *Sealer) shards(m *Manifest) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, format := range s.Formats {
		if format != columnar.MDS && format != columnar.MDSZstd {
			continue
		}
		schema, err := DecodeSchema(m.ArrowSchema)
		if err != nil {
			return nil, err
		}
		for _, sp := range s.withEmpty(m) {
			folder := columnar.Folder(s.Formats, format, sp.Name)
			list := []columnar.MDSShard{}
			for _, f := range m.Files {
				if path.Dir(f.Path) != folder {
					continue
				}
				h := columnar.MDSShard{MDSHead: columnar.NewMDSHead(schema, format == columnar.MDSZstd), Samples: f.Rows}
				file := &columnar.MDSEntry{Basename: path.Base(f.Path), Bytes: f.Bytes, Hashes: map[string]string{}}
				if h.RawData = file; format == columnar.MDSZstd {
					size, err := s.rawSize(f.Path)
					if err != nil {
						return nil, fmt.Errorf("reading the size of %s: %w", f.Path, err)
					}
					h.ZipData = file
					h.RawData = &columnar.MDSEntry{Basename: strings.TrimSuffix(file.Basename, ".zstd"), Bytes: size, Hashes: map[string]string{}}
				}
				list = append(list, h)
			}
			slices.SortFunc(list, func(a, b columnar.MDSShard) int { return strings.Compare(a.RawData.Basename, b.RawData.Basename) })
			if out[folder+"/index.json"], err = indented(map[string]any{"shards": list, "version": 2}); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// rawSize is how many bytes a zstd file holds, as its header says.
func (s *Sealer) rawSize(name string) (size int64, err error) {
	f, err := s.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buf := make([]byte, zstd.HeaderMaxSize)
	n, err := io.ReadFull(f, buf)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, err
	}
	var h zstd.Header
	if err := h.Decode(buf[:n]); err != nil {
		return 0, err
	}
	if !h.HasFCS {
		return 0, errors.New("its header does not say it")
	}
	return int64(h.FrameContentSize), nil
}
