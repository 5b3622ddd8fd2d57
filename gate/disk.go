package gate

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"time"

	"example.org/interlude/api"
)

// The names in a gate's directory. A name with asideSuffix is of a file that could not be used; it is for people.
const (
	planName     = "plan.json"
	outcomesName = "outcomes"
	halfSuffix   = ".half" // of a file that is being written
	asideSuffix  = ".aside"
)

// largestFile bounds what is read of a file.
const largestFile = 16 << 20

// disk is the directory with what a gate must not forget. A file in it is either whole or not there: it is written under
// another name first, and all of it is on the disk before it has its own.
type disk struct {
	root *os.Root
	log  *slog.Logger
}

// openDisk makes the directory, if there is none, for its owner alone.
func openDisk(dir string, log *slog.Logger) (*disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the gate's directory: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the gate's directory: %w", err)
	}
	d := &disk{root: root, log: log}
	if err := root.Mkdir(outcomesName, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		root.Close()
		return nil, fmt.Errorf("make the directory of outcomes: %w", err)
	}
	for _, in := range []string{".", outcomesName} {
		d.sweep(in)
	}
	return d, nil
}

func (d *disk) close() { _ = d.root.Close() } // every file was synced by itself

// sweep removes files that a process was writing when it was killed. Young ones may be those of one that lives.
func (d *disk) sweep(in string) {
	entries, err := fs.ReadDir(d.root.FS(), in)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasSuffix(e.Name(), halfSuffix) && time.Since(info.ModTime()) > time.Minute {
			_ = d.root.Remove(in + "/" + e.Name()) // it takes room, and does no other harm
		}
	}
}

// write puts a value into a file, in the place of what was there.
func (d *disk) write(name string, value any) (size int64, err error) {
	data, err := json.Marshal(value)
	if err != nil {
		return 0, fmt.Errorf("write %s: %w", name, err)
	}
	half := name + "." + rand.Text()[:8] + halfSuffix
	if err := d.writeSynced(half, data); err != nil {
		_ = d.root.Remove(half)
		return 0, fmt.Errorf("write %s: %w", name, err)
	}
	if err := d.root.Rename(half, name); err != nil {
		_ = d.root.Remove(half)
		return 0, fmt.Errorf("write %s: %w", name, err)
	}
	return int64(len(data)), d.syncAround(name)
}

func (d *disk) writeSynced(name string, data []byte) error {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncAround makes a new name durable. Windows has no such thing for directories.
func (d *disk) syncAround(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	in, _, deep := strings.Cut(name, "/")
	if !deep {
		in = "."
	}
	dir, err := d.root.Open(in)
	if err != nil {
		return fmt.Errorf("sync the directory of %s: %w", name, err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("sync the directory of %s: %w", name, err)
	}
	return nil
}

func (d *disk) read(name string) ([]byte, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, largestFile+1))
	if err == nil && len(data) > largestFile {
		err = fmt.Errorf("it is larger than %d MiB", largestFile>>20)
	}
	return data, err
}

// setAside gives a file that cannot be used another name, so that it is in nobody's way.
func (d *disk) setAside(name string) {
	if err := d.root.Rename(name, name+asideSuffix); err != nil {
		d.log.Warn("a file that cannot be used stays where it is", "file", name, "error", err)
	}
}

// keptPlan is plan.json.
type keptPlan struct {
	// Heard is when it came, by this machine's clock, and Ahead by how much the server's was ahead of it.
	Heard time.Time     `json:"heard"`
	Ahead time.Duration `json:"server_ahead_ns"`
	Plan  api.Plan      `json:"plan"`
}

// parsePlan reads what is in plan.json. Fields that it does not know are those of a later version, and no harm.
func parsePlan(data []byte) (keptPlan, error) {
	var kept keptPlan
	if err := json.Unmarshal(data, &kept); err != nil {
		return keptPlan{}, err
	}
	if kept.Heard.IsZero() || kept.Plan.At.IsZero() || kept.Plan.Maintenances == nil {
		return keptPlan{}, errors.New("it is not what a gate writes: heard, plan.at and plan.maintenances are required")
	}
	return kept, nil
}

// plan reads the last plan, and reports whether there is one. What is no plan is set aside, for a gate without a plan is
// better than no gate.
func (d *disk) plan() (keptPlan, bool) {
	data, err := d.read(planName)
	if errors.Is(err, fs.ErrNotExist) {
		return keptPlan{}, false
	}
	kept := keptPlan{}
	if err == nil {
		kept, err = parsePlan(data)
	}
	if err != nil {
		d.log.Error("the plan on disk cannot be used; the gate begins without one", "file", planName, "moved_to", planName+asideSuffix, "error", err)
		d.setAside(planName)
		return keptPlan{}, false
	}
	return kept, true
}
