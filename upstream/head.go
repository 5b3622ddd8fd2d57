package upstream

import (
	"bytes"
	"net/http"
	"net/textproto"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// headAtHand reads the head of an answer that is in the buffer already, if there is nothing unusual about it: lines that end with
// CRLF, none of them folded, each a name, a colon and a value. All else stays where it is, for readHead, whose word counts.
//
// It is the quick way, for nearly every answer: the head is copied once, and what it says are parts of that copy.
func (c *conn) headAtHand() (*http.Response, bool) {
	waiting, _ := c.buffer.Peek(c.buffer.Buffered())
	end := bytes.Index(waiting, []byte("\r\n\r\n"))
	if end < 0 {
		return nil, false
	}
	first, fields, _ := strings.Cut(string(waiting[:end]), "\r\n")
	answer, err := parseStatus(first)
	if err != nil {
		return nil, false
	}
	if answer.Header = plainFields(fields); answer.Header == nil {
		return nil, false
	}
	_, err = c.buffer.Discard(end + len("\r\n\r\n"))
	return answer, err == nil
}

// plainFields are the fields that text holds, one in each line; nil if there is a line that is not plain.
func plainFields(text string) http.Header {
	if text == "" {
		return http.Header{}
	}
	count := strings.Count(text, "\r\n") + 1
	fields, values := make(http.Header, count), make([]string, count)
	for i := range count {
		var line string
		line, text, _ = strings.Cut(text, "\r\n")
		name, value, ok := strings.Cut(line, ":")
		value = strings.Trim(value, " \t") // and no line break
		if !ok || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		values[i] = value
		if before := fields[name]; before != nil {
			fields[name] = append(before, value)
		} else {
			fields[name] = values[i : i+1 : i+1]
		}
	}
	return fields
}
