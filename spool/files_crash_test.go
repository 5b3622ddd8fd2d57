package spool_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.org/interlude/spool"
	"example.org/interlude/spool/spooltest"
)

// A voyage is a journal that is appended to, forgotten, closed and killed at random, on a disk that fails at random and whose
// power goes off at random. It knows what has to be there.
type voyage struct {
	*testing.T
	rng  *rand.Rand
	disk *spooltest.Forgetful
	// around is what the journal sees of the disk.
	around func(spool.Disk) spool.Disk
	files  *spool.Files

	faulty    int  // one of so many operations fails while there is power; 0 is none
	calm      int  // so many operations until the power goes off
	faults    int  // so far
	torn      bool // an opening had faults: what it left half done may look like damage
	count     int
	acked     []spool.Record
	forgotten spool.Position
	// unsure were refused, and may be seen after the journal is opened again; never may not.
	unsure map[string]bool
	never  map[string]bool
}

func newVoyage(t *testing.T, seed uint64, faulty int, around func(spool.Disk) spool.Disk) *voyage {
	v := &voyage{
		T: t, rng: rand.New(rand.NewPCG(seed, 2)), disk: spooltest.NewForgetful(seed), around: around, faulty: faulty,
		unsure: map[string]bool{}, never: map[string]bool{},
	}
	v.disk.Fault = v.fault
	return v
}

// fault makes the disk fail.
func (v *voyage) fault(op spooltest.Op, _ string) error {
	if v.calm--; v.calm < 0 {
		return spooltest.ErrPowerOff
	}
	if v.faulty == 0 || op == spooltest.Read || op == spooltest.Open || v.rng.IntN(v.faulty) > 0 {
		return nil
	}
	v.faults++
	switch op {
	case spooltest.Write, spooltest.Create, spooltest.Rename:
		if v.rng.IntN(3) > 0 {
			return syscall.ENOSPC
		}
	case spooltest.Sync:
		if v.rng.IntN(3) == 0 {
			return syscall.EDQUOT
		}
	}
	return syscall.EIO
}

// sail goes through a few lives of the journal, and gives what was wrong first.
func (v *voyage) sail() error {
	for range 4 {
		v.calm = v.rng.IntN(150)
		for {
			err := v.live()
			if errors.Is(err, spooltest.ErrPowerOff) {
				break
			}
			if err != nil {
				return err
			}
		}
		v.disk = v.disk.Crash()
		v.disk.Fault = v.fault
	}
	v.calm, v.faulty = 1<<30, 0
	if err := v.open(); err != nil {
		return fmt.Errorf("open at last: %w", err)
	}
	if err := v.append(); err != nil {
		return fmt.Errorf("append at last: %w", err)
	}
	return errors.Join(v.same(), v.files.Close())
}

// live opens the journal and works with it until it is closed, killed or without power.
func (v *voyage) live() error {
	if err := v.open(); err != nil {
		return err
	}
	for {
		var err error
		switch n := v.rng.IntN(40); {
		case n < 30:
			err = v.append()
		case n < 35:
			err = v.forget()
		case n < 38:
			err = v.same()
		case n == 38:
			_ = v.files.Close() // it is no matter whether the disk did it
			return nil
		default:
			return nil // as after a kill
		}
		if err != nil {
			return err
		}
	}
}

// open opens the journal, again if the disk did not let it, and compares.
func (v *voyage) open() error {
	for {
		before := v.faults
		f, err := spool.OpenFiles("", spool.FilesOptions{Segment: 8000, Disk: v.around(v.disk)})
		v.torn = v.torn || v.faults > before
		if err != nil && v.faults > before && !errors.Is(err, spooltest.ErrPowerOff) {
			continue
		}
		if err != nil {
			return err
		}
		v.files = f
		return v.reconcile()
	}
}

// reconcile compares what a journal that was opened shows. As long as no opening had faults, what it shows of that which was
// refused is durable, and stays.
func (v *voyage) reconcile() error {
	var seen []spool.Record
	for r, err := range v.files.Scan(v.Context(), 0) {
		if err != nil {
			return fmt.Errorf("scan after opening: %w", err)
		}
		if v.unsure[string(r.Data)] {
			if !v.torn {
				delete(v.unsure, string(r.Data))
				v.acked = append(v.acked, r)
			} else {
				continue
			}
		}
		seen = append(seen, r)
	}
	if !v.torn {
		v.settle()
	}
	slices.SortStableFunc(v.acked, func(a, b spool.Record) int { return int(a.At - b.At) })
	if err := v.compare(seen); err != nil {
		return err
	}
	for _, d := range v.files.Damage() {
		if !d.Unfinished && !v.torn {
			return fmt.Errorf("damage is reported where there is none: %+v", d)
		}
	}
	return nil
}

// settle says that what was refused so far must not be seen any more.
func (v *voyage) settle() {
	for data := range v.unsure {
		v.never[data] = true
	}
	clear(v.unsure)
}

