package pdf

import (
	"bytes"
	"crypto/elliptic"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"inkwitness/evidence/pdf/syntax"
)

// render draws a page with poppler at 72 dpi, so that a pixel is a point.
func render(t testing.TB, path string, page int) image.Image {
	t.Helper()
	out := filepath.Join(t.TempDir(), "p")
	n := strconv.Itoa(page)
	tool(t, "pdftoppm", "-r", "72", "-cropbox", "-png", "-singlefile", "-f", n, "-l", n, path, out)
	f, err := os.Open(out + ".png")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// checkL compares a page before and after signing: an L must have appeared in
// the rectangle 60, 40, 120, 80 and nothing anywhere else.
func checkL(t *testing.T, page int, in, signed []byte, signedPath, plainPath string) {
	t.Helper()
	before, after := render(t, plainPath, page), render(t, signedPath, page)
	field := image.Rect(60, 40, 180, 120)
	left, foot, rest := 0, 0, 0
	b := after.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if before.At(x, y) == after.At(x, y) {
				continue
			}
			at := image.Pt(x-b.Min.X, y-b.Min.Y)
			switch {
			case !at.In(field):
				t.Fatalf("page %d: ink at %v, outside the field", page, at)
			case at.Y > 108:
				foot++
			case at.X < 78:
				left++
			default:
				rest++
			}
		}
	}
	if left < 60 || foot < 80 || rest > 20 {
		t.Errorf("page %d: %d pixels at the left, %d at the foot, %d elsewhere", page, left, foot, rest)
	}
}

// TestNames checks that names in several scripts can be read back from the
// appearance, which shows that their glyphs are embedded and mapped.
func TestNames(t *testing.T) {
	a := newAuthority(t)
	const names = "Zoë Müller-Łukasz Ελένη Борис 王小明 簽名 佐藤さくら 김서연"
	doc := prepare(t, plain(t), Field{Name: "A", Page: 1, Rect: Rect{X: 50, Y: 300, W: 400, H: 100}})
	req := a.request(a.signer(t, "王小明", ecKey(t, elliptic.P256())), "A")
	req.Appearance.Name = names
	signed := sign(t, doc, req)
	path := save(t, "names.pdf", signed)
	if text := tool(t, "pdftotext", "-layout", path, "-"); !strings.Contains(text, names) {
		t.Errorf("the page reads:\n%s", text)
	}
	fonts := tool(t, "pdffonts", path)
	for _, line := range strings.Split(strings.TrimSpace(fonts), "\n")[2:] {
		if !strings.Contains(line, "yes yes yes") {
			t.Errorf("not embedded as a subset with its text: %s", line)
		}
	}
	if s := verify(t, signed, a).Signatures[0]; s.Signer != "王小明" {
		t.Errorf("signer %q", s.Signer)
	}
}

// TestPressureWidth checks that the line is wider where the pressure is higher.
func TestPressureWidth(t *testing.T) {
	a := newAuthority(t)
	doc := prepare(t, plain(t), Field{Name: "A", Page: 1, Rect: Rect{X: 50, Y: 300, W: 200, H: 100}})
	req := a.request(a.signer(t, "Ada", ecKey(t, elliptic.P256())), "A")
	var line []Point
	for i := range 101 {
		line = append(line, Point{X: float64(i), Y: 0, Pressure: float64(i) / 100})
	}
	req.Appearance = Appearance{Strokes: [][]Point{line}}
	path := save(t, "pressure.pdf", sign(t, doc, req))
	out := filepath.Join(t.TempDir(), "p")
	tool(t, "pdftoppm", "-r", "720", "-x", "500", "-y", "3000", "-W", "2000", "-H", "1000", "-gray", "-png", "-singlefile", path, out)
	f, err := os.Open(out + ".png")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	width := func(x int) (n int) {
		for y := range 1000 {
			if color.GrayModel.Convert(img.At(x, y)).(color.Gray).Y < 128 {
				n++
			}
		}
		return n
	}
	// 0.5 to 1.8 points at 10 pixels a point.
	if thin, mid, thick := width(60), width(1000), width(1940); thin < 4 || thin > 7 || mid < 10 || mid > 13 || thick < 16 || thick > 19 {
		t.Errorf("widths %d, %d, %d pixels", thin, mid, thick)
	}
}

