package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.org/interlude/access"
	"example.org/interlude/notify"
	"example.org/interlude/status"
	"example.org/interlude/store"
)

var pipeline = access.Act{Token: "t1", Name: "pipeline ü", Operation: "begin-maintenance", Request: "r1", Client: "2001:db8::1"}

// acting is a context in which the pipeline acts, with an idempotency key when one is given.
func acting(ctx context.Context, key string) context.Context {
	act := pipeline
	if key != "" {
		act.Repeat = &access.Repeat{Key: access.RepeatKey(act.Token, key), Fingerprint: "print of " + key}
	}
	return access.WithAct(ctx, act)
}

func entries(tb testing.TB, s *store.Store) []store.AuditEntry {
	tb.Helper()
	all, err := s.Audit(tb.Context(), 0, math.MaxInt32)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func component(id string) status.Component {
	return status.Component{ID: id, Name: id, Condition: status.Operational, Created: noon}
}

// add puts a new component.
func add(ctx context.Context, s *store.Store, now time.Time, id string) error {
	return s.Change(ctx, now, nil, func(b *status.Book) error {
		b.PutComponent(component(id))
		b.Say(status.Event{Kind: status.ComponentChanged, Subject: status.Subject{Kind: status.KindComponent, ID: id}, At: now})
		return nil
	})
}

func TestEveryWriteOfARequestIsOneEntry(t *testing.T) {
	token, _, err := access.New(rand.Reader, "new", access.Read, noon, "Ada")
	if err != nil {
		t.Fatal(err)
	}
	subscriber := notify.Subscriber{ID: "s1", Channel: notify.Email, Address: "ada@example.com", State: notify.Active, Created: noon}
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		refused := errors.New("refused")
		for n, c := range []struct {
			name string
			do   func(ctx context.Context) error
			want []status.Subject
		}{
			{"a change", func(ctx context.Context) error { return add(ctx, s, noon, "c1") }, []status.Subject{{Kind: status.KindComponent, ID: "c1"}}},
			{"what has no event", func(ctx context.Context) error {
				return s.Change(ctx, noon, nil, func(b *status.Book) error {
					b.PutGroup(status.Group{ID: "g1", Name: "Delivery"})
					b.PutComponent(component("c2"))
					return nil
				})
			}, []status.Subject{{Kind: status.KindGroup, ID: "g1"}, {Kind: status.KindComponent, ID: "c2"}}},
			{"a token", func(ctx context.Context) error { return s.AddToken(ctx, token) }, []status.Subject{{Kind: "token", ID: token.ID}}},
			{"a token taken back", func(ctx context.Context) error { return s.RevokeToken(ctx, token.ID, noon) }, []status.Subject{{Kind: "token", ID: token.ID}}},
			{"a subscriber", func(ctx context.Context) error { return s.AddSubscriber(ctx, noon, subscriber) }, []status.Subject{{Kind: "subscriber", ID: "s1"}}},
			{"a subscriber changed", func(ctx context.Context) error {
				return s.ChangeSubscribers(ctx, noon, []string{"s1"}, func(n *notify.Subscriber) error { n.State = notify.Unsubscribed; return nil })
			}, []status.Subject{{Kind: "subscriber", ID: "s1"}}},
			{"a record", func(ctx context.Context) error {
				return s.ChangeRecord(ctx, noon, "template", "r1", func([]byte) ([]byte, error) { return []byte(`{}`), nil })
			}, []status.Subject{{Kind: "template", ID: "r1"}}},
			{"points", func(ctx context.Context) error {
				return s.AddPoints(ctx, noon, noon, map[string][]status.Point{"m1": {{At: noon, Value: 1}}})
			}, []status.Subject{{Kind: "metric_data", ID: "m1"}}},
			{"points dropped", func(ctx context.Context) error { return s.DropPoints(ctx, noon, "m1") }, []status.Subject{{Kind: "metric_data", ID: "m1"}}},
		} {
			if err := c.do(acting(t.Context(), "")); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			want := store.AuditEntry{N: int64(n + 1), At: noon, Act: pipeline, Subjects: c.want}
			if diff := cmp.Diff(want, entries(t, s)[0]); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, diff)
			}
		}
		before := len(entries(t, s))
		for name, do := range map[string]func(context.Context) error{
			"nothing": func(ctx context.Context) error {
				return s.Change(ctx, noon, nil, func(*status.Book) error { return nil })
			},
			"a refusal": func(ctx context.Context) error {
				return s.Change(ctx, noon, nil, func(*status.Book) error { return refused })
			},
			"a refused record": func(ctx context.Context) error {
				return s.ChangeRecord(ctx, noon, "template", "r1", func([]byte) ([]byte, error) { return nil, refused })
			},
			"the clock":     func(context.Context) error { return add(t.Context(), s, noon, "c3") },
			"a use":         func(ctx context.Context) error { return s.TouchToken(ctx, token.ID, noon) },
			"an unkind act": func(ctx context.Context) error { return s.RevokeToken(ctx, "nope", noon) },
		} {
			_ = do(acting(t.Context(), "k"))
			if got := len(entries(t, s)); got != before {
				t.Errorf("%s: got %d entries, want %d as before", name, got, before)
			}
		}
		if _, err := s.AnswerTo(t.Context(), access.RepeatKey("t1", "k")); !errors.Is(err, status.ErrNotFound) {
			t.Errorf("got %v for the key of what changed nothing, want %v", err, status.ErrNotFound)
		}
	})
}

