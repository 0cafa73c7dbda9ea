package monitor

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/engine"
)

// source is one whose first partition has 10 to 100.
type source struct {
	pipeline.Source
	down bool
	took func(time.Duration)
}

func (s *source) ObserveFetches(f func(time.Duration)) { s.took = f }

func (s *source) Extents(_ context.Context, parts []pipeline.Partition) ([]pipeline.Extent, error) {
	if s.down {
		return nil, errors.New("no broker answers")
	}
	out := make([]pipeline.Extent, len(parts))
	for i := range out {
		out[i] = pipeline.Extent{First: 10, End: 100}
	}
	return out, nil
}

// Dates says that what is not committed is a minute old.
func (s *source) Dates(_ context.Context, parts []pipeline.Partition, from []int64) ([]time.Time, error) {
	out := make([]time.Time, len(parts))
	for i := range out {
		if from[i] < 100 {
			out[i] = time.Now().Add(-time.Minute)
		}
	}
	return out, nil
}

// outlet is one that tells how its deliveries end.
type outlet struct {
	pipeline.Outlet
	ended func(pipeline.Delivered)
}

func (o *outlet) ObserveDeliveries(f func(pipeline.Delivered)) { o.ended = f }

func TestDeliveries(t *testing.T) {
	m := New(&engine.Stats{}, &source{}, "1")
	m.Deliveries(nil)
	o := &outlet{}
	m.Deliveries(o)
	scrape := func() string {
		rec := httptest.NewRecorder()
		m.Handler(false).ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		return rec.Body.String()
	}
	if !strings.Contains(scrape(), `inoculate_sink_transactions_total{result="aborted"} 0`) {
		t.Error("what has not happened is not there as 0")
	}
	o.ended(pipeline.Delivered{Committed: true, Rows: 90, Rejects: 2, Bytes: 5000, Took: 300 * time.Millisecond})
	o.ended(pipeline.Delivered{Committed: true, Rows: 10, Bytes: 500, Took: time.Second})
	o.ended(pipeline.Delivered{Rows: 7, Bytes: 300, Took: time.Minute})
	body := scrape()
	for _, want := range []string{`inoculate_sink_transactions_total{result="committed"} 2`, `inoculate_sink_transactions_total{result="aborted"} 1`, `inoculate_sink_records_total{kind="row"} 100`,
		`inoculate_sink_records_total{kind="dead_letter"} 2`, `inoculate_sink_bytes_total 5500`, `inoculate_sink_transaction_seconds_count 2`, `inoculate_sink_transaction_seconds_sum 1.3`} {
		if !strings.Contains(body, want) {
			t.Errorf("there is no %s in\n%s", want, body)
		}
	}
}

func TestMonitor(t *testing.T) {
	src, stats := &source{}, &engine.Stats{}
	stats.Rows.Store(7)
	m := New(stats, src, "1.2.3")
	at, shut, err := m.Serve("127.0.0.1:0", true)
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) (int, string) {
		t.Helper()
		resp, err := http.Get("http://" + at + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	if code, _ := get("/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("ready before it is at work: %d", code)
	}
	m.Ready(true)
	for _, path := range []string{"/readyz", "/healthz", "/debug/pprof/"} {
		if code, body := get(path); code != http.StatusOK {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	p := pipeline.Partition{ID: "t00-p0003", Source: "chats/3", First: 10, End: -1}
	m.Event("assigned", p)
	m.Committed(p, commitlog.Commit{First: 10, Next: 64, Bytes: 1000, Counts: map[string]int64{"in": 54, "train": 50, "rejects": 4, "reject:json_syntax": 4, "filtered:tombstone": 2}}, 7)
	src.took(300 * time.Millisecond)
	m.Sealed(time.Second, nil)
	wants := []string{
		`inoculate_read_records_total 7`, `inoculate_committed_records_total{decision="train"} 50`, `inoculate_committed_rejects_total{reason="json_syntax"} 4`,
		`inoculate_committed_position{partition="chats/3"} 64`, `inoculate_lag_records{partition="chats/3"} 36`, `inoculate_lead_records{partition="chats/3"} 54`, `inoculate_lag_seconds{partition="chats/3"} 60.`,
		`inoculate_commit_sequence{partition="chats/3"} 7`, `inoculate_fetch_seconds_bucket{le="0.256"} 0`, `inoculate_fetch_seconds_bucket{le="0.512"} 1`, `inoculate_fetch_seconds_count 1`,
		`inoculate_committed_filtered_total{reason="tombstone"} 2`, `inoculate_source_up 1`, `inoculate_commits_total 1`, `inoculate_seals_total{result="done"} 1`, `inoculate_build_info{version="1.2.3"} 1`,
		`inoculate_partition_events_total{event="assigned"} 1`, "go_goroutines ", "process_resident_memory_bytes ",
	}
	_, body := get("/metrics")
	for _, want := range wants {
		if !strings.Contains(body, want) {
			t.Errorf("there is no %s in\n%s", want, body)
		}
	}
	m.Committed(p, commitlog.Commit{First: 64, Next: 100}, 8)
	if _, body := get("/metrics"); !strings.Contains(body, `inoculate_lag_seconds{partition="chats/3"} 0`+"\n") {
		t.Errorf("all is committed:\n%s", body)
	}
	src.down = true
	if _, body := get("/metrics"); !strings.Contains(body, "inoculate_source_up 0") || strings.Contains(body, "inoculate_lag_records{") {
		t.Errorf("a source that is down:\n%s", body)
	}
	m.Event("released", p)
	if _, body := get("/metrics"); strings.Contains(body, "chats/3") {
		t.Errorf("a partition of somebody else:\n%s", body)
	}
	if err := shut(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := m.Serve("300.0.0.1:0", false); err == nil {
		t.Error("listens nowhere")
	}
}