// TestInvisible signs a field without a rectangle.
func TestInvisible(t *testing.T) {
	a := newAuthority(t)
	doc := prepare(t, plain(t), Field{Name: "A"})
	signed := sign(t, doc, a.request(a.signer(t, "Ada", edKey(t)), "A"))
	wantOK(t, verify(t, signed, a), 1)
	before, after := render(t, save(t, "a.pdf", plain(t)), 1), render(t, save(t, "b.pdf", signed), 1)
	b := after.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if before.At(x, y) != after.At(x, y) {
				t.Fatalf("something shows at %d, %d", x, y)
			}
		}
	}
}

// TestEncrypted signs documents that are encrypted with AES-256, with the user
// and the owner password and with none.
func TestEncrypted(t *testing.T) {
	a := newAuthority(t)
	ada, bob := a.signer(t, "Ada", rsaKey(t)), a.signer(t, "Bob", ecKey(t, elliptic.P256()))
	for _, tt := range []struct{ file, password string }{
		{"bad/encrypted-no-password.pdf", ""}, {"bad/encrypted-aes256.pdf", "user"}, {"bad/encrypted-aes256.pdf", "owner"},
	} {
		t.Run(tt.file+" "+tt.password, func(t *testing.T) {
			in := read(t, tt.file)
			var out bytes.Buffer
			p := Preparation{Password: tt.password, Fields: []Field{{Name: "A", Label: "größer", Page: 1, Rect: Rect{X: 50, Y: 50, W: 100, H: 50}}, {Name: "B"}}}
			if err := Prepare(&out, bytes.NewReader(in), int64(len(in)), p); err != nil {
				t.Fatal(err)
			}
			first, second := a.request(ada, "A"), a.request(bob, "B")
			first.Password, second.Password = tt.password, tt.password
			first.Level, first.Certify, first.Revocation = LevelLTA, true, Revocation{CRLs: [][]byte{a.crl(t)}}
			doc := sign(t, sign(t, out.Bytes(), first), second)
			r, err := Verify(bytes.NewReader(doc), int64(len(doc)), Options{Roots: a.roots(), At: noon, Password: tt.password})
			if err != nil {
				t.Fatal(err)
			}
			wantOK(t, r, 3)
			path := save(t, "encrypted.pdf", doc)
			tool(t, "qpdf", "--password="+tt.password, "--check", path)
			args := []string{"-nocert", path}
			if tt.password != "" { // pdfsig takes the user password only
				args = []string{"-nocert", "-upw", "user", path}
			}
			if n := strings.Count(tool(t, "pdfsig", args...), "Signature is Valid."); n != 2 {
				t.Errorf("pdfsig finds %d of 2 valid", n)
			}
			opensslChecks(t, doc, a)
		})
	}
}

func TestEncryptedRefused(t *testing.T) {
	for _, tt := range []struct {
		file, password string
		want           error
	}{
		{"bad/encrypted-aes256.pdf", "", syntax.ErrPassword},
		{"bad/encrypted-aes256.pdf", "wrong", syntax.ErrPassword},
		{"bad/encrypted-rc4.pdf", "", syntax.ErrEncrypted},
	} {
		b := read(t, tt.file)
		if _, err := open(bytes.NewReader(b), int64(len(b)), syntax.Limits{}, tt.password); err == nil || !strings.Contains(err.Error(), tt.want.Error()) {
			t.Errorf("%s with %q: %v", tt.file, tt.password, err)
		}
	}
}
