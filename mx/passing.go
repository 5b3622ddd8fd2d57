package mx

import (
	"errors"
	"fmt"

	"github.com/emersion/go-smtp"
)

// The way of a message that goes straight on. Each of these methods returns the answer for the client, or nil when the
// transaction goes on: with the upstream, or with the spool where passing is false afterwards.

// offer begins a transaction at the upstream. A connection that was kept may have ended meanwhile; then a new one is tried.
func (s *session) offer(tx *transaction, size int64) *smtp.SMTPError {
	kept := s.wire != nil
	a, err := s.offerMail(tx, size)
	if kept && (err != nil || a.code == 421) && s.ctx.Err() == nil {
		a, err = s.offerMail(tx, size)
	}
	if refusal, ok := s.heard(tx, a, err); !ok {
		return refusal
	}
	tx.passing = true
	return nil
}

func (s *session) offerMail(tx *transaction, size int64) (answer, error) {
	if s.wire == nil {
		w, err := s.Upstream.open(s.ctx, s.name, identity{tx.Client, tx.Helo})
		if err != nil {
			return answer{}, err
		}
		s.wire = w
	}
	w := s.wire
	if refusal, ok := w.able(tx.Envelope); !ok {
		return refusal, nil
	}
	if w.dirty {
		if _, err := s.ask("RSET"); err != nil {
			return answer{}, err
		}
	}
	w.dirty = true
	return s.ask(w.mailCommand(tx.Envelope, size))
}

// offerRcpt offers a recipient.
func (s *session) offerRcpt(tx *transaction, r Recipient) *smtp.SMTPError {
	var a answer
	err := errDropped
	if s.wire != nil {
		a, err = s.ask(s.wire.rcptCommand(r))
	}
	refusal, _ := s.heard(tx, a, err)
	return refusal
}

// pass sends a message whose recipients were taken.
func (s *session) pass(tx *transaction, message []byte) *smtp.SMTPError {
	a, err := s.ask("DATA")
	if err == nil && a.code == 354 {
		return s.passContent(tx, message)
	}
	if err == nil && a.code < 400 {
		err = fmt.Errorf("nobody expects %w to DATA", a)
		s.drop()
	}
	refusal, _ := s.heard(tx, a, err)
	return refusal
}

// passContent sends the content, and gives the client the upstream's answer for it.
func (s *session) passContent(tx *transaction, message []byte) *smtp.SMTPError {
	answers := 1
	if s.Upstream.LMTP {
		answers = len(tx.Rcpts)
	}
	done := s.wire.obey(s.ctx)
	heard, err := s.wire.content(answers, tx.received(""), message)
	done()
	if s.wire.broken {
		s.drop()
	}
	if answers > 1 && err == nil {
		return s.divide(tx, message, heard)
	}
	var a answer
	if err == nil {
		a = heard[0]
	}
	refusal, ok := s.heard(tx, a, err)
	if !ok {
		return refusal
	}
	s.well()
	tx.ended = Passed
	return a.passed()
}

// divide gives one answer for what LMTP answered for each recipient. If it took the message for all or for none, that is simple. If
// for some, the spool keeps it for the others, and what becomes of them is told to the sender as of any mail that was kept.
func (s *session) divide(tx *transaction, message []byte, heard []answer) *smtp.SMTPError {
	var left []Recipient
	taken, refusal := heard[0], heard[0]
	for i, a := range heard {
		switch {
		case a.ok():
			taken = a
		case refusal.ok() || refusal.permanent(): // what passes is said rather than what does not
			refusal = a
			fallthrough
		default:
			left = append(left, tx.Rcpts[i])
		}
	}
	s.well()
	switch len(left) {
	case 0:
		tx.ended = Passed
		return taken.passed()
	case len(tx.Rcpts):
		tx.ended = Failed
		return refusal.passed()
	}
	tx.Envelope = tx.to(left)
	return s.queue(tx, message)
}

// heard looks at what the upstream said. It reports whether that was good; if not, and no refusal is returned either, the
// transaction goes on with the spool.
func (s *session) heard(tx *transaction, a answer, err error) (refusal *smtp.SMTPError, ok bool) {
	if err == nil && a.ok() {
		return nil, true
	}
	trouble := err
	if err == nil && a.away() {
		trouble = a
	}
	tx.ended = Failed
	if trouble != nil && s.ctx.Err() == nil {
		if s.failed(fmt.Errorf("hand mail on: %w", trouble)) {
			tx.passing, tx.ended = false, Gone
			return nil, false
		}
		s.log.Info("mail could not be handed on; its sender tries again", "flow", s.Flow, "client", s.client(), "error", trouble)
	}
	switch {
	case err != nil && errors.As(err, &a) && a.permanent():
		return say(451, smtp.EnhancedCode{4, 4, 0}, "The mail server behind does not take mail now; send it again later"), false
	case err != nil:
		return errAway, false
	case a.code == 421: // said to us: the client's connection does not end
		a.code = 451
	}
	return a.passed(), false
}

// ask says a command to the upstream. A connection on which that fails is not used again.
func (s *session) ask(command string) (answer, error) {
	if s.wire == nil {
		return answer{}, errDropped
	}
	defer s.wire.obey(s.ctx)()
	a, err := s.wire.ask(command)
	if s.wire.broken {
		s.drop()
	}
	return a, err
}

// errDropped is that the connection broke earlier in the same transaction.
var errDropped = errors.New("the connection to the upstream broke")

// drop breaks the connection to the upstream off.
func (s *session) drop() {
	if s.wire != nil {
		s.wire.conn.Close()
		s.wire = nil
	}
}
