package access

import "context"

type visitorKey struct{}

// visitor is what is known of whoever sent a request: a token, or why there is none.
type visitor struct {
	token   Token
	refusal error
}

// WithToken puts the token that a request carried into its context, for handlers that do not look for it themselves.
func WithToken(ctx context.Context, t Token) context.Context {
	return context.WithValue(ctx, visitorKey{}, visitor{token: t})
}

// TokenOf is the token of a request, and false when it carried no good one: [RefusalOf] says why. What it allows is for
// [Token.Allows] to say.
func TokenOf(ctx context.Context) (Token, bool) {
	v, known := ctx.Value(visitorKey{}).(visitor)
	return v.token, known && v.refusal == nil
}

// WithRefusal puts into a context why the request carries no token that counts.
func WithRefusal(ctx context.Context, why error) context.Context {
	return context.WithValue(ctx, visitorKey{}, visitor{refusal: why})
}

// RefusalOf is why a request carries no token that counts, in words that whoever sent it may read; nil when it carries
// one. A context that nobody looked at for a token is as one without any.
func RefusalOf(ctx context.Context) error {
	v, known := ctx.Value(visitorKey{}).(visitor)
	if !known {
		return ErrNoCredential
	}
	return v.refusal
}
