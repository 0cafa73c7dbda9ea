package kafka

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestOrigins: where it is asked for, rows and rejects come with key, value and headers as they are in the topic.
func TestOrigins(t *testing.T) {
	cluster := fake(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "a"))
	client := producer(t, cluster.ListenAddrs())
	for i, value := range []string{"{\"id\": 1,\n \"text\": \"x\"}", "{broken", "{\"id\": 2, \"text\": \"y\"}"} {
		rec := recordOf([]byte(value), fmt.Sprint("k", i))
		rec.Headers = []kgo.RecordHeader{{Key: "h", Value: []byte{0, byte(i)}}, {Key: "h", Value: nil}}
		if i == 2 {
			rec.Key = nil
		}
		if err := client.ProduceSync(t.Context(), rec).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for _, asked := range []bool{true, false} {
		s := open(t, Config{Brokers: cluster.ListenAddrs(), Topics: []string{"a"}, Origins: asked})
		r, err := s.Open(t.Context(), plan(t, s)[0], 0)
		if err != nil {
			t.Fatal(err)
		}
		b, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		x := b.Rejects[0]
		if !asked {
			if b.Origins != nil || x.Key != nil || x.Headers != nil {
				t.Errorf("nobody asked for %v %v", b.Origins, x)
			}
		} else if len(b.Origins) != 2 || string(b.Origins[0].Key) != "k0" || string(b.Origins[0].Value) != "{\"id\": 1,\n \"text\": \"x\"}" || b.Origins[1].Key != nil ||
			string(b.Origins[1].Headers[0].Value) != "\x00\x02" || b.Origins[1].Headers[1].Value != nil || string(x.Key) != "k1" || len(x.Headers) != 2 || string(x.Raw) != "{broken" {
			t.Errorf("%v %+v", b.Origins, x)
		}
		b.Release()
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
