package cache

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Answer is a stored answer, ready to be written out.
type Answer struct {
	// Status is the stored one, or 304 where the client has the answer already.
	Status int

	// Header is the stored one with Age and Cache-Status (RFC 9211). It may be added to; its values must not be changed
	// in place.
	Header http.Header

	// Body is nil for HEAD, 204 and 304. It must not be changed.
	Body []byte
}

// answer makes the answer to a request that it serves.
func (k *stored) answer(r *http.Request, now time.Time) *Answer {
	a := &Answer{Status: k.status, Header: maps.Clone(k.header)}
	age := k.age(now)
	staleness := age - k.lifetime
	seconds := int64((age + time.Second - 1) / time.Second) // rounded up: nothing looks younger than it is
	if staleness >= 0 {
		seconds = max(seconds, 1) // RFC 5861, 4
	}
	a.Header["Age"] = []string{strconv.FormatInt(seconds, 10)}
	status := fmt.Sprintf("gate; hit; ttl=%d", int64(k.lifetime/time.Second)-seconds)
	a.Header["Cache-Status"] = append(slices.Clip(a.Header["Cache-Status"]), status)
	switch {
	case k.isWith(r.Header):
		a.Status = http.StatusNotModified
		for _, name := range [...]string{"Content-Type", "Content-Length", "Content-Encoding", "Content-Language"} {
			delete(a.Header, name)
		}
	case r.Method == http.MethodGet:
		a.Body = k.body
	}
	return a
}

// isWith reports whether a client that asks on condition has the answer already (RFC 9110, 13.2.2; RFC 9111, 4.3.2).
func (k *stored) isWith(request http.Header) bool {
	if k.status != http.StatusOK {
		return false
	}
	if lines := request["If-None-Match"]; len(lines) > 0 {
		return names(lines, k.header.Get("Etag"))
	}
	since, err := http.ParseTime(request.Get("If-Modified-Since"))
	if err != nil {
		return false
	}
	modified, err := http.ParseTime(k.header.Get("Last-Modified"))
	if err != nil {
		modified, err = http.ParseTime(k.header.Get("Date"))
	}
	return err == nil && !modified.After(since)
}

// names reports whether an If-None-Match names a tag, compared weakly (RFC 9110, 13.1.2). A comma within a tag is part
// of it.
func names(lines []string, tag string) bool {
	tag = strings.TrimPrefix(tag, "W/")
	for _, line := range lines {
		if strings.Trim(line, " \t") == "*" {
			return true
		}
		for tag != "" {
			line = strings.TrimPrefix(strings.TrimLeft(line, " \t,"), "W/")
			if !strings.HasPrefix(line, `"`) {
				break
			}
			end := strings.IndexByte(line[1:], '"') + 2
			if end < 2 {
				break
			}
			if line[:end] == tag {
				return true
			}
			line = line[end:]
		}
	}
	return false
}
