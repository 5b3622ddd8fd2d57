package spool

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"modernc.org/sqlite"
	lite "modernc.org/sqlite/lib"
)

// index says where what stands. It follows from the journal: whatever is wrong with it, it is made anew.
type index struct {
	path  string
	dir   string  // of an index that nobody named a file for, and that is removed with it
	db    *sql.DB // of the writer
	write *sql.Conn
	read  *sql.DB
	// The statements of the writer, which one goroutine uses at a time, and those of the readers.
	writing, reading statements

	mu      sync.Mutex
	applied Position // the last record that is in the index
	flows   map[string]total
	// remembered is how many have ended and are still needed, for their keys.
	remembered int64
	// opened is what a spool begins with, as it was when the index was opened: the highest id, and the flows that are paused.
	opened struct {
		last   string
		paused []string
	}
}

// total sums up what of one flow is live.
type total struct{ waiting, shelved, bytes int64 }

// indexSchema are the tables. What they are is told there.
//
//go:embed index.sql
var indexSchema string

// indexVersion changes with the schema. An index of another version is made anew.
const indexVersion = 1

// Neither is the index synced with each transaction nor are its pages kept for long: what a failure of the power takes from it
// is in the journal, and memory is bounded.
const indexSettings = "_pragma=busy_timeout(10000)&_pragma=synchronous(NORMAL)&_pragma=cache_size(-8192)&_pragma=temp_store(MEMORY)" +
	"&_pragma=wal_autocheckpoint(2000)&_pragma=journal_size_limit(67108864)"

// readers is how many look into the index at once.
const readers = 4

// openIndex opens the index and makes it tell what the journal does. An index that cannot be used, or that is not this
// journal's, is made anew.
func openIndex(ctx context.Context, path string, journal Journal, log *slog.Logger) (*index, error) {
	x, err := useIndex(ctx, path, journal)
	if err != nil && !errors.Is(err, errJournal) && remedy(err) == "" && ctx.Err() == nil {
		log.Warn("the spool's index is made anew from the journal", "index", path, "cause", err)
		x, err = renewIndex(ctx, path, journal)
	}
	switch what := remedy(err); {
	case err == nil || errors.Is(err, errJournal):
		return x, err
	case what != "":
		return nil, fmt.Errorf("open the spool's index %s: %s: %w", path, what, err)
	default:
		return nil, fmt.Errorf("open the spool's index %s: %w", path, err)
	}
}

// useIndex opens the index as it is, and has it tell what the journal does, once it is known to be sound.
func useIndex(ctx context.Context, path string, journal Journal) (*index, error) {
	x, err := connectIndex(ctx, path)
	if err != nil {
		return nil, err
	}
	for _, step := range []func() error{
		func() error { return x.check(ctx) },
		func() error { return x.sumUp(ctx) },
		func() error { return x.agree(ctx, journal) },
		func() error { return x.catchUp(ctx, journal) },
		func() error { return x.lookUp(ctx) },
	} {
		if err := step(); err != nil {
			_ = x.close() // it is thrown away
			return nil, err
		}
	}
	return x, nil
}

// errDamaged is that the file of the index is not as it was written.
var errDamaged = errors.New("the index is damaged")

// check looks at each page of the file: a damaged one must not come to light only when somebody asks for what is on it.
func (x *index) check(ctx context.Context) error {
	var found string
	if err := x.read.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return fmt.Errorf("%w: %s", errDamaged, found)
	}
	return nil
}

// lookUp reads what a spool begins with.
func (x *index) lookUp(ctx context.Context) (err error) {
	if x.opened.last, err = x.lastID(ctx); err == nil {
		x.opened.paused, err = x.paused(ctx)
	}
	return err
}

