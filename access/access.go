// Package access says who may do what: tokens, how they are made, recognised and compared, and the scopes that they
// carry.
//
// Begin with [New], which makes a [Token] for the store and the secret for its owner; the secret is shown once and
// is nowhere kept. A request brings it back in its Authorization header: [FromHeader] takes it out, [Hash] is what
// the store is asked for, [Token.Allows] decides.
//
// A secret is 43 random letters and digits, 256 bits, behind the prefix "itl_" and before six letters of checksum.
// The prefix and the checksum are for people and for scanners of leaked secrets: a secret with a typing error is
// known as such without a look into the store, and a scanner that finds one ([Pattern], [WellFormed]) raises no false
// alarm. Neither of them helps anybody to guess.
//
// Tokens are kept as SHA-256 of the secret. A slow hash, as passwords need, would protect nothing here: nobody can try
// 2^256 secrets, however fast each trial is; and it would let anybody keep the server busy with wrong ones.
//
// What this package promises: from what is stored, no secret can be had, and a scope that it does not know allows
// nothing. The promise ends at the wire: keeping a secret from being read on its way is TLS's work. Nothing here
// reads a clock, a file or the environment; randomness and time are arguments.
package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"example.org/interlude/status"
)

// Token is the stored half of a credential: who it is for and what it allows, but not the secret itself.
type Token struct {
	// ID names the token in lists and logs. It is no secret.
	ID string
	// Name says what the token is for, in its owner's words, such as "deploy pipeline".
	Name string
	// Hash is what [Hash] makes of the secret.
	Hash string
	// Scope is the most that the token allows.
	Scope Scope
	// Created is when it was made.
	Created time.Time
	// LastUsed is when it was last seen, zero when never.
	LastUsed time.Time
	// Revoked is when it was taken back, zero while it is good.
	Revoked time.Time
	// By is who made it.
	By string
}

// ErrNoCredential says that a request brought no credential at all.
var ErrNoCredential = errors.New("no token was sent: send the header Authorization: Bearer itl_…")

// ErrMalformed says that what was sent cannot be a token: it was cut off, mistyped or belongs to another program.
var ErrMalformed = errors.New("this is not a token of Interlude: one begins with itl_ and has 53 characters; " +
	"copy it again, whole")

// New makes a token and its secret at now, on behalf of by. The randomness must come from a cryptographic source, such
// as rand.Reader of crypto/rand.
//
// A token without a name, or with a scope that does not exist, is refused: it could be neither recognised in a list
// nor used.
func New(random io.Reader, name string, scope Scope, now time.Time, by string) (Token, string, error) {
	if strings.TrimSpace(name) == "" {
		return Token{}, "", errors.New("name is required: what the token is for, such as deploy pipeline")
	}
	if _, err := ParseScope(string(scope)); err != nil {
		return Token{}, "", err
	}
	id, err := letters(random, idLength)
	if err != nil {
		return Token{}, "", fmt.Errorf("make token: %w", err)
	}
	body, err := letters(random, bodyLength)
	if err != nil {
		return Token{}, "", fmt.Errorf("make token: %w", err)
	}
	secret := Prefix + body + checksum(body)
	return Token{ID: id, Name: name, Hash: Hash(secret), Scope: scope, Created: now, By: by}, secret, nil
}

// Hash is the stored form of a secret: its SHA-256 in hexadecimal digits.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Matches reports whether secret is the token's, in a time that does not depend on where they differ.
func (t Token) Matches(secret string) bool {
	return subtle.ConstantTimeCompare([]byte(t.Hash), []byte(Hash(secret))) == 1
}

// Allows reports whether the token is good for what is needed: its scope covers it, and nobody has taken it back.
func (t Token) Allows(needed Scope) bool { return t.Revoked.IsZero() && t.Scope.Allows(needed) }

// Actor is how what is done with the token is recorded. Whoever holds one is taken for a person, because going back in the
// life cycle is theirs; a gate's is a gate.
func (t Token) Actor() status.Actor {
	if t.Scope == Gate {
		return status.Actor{Kind: status.Gate, Name: t.Name}
	}
	return status.Actor{Kind: status.Person, Name: t.Name}
}
