package api

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// EventStream is the media type of a stream of plans.
const EventStream = "text/event-stream"

// EventPlan is the event by which a stream brings a plan.
const EventPlan = "plan"

// silence is how long a stream of plans may say nothing. The server says something every ten seconds, so that one which
// was silent for so long is broken, whatever the connection says.
const silence = 25 * time.Second

// largestPlan bounds a line of a stream.
const largestPlan = 16 << 20

// Why a stream of plans ends.
var (
	errSilent = fmt.Errorf("it has said nothing for %s", silence)
	errEnded  = errors.New("it ended the stream")
)

// Plan gives the plan as it is now.
func (c *Client) Plan(ctx context.Context, name string) (Plan, error) {
	path, err := fill(PathGatePlan, name)
	if err != nil {
		return Plan{}, err
	}
	return get[Plan](ctx, c, path, nil)
}

// FollowPlan calls heard with the plan as it is now and with each later one, for the gate of that name. It returns when
// the stream breaks, when it has been silent for 25 seconds, or when ctx ends, and never without an error. Whoever needs
// the plan asks again, after a pause; heard then gets the whole plan anew. Calls of heard follow one another.
func (c *Client) FollowPlan(ctx context.Context, name string, heard func(Plan)) error {
	path, err := fill(PathGatePlan, name)
	if err != nil {
		return err
	}
	if err := CheckServer(c.Server); err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	quiet := time.AfterFunc(silence, func() { end(errSilent) })
	defer quiet.Stop()
	request, err := c.request(ctx, call{method: http.MethodGet, path: path}, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", EventStream+", "+ProblemType)
	client := c.http()
	client.Timeout = 0 // it would end every stream
	answer, err := client.Do(request)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer func() { _ = answer.Body.Close() }()
	if kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); answer.StatusCode != http.StatusOK || kind != EventStream {
		data, err := io.ReadAll(io.LimitReader(answer.Body, largestAnswer))
		if err != nil {
			return c.unreachable(ctx, err)
		}
		return cmp.Or(c.read(answer, data, nil), c.foreign(answer, "the answer is no stream of plans"))
	}
	return c.hear(ctx, answer, quiet, heard)
}

// hear reads a stream of events (HTML Standard, 9.2) to its end.
func (c *Client) hear(ctx context.Context, answer *http.Response, quiet *time.Timer, heard func(Plan)) error {
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, largestPlan)
	event, data := "", ""
	for lines.Scan() {
		quiet.Reset(silence)
		if line := lines.Text(); line != "" {
			switch field, value, _ := strings.Cut(line, ":"); field {
			case "event":
				event = strings.TrimPrefix(value, " ")
			case "data":
				data += value
			}
			continue
		}
		if event == EventPlan {
			var plan Plan
			if err := json.Unmarshal([]byte(data), &plan); err != nil {
				return c.foreign(answer, "the plan cannot be read ("+err.Error()+")")
			}
			quiet.Stop() // the server is not to blame for the time that heard takes
			heard(plan)
			quiet.Reset(silence)
		}
		event, data = "", ""
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return c.foreign(answer, "a line of the stream is larger than any plan")
	}
	return c.unreachable(ctx, cmp.Or(lines.Err(), errEnded))
}