// remedy says what would be right when an index could not be used for a reason that a new one would meet, too, or because
// somebody else has it. It is empty when the index itself is at fault.
func remedy(err error) string {
	if diskFull(err) {
		return "the disk is full; make room on it"
	}
	code := new(sqlite.Error)
	if !errors.As(err, &code) {
		return ""
	}
	switch code.Code() & 0xff {
	case lite.SQLITE_BUSY, lite.SQLITE_LOCKED:
		return "another process has it; stop that one, or give each its own file"
	case lite.SQLITE_CANTOPEN, lite.SQLITE_READONLY, lite.SQLITE_PERM:
		return "it cannot be opened and written; its directory has to be there, and both have to be writable for this process"
	case lite.SQLITE_NOMEM:
		return "there is too little memory; give this process more"
	}
	return ""
}

// diskFull reports whether something failed because the disk is full.
func diskFull(err error) bool {
	code := new(sqlite.Error)
	return errors.Is(err, ErrFull) || errors.Is(err, syscall.ENOSPC) || errors.As(err, &code) && code.Code()&0xff == lite.SQLITE_FULL
}

// renewIndex makes the index from nothing but the journal.
func renewIndex(ctx context.Context, path string, journal Journal) (*index, error) {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); path != "" && err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("make the spool's index anew: %w", err)
		}
	}
	return useIndex(ctx, path, journal)
}

// connectIndex opens the file, with its tables.
func connectIndex(ctx context.Context, path string) (_ *index, err error) {
	x := &index{path: path, flows: map[string]total{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, x.close())
		}
	}()
	if path == "" {
		if x.dir, err = os.MkdirTemp("", "spool"); err != nil {
			return nil, err
		}
		path = filepath.Join(x.dir, "index")
	}
	uri := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + indexSettings
	if x.db, err = sql.Open("sqlite", uri+"&_txlock=immediate&_pragma=journal_mode(WAL)"); err != nil {
		return nil, err
	}
	if x.write, err = x.db.Conn(ctx); err != nil {
		return nil, err
	}
	if err := x.prepareTables(ctx); err != nil {
		return nil, err
	}
	if x.read, err = sql.Open("sqlite", uri+"&_pragma=query_only(1)"); err != nil {
		return nil, err
	}
	x.read.SetMaxOpenConns(readers)
	x.read.SetMaxIdleConns(readers)
	x.writing.by, x.reading.by = x.write, x.read
	return x, nil
}

// prepareTables makes the tables of a new file, and refuses those of another version.
func (x *index) prepareTables(ctx context.Context) error {
	var version int
	if err := x.write.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return err
	}
	switch version {
	case indexVersion:
		return nil
	case 0:
		_, err := x.write.ExecContext(ctx, fmt.Sprintf("BEGIN; %s; PRAGMA user_version = %d; COMMIT", indexSchema, indexVersion))
		return err
	default:
		return fmt.Errorf("version %d, want %d", version, indexVersion)
	}
}

// sumUp counts what is in the index.
func (x *index) sumUp(ctx context.Context) error {
	if err := x.write.QueryRowContext(ctx, `SELECT applied FROM meta`).Scan(&x.applied); err != nil {
		return err
	}
	rows, err := x.write.QueryContext(ctx, `SELECT flow, state, count(*), sum(bytes), sum(key <> '') FROM entries GROUP BY flow, state`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var flow string
		var state int
		var n, bytes, keys int64
		if err := rows.Scan(&flow, &state, &n, &bytes, &keys); err != nil {
			return err
		}
		if state < 0 || state >= len(states) {
			return fmt.Errorf("%w: no state has the number %d", errDamaged, state)
		}
		if states[state].Ended() {
			x.remembered += keys
			continue
		}
		of := x.flows[flow]
		of.add(states[state], n, bytes)
		x.flows[flow] = of
	}
	return rows.Err()
}

// add counts n entries of a state more, or less.
func (t *total) add(state State, n, bytes int64) {
	switch state {
	case Waiting:
		t.waiting, t.bytes = t.waiting+n, t.bytes+bytes
	case Shelved:
		t.shelved, t.bytes = t.shelved+n, t.bytes+bytes
	}
}

// all sums up all flows.
func (x *index) all() (sum total) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, t := range x.flows {
		sum = total{sum.waiting + t.waiting, sum.shelved + t.shelved, sum.bytes + t.bytes}
	}
	return sum
}

