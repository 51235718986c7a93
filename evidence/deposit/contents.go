package deposit

import (
	"fmt"
	"io"

	"inkwitness/evidence"
)

// Contents gives the files of a container to whoever wants to look at them. It
// checks nothing: Verify does, and a container that fails is still evidence.
type Contents struct{ a *archive }

// Files opens a container as far as its structure can be read.
func Files(r io.ReaderAt, size int64) (*Contents, error) {
	a, err := openArchive(r, size)
	if err != nil {
		return nil, err
	}
	return &Contents{a}, nil
}

// Names lists the files in the container's order.
func (c *Contents) Names() []string {
	names := make([]string, len(c.a.entries))
	for i, e := range c.a.entries {
		names[i] = e.name
	}
	return names
}

// Open opens a file; evidence.ErrNotFound when there is none of that name.
func (c *Contents) Open(name string) (io.Reader, error) {
	for _, e := range c.a.entries {
		if e.name == name {
			return c.a.open(e), nil
		}
	}
	return nil, fmt.Errorf("%q: %w", name, evidence.ErrNotFound)
}

// MaxRead is the largest file that Read takes into memory.
const MaxRead = 64 << 20

// Read reads a file of at most MaxRead bytes.
func (c *Contents) Read(name string) ([]byte, error) {
	r, err := c.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, MaxRead+1))
	if err == nil && len(b) > MaxRead {
		err = fmt.Errorf("%q has more than %d bytes: %w", name, MaxRead, evidence.ErrLimit)
	}
	return b, err
}
