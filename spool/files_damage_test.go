package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"syscall"
	"testing"

	"example.org/interlude/spool"
	"example.org/interlude/spool/spooltest"
)

// Three records are appended one by one, and two at once. With their frames of 20 bytes they begin at these places of the
// first file, whose header has 40 bytes.
var (
	sample      = []string{"zero zero", "one one one", "two two two two", "three", "four four"}
	sampleAt    = []int{40, 69, 100, 135, 160}
	sampleEnd   = 189
	sampleNames = []string{"00000000000000000001.spool", "00000000000000000190.spool"}
)

// sampleDisk is a disk with the sample in one file and, with more, some records in a second file behind it.
func sampleDisk(t testing.TB, more ...string) *spooltest.Forgetful {
	t.Helper()
	disk := spooltest.NewForgetful(1)
	f := openFiles(t, "", spool.FilesOptions{Disk: disk, Segment: int64(sampleEnd)})
	for _, r := range sample[:3] {
		appendTo(t, f, r)
	}
	appendTo(t, f, sample[3:]...)
	if len(more) > 0 {
		appendTo(t, f, more...)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return disk
}

// without gives the sample without some of its records.
func without(lost ...int) []string {
	var left []string
	for i, r := range sample {
		if !slices.Contains(lost, i) {
			left = append(left, r)
		}
	}
	return left
}

// flip damages one byte.
func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte {
		b[at] ^= 0x40
		return b
	}
}

// wipe puts zeros into the place of a span.
func wipe(from, to int) func([]byte) []byte {
	return func(b []byte) []byte {
		clear(b[from:to])
		return b
	}
}

func cut(at int) func([]byte) []byte {
	return func(b []byte) []byte { return b[:at] }
}

func TestFilesFindWhatIsLeftOfADamagedFile(t *testing.T) {
	const last, first = false, true
	for name, c := range map[string]struct {
		damage func([]byte) []byte
		first  bool     // another file follows
		left   []string // of the sample
		spans  string   // places in the file that are told of as damaged; ? are unfinished
	}{
		"nothing":                                {cut(sampleEnd), last, sample, ""},
		"zeros at the end":                       {func(b []byte) []byte { return append(b, make([]byte, 70_000)...) }, last, sample, ""},
		"anything at the end":                    {func(b []byte) []byte { return append(b, bytes.Repeat([]byte("x"), 600_000)...) }, last, sample, ""},
		"the end torn in the data":               {cut(sampleEnd - 1), last, without(4), ""},
		"the end torn in the frame":              {cut(sampleAt[4] + 7), last, without(4), ""},
		"the end torn at a record":               {cut(sampleAt[3]), last, without(3, 4), ""},
		"the end as zeros":                       {wipe(sampleAt[4]+10, sampleEnd), last, without(4), ""},
		"the last record's data":                 {flip(sampleEnd - 1), last, without(4), ""},
		"a part of the last append":              {flip(sampleAt[3] + 22), last, without(3), "135-160?"},
		"a record's data":                        {flip(sampleAt[1] + 25), last, without(1), "69-100"},
		"a record's mark":                        {flip(sampleAt[1]), last, without(1), "69-100"},
		"a record's length":                      {flip(sampleAt[1] + 9), last, without(1), "69-100"},
		"a record's sum":                         {flip(sampleAt[1] + 19), last, without(1), "69-100"},
		"two places":                             {wipe(sampleAt[0], sampleAt[2]+30), last, without(0, 1, 2), "40-135"},
		"the header, known from the next file":   {flip(3), first, sample, "0-40"},
		"the only header":                        {wipe(0, 40), last, sample, "0-40"},
		"the only header and the first record":   {wipe(0, 60), last, nil, "0-40 40-189"},
		"all of the last file":                   {wipe(0, sampleEnd), last, nil, ""},
		"a record, and another file follows":     {flip(sampleAt[2] + 20), first, without(2), "100-135"},
		"the end, and another file follows":      {cut(sampleAt[4]), first, without(4), "160-189"},
		"all of it, and another file follows":    {cut(0), first, nil, "0-40 40-189"},
		"a part of an append that is not last":   {flip(sampleAt[3] + 22), first, without(3), "135-160"},
		"more at its end, another file follows":  {func(b []byte) []byte { return append(b, "refused"...) }, first, sample, ""},
		"the first of the last append, to zeros": {wipe(sampleAt[3], sampleAt[4]), last, without(3), "135-160?"},
	} {
		t.Run(name, func(t *testing.T) {
			var more []string
			if c.first {
				more = []string{"more"}
			}
			disk := sampleDisk(t, more...)
			disk.Put(sampleNames[0], c.damage(disk.Content(sampleNames[0])))
			for _, again := range []string{"again", "and again"} {
				f := openFiles(t, "", spool.FilesOptions{Disk: disk})
				wantContents(t, f, append(slices.Clone(c.left), more...)...)
				if got := spans(f.Damage()); got != c.spans {
					t.Errorf("got damage at %q, want %q", got, c.spans)
				}
				appendTo(t, f, again)
				more = append(more, again)
				wantContents(t, f, append(slices.Clone(c.left), more...)...)
				disk = disk.Crash()
				if strings.HasSuffix(c.spans, "?") {
					c.spans = "" // it is told of once
				}
			}
		})
	}
}

