package seal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"hash/crc32"
	"io"

	"inkwitness/evidence"
	"inkwitness/evidence/deposit"
	"inkwitness/evidence/vault"
)

// piece is a stored object, what lies in it at one place, or it with what follows: each
// object costs the store two writes that wait for the disk, so that the small files of a
// key share one, and a few bytes more make no other.
type piece struct {
	evidence.Object
	In   *span  `json:"in,omitempty"`   // nil for the whole
	Tail []byte `json:"tail,omitempty"` // follows the object
}

// span is a place in an object.
type span struct {
	Offset int64           `json:"offset"` // bytes
	Size   int64           `json:"size"`   // bytes
	SHA256 evidence.Digest `json:"sha256"` // of these bytes
	CRC32  uint32          `json:"crc32"`  // likewise
}

// bundle stores documents behind each other in one object.
func (s *Sealer) bundle(ctx context.Context, m evidence.Meta, docs []document) ([]part, error) {
	o, err := s.cfg.Vault.Write(ctx, m, func(w io.Writer) error {
		for _, d := range docs {
			if _, err := w.Write(d.data); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var parts []part
	var at int64
	for _, d := range docs {
		in := &span{Offset: at, Size: int64(len(d.data)), SHA256: sha256.Sum256(d.data), CRC32: crc32.ChecksumIEEE(d.data)}
		parts = append(parts, part{d.path, piece{Object: o, In: in}})
		at += in.Size
	}
	return parts, nil
}

// part is a file of the container, for its plan.
func (s *Sealer) part(p part) deposit.Part {
	in := p.Object.In
	if in == nil {
		return deposit.Stored(p.Path, p.Object.Object, s.cfg.Vault.Open)
	}
	return deposit.Part{Path: p.Path, Size: in.Size, SHA256: in.SHA256, CRC32: in.CRC32, Open: func(ctx context.Context) (io.ReadCloser, error) {
		r, err := s.openAt(ctx, p.Object)
		if err != nil {
			return nil, err
		}
		return section{io.NewSectionReader(r, 0, r.Size()), r}, nil
	}}
}

// section is a part of a blob.
type section struct {
	*io.SectionReader
	io.Closer
}

// extended is a blob with what follows it.
type extended struct {
	vault.Blob
	tail []byte
}

func (e extended) Size() int64 { return e.Blob.Size() + int64(len(e.tail)) }

// ReadAt implements io.ReaderAt.
func (e extended) ReadAt(p []byte, off int64) (n int, err error) {
	size := e.Blob.Size()
	if off < size {
		want := p[:min(int64(len(p)), size-off)]
		if n, err = e.Blob.ReadAt(want, off); n < len(want) {
			return n, err
		}
		if n == len(p) {
			return n, nil
		}
	}
	m, err := bytes.NewReader(e.tail).ReadAt(p[n:], off+int64(n)-size)
	return n + m, err
}

func (s *Sealer) openAt(ctx context.Context, p piece) (vault.Blob, error) {
	r, err := s.cfg.Vault.OpenAt(ctx, p.Object)
	switch {
	case err != nil:
		return nil, err
	case p.In != nil:
		return section{io.NewSectionReader(r, p.In.Offset, p.In.Size), r}, nil
	case len(p.Tail) > 0:
		return extended{r, p.Tail}, nil
	}
	return r, nil
}

// Objects lists the stored objects that a kept state refers to, of a signature
// or of a deposit in the making. As long as the state is kept they must stay.
func Objects(kept []byte) ([]evidence.Object, error) {
	var st struct {
		Current   *piece           `json:"current"` // of a signature
		Document  *evidence.Object `json:"document"`
		Blank     *piece           `json:"blank"`
		Parts     []part           `json:"parts"`
		Container *evidence.Object `json:"container"`
	}
	if err := restore(kept, &st); err != nil {
		return nil, err
	}
	var all []evidence.Object
	listed := map[string]bool{"": true}
	add := func(o evidence.Object) {
		if !listed[o.Key] {
			listed[o.Key] = true
			all = append(all, o)
		}
	}
	for _, o := range []*evidence.Object{st.Document, st.Container} {
		if o != nil {
			add(*o)
		}
	}
	for _, p := range []*piece{st.Current, st.Blank} {
		if p != nil {
			add(p.Object)
		}
	}
	for _, p := range st.Parts {
		add(p.Object.Object)
	}
	return all, nil
}
