// Package monitor serves the metrics, the health and the profiles of a running pipeline over HTTP.
package monitor

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"inoculate/pipeline"
	"inoculate/pipeline/commitlog"
	"inoculate/pipeline/engine"
)

// A Monitor hears of what a run does. Its methods may be called at once.
type Monitor struct {
	registry *prometheus.Registry
	measurer pipeline.Measurer // nil: the source has no extents
	dater    pipeline.Dater    // nil: the source has no times
	ready    atomic.Bool

	decisions, reasons, left, events *prometheus.CounterVec
	commits, commitBytes             prometheus.Counter
	seals                            *prometheus.CounterVec
	sealSeconds                      prometheus.Histogram

	mu    sync.Mutex
	parts map[string]*progress // by partition id; those that this process works on
}

// progress is what is known of one partition.
type progress struct {
	partition pipeline.Partition
	next      int64     // committed up to here
	at        time.Time // when that was
	sequence  int       // of the last commit of the partition, from 1
	known     bool      // something was committed by this process
}

// New makes a monitor of a run with the given counters. The source may be a pipeline.Measurer, and a
// pipeline.Dater.
func New(stats *engine.Stats, source pipeline.Source, version string) *Monitor {
	m := &Monitor{registry: prometheus.NewRegistry(), parts: map[string]*progress{}}
	m.measurer, _ = source.(pipeline.Measurer)
	m.dater, _ = source.(pipeline.Dater)
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "inoculate", Name: name, Help: help})
		m.registry.MustRegister(c)
		return c
	}
	vector := func(name, help, label string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "inoculate", Name: name, Help: help}, []string{label})
		m.registry.MustRegister(v)
		return v
	}
	of := func(name, help string, n *atomic.Int64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "inoculate", Name: name, Help: help}, func() float64 { return float64(n.Load()) }))
	}
	of("read_records_total", "Records read, committed or not.", &stats.Rows)
	of("read_bytes_total", "Bytes of input read, uncompressed.", &stats.Bytes)
	of("read_rejects_total", "Records rejected, committed or not.", &stats.Rejects)
	of("findings_total", "Places where a prompt stands and should not.", &stats.Findings)
	m.decisions = vector("committed_records_total", "Committed records by what was decided about them.", "decision")
	m.reasons = vector("committed_rejects_total", "Committed rejects by reason.", "reason")
	m.left = vector("committed_filtered_total", "Committed records that the source left out, by reason.", "reason")
	m.events = vector("partition_events_total", "Partitions assigned, released, fenced, adopted.", "event")
	m.commits = counter("commits_total", "Segments committed.")
	m.commitBytes = counter("committed_bytes_total", "Bytes of input in committed segments.")
	m.seals = vector("seals_total", "Seals of the output folder by result.", "result")
	m.sealSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "inoculate", Name: "seal_seconds", Help: "How long a seal takes.", Buckets: prometheus.ExponentialBuckets(0.01, 4, 8)})
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "inoculate", Name: "build_info", Help: "The program's version."}, []string{"version"})
	info.WithLabelValues(version).Set(1)
	if timed, ok := source.(pipeline.Timed); ok {
		fetches := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "inoculate", Name: "fetch_seconds", Buckets: prometheus.ExponentialBuckets(0.001, 2, 12),
			Help: "How long the source takes to answer a request for records; where there are none, it waits for them."})
		m.registry.MustRegister(fetches)
		timed.ObserveFetches(func(took time.Duration) { fetches.Observe(took.Seconds()) })
	}
	m.registry.MustRegister(m.sealSeconds, info, perPartition{m}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Deliveries counts what an outlet delivers, if it tells.
func (m *Monitor) Deliveries(outlet pipeline.Outlet) {
	told, ok := outlet.(pipeline.Told)
	if !ok {
		return
	}
	count := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "inoculate", Name: name, Help: help}, []string{label})
	}
	transactions := count("sink_transactions_total", "Transactions of the Kafka sink by how they ended; with delivery: at_least_once, segments. What became of one that got no answer is not known: it counts as aborted.", "result")
	records := count("sink_records_total", "Records that the Kafka sink has committed: rows, and dead letters.", "kind")
	bytes := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "inoculate", Name: "sink_bytes_total", Help: "Bytes of committed records of the Kafka sink, as they were sent."})
	seconds := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "inoculate", Name: "sink_transaction_seconds", Buckets: prometheus.ExponentialBuckets(0.01, 2, 15),
		Help: "How long transactions of the Kafka sink are open that it commits."})
	for _, result := range []string{"committed", "aborted"} {
		transactions.WithLabelValues(result)
	}
	for _, kind := range []string{"row", "dead_letter"} {
		records.WithLabelValues(kind)
	}
	m.registry.MustRegister(transactions, records, bytes, seconds)
	told.ObserveDeliveries(func(d pipeline.Delivered) {
		if !d.Committed {
			transactions.WithLabelValues("aborted").Inc()
			return
		}
		transactions.WithLabelValues("committed").Inc()
		records.WithLabelValues("row").Add(float64(d.Rows))
		records.WithLabelValues("dead_letter").Add(float64(d.Rejects))
		bytes.Add(float64(d.Bytes))
		seconds.Observe(d.Took.Seconds())
	})
}

