package status

import "time"

// Point is a measured value of a metric that the page's owner sends, such as a response time.
type Point struct {
	At    time.Time `json:"at"`
	Value float64   `json:"value"`
}
