//go:build linux

// Command init is the only program of an emulated machine: it says what the processor has, runs the tests below /tests, each in its
// folder, prints their results, and turns the machine off. See run.sh.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/cpu"
	"golang.org/x/sys/unix"
)

func main() {
	run()
	if err := unix.IoctlSetInt(int(os.Stdout.Fd()), unix.TCSBRK, 1); err != nil { // until all is on the line
		fmt.Println("waiting for the serial line:", err)
	}
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		fmt.Println("turning the machine off:", err)
	}
	select {} // the kernel panics when its first program ends
}

func run() {
	for _, kind := range [][2]string{{"proc", "/proc"}, {"devtmpfs", "/dev"}, {"tmpfs", "/tmp"}} {
		if err := unix.Mount(kind[0], kind[1], kind[0], 0, ""); err != nil {
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
	binaries, _ := filepath.Glob("/tests/*/*.test") // run.sh counts
	for _, path := range binaries {
		c := exec.Command(path, "-test.short", "-test.timeout=60m")
		c.Dir, c.Env = filepath.Dir(path), []string{"HOME=/tmp", "TMPDIR=/tmp"}
		out, err := c.CombinedOutput()
		word := "ok"
		if err != nil {
			word = "FAIL"
			fmt.Printf("%s%v\n", out, err)
		}
		name := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(path), ".test"), "%", "/")
		fmt.Printf("result: %s %s\n", word, name)
	}
}
