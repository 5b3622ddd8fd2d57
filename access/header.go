package access

import "strings"

// FromHeader takes the secret out of the value of an Authorization header.
//
// "Bearer SECRET" is RFC 6750, section 2.1; "OAuth SECRET" is what clients of the Statuspage API send. The scheme's case
// does not matter (RFC 9110, section 11.1). An empty value is [ErrNoCredential]. Another scheme, or a secret that is
// not well-formed, is [ErrMalformed]; the error never repeats what was sent, because it might be a secret of another
// program.
func FromHeader(value string) (string, error) {
	value = strings.Trim(value, " \t")
	if value == "" {
		return "", ErrNoCredential
	}
	scheme, secret, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "OAuth") {
		return "", ErrMalformed
	}
	secret = strings.TrimLeft(secret, " ")
	if !WellFormed(secret) {
		return "", ErrMalformed
	}
	return secret, nil
}
