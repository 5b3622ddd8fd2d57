package mail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// What a connection is used for at most.
const (
	mostTries    = 3    // of one message, each on a connection of its own
	mostMessages = 1000 // by one connection; some relays allow no more
	idleWait     = 30 * time.Second
	freshFor     = time.Second // how long a connection may rest and need no look whether it is still there
)

// errand is a job on its way through the pool.
type errand struct {
	Job
	tries int
}

// leaving is the answer 421 (RFC 5321, 3.8): the relay closes the connection.
type leaving struct{ Reply }

func (l *leaving) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the relay leaves: %d %s %s", l.Code, l.Status, l.Text))
}

// session is one connection at work.
type session struct {
	pool  *Pool
	route *route
	wire  *wire
	leave chan struct{} // closed when another relay is to be used instead

	open      bool // greeted; the pool's lock guards this and the next one
	dismissed bool // leave is closed

	free     atomic.Bool // it has no job, or is being opened and will have none
	message  []byte      // of the transaction that is under way; its room is used again
	begun    int         // transactions
	answered bool        // for a message, at least once
	dirty    bool        // the relay is in a transaction that is not wanted any more
}

// serve carries out jobs until the connection is no longer wanted or breaks. It returns the job that it could not carry
// out, if there is one, and why it broke.
func (s *session) serve(ctx context.Context) (left *errand, err error) {
	var job *errand
	for {
		if job == nil {
			var ok bool
			if job, ok = s.wait(ctx); !ok {
				s.wire.quit()
				return job, nil
			}
			if !s.begin(job) {
				job = nil
				continue
			}
		}
		refusal, err := s.offer(job)
		if err != nil {
			return s.interrupted(ctx, job, err), err
		}
		if refusal != nil {
			s.done(job, *refusal)
			job = nil
			continue
		}
		if job, err = s.content(ctx, job); err != nil {
			return job, err
		}
	}
}

// willing reports whether the session may begin another transaction.
func (s *session) willing(ctx context.Context) bool {
	select {
	case <-s.leave:
		return false
	default:
		return s.begun < mostMessages && ctx.Err() == nil
	}
}

// wait gives the next job. When none comes in time, or the connection is wanted or good no longer, it reports so; a job that
// it holds then has not been begun.
func (s *session) wait(ctx context.Context) (*errand, bool) {
	s.free.Store(true)
	defer s.free.Store(false)
	if !s.willing(ctx) {
		return nil, false
	}
	select {
	case job := <-s.pool.jobs:
		return job, true
	default:
	}
	rest := time.Now()
	idle := time.NewTimer(idleWait)
	defer idle.Stop()
	select {
	case job := <-s.pool.jobs:
		return job, time.Since(rest) < freshFor || !s.wire.stale()
	case <-idle.C:
	case <-s.leave:
	case <-ctx.Done():
	}
	return nil, false
}

// begin composes a job and, to a relay that takes several commands at once, writes them. It reports whether the job can be
// sent; if not, it is answered.
func (s *session) begin(job *errand) bool {
	refuse := func(stage Stage, err error) bool {
		s.done(job, Reply{Relay: s.route.Address, Stage: stage, Err: err})
		return false
	}
	switch {
	case job.From != "" && !sendable(job.From):
		return refuse(StageMail, fmt.Errorf("sender %q: %w", job.From, ErrAddress))
	case !sendable(job.To):
		return refuse(StageRcpt, fmt.Errorf("recipient %q: %w", job.To, ErrAddress))
	}
	message, err := job.Compose(s.message[:0])
	if err != nil {
		return refuse(StageMail, fmt.Errorf("compose: %w", err))
	}
	if s.message = message; !lined(message) {
		return refuse(StageMail, ErrLines)
	}
	s.begun++
	if s.wire.pipelining {
		if s.dirty {
			s.wire.say("RSET\r\n")
		}
		for _, stage := range envelope {
			s.command(stage, job)
		}
	}
	return true
}

// command writes one command.
func (s *session) command(stage Stage, job *errand) {
	switch w := s.wire; stage {
	case StageMail:
		w.say("MAIL FROM:<", job.From, ">")
		if w.sizes {
			w.say(" SIZE=", strconv.Itoa(len(s.message)))
		}
		w.say("\r\n")
	case StageRcpt:
		w.say("RCPT TO:<", job.To, ">\r\n")
	case StageData:
		w.say("DATA\r\n")
	}
}

// answer sends what was written and reads one answer to it.
func (s *session) answer(stage Stage) (int, error) {
	s.wire.allow(commandWait, false)
	if s.wire.out.Buffered() > 0 {
		if err := s.wire.flush(); err != nil {
			return 0, err
		}
	}
	code, err := s.wire.read()
	if err == nil && code == 421 {
		err = &leaving{s.reply(stage)}
	}
	return code, err
}

