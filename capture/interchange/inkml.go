package interchange

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"inkwitness/capture"
)

// inkmlNamespace is that of InkML (W3C Recommendation, 20 September 2011).
const inkmlNamespace = "http://www.w3.org/2003/InkML"

// channel is a channel of an InkML trace format as WriteInkML uses it; the names
// are those of section 3.2.1. T is in ms with three decimals, which are the µs.
type channel struct {
	name, typ, units, more string
}

var inkmlChannels = []channel{
	{"X", "integer", "dev", ` orientation="+ve"`},
	{"Y", "integer", "dev", ` orientation="+ve"`},
	{"F", "integer", "dev", ` min="0" max="65535"`},
	{"OTx", "decimal", "deg", ` min="-90" max="90"`},
	{"OTy", "decimal", "deg", ` min="-90" max="90"`},
	{"OR", "decimal", "deg", ` min="0" max="360"`},
	{"T", "decimal", "ms", ""},
}

// WriteInkML writes the signature: a trace of type penDown for each stroke, of
// type penUp for points in the air. Y grows downwards, as its orientation says.
func WriteInkML(w io.Writer, s capture.Signature) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, xml.Header+"<ink xmlns=%q>\n<definitions>\n", inkmlNamespace)
	if !s.Epoch.IsZero() {
		fmt.Fprintf(out, "<timestamp xml:id=\"epoch\" time=\"%s\"/>\n", strconv.FormatFloat(float64(s.Epoch.UnixMicro())/1000, 'f', 3, 64))
	}
	fmt.Fprint(out, "<inkSource xml:id=\"pen\">\n<traceFormat>\n")
	for _, c := range inkmlChannels {
		respect := ""
		if c.name == "T" && !s.Epoch.IsZero() {
			respect = ` respectTo="#epoch"`
		}
		fmt.Fprintf(out, "<channel name=%q type=%q units=%q%s%s/>\n", c.name, c.typ, c.units, c.more, respect)
	}
	fmt.Fprint(out, "</traceFormat>\n")
	writeSource(out, s.Device)
	fmt.Fprint(out, "</inkSource>\n<context xml:id=\"act\" inkSourceRef=\"#pen\"/>\n</definitions>\n")
	for _, run := range runs(s.Points) {
		typ := "penUp"
		if s.Points[run[0]].Down {
			typ = "penDown"
		}
		fmt.Fprintf(out, "<trace type=%q contextRef=\"#act\">", typ)
		writeTrace(out, s.Points[run[0]:run[1]])
		fmt.Fprint(out, "</trace>\n")
	}
	fmt.Fprint(out, "</ink>\n")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("write InkML: %w", err)
	}
	return nil
}

// writeSource writes the facts of the device: those that InkML has words for,
// and the others as annotations.
func writeSource(out io.Writer, d capture.Device) {
	if d.SampleRate > 0 {
		fmt.Fprintf(out, "<sampleRate uniform=\"false\" value=\"%s\"/>\n", decimal(d.SampleRate))
	}
	if d.UnitsPerMM > 0 {
		fmt.Fprint(out, "<channelProperties>\n")
		for _, name := range []string{"X", "Y"} {
			fmt.Fprintf(out, "<channelProperty channel=%q name=\"resolution\" value=\"%s\" units=\"1/mm\"/>\n", name, decimal(d.UnitsPerMM))
		}
		fmt.Fprint(out, "</channelProperties>\n")
	}
	fmt.Fprintf(out, "<annotation type=\"pointer\">%s</annotation>\n", d.Pointer)
	fmt.Fprintf(out, "<annotation type=\"pressureLevels\">%d</annotation>\n", d.PressureLevels)
	for _, f := range flags(&d) {
		fmt.Fprintf(out, "<annotation type=%q>%t</annotation>\n", f.name, *f.value)
	}
}

// flag is a yes or no of a device, by its name in an annotation.
type flag struct {
	name  string
	value *bool
}