// of sums up a flow.
func (x *index) of(flow string) total {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.flows[flow]
}

// errJournal is that the journal, and not the index, is at fault.
var errJournal = errors.New("read the spool's journal")

// errForeign is that the index is not of this journal, or of another time of it.
var errForeign = errors.New("the index does not belong to the journal")

// agree tells whether the record that was applied last stands in the journal where and as it did. An index that is of another
// journal, or newer than a journal that was cut off, is found out by that.
func (x *index) agree(ctx context.Context, journal Journal) error {
	if x.applied == 0 {
		return nil
	}
	if u := journal.Usage(); x.applied < u.First || x.applied > u.End {
		return errForeign
	}
	data, err := journal.Read(ctx, x.applied)
	if err != nil {
		return fmt.Errorf("%w: %w", errForeign, err)
	}
	var sum uint32
	if err := x.write.QueryRowContext(ctx, `SELECT sum FROM meta`).Scan(&sum); err != nil {
		return err
	}
	if sum != checksum(data) {
		return errForeign
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }

// How much of the journal is applied in one transaction.
const (
	pageRecords = 1000
	pageBytes   = 16 << 20
)

// catchUp applies what is in the journal and not in the index.
func (x *index) catchUp(ctx context.Context, journal Journal) error {
	from := x.applied
	if from == 0 {
		from = journal.Usage().First
	}
	var page []placed
	bytes, sum := 0, uint32(0)
	for r, err := range journal.Scan(ctx, from) {
		if err != nil {
			return fmt.Errorf("%w: %w", errJournal, err)
		}
		if r.At <= x.applied {
			continue
		}
		one, err := decode(r.Data)
		if err != nil {
			return fmt.Errorf("%w: at %d: %w", errJournal, r.At, err)
		}
		one.entry.Head, one.entry.Body = nil, nil // the index does not want them
		page, bytes, sum = append(page, placed{one, r.At}), bytes+len(r.Data), checksum(r.Data)
		if len(page) == pageRecords || bytes >= pageBytes {
			if err := x.apply(ctx, page, sum); err != nil {
				return err
			}
			page, bytes = page[:0], 0
		}
	}
	if len(page) == 0 {
		return nil
	}
	return x.apply(ctx, page, sum)
}

// checkpoint moves what is in the log of the index into its file, and onto the disk. It waits for nobody: done is false when
// somebody still reads what was before.
func (x *index) checkpoint(ctx context.Context) (done bool, err error) {
	var busy, inLog, moved int
	err = x.write.QueryRowContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`).Scan(&busy, &inLog, &moved)
	return busy == 0 && moved == inLog, err
}

// close closes the writer last, for only it may move the log into the file.
func (x *index) close() error {
	var errs []error
	if x.read != nil {
		errs = append(errs, x.reading.close(), x.read.Close())
	}
	if x.write != nil {
		errs = append(errs, x.writing.close(), x.write.Close())
	}
	if x.db != nil {
		errs = append(errs, x.db.Close())
	}
	if x.dir != "" {
		errs = append(errs, os.RemoveAll(x.dir))
	}
	return errors.Join(errs...)
}

// statements are prepared once, and kept as long as the index.
type statements struct {
	by interface {
		PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	}

	mu  sync.Mutex
	all map[string]statement
}

// statement is one that whoever uses it does not close.
type statement struct{ *sql.Stmt }

// get gives the statement of a query.
func (s *statements) get(ctx context.Context, query string) (statement, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept, ok := s.all[query]; ok {
		return kept, nil
	}
	stmt, err := s.by.PrepareContext(ctx, query)
	if err != nil {
		return statement{}, err
	}
	if s.all == nil {
		s.all = map[string]statement{}
	}
	s.all[query] = statement{stmt}
	return statement{stmt}, nil
}

func (s *statements) close() error {
	var errs []error
	for _, kept := range s.all {
		errs = append(errs, kept.Close())
	}
	return errors.Join(errs...)
}
