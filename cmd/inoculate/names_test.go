package main

import (
	"slices"
	"testing"

	"inoculate/pipeline/config"
	"inoculate/transforms/trainers"
)

// TestNames: a config takes the names that the transforms know.
func TestNames(t *testing.T) {
	if !slices.Equal(config.Trainers, trainers.Names()) {
		t.Errorf("%v, and %v", config.Trainers, trainers.Names())
	}
}
