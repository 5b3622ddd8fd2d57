package main

import (
	"fmt"
	"strings"
)

// describeKept says what a configuration accepts for later, door by door, and where it keeps that.
func (s *gateSettings) describeKept() (all []string) {
	say := func(form string, of ...any) { all = append(all, fmt.Sprintf(form, of...)) }
	if s.Mail != nil {
		for _, c := range s.Mail.Inbound {
			say("%s  mail for %s (flow %s), straight on to %s, or kept", c.Listen.Address, strings.Join(c.Domains, ", "), c.Flow, s.mailServer("mail", c.Upstream).Relay)
		}
		for _, c := range s.Mail.Outgoing {
			say("%s  mail of the product (flow %s), kept until %s has it", c.Listen.Address, c.Flow, s.mailServer("mail", c.Upstream).Relay)
		}
	}
	if s.Messages != nil {
		for _, f := range s.Messages.Flows {
			to := strings.Join(f.To, ", ")
			if to == "" {
				to = "mail"
			}
			say("%s  messages (flow %s), kept until delivered to %s", s.Messages.Listen.Address, f.Flow, to)
		}
	}
	if s.keeps() {
		where := s.Spool.Folder
		if js := s.Spool.JetStream; js != nil {
			where = "stream " + js.Stream + " at " + strings.Join(js.Servers, ", ")
		}
		say("spool: %s, at most %s", where, size(s.Spool.limits().WithDefaults().Bytes))
	}
	return all
}

// keptSurprises are what the parts that keep something mean that their author may not.
func (s *gateSettings) keptSurprises() (all []string) {
	if !s.keeps() {
		return nil
	}
	note := func(form string, of ...any) { all = append(all, fmt.Sprintf(form, of...)) }
	l := s.Spool.limits().WithDefaults()
	if l.Entry > l.Memory/2 {
		note("spool.entry is %s, and half of spool.memory, %s, is all that may be accepted at one time: the largest are never accepted", size(l.Entry), size(l.Memory/2))
	}
	if l.Spare < leastSpare {
		note("spool.spare is %s: the index needs some room beside what is accepted; leave %s or more", size(l.Spare), size(leastSpare))
	}
	for _, d := range s.mailDoors() {
		if most := int64(d.Limits.Message); most > l.Entry {
			note("mail of flow %s may have %s, and spool.entry is %s: larger ones are refused after they were sent", d.Flow, size(most), size(l.Entry))
		}
	}
	return all
}

// leastSpare is how much room an index takes at a time beside what it holds.
const leastSpare = 64 << 20
