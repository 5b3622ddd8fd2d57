// Command interlude announces scheduled maintenance, carries it out, keeps the promises that the announcement made,
// and reports what really happened.
//
// `interlude --help` lists the commands, and each of them explains itself with examples: `interlude apply --help`.
// This package is the wiring: it knows every other one, and nothing imports it. The program is [run], which takes
// all that it touches as arguments; main adds the process around it. A family of commands has a file of its own,
// with a struct that kong reads the command line into and a Run method that does it. Commands that work on a server
// reach it through package api with a token, never through the database.
//
// What the command line promises: what programs read goes to standard output, and everything else to standard error;
// with --json the former is JSON; a change is printed before it is made; and the exit code tells what happened:
//
//	0  done, or nothing to do
//	1  refused or failed; the message says why
//	2  the command line is wrong
//	3  the server cannot be reached, or is not able to answer now
//	4  the token is missing, unknown, or not allowed to do this
//	5  somebody else changed the same thing in between; repeat the command
//	6  there are differences: for apply --dry-run --exit-code
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv)
	stop()
	os.Exit(code)
}
