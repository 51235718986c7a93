package syntax

import (
	"bytes"
	"strings"
	"testing"
)

// TestOneObject looks for the text of another object across the borders of the
// windows in which an object is read.
func TestOneObject(t *testing.T) {
	long := strings.Repeat("x", 64<<10-20)
	for _, c := range []struct {
		body string
		ok   bool
	}{
		{"(a trailer, 5 objects, 40 objects)", true},
		{"(endobj obj 5 obj x5 0 object)", false},
		{"(5 0 obj)", false},
		{"(5\r\n  00\x00obj)", false},
		{"(trailer\n<</Root 9 0 R>>)", false},
		{"(trailer%\n<<>>)", false},
		{"(" + long + "trailer <)", true},
		{"(" + long + "5 0 obj)", false},
		{"(" + long + "x5 0 " + strings.Repeat(" ", 3000) + "obj)", false},
		{"(" + long + "trailer" + strings.Repeat(" ", 3000) + "<<)", false},
	} {
		for shift := range 24 {
			head := "90 0 obj\n" + strings.Repeat(" ", shift)
			text := head + c.body + "\nendobj\n"
			f := &File{r: bytes.NewReader([]byte(text)), size: int64(len(text))}
			if err := f.oneObject(Place{Start: 0, End: f.size}); (err == nil) != c.ok {
				t.Errorf("%.60q, shifted by %d: %v", c.body, shift, err)
				break
			}
		}
	}
}
