package spool

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
)

// segmentFile is a segment's file as it was when the journal was opened.
type segmentFile struct {
	start Position
	size  int64
	// headed is that its header is whole.
	headed bool
}

// survey is what is in a segment.
type survey struct {
	end   Position // behind the last whole frame
	first Position // where the Append of the last whole frame begins
	some  bool     // there is a whole frame
	gaps  []frameGap
	// blank is that nothing but zeros is behind the end; unreadable is that the disk does not give some of it.
	blank, unreadable bool
}

// frameGap is a span between two whole frames. first is where the Append of the one behind it begins.
type frameGap struct{ from, to, first Position }

// recover finds out what is in the directory, and makes it fit to be appended to. Of names that are there only in memory it
// does not know, so it syncs the directory.
func (f *Files) recover() error {
	files, err := f.list()
	if err != nil {
		return err
	}
	if err := f.identify(files); err != nil {
		return err
	}
	for i, file := range files {
		if i+1 == len(files) {
			err = f.recoverLast(file)
		} else {
			err = f.recoverFull(file, files[i+1].start)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", segmentName(file.start), err)
		}
	}
	f.taken = f.end
	return f.disk.Sync()
}

// list gives the segments in order, and deletes what was being made when a process ended.
func (f *Files) list() ([]segmentFile, error) {
	entries, err := f.disk.List()
	if err != nil {
		return nil, err
	}
	var files []segmentFile
	for _, e := range entries {
		if strings.HasSuffix(e.Name, segmentSuffix+halfSuffix) {
			_ = f.disk.Remove(e.Name) // it takes room, and does no other harm
		}
		if start, ok := parseSegmentName(e.Name); ok {
			files = append(files, segmentFile{start: start, size: e.Size})
		}
	}
	slices.SortFunc(files, func(a, b segmentFile) int { return cmp.Compare(a.start, b.start) })
	return files, nil
}

// identify finds the identity of the journal: every header names it, and the mark of a frame gives it away.
func (f *Files) identify(files []segmentFile) error {
	named := ""
	for i := range files {
		file := &files[i]
		id, ok, err := f.readHeader(file.start)
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", segmentName(file.start), err)
		case !ok:
			continue
		case named != "" && id != f.id:
			return fmt.Errorf("%s and %s are of two journals; take those of one of them out of the directory", named, segmentName(file.start))
		}
		f.id, named, file.headed = id, segmentName(file.start), true
	}
	for i := 0; named == "" && i < len(files); i++ {
		if id, ok := f.guess(files[i]); ok {
			f.id = id
			return nil
		}
	}
	if named == "" {
		f.id = newIdentity()
	}
	return nil
}

// newIdentity makes the identity of a new journal.
func newIdentity() identity {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return identity(binary.LittleEndian.Uint64(b[:]))
}

// readHeader gives the identity in the header of a segment, and false when it is damaged. That it cannot be read is an error:
// then most likely nothing can.
func (f *Files) readHeader(start Position) (identity, bool, error) {
	r, err := f.readers.borrow(start)
	if err != nil {
		return 0, false, err
	}
	defer f.readers.giveBack(r)
	b := make([]byte, headerSize)
	n, err := r.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, false, err
	}
	return parseHeader(b[:n], start)
}

// guess finds the identity by the first frame of a segment, if that is whole.
func (f *Files) guess(file segmentFile) (identity, bool) {
	r, err := f.readers.borrow(file.start)
	if err != nil {
		return 0, false
	}
	defer f.readers.giveBack(r)
	var mark [8]byte
	if _, err := r.ReadAt(mark[:], headerSize); err != nil {
		return 0, false
	}
	at := file.start + headerSize
	id := identity(binary.LittleEndian.Uint64(mark[:]) ^ uint64(at))
	_, _, ok := newWalker(id, file.start, file.start+Position(file.size), r).whole(at, false)
	return id, ok
}

// survey goes through a segment up to a limit.
func (f *Files) survey(start, limit Position) (survey, error) {
	r, err := f.readers.borrow(start)
	if err != nil {
		return survey{}, err
	}
	defer f.readers.giveBack(r)
	w := newWalker(f.id, start, limit, r)
	s := survey{end: start + headerSize, first: start + headerSize}
	for {
		head, _, ok := w.next(s.end, false)
		if !ok {
			break
		}
		if head.at != s.end {
			s.gaps = append(s.gaps, frameGap{s.end, head.at, head.first})
		}
		s.end, s.first, s.some = head.end(), head.first, true
	}
	s.blank = w.blank(s.end)
	if s.unreadable = w.lens.unreadable != nil; s.unreadable {
		f.log.Error("the disk does not give a part of the journal", "file", segmentName(start), "error", w.lens.unreadable)
	}
	return s, nil
}

// recoverFull takes in a segment behind which there is another.
func (f *Files) recoverFull(file segmentFile, limit Position) error {
	s, err := f.survey(file.start, limit)
	if err != nil {
		return err
	}
	f.segments = append(f.segments, file.start)
	f.noteHeader(file, limit)
	for _, g := range s.gaps {
		f.note(file, g.from, g.to, false)
	}
	if s.end < limit {
		f.note(file, s.end, limit, false)
	}
	return nil
}

