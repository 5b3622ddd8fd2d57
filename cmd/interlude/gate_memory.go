package main

import "runtime"

// headroom is how much a gate has in memory before it collects garbage, beyond what the collector allows by itself. A gate keeps
// next to nothing, and makes a few kilobytes for each request: without headroom the collector runs a dozen times a second at
// full load, which is an eighth of all that a request costs. With GOGC raised instead, a gate that holds ten thousand requests
// would take several times the memory that they need.
const headroom = 32 << 20

// withHeadroom runs a gate while there is a piece of memory that counts as used and is never touched, so that the system has not
// given it yet.
func withHeadroom(run func() error) error {
	untouched := make([]byte, headroom)
	defer runtime.KeepAlive(untouched)
	return run()
}
