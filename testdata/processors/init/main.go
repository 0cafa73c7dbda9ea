//go:build linux

// Command init is the only program of an emulated machine: it says what the processor has, runs the tests below /tests, each in its
// folder, prints their results, and turns the machine off. See run.sh.
package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/cpu"
)

func main() {
	run()
	if err := syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		fmt.Println("turning the machine off:", err)
	}
	select {} // the kernel panics when its first program ends
}

func run() {
	for _, kind := range [][2]string{{"proc", "/proc"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"}} {
		if err := syscall.Mount(kind[0], kind[1], kind[0], 0, ""); err != nil {
			fmt.Printf("mounting %s: %v\nresult: FAIL mounts\n", kind[1], err)
			return
		}
	}
	x := &cpu.X86
	fmt.Printf("processor: AVX2 %v, AVX512F %v, AVX512BW %v, AVX512VBMI %v, AVX512VBMI2 %v\n", x.HasAVX2, x.HasAVX512F, x.HasAVX512BW, x.HasAVX512VBMI, x.HasAVX512VBMI2)
	if !x.HasAVX512F || !x.HasAVX512BW || !x.HasAVX512VBMI || !x.HasAVX512VBMI2 {
		fmt.Println("result: FAIL processor (lacks what is to be tested)")
		return
	}
	binaries, err := filepath.Glob("/tests/*/*.test")
	if err != nil {
		fmt.Printf("finding tests: %v\n", err)
	}
	for _, path := range binaries {
		start := time.Now()
		c := exec.Command(path, "-test.short", "-test.timeout=60m")
		c.Dir, c.Env = filepath.Dir(path), []string{"HOME=/tmp", "TMPDIR=/tmp"}
		out, err := c.CombinedOutput()
		word := "ok"
		if err != nil {
			word = "FAIL"
			fmt.Printf("%s%v\n", out, err)
		}
		name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".test"), "%", "/")
		fmt.Printf("result: %s %s %.0f s\n", word, name, time.Since(start).Seconds())
	}
	fmt.Println("result: end")
}
