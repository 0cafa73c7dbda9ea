// Package schemas finds the conversation in an Arrow schema (layouts), and applies edits to it.
package schemas
