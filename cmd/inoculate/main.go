// Command inoculate injects inoculation prompts into train records, strips them from test records, and proves the separation.
package main

import (
	"os"

	"inoculate/cmd/inoculate/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
