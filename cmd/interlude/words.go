package main

import (
	"slices"
	"strings"

	"example.org/interlude/status"
)

// oneOf refuses a word of the command line that is none of the known ones, and names the nearest. An empty one is as good
// as none.
func oneOf[T ~string](flag string, given T, known []T) error {
	if given == "" || slices.Contains(known, given) {
		return nil
	}
	words := make([]string, len(known))
	for i, word := range known {
		words[i] = string(word)
	}
	hint := ""
	if near := status.Nearest(string(given), words); near != "" {
		hint = "; did you mean " + near + "?"
	}
	return usage("%s must be one of %s, not %q%s", flag, strings.Join(words, ", "), string(given), hint)
}

// eachOneOf refuses the first word of a list that is none of the known ones.
func eachOneOf[T ~string](flag string, given, known []T) error {
	for _, word := range given {
		if word == "" {
			return usage("%s needs a value", flag)
		}
		if err := oneOf(flag, word, known); err != nil {
			return err
		}
	}
	return nil
}