func TestTheAuditLogIsReadInPages(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		for n := range 5 {
			if err := add(acting(t.Context(), ""), s, noon, fmt.Sprint("c", n)); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			before int64
			limit  int
			want   []int64
		}{
			{0, 2, []int64{5, 4}},
			{4, 2, []int64{3, 2}},
			{2, 2, []int64{1}},
			{1, 2, nil},
			{99, 9, []int64{5, 4, 3, 2, 1}},
		} {
			some, err := s.Audit(t.Context(), c.before, c.limit)
			var got []int64
			for _, e := range some {
				got = append(got, e.N)
			}
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%d before %d: got %v and %v, want %v", c.limit, c.before, got, err, c.want)
			}
		}
	})
}

func TestAKeyIsTakenOnceWithItsChangeAndKeptForADay(t *testing.T) {
	each(t, allEngines, func(t *testing.T, name string) {
		s := open(t, name)
		ctx, key := acting(t.Context(), "k"), access.RepeatKey("t1", "k")
		if err := add(ctx, s, noon, "c1"); err != nil {
			t.Fatal(err)
		}
		lost := store.Answer{Fingerprint: "print of k"}
		if got, err := s.AnswerTo(t.Context(), key); err != nil || !cmp.Equal(got, lost) {
			t.Errorf("got %+v and %v before there is an answer, want %+v", got, err, lost)
		}
		if err := add(ctx, s, noon, "c2"); !errors.Is(err, access.ErrRepeated) {
			t.Errorf("got %v for the key again, want %v", err, access.ErrRepeated)
		}
		if d := since(t, s, 0); len(d.Components) != 1 || len(entries(t, s)) != 1 {
			t.Errorf("got %d components and %d entries, want one of each", len(d.Components), len(entries(t, s)))
		}
		answer := store.Answer{
			Fingerprint: "print of k", Status: 201, Header: map[string][]string{"Etag": {`"v1"`}}, Body: "{\"title\": \"ü 🚧\"}\n",
		}
		if err := s.KeepAnswer(t.Context(), key, answer); err != nil {
			t.Fatal(err)
		}
		if got, err := s.AnswerTo(t.Context(), key); err != nil || !cmp.Equal(got, answer) {
			t.Errorf("got %+v and %v, want %+v", got, err, answer)
		}
		if err := s.KeepAnswer(t.Context(), "nobody's", answer); err != nil {
			t.Errorf("got %v for a key that no change took, want no error", err)
		}
		if _, err := s.AnswerTo(t.Context(), "nobody's"); !errors.Is(err, status.ErrNotFound) {
			t.Errorf("got %v, want %v", err, status.ErrNotFound)
		}
		// The key of another token is another one, and the next that is taken a day later frees the first.
		other := pipeline
		other.Token, other.Repeat = "t2", &access.Repeat{Key: access.RepeatKey("t2", "k"), Fingerprint: "x"}
		if err := add(access.WithAct(t.Context(), other), s, noon.Add(24*time.Hour), "c3"); err != nil {
			t.Errorf("got %v for another token, want no error", err)
		}
		if err := add(ctx, s, noon.Add(24*time.Hour), "c4"); !errors.Is(err, access.ErrRepeated) {
			t.Errorf("got %v a day later, want %v", err, access.ErrRepeated)
		}
		if err := add(ctx, s, noon.Add(24*time.Hour+time.Microsecond), "c4"); err != nil {
			t.Errorf("got %v after the day, want no error", err)
		}
	})
}

func TestOfManyWithOneKeyOneChangesSomething(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		nodes := []*store.Store{open(t, name), open(t, name)}
		var done, repeated atomic.Int32
		var all sync.WaitGroup
		for n := range 20 {
			all.Go(func() {
				switch err := add(acting(t.Context(), "k"), nodes[n%2], noon, fmt.Sprint("c", n)); {
				case err == nil:
					done.Add(1)
				case errors.Is(err, access.ErrRepeated):
					repeated.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if done.Load() != 1 || repeated.Load() != 19 {
			t.Errorf("got %d done and %d repeated, want 1 and 19", done.Load(), repeated.Load())
		}
		if d := since(t, nodes[0], 0); len(d.Components) != 1 {
			t.Errorf("got %d components, want 1", len(d.Components))
		}
	})
}

func TestEntriesHaveNoGapsHoweverManyWrite(t *testing.T) {
	each(t, sharedEngines, func(t *testing.T, name string) {
		nodes := []*store.Store{open(t, name), open(t, name)}
		var all sync.WaitGroup
		for n := range 20 {
			all.Go(func() {
				ctx := acting(t.Context(), "")
				if n%3 == 0 { // what is not asked for is not counted
					ctx = t.Context()
				}
				if err := add(ctx, nodes[n%2], noon, fmt.Sprint("c", n)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		got := entries(t, nodes[0])
		if len(got) != 13 {
			t.Fatalf("got %d entries, want 13", len(got))
		}
		for i, e := range got {
			if e.N != int64(13-i) {
				t.Errorf("got entry %d in place %d, want %d", e.N, i, 13-i)
			}
		}
	})
}
