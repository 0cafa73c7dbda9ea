// Command inoculate injects inoculation prompts into train records, strips them from test records, and proves the separation.
package main

func main() {}
