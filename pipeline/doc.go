// Package pipeline holds the words and contracts every source, transform and sink meets.
package pipeline
