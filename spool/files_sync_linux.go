package spool

import (
	"os"
	"syscall"
)

// syncData makes a file's data and size durable.
func syncData(f *os.File) error { return control(f, syscall.Fdatasync) }
