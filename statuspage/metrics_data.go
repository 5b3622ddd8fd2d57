package statuspage

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"example.org/interlude/status"
)

// Bounds of the values that are taken and kept.
const (
	farthestAhead = 5 * time.Minute
	farthestBack  = 28 * 24 * time.Hour
	pointsKept    = 35 * 24 * time.Hour
	mostPoints    = 3000
	shownByItself = 24 * time.Hour
)

// Value is a value of a metric.
type Value struct {
	Timestamp int64   `json:"timestamp" doc:"Seconds since 1970"`
	Value     float64 `json:"value"`
}

// ValueAnswer is the answer to one value.
type ValueAnswer struct {
	Data Value `json:"data"`
}

// ValuesAnswer are the values of a metric.
type ValuesAnswer struct {
	Data []Value `json:"data"`
}

// valueBody is one value as clients send it.
type valueBody struct {
	Timestamp any `json:"timestamp" example:"1800000000" doc:"When it was measured, in seconds since 1970"`
	Value     any `json:"value" example:"12.5" doc:"The number that was measured"`
}

// valuesBody are the values of several metrics.
type valuesBody struct {
	Data fields `json:"data" example:"{\"METRIC_ID\": [{\"timestamp\": 1800000000, \"value\": 12.5}]}" doc:"By the id of each metric, a list of objects with timestamp and value"`
}

// number reads a number, or a text that is one. What is not finite is none.
func number(value any) (float64, bool) {
	text := ""
	switch v := value.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

// point checks a value; where names it in what is refused.
func (b valueBody) point(where string, now time.Time) (status.Point, error) {
	at, isTime := number(b.Timestamp)
	value, isNumber := number(b.Value)
	switch {
	case !isTime:
		return status.Point{}, unprocessable(where + "timestamp must be a number of seconds since 1970")
	case !isNumber:
		return status.Point{}, unprocessable(where + "value must be a finite number")
	case at > float64(now.Add(farthestAhead).Unix()):
		return status.Point{}, unprocessable(where + "timestamp is more than 5 minutes ahead: it counts seconds, not milliseconds, since 1970")
	case at < float64(now.Add(-farthestBack).Unix()):
		return status.Point{}, unprocessable(where + "timestamp is more than 28 days back, and would not be kept")
	}
	return status.Point{At: time.Unix(int64(at), 0).UTC(), Value: value}, nil
}

func shownPoint(p status.Point) Value { return Value{p.At.Unix(), p.Value} }

// addPoints keeps values of metrics that there are.
func (c *call) addPoints(points map[string][]status.Point) error {
	all, err := c.gauges()
	if err != nil {
		return err
	}
	if id, isMissing := all.missing(slices.Sorted(maps.Keys(points))); isMissing {
		return unprocessable("data names no metric of the page: \"" + id + "\"")
	}
	return c.Points.AddPoints(c.ctx, c.now, c.now.Add(-pointsKept), points)
}

func (c *call) addValue() (any, error) {
	id := c.id("metric_id")
	if _, err := c.getMetric(); err != nil {
		return nil, err
	}
	body, err := bound[valueBody](c, "data")
	if err != nil {
		return nil, err
	}
	p, err := body.point("data.", c.now)
	if err != nil {
		return nil, err
	}
	if err := c.addPoints(map[string][]status.Point{id: {p}}); err != nil {
		return nil, err
	}
	return ValueAnswer{shownPoint(p)}, nil
}

func (c *call) addValues() (any, error) {
	var body valuesBody
	if err := bind(c.body, &body); err != nil {
		return nil, err
	}
	if len(body.Data) == 0 {
		return nil, unprocessable("data is required: by the id of each metric, a list of objects with timestamp and value")
	}
	points, shown, n := map[string][]status.Point{}, map[string][]Value{}, 0
	for _, id := range slices.Sorted(maps.Keys(body.Data)) {
		list, isList := body.Data[id].([]any)
		if n += len(list); !isList {
			return nil, unprocessable("data." + id + " must be a list of objects with timestamp and value")
		}
		if n > mostPoints {
			return nil, unprocessable(fmt.Sprintf("data must hold at most %d values; send the others in another request", mostPoints))
		}
		points[id], shown[id] = make([]status.Point, 0, len(list)), make([]Value, 0, len(list))
		for i, one := range list {
			where := fmt.Sprintf("data.%s[%d]", id, i)
			object, isObject := one.(fields)
			if !isObject {
				return nil, unprocessable(where + " must be an object with timestamp and value")
			}
			p, err := valueBody{object["timestamp"], object["value"]}.point(where+".", c.now)
			if err != nil {
				return nil, err
			}
			points[id], shown[id] = append(points[id], p), append(shown[id], shownPoint(p))
		}
	}
	if err := c.addPoints(points); err != nil {
		return nil, err
	}
	return shown, nil
}

// moment reads a parameter that is a time or seconds since 1970.
func (c *call) moment(name string, otherwise time.Time) (time.Time, error) {
	text, isText := c.body[name].(string)
	switch {
	case c.body[name] == nil || isText && text == "":
		return otherwise, nil
	case isText:
		if t, ok := parseTime(text); ok {
			return t, nil
		}
	}
	// Years beyond 9999 have no place in an answer, nor in a column.
	if at, ok := number(c.body[name]); ok && at >= 0 && at < 253402300800 {
		return time.Unix(int64(at), 0).UTC(), nil
	}
	return time.Time{}, unprocessable(name + " must be seconds since 1970, or a time such as 2027-01-15T06:00:00Z")
}

func (c *call) listValues() (any, error) {
	if _, err := c.getMetric(); err != nil {
		return nil, err
	}
	to, err := c.moment("to", c.now.Add(farthestAhead+time.Second))
	if err != nil {
		return nil, err
	}
	from, err := c.moment("from", to.Add(-shownByItself))
	if err != nil {
		return nil, err
	}
	points, err := c.Points.Points(c.ctx, c.id("metric_id"), from, to, mostPoints)
	if err != nil {
		return nil, err
	}
	shown := ValuesAnswer{make([]Value, len(points))}
	for i, p := range points {
		shown.Data[i] = shownPoint(p)
	}
	return shown, nil
}

func (c *call) dropValues() (any, error) {
	if _, err := c.getMetric(); err != nil {
		return nil, err
	}
	if err := c.Points.DropPoints(c.ctx, c.now, c.id("metric_id")); err != nil {
		return nil, err
	}
	return c.getMetric()
}
