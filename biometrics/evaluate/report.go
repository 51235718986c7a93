package evaluate

import (
	"html/template"
	"io"
)

// Report writes one self-contained page with the figures and the plots.
func Report(w io.Writer, r Result, plots map[string]string) error {
	type page struct {
		Result
		DET, Tippett, Histogram template.HTML
	}
	// The plots are this package's own SVG: numbers and fixed words only.
	return reportPage.Execute(w, page{r, template.HTML(plots["det.svg"]), template.HTML(plots["tippett.svg"]), template.HTML(plots["histogram.svg"])})
}

var reportPage = template.Must(template.New("report").Funcs(template.FuncMap{"percent": func(v float64) float64 { return 100 * v }}).Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Error rates: {{.Corpus}}</title>
<style>body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse}td,th{border:1px solid #999;padding:.3rem .6rem;text-align:right}svg{max-width:100%;border:1px solid #ddd;margin:1rem 0}</style>
<h1>Error rates: {{.Corpus}}</h1>
<p>Protocol {{.Protocol}}, {{.References}} references, {{.Draws}} draw(s), seed {{.Seed}}, {{.Users}} users. Model {{.Model.Name}} {{.Model.Number}} of {{.Model.Made}}.
Intervals are of 95 %, from users drawn with replacement. Rates are in per cent.</p>
<table><tr><th>against</th><th>users</th><th>genuine</th><th>forged</th><th>EER, common threshold</th><th>EER, user threshold</th><th>FNMR at FMR 1 %</th><th>FNMR at FMR 0.1 %</th><th>Cllr</th><th>minimum Cllr</th></tr>
{{range .Rates}}<tr><td>{{.Against}}</td><td>{{.Users}}</td><td>{{.Genuine}}</td><td>{{.Forgeries}}</td>
<td>{{percent .Common.Value | printf "%.2f"}} [{{percent .Common.Low | printf "%.2f"}}, {{percent .Common.High | printf "%.2f"}}]</td>
<td>{{percent .User.Value | printf "%.2f"}} [{{percent .User.Low | printf "%.2f"}}, {{percent .User.High | printf "%.2f"}}]</td>
<td>{{percent .FNMRAt1 | printf "%.2f"}}</td><td>{{percent .FNMRAt01 | printf "%.2f"}}</td>
<td>{{printf "%.3f" .Cllr.Value}} [{{printf "%.3f" .Cllr.Low}}, {{printf "%.3f" .Cllr.High}}]</td><td>{{printf "%.3f" .MinCllr}}</td></tr>
{{end}}</table>
{{.DET}}{{.Tippett}}{{.Histogram}}
</html>
`))
