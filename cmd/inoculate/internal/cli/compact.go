package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"inoculate/cmd/inoculate/internal/catalog"
	"inoculate/cmd/inoculate/internal/compact"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/config"
	"inoculate/pipeline/overlap"
	"inoculate/pipeline/pool"
	"inoculate/schemas"
	"inoculate/sinks/dataset"
)

func (a *app) compactCommand() *cobra.Command {
	target := "128MiB"
	c := &cobra.Command{
		Use:   "compact DIR",
		Short: "Merge the small files of a folder that inoculate wrote: the same rows in the same order",
		Long: `Merge the small files of consecutive segments into larger ones, in every format, and seal the folder again. The
rows and their order stay as they are. It may be stopped or killed at any point, and given again; a run may write to the
folder meanwhile. For a moment readers may miss the rows of the files that are being exchanged; they never see a row twice.
sink: {compact: SIZE} does the same at each seal of a run.`,
		Example: "  inoculate compact out\n  inoculate compact out --target 512MiB",
		Args:    exactly(1, "a folder that inoculate wrote"),
		RunE: func(c *cobra.Command, args []string) error {
			bytes, err := config.ParseSize(target)
			if err != nil || bytes <= 0 {
				return usageError{fmt.Errorf("--target: %q is no size: write 64MiB, 1GB", target)}
			}
			return a.compact(c, args[0], int64(bytes))
		},
	}
	c.Flags().StringVar(&target, "target", target, "size of a merged file, about")
	return c
}

func (a *app) compact(c *cobra.Command, folder string, target int64) error {
	sealed, err := catalog.OpenSealed(folder)
	if err != nil {
		return err
	}
	if sealed.Schema == nil {
		return usageError{fmt.Errorf("%s was written by a version whose folders do not hold their schema", folder)}
	}
	if slices.ContainsFunc(sealed.Manifest.Formats, dataset.Shards) {
		return usageError{fmt.Errorf("%s has shards of MosaicML's streaming, which are not merged", folder)}
	}
	layout, err := schemas.Find(sealed.Schema, sealed.Config.Layout.Spec)
	if err != nil {
		return err
	}
	fsys, err := catalog.OpenFolder(folder)
	if err != nil {
		return err
	}
	log, err := commitlog.Open(c.Context(), fsys)
	if err != nil {
		return err
	}
	if _, err := log.Collect(c.Context()); err != nil {
		return err
	}
	if err := new(compact.Apart).Fold(c.Context(), log); err != nil {
		return err
	}
	sink := &sealed.Config.Sink
	merging := compact.Job{Log: log, Folder: folder, Target: target, RowGroup: int64(sink.RowGroup), All: true, Mem: pool.New(poolBytes), Logger: a.logger}
	n, _, err := merging.Run(c.Context())
	if err != nil {
		return err
	}
	sealer := &dataset.Sealer{Log: log, Layout: layout, Formats: sink.Format, Train: sink.Train, Test: sink.Test,
		Open: func(name string) (io.ReadCloser, error) {
			return os.Open(filepath.Join(folder, filepath.FromSlash(name)))
		},
		Temp: func() (overlap.Temp, error) { return overlap.TempIn(log.StagingPath()) }}
	var m *dataset.Manifest
	if sink.Files() {
		m, err = sealer.Seal(c.Context(), c.Context())
	} else {
		m, err = sealer.SealDelivered(c.Context())
	}
	if err != nil {
		return err
	}
	if a.format == "json" {
		return json.NewEncoder(a.out).Encode(map[string]any{"path": folder, "merged": n, "files": len(m.Files), "content_sha256": m.Content})
	}
	fmt.Fprintf(a.out, "%s: %s less, %s now, sealed as %s\n", folder, counted(n, "segment"), counted(len(m.Files), "file"), m.Content[:12])
	return nil
}