// spans writes where there is damage, as places in the first file.
func spans(damage []spool.Damage) string {
	var all []string
	for _, d := range damage {
		mark := ""
		if d.Unfinished {
			mark = "?"
		}
		all = append(all, fmt.Sprintf("%d-%d%s", d.From-1, d.To-1, mark))
	}
	return strings.Join(all, " ")
}

func TestFilesMissAFileInTheMiddle(t *testing.T) {
	disk := spooltest.NewForgetful(1)
	f := openFiles(t, "", spool.FilesOptions{Disk: disk, Segment: 1})
	for _, r := range sample {
		appendTo(t, f, r)
	}
	if err := disk.Remove(disk.Names()[2]); err != nil {
		t.Fatal(err)
	}
	f = openFiles(t, "", spool.FilesOptions{Disk: disk})
	wantContents(t, f, without(2)...)
	if d := f.Damage(); len(d) != 1 || d[0].To-d[0].From != 40+20+15 {
		t.Errorf("got %+v, want one span as long as the file", d)
	}
}

func TestFilesKeepADamagedFileForPeople(t *testing.T) {
	disk := sampleDisk(t, "more")
	disk.Put(sampleNames[0], flip(sampleAt[1])(disk.Content(sampleNames[0])))
	var said bytes.Buffer
	f := openFiles(t, "", spool.FilesOptions{Disk: disk, Log: slog.New(slog.NewTextHandler(&said, nil))})
	if err := f.Forget(t.Context(), f.Usage().End); err != nil {
		t.Fatal(err)
	}
	if got, want := disk.Names(), []string{sampleNames[0] + ".aside", sampleNames[1]}; !slices.Equal(got, want) {
		t.Errorf("got the files %q, want %q", got, want)
	}
	if d := f.Damage(); len(d) != 0 {
		t.Errorf("got %+v, want no damage in what is left", d)
	}
	for _, want := range []string{"level=ERROR", sampleNames[0], "from=70", "to=101", ".aside"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("got the log %s, want it to hold %s", &said, want)
		}
	}
	wantContents(t, openFiles(t, "", spool.FilesOptions{Disk: disk}), "more")
}

func TestFilesEndAScanWhereSomethingIsDamagedSinceTheyWereOpened(t *testing.T) {
	disk := sampleDisk(t)
	f := openFiles(t, "", spool.FilesOptions{Disk: disk})
	file, err := disk.Open(sampleNames[0], false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteAt([]byte("?"), int64(sampleAt[1]+25)); err != nil {
		t.Fatal(err)
	}
	if all, err := contents(t, f); !errors.Is(err, spool.ErrDamaged) || !slices.Equal(all, sample[:1]) {
		t.Errorf("got %q, %v, want the first record and %v", all, err, spool.ErrDamaged)
	}
	if data, err := f.Read(t.Context(), spool.Position(sampleAt[1]+1)); !errors.Is(err, spool.ErrDamaged) {
		t.Errorf("got %q, %v, want %v", data, err, spool.ErrDamaged)
	}
}

func TestFilesPassOverBadSectors(t *testing.T) {
	disk := spooltest.NewForgetful(1)
	f := openFiles(t, "", spool.FilesOptions{Disk: disk})
	large := strings.Repeat("x", 10_000)
	for range 5 {
		appendTo(t, f, large)
	}
	appendTo(t, f, "behind")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f = openFiles(t, "", spool.FilesOptions{Disk: badSectors{disk, 16384, 20480}})
	wantContents(t, f, large, large, large, "behind") // it lies across two records
	if d := f.Damage(); len(d) != 1 {
		t.Errorf("got %+v, want one span", d)
	}
	appendTo(t, f, "new")
	wantContents(t, f, large, large, large, "behind", "new")

	again := sampleDisk(t)
	f = openFiles(t, "", spool.FilesOptions{Disk: badSectors{again, 185, 186}})
	wantContents(t, f) // the sector holds them all, and may hold them still when it can be read again
	appendTo(t, f, "new")
	wantContents(t, f, "new")
	wantContents(t, openFiles(t, "", spool.FilesOptions{Disk: again}), append(slices.Clone(sample), "new")...)
}

// badSectors is a disk on which a span of the first file cannot be read.
type badSectors struct {
	spool.Disk
	from, to int64
}

func (d badSectors) Open(name string, create bool) (spool.DiskFile, error) {
	f, err := d.Disk.Open(name, create)
	if err != nil || name != sampleNames[0] {
		return f, err
	}
	return badFile{f, d.from, d.to}, nil
}

type badFile struct {
	spool.DiskFile
	from, to int64
}

func (f badFile) ReadAt(b []byte, at int64) (int, error) {
	if at < f.to && at+int64(len(b)) > f.from {
		return 0, syscall.EIO
	}
	return f.DiskFile.ReadAt(b, at)
}

func TestFilesTakeNothingForARecordThatIsNone(t *testing.T) {
	// Somebody sends what was on the disk of another journal, at the place where it comes to lie in this one.
	other := sampleDisk(t).Content(sampleNames[0])
	disk := spooltest.NewForgetful(1)
	f := openFiles(t, "", spool.FilesOptions{Disk: disk})
	payload := string(other[60:])
	appendTo(t, f, payload, "behind")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	disk.Put(sampleNames[0], flip(41)(disk.Content(sampleNames[0])))
	f = openFiles(t, "", spool.FilesOptions{Disk: disk})
	wantContents(t, f, "behind")
}