// Ready says that the run is at work, or is not any more.
func (m *Monitor) Ready(yes bool) { m.ready.Store(yes) }

// Committed counts a commit, the sequence-th of its partition.
func (m *Monitor) Committed(p pipeline.Partition, c commitlog.Commit, sequence int) {
	m.commits.Inc()
	m.commitBytes.Add(float64(c.Bytes))
	for name, n := range c.Counts {
		if reason, ok := strings.CutPrefix(name, pipeline.RejectPrefix); ok {
			m.reasons.WithLabelValues(reason).Add(float64(n))
		} else if reason, ok := strings.CutPrefix(name, pipeline.FilteredPrefix); ok {
			m.left.WithLabelValues(reason).Add(float64(n))
		} else {
			m.decisions.WithLabelValues(name).Add(float64(n))
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.parts[p.ID] = &progress{p, c.Next, time.Now(), sequence, true}
}

// Event counts what happened to a partition.
func (m *Monitor) Event(name string, p pipeline.Partition) {
	m.events.WithLabelValues(name).Inc()
	m.mu.Lock()
	defer m.mu.Unlock()
	switch name {
	case "assigned":
		if m.parts[p.ID] == nil {
			m.parts[p.ID] = &progress{partition: p, next: p.First}
		}
	case "released":
		delete(m.parts, p.ID)
	}
}

// Sealed counts a seal.
func (m *Monitor) Sealed(took time.Duration, err error) {
	m.sealSeconds.Observe(took.Seconds())
	if err != nil {
		m.seals.WithLabelValues("failed").Inc()
		return
	}
	m.seals.WithLabelValues("done").Inc()
}

// perPartition collects what is known of each partition at the time of a scrape.
type perPartition struct{ *Monitor }

var (
	nextDesc = prometheus.NewDesc("inoculate_committed_position", "Position up to which a partition is committed.", []string{"partition"}, nil)
	seqDesc  = prometheus.NewDesc("inoculate_commit_sequence", "Number of the last commit of a partition, from 1, those of other processes and earlier starts included.", []string{"partition"}, nil)
	ageDesc  = prometheus.NewDesc("inoculate_commit_age_seconds", "Time since the last commit of a partition.", []string{"partition"}, nil)
	lagDesc  = prometheus.NewDesc("inoculate_lag_records", "Positions between what is committed and what can be read.", []string{"partition"}, nil)
	lateDesc = prometheus.NewDesc("inoculate_lag_seconds", "Age of the oldest record that is there and not committed; 0 where all are.", []string{"partition"}, nil)
	leadDesc = prometheus.NewDesc("inoculate_lead_records", "Positions between the oldest record that is kept and what is committed: at 0 records get lost.", []string{"partition"}, nil)
	upDesc   = prometheus.NewDesc("inoculate_source_up", "Whether the source told its extents at this scrape.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c perPartition) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// extentTimeout is how long a scrape waits for the source.
const extentTimeout = 2 * time.Second

// Collect implements prometheus.Collector.
func (c perPartition) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	list := make([]progress, 0, len(c.parts))
	for _, p := range c.parts {
		list = append(list, *p)
	}
	c.mu.Unlock()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	parts := make([]pipeline.Partition, len(list))
	for i, p := range list {
		parts[i] = p.partition
		if p.known {
			gauge(nextDesc, float64(p.next), p.partition.Source)
			gauge(seqDesc, float64(p.sequence), p.partition.Source)
			gauge(ageDesc, time.Since(p.at).Seconds(), p.partition.Source)
		}
	}
	if c.measurer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), extentTimeout)
	defer cancel()
	extents, err := c.measurer.Extents(ctx, parts)
	if err != nil {
		gauge(upDesc, 0)
		return
	}
	gauge(upDesc, 1)
	for i, e := range extents {
		gauge(lagDesc, float64(max(0, e.End-list[i].next)), list[i].partition.Source)
		gauge(leadDesc, float64(list[i].next-e.First), list[i].partition.Source)
	}
	if c.dater == nil {
		return
	}
	from := make([]int64, len(list))
	for i := range list {
		from[i] = list[i].next
	}
	dates, err := c.dater.Dates(ctx, parts, from)
	if err != nil {
		return // the next scrape may have them
	}
	for i, at := range dates {
		age := 0.0
		if !at.IsZero() {
			age = max(0, time.Since(at).Seconds()) // clocks differ
		}
		gauge(lateDesc, age, list[i].partition.Source)
	}
}
