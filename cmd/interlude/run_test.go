package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// nobody runs a command line of which nothing is read or shown.
func nobody(t *testing.T, args ...string) int {
	t.Helper()
	return run(t.Context(), args, strings.NewReader(""), io.Discard, io.Discard, func(string) string { return "" })
}

func TestAWrongCommandLineIsToldByItsExitCode(t *testing.T) {
	for _, line := range []string{
		"aply", "maintenance list --state planned", "maintenance list --state", "maintenance list --limit 0",
		"incident list --state open", "incident create Slow --status new", "incident create Slow --impact bad",
		"incident post ID Slow. --status new", "incident post ID Slow. -c APIs=bad", "maintenance post ID Soon. --status begun",
		"component set APIs bad", "maintenance extend ID", "help nothing", "series end ID --quiet",
		"--server localhost:8520 maintenance list", "--server 127.0.0.1:8520 report ID --format html",
	} {
		if got := nobody(t, strings.Fields(line)...); got != exitUsage {
			t.Errorf("%s: got exit code %d, want %d", line, got, exitUsage)
		}
	}
}

func TestColorsAreForTerminalsStreamByStream(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminal can be made here: ", err)
	}
	defer terminal.Close()
	void, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer void.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	s := &session{colors: true}
	for name, c := range map[string]struct {
		to   io.Writer
		want string
	}{
		"a terminal": {terminal, red + "x\x1b[0m"}, os.DevNull: {void, "x"}, "a file": {file, "x"}, "memory": {new(bytes.Buffer), "x"},
	} {
		if got := s.paint(c.to, red, "x"); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	s.colors = false
	if got := s.paint(terminal, red, "x"); got != "x" {
		t.Errorf("got %q although no colors are wanted, want none", got)
	}
}
