package mx

import (
	"errors"
	"io"
	"sync"

	"github.com/emersion/go-smtp"
)

// session is the conversation with one client of the inbound door.
type session struct {
	*Inbound
	conversation

	mu   sync.Mutex // a message in chunks (RFC 3030) is read beside the commands
	tx   *transaction
	wire *wire // to the upstream; nil until it is needed
}

// transaction is one message on its way through the door.
type transaction struct {
	Envelope
	// passing says that the upstream knows of it and its recipients.
	passing bool
	// ended is what became of it should the client give it up now.
	ended Outcome
}

// Mail begins a message.
func (s *session) Mail(from string, o *smtp.MailOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tx != nil {
		return s.refuse(errNested)
	}
	if !s.guest.mayBegin() {
		s.count(Rejected)
		return s.refuse(errPace)
	}
	sender, refusal := path(from, o.UTF8)
	if refusal != nil {
		s.count(Rejected)
		return s.refuse(refusal)
	}
	tx := &transaction{Envelope: s.envelope(sender, o), ended: Gone}
	if !s.behind() {
		if refusal := s.offer(tx, o.Size); refusal != nil {
			s.count(Failed)
			return s.refuse(refusal)
		}
	}
	s.tx = tx
	s.guest.busy.Store(true)
	return nil
}

// Rcpt adds a recipient: one whom the upstream takes, or one whom the door knows.
func (s *session) Rcpt(to string, o *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	tx := s.tx
	address, refusal := path(to, tx.UTF8)
	switch {
	case refusal != nil:
		return s.reject(refusal)
	case !within(address, s.Domains):
		return s.reject(errRelay)
	}
	r := recipient(address, o)
	if tx.passing {
		if refusal := s.offerRcpt(tx, r); refusal != nil {
			tx.ended = Failed
			return s.refuse(refusal)
		}
	}
	if !tx.passing && s.Recipients != nil && !s.Recipients().Has(address) {
		return s.reject(errNobody)
	}
	tx.Rcpts = append(tx.Rcpts, r)
	return nil
}

// reject is a refusal within a message.
func (s *session) reject(answer *smtp.SMTPError) error {
	s.tx.ended = Rejected
	return s.refuse(answer)
}

// Data takes the content of a message. What it returns is the answer, also where that is good.
func (s *session) Data(body io.Reader) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	tx := s.tx
	if tx == nil { // it was given up before its first chunk was read
		return errBroken
	}
	message, release, refusal := s.receive(body)
	defer release()
	if refusal != nil {
		if tx.ended = Rejected; errors.Is(refusal, errBroken) {
			tx.ended = Gone
		}
		return s.settle(refusal)
	}
	if tx.passing {
		leave, entered := s.enter()
		defer leave()
		tx.passing = entered && !s.behind() && !s.Spool.Busy(s.Flow, tx.Lane())
	}
	if tx.passing {
		if answer := s.pass(tx, message); answer != nil {
			return s.settle(answer)
		}
	}
	return s.settle(s.queue(tx, message))
}

// queue keeps a message in the spool.
func (s *session) queue(tx *transaction, message []byte) *smtp.SMTPError {
	e, err := tx.Entry(s.Flow, message)
	if err != nil {
		s.log.Error("mail could not be kept", "error", err)
		return errLater
	}
	answer := s.keep(s.Spool, e)
	if tx.ended = Rejected; answer.Code == 250 {
		tx.ended = Queued
	}
	return answer
}

// settle ends a transaction with an answer.
func (s *session) settle(answer *smtp.SMTPError) error {
	s.end()
	return answer
}

// end counts a transaction that is over, one way or another.
func (s *session) end() {
	if s.tx == nil {
		return
	}
	s.count(s.tx.ended)
	s.tx = nil
	s.guest.busy.Store(false)
}

// Reset gives a message up that is not settled.
func (s *session) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
}

// Logout ends the conversation, here and with the upstream.
func (s *session) Logout() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	if s.wire != nil {
		s.wire.quit()
		s.wire = nil
	}
	return nil
}
