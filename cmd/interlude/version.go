package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
)

// versionCommand prints what this program is.
type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(_ context.Context, s *session) error {
	about := map[string]string{"version": version(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH}
	return s.print(about, func(w io.Writer) {
		fmt.Fprintf(w, "interlude %s (%s, %s)\n", about["version"], about["go"], about["platform"])
	})
}