func flags(d *capture.Device) []flag {
	return []flag{
		{"nominalScale", &d.NominalScale}, {"hasPressure", &d.HasPressure}, {"hasTilt", &d.HasTilt},
		{"hasInAir", &d.HasInAir}, {"hasTime", &d.HasTime},
	}
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// runs cuts points where the tip touches, leaves or starts a stroke anew.
func runs(points []capture.Point) [][2]int {
	var out [][2]int
	from := 0
	for i := 1; i <= len(points); i++ {
		if i == len(points) || points[i].Down != points[from].Down || points[i].Start {
			out = append(out, [2]int{from, i})
			from = i
		}
	}
	return out
}

func writeTrace(out io.Writer, points []capture.Point) {
	for i, p := range points {
		if i > 0 {
			fmt.Fprint(out, ", ")
		}
		fmt.Fprintf(out, "%d %d %d %s %s %s %s", p.X, p.Y, p.Pressure,
			fixed(int64(p.TiltX), 2), fixed(int64(p.TiltY), 2), fixed((36000-int64(p.Twist))%36000, 2), fixed(p.Time, 3))
	}
}

// fixed writes v / 10^digits exactly.
func fixed(v int64, digits int) string {
	sign, u := "", uint64(v)
	if v < 0 {
		sign, u = "-", -u
	}
	text := strconv.FormatUint(u, 10)
	if len(text) <= digits {
		text = strings.Repeat("0", digits+1-len(text)) + text
	}
	return sign + text[:len(text)-digits] + "." + text[len(text)-digits:]
}

// The parts of an InkML file that ReadInkML looks at.
type inkmlFile struct {
	XMLName     xml.Name
	Definitions struct {
		Timestamps []inkmlTimestamp `xml:"timestamp"`
		Sources    []inkmlSource    `xml:"inkSource"`
		Formats    []inkmlFormat    `xml:"traceFormat"`
	} `xml:"definitions"`
	Source  *inkmlSource `xml:"inkSource"`
	Format  *inkmlFormat `xml:"traceFormat"`
	Context []struct {
		Source *inkmlSource `xml:"inkSource"`
		Format *inkmlFormat `xml:"traceFormat"`
	} `xml:"context"`
	Traces []inkmlTrace      `xml:"trace"`
	Groups []inkmlTraceGroup `xml:"traceGroup"`
}

type inkmlTimestamp struct {
	Time string `xml:"time,attr"`
}

type inkmlSource struct {
	Format inkmlFormat `xml:"traceFormat"`
	Rate   struct {
		Value float64 `xml:"value,attr"`
	} `xml:"sampleRate"`
	Properties []struct {
		Channel string  `xml:"channel,attr"`
		Name    string  `xml:"name,attr"`
		Value   float64 `xml:"value,attr"`
		Units   string  `xml:"units,attr"`
	} `xml:"channelProperties>channelProperty"`
	Annotations []struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	} `xml:"annotation"`
}

type inkmlFormat struct {
	Channels []inkmlChannel `xml:"channel"`
}

type inkmlChannel struct {
	Name        string `xml:"name,attr"`
	Units       string `xml:"units,attr"`
	Max         string `xml:"max,attr"`
	Orientation string `xml:"orientation,attr"`
}

type inkmlTrace struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

type inkmlTraceGroup struct {
	Traces []inkmlTrace `xml:"trace"`
}