// recoverLast takes in the segment that was appended to last. What is behind its last whole frame was not finished, and is
// cut off; if the disk does not let it be read, it may have been, and is left alone.
func (f *Files) recoverLast(file segmentFile) error {
	size := file.start + Position(file.size)
	s, err := f.survey(file.start, size)
	if err != nil {
		return err
	}
	if !file.headed && !s.some && s.blank && !s.unreadable && f.headerBlank(file) {
		f.end = file.start
		f.readers.forget(file.start)
		return f.disk.Remove(segmentName(file.start))
	}
	f.segments, f.last, f.end = append(f.segments, file.start), file.start, s.end
	f.noteHeader(file, size)
	for i, g := range s.gaps {
		unfinished := g.first == s.first && g.first <= g.from
		f.note(file, g.from, g.to, unfinished)
		if !unfinished {
			s.gaps[i].to = g.from // nothing to be filled
		}
	}
	switch {
	case s.end < size && (s.unreadable || !file.headed && !s.some):
		f.note(file, s.end, size, false)
		f.end = size
		return nil
	case s.unreadable || !file.headed:
		return nil
	case !s.blank:
		f.log.Warn("the journal ends with a record that was not finished; it is cut off", "file", segmentName(file.start),
			"from", s.end, "bytes", size-s.end)
	}
	if err := f.resume(file, s); err != nil {
		f.log.Warn("the last file of the journal cannot be appended to; the next one begins", "file", segmentName(file.start), "error", err)
	}
	return nil
}

// headerBlank reports whether there is nothing where a segment's header should be.
func (f *Files) headerBlank(file segmentFile) bool {
	r, err := f.readers.borrow(file.start)
	if err != nil {
		return false
	}
	defer f.readers.giveBack(r)
	w := newWalker(f.id, file.start, file.start+Position(min(file.size, headerSize)), r)
	return w.blank(file.start) && w.lens.unreadable == nil
}

// noteHeader notes a damaged header.
func (f *Files) noteHeader(file segmentFile, limit Position) {
	if !file.headed {
		f.note(file, file.start, min(file.start+headerSize, limit), false)
	}
}

// note adds damage to what is known of it.
func (f *Files) note(file segmentFile, from, to Position, unfinished bool) {
	name := segmentName(file.start)
	if unfinished {
		f.log.Warn("the last records of the journal were not finished; those that are whole are kept", "file", name, "from", from, "to", to)
	} else {
		f.log.Error("a part of the journal is damaged", "file", name, "from", from, "to", to)
	}
	f.damage = append(f.damage, Damage{From: from, To: to, File: name, Unfinished: unfinished})
}

// resume makes the last segment fit to be appended to.
//
// Its last Append may be there only in memory: either because the process ended before the sync, or because the sync failed,
// and then no further one would write it. So it is written again.
func (f *Files) resume(file segmentFile, s survey) error {
	w, err := f.disk.Open(segmentName(file.start), false)
	if err != nil {
		return err
	}
	if end := int64(s.end - file.start); file.size > end {
		err = w.Truncate(end)
	}
	for _, g := range s.gaps {
		if err == nil {
			err = f.fill(w, file.start, g)
		}
	}
	if err == nil {
		err = f.rewrite(w, file.start, s)
	}
	if err == nil {
		err = w.Sync()
	}
	if err != nil {
		_ = w.Close()
		return err
	}
	f.writer = w
	return nil
}

// fill puts a void frame around what could not be read of the last Append, so that the next time it is opened it is not
// taken for damage.
func (f *Files) fill(file DiskFile, start Position, g frameGap) error {
	length := g.to - g.from - frameSize
	if length < 0 || length > largestAppend {
		return nil
	}
	b := f.id.openFrame(g.from, g.first, uint32(length)|voidBit)
	w := newWalker(f.id, start, g.to, file)
	sum, ok := w.sum(crc32.Checksum(b[:16], frameTable), g.from+frameSize, int64(length), func([]byte) {})
	if !ok || w.lens.unreadable != nil {
		return errors.Join(ErrDamaged, w.lens.unreadable)
	}
	closeFrame(&b, sum)
	_, err := file.WriteAt(b[:], int64(g.from-start))
	return err
}

// rewrite writes the last Append again, as it is.
func (f *Files) rewrite(file DiskFile, start Position, s survey) error {
	w := newWalker(f.id, start, s.end, file)
	for at := max(s.first, start+headerSize); at < s.end; {
		b := w.lens.look(int64(at-start), lensSize)
		if len(b) == 0 || w.lens.unreadable != nil {
			return errors.Join(ErrDamaged, w.lens.unreadable)
		}
		if _, err := file.WriteAt(b, int64(at-start)); err != nil {
			return err
		}
		at += Position(len(b))
	}
	return nil
}