// compare makes sure that all that was acknowledged and not forgotten is there, in order, and that nothing else is.
func (v *voyage) compare(seen []spool.Record) error {
	last := spool.Position(0)
	kept := slices.DeleteFunc(slices.Clone(v.acked), func(r spool.Record) bool { return r.At < v.forgotten })
	known := map[spool.Position]string{}
	for _, r := range v.acked {
		known[r.At] = string(r.Data)
	}
	for _, r := range seen {
		switch want, ok := known[r.At]; {
		case v.never[string(r.Data)]:
			return fmt.Errorf("a record that was refused is seen at %d", r.At)
		case !ok || want != string(r.Data):
			return fmt.Errorf("at %d is a record that nobody appended there: %.20q, want %.20q", r.At, r.Data, want)
		case r.At <= last:
			return fmt.Errorf("a record at %d comes after one at %d", r.At, last)
		}
		last = r.At
		if len(kept) > 0 && kept[0].At == r.At {
			kept = kept[1:]
		}
	}
	if len(kept) > 0 {
		return fmt.Errorf("lost: %d acknowledged records, the first at %d", len(kept), kept[0].At)
	}
	return nil
}

// same makes sure that a scan gives what was acknowledged and nothing else.
func (v *voyage) same() error {
	var seen []spool.Record
	for r, err := range v.files.Scan(v.Context(), v.forgotten) {
		if err != nil {
			return fmt.Errorf("scan: %w", err)
		}
		if !v.torn || !v.unsure[string(r.Data)] {
			seen = append(seen, r)
		}
	}
	return v.compare(seen)
}

// append appends a few records, some of them larger than a segment.
func (v *voyage) append() error {
	var records [][]byte
	for range 1 + v.rng.IntN(4) {
		size := v.rng.IntN(2500)
		if v.rng.IntN(30) == 0 {
			size = 20_000
		}
		v.count++
		records = append(records, fmt.Appendf(nil, "%06d %s", v.count, strings.Repeat(string(rune('a'+v.count%26)), size)))
	}
	before := v.faults
	at, err := v.files.Append(v.Context(), records)
	switch {
	case err == nil:
		if !v.torn {
			v.settle()
		}
		for i := range records {
			v.acked = append(v.acked, spool.Record{At: at[i], Data: records[i]})
		}
		return nil
	case v.calm < 0: // the power went off
		for _, r := range records {
			v.unsure[string(r)] = true
		}
		return spooltest.ErrPowerOff
	}
	for _, r := range records { // one fault alone leaves no doubt
		if v.faults-before <= 1 {
			v.never[string(r)] = true
		} else {
			v.unsure[string(r)] = true
		}
	}
	if v.faults == before && !errors.Is(err, spool.ErrClosed) {
		return fmt.Errorf("append without a fault of the disk: %w", err)
	}
	return nil
}

func (v *voyage) forget() error {
	if len(v.acked) == 0 {
		return nil
	}
	before := v.acked[v.rng.IntN(len(v.acked))].At
	v.forgotten = max(v.forgotten, before)
	if err := v.files.Forget(v.Context(), before); v.calm < 0 {
		return spooltest.ErrPowerOff
	} else if err != nil && v.faulty == 0 {
		return fmt.Errorf("forget: %w", err)
	}
	return nil
}

// losses tells of the voyages that went wrong, for a while or until there were enough.
//
// The disk fails once in as many operations as one of faulty says, by turns.
func losses(t *testing.T, enough int, faulty []int, around func(spool.Disk) spool.Disk, tell func(seed uint64, err error)) {
	begun := time.Now()
	for seed := uint64(1); enough > 0 && (seed <= 50 || time.Since(begun) < time.Second); seed++ {
		rate := faulty[seed%uint64(len(faulty))]
		if err := newVoyage(t, seed, rate, around).sail(); err != nil {
			enough--
			tell(seed, err)
		}
	}
}

func TestFilesLoseNothingWhenThePowerFails(t *testing.T) {
	for name, faulty := range map[string][]int{"a good disk": {0}, "a disk that fails too": {4, 8, 25}} {
		t.Run(name, func(t *testing.T) {
			around := func(d spool.Disk) spool.Disk { return d }
			losses(t, 3, faulty, around, func(seed uint64, err error) { t.Errorf("seed %d: %v", seed, err) })
		})
	}
}

// A journal that does not sync has to be found out, or the test above proves nothing.
func TestFilesThatDoNotSyncAreFoundOut(t *testing.T) {
	for name, around := range map[string]func(spool.Disk) spool.Disk{
		"files": func(d spool.Disk) spool.Disk { return lazyFiles{d} },
		"names": func(d spool.Disk) spool.Disk { return lazyNames{d} },
	} {
		t.Run(name, func(t *testing.T) {
			lost := 0
			losses(t, 20, []int{0}, around, func(_ uint64, err error) {
				if strings.HasPrefix(err.Error(), "lost: ") {
					lost++
				}
			})
			if lost == 0 {
				t.Error("got no loss, want some")
			}
		})
	}
}

// lazyNames is a disk that does not sync its names.
type lazyNames struct{ spool.Disk }

func (lazyNames) Sync() error { return nil }

// lazyFiles is a disk whose files do not sync.
type lazyFiles struct{ spool.Disk }

func (d lazyFiles) Open(name string, create bool) (spool.DiskFile, error) {
	f, err := d.Disk.Open(name, create)
	return lazyFile{f}, err
}

type lazyFile struct{ spool.DiskFile }

func (lazyFile) Sync() error { return nil }