// ReadInkML reads InkML. It knows the channels X, Y, F, OTx, OTy, OR, T and the
// modifiers of section 3.3 (explicit values and first and second differences);
// other channels are passed over. Without a trace format a point is X and Y.
// Positions in mm, cm or in become µm; others are device units. Without T the
// times are the order.
func ReadInkML(r io.Reader) (capture.Signature, error) {
	b, err := readAll(r)
	if err != nil {
		return capture.Signature{}, err
	}
	var f inkmlFile
	if err := xml.Unmarshal(b, &f); err != nil {
		return capture.Signature{}, malformed("InkML: %w", err)
	}
	if f.XMLName.Local != "ink" || f.XMLName.Space != inkmlNamespace {
		return capture.Signature{}, malformed("InkML: the root is %q", f.XMLName.Local)
	}
	var s capture.Signature
	source, format := f.format()
	if err := source.describe(&s.Device); err != nil {
		return capture.Signature{}, err
	}
	if stamps := f.Definitions.Timestamps; len(stamps) > 0 {
		ms, err := strconv.ParseFloat(stamps[0].Time, 64)
		if err != nil || math.Abs(ms) > 1e15 {
			return capture.Signature{}, malformed("InkML: timestamp %q", stamps[0].Time)
		}
		s.Epoch = time.UnixMicro(int64(math.Round(ms * 1000))).UTC()
	}
	traces := f.Traces
	for _, g := range f.Groups {
		traces = append(traces, g.Traces...)
	}
	for i, t := range traces {
		if err := t.read(format, &s); err != nil {
			return capture.Signature{}, malformed("InkML: trace %d: %w", i, err)
		}
	}
	format.note(&s.Device, source != nil)
	if format.metric() {
		s.Device.UnitsPerMM, s.Device.NominalScale = 1000, false
	}
	return s, nil
}

// format returns the ink source and the trace format that the traces follow:
// this reader wants one for the whole file.
func (f *inkmlFile) format() (*inkmlSource, inkmlFormat) {
	var source *inkmlSource
	for _, s := range []*inkmlSource{f.Source, first(f.Definitions.Sources)} {
		if s != nil {
			source = s
		}
	}
	formats := []*inkmlFormat{first(f.Definitions.Formats), f.Format}
	for _, c := range f.Context {
		if c.Source != nil {
			source = c.Source
		}
		formats = append(formats, c.Format)
	}
	if source != nil {
		formats = append(formats, &source.Format)
	}
	for _, format := range formats {
		if format != nil && len(format.Channels) > 0 {
			return source, *format
		}
	}
	return source, inkmlFormat{[]inkmlChannel{{Name: "X"}, {Name: "Y"}}}
}

func first[T any](list []T) *T {
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

// describe fills in what the source tells of the device.
func (src *inkmlSource) describe(d *capture.Device) error {
	if src == nil {
		return nil
	}
	if rate := src.Rate.Value; rate > 0 && rate < 1e6 {
		d.SampleRate = rate
	}
	for _, p := range src.Properties {
		if p.Name != "resolution" || p.Channel != "X" {
			continue
		}
		scale, ok := map[string]float64{"1/mm": 1, "1/cm": 0.1, "1/in": 1 / 25.4}[p.Units]
		if v := p.Value * scale; ok && v > 0 && v < 1e6 {
			d.UnitsPerMM = v
		}
	}
	for _, a := range src.Annotations {
		text := strings.TrimSpace(a.Text)
		switch a.Type {
		case "pointer":
			d.Pointer = capture.PointerType(text)
		case "pressureLevels":
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || n > capture.MaxPressure+1 {
				return malformed("InkML: %q pressure levels", text)
			}
			d.PressureLevels = n
		}
		for _, f := range flags(d) {
			if f.name == a.Type {
				*f.value = text == "true"
			}
		}
	}
	if !slices.Contains([]capture.PointerType{capture.Pen, capture.Touch, capture.Mouse, capture.Unknown}, d.Pointer) {
		return malformed("InkML: pointer %q", d.Pointer)
	}
	return nil
}

// lengths are the units of length of section 3.2.1 in µm.
var lengths = map[string]float64{"mm": 1000, "cm": 10000, "in": 25400}

// metric tells whether positions come in a unit of length.
func (f inkmlFormat) metric() bool {
	for _, c := range f.Channels {
		if c.Name == "X" {
			return lengths[c.Units] > 0
		}
	}
	return false
}

// note fills in what the channels tell of a device that does not describe itself.
func (f inkmlFormat) note(d *capture.Device, described bool) {
	if described {
		return
	}
	for _, c := range f.Channels {
		switch c.Name {
		case "F":
			d.HasPressure = true
		case "OTx", "OTy":
			d.HasTilt = true
		case "T":
			d.HasTime = true
		}
	}
}