// offer goes through the commands of a transaction and returns nothing when the relay waits for the message, or its
// refusal. Where the commands were written together, each has its answer read, whatever the ones before were.
func (s *session) offer(job *errand) (*Reply, error) {
	if err := s.reset(); err != nil {
		return nil, err
	}
	var refusal *Reply
	answers := 0
	for _, stage := range envelope {
		if !s.wire.pipelining {
			if refusal != nil {
				break
			}
			s.command(stage, job)
		}
		code, err := s.answer(stage)
		if err != nil {
			return nil, s.suspect(fmt.Errorf("answer to %s: %w", strings.ToUpper(string(stage)), err))
		}
		answers++
		wanted := 2
		if stage == StageData {
			wanted = 3
		}
		switch {
		case refusal != nil && stage == StageData && code == 354:
			if err := s.abandon(); err != nil {
				return nil, err
			}
		case refusal != nil, code/100 == wanted:
		case code >= 400:
			r := s.reply(stage)
			refusal, s.dirty = &r, stage != StageMail
		default:
			return nil, fmt.Errorf("answer to %s: nobody expects %d", strings.ToUpper(string(stage)), code)
		}
	}
	return refusal, nil
}

// reset ends a transaction that the relay is still in. Where commands are sent together, it was sent by begin.
func (s *session) reset() error {
	if !s.dirty {
		return nil
	}
	if !s.wire.pipelining {
		s.wire.say("RSET\r\n")
	}
	code, err := s.answer(StageMail)
	if err == nil && code/100 != 2 {
		err = fmt.Errorf("nobody expects %d", code)
	}
	if err != nil {
		return fmt.Errorf("answer to RSET: %w", err)
	}
	s.dirty = false
	return nil
}

// abandon ends a message of no bytes, which a relay waits for that took DATA together with commands that it refused
// (RFC 2920, 3.1). Whatever it answers, the transaction is over.
func (s *session) abandon() error {
	s.wire.say(".\r\n")
	if _, err := s.answer(StageData); err != nil {
		return fmt.Errorf("answer to an empty message: %w", err)
	}
	s.dirty = false
	return nil
}

// suspect takes a relay at less than its word when it did not answer commands that were sent together: some read the first
// and throw the rest away. From then on it gets one at a time.
func (s *session) suspect(err error) error {
	if s.wire.pipelining && errors.Is(err, os.ErrDeadlineExceeded) {
		s.route.slow.Store(true)
	}
	return err
}

// interrupted gives a job back whose connection broke before its message was begun, or answers it when it was tried often
// enough.
func (s *session) interrupted(ctx context.Context, job *errand, err error) *errand {
	if ctx.Err() != nil {
		return job
	}
	if job.tries++; job.tries < mostTries {
		return job
	}
	reply := Reply{Relay: s.route.Address, Stage: StageMail, Err: fmt.Errorf("relay %s: %w", s.route.Address, err)}
	if l := (*leaving)(nil); errors.As(err, &l) {
		reply = l.Reply
	}
	s.done(job, reply)
	return nil
}

// content sends the message of a job and answers it. What is sent with its end are the commands of the next job, if one waits
// and the relay takes several at once; that job is returned, also when the connection broke.
func (s *session) content(ctx context.Context, job *errand) (*errand, error) {
	s.wire.allow(contentWait, true)
	s.wire.write(s.message)
	next := s.ahead(ctx)
	err := s.wire.flush()
	wait := answerWait
	if err != nil {
		wait = quitWait
	}
	s.wire.allow(wait, true)
	code, unread := s.wire.read()
	reply := s.reply(StageContent)
	switch {
	case unread == nil && code >= 400: // also to a message of which it did not want the rest
	case err == nil && unread == nil && code/100 == 2:
	case err == nil && unread == nil:
		err = fmt.Errorf("nobody expects %d", code)
		fallthrough
	default:
		err = fmt.Errorf("relay %s: answer to the message: %w", s.route.Address, errors.Join(err, unread))
		s.done(job, Reply{Relay: s.route.Address, Stage: StageContent, Err: fmt.Errorf("%w: %w", ErrUnknown, err)})
		return next, err
	}
	if code == 421 {
		err = &leaving{reply}
	}
	s.done(job, reply)
	return next, err
}

// ahead begins the next job, if one waits and can be begun together with what is written already.
func (s *session) ahead(ctx context.Context) *errand {
	if !s.wire.pipelining || !s.willing(ctx) {
		return nil
	}
	select {
	case next := <-s.pool.jobs:
		if s.begin(next) {
			return next
		}
	default:
	}
	return nil
}

// done answers a job.
func (s *session) done(job *errand, reply Reply) {
	if reply.Accepted() {
		s.route.accepted.Add(1)
	}
	if !s.answered && reply.Code != 0 && reply.Code != 421 {
		s.answered = true
		s.pool.proven(s.route)
	}
	job.Done(reply)
}
