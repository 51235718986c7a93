package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Route describes one route. What it does not say is refused: a route is for
// people who are signed in unless Public is set.
type Route struct {
	Method  string
	Path    string // as net/http's patterns: /api/documents/{id}
	ID      string // operation id, in the OpenAPI document and the pages' types
	Summary string
	Tag     string
	Status  int   // of success; 0 is 200, or 204 where the answer has no body
	Public  bool  // nobody need be signed in; the handler decides
	MaxBody int64 // bytes; 0 is 1 MiB

	// CrossSite lets pages of other sites send this request. Its handler must not
	// rely on cookies. For identity providers, which answer by POST.
	CrossSite bool
}

const defaultMaxBody = 1 << 20

func (r Route) operation() huma.Operation {
	op := huma.Operation{OperationID: r.ID, Method: r.Method, Path: r.Path, Summary: r.Summary,
		DefaultStatus: r.Status, MaxBodyBytes: r.maxBody()}
	if r.Tag != "" {
		op.Tags = []string{r.Tag}
	}
	if !r.Public {
		op.Security = []map[string][]string{{"session": {}}, {"key": {}}}
	}
	op.Responses = map[string]*huma.Response{"default": {Description: "What went wrong", Content: map[string]*huma.MediaType{
		"application/problem+json": {Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}}}}}
	return op
}

func (r Route) maxBody() int64 {
	if r.MaxBody == 0 {
		return defaultMaxBody
	}
	return r.MaxBody
}

// Register mounts a JSON route. Input and output are structs as huma reads them:
// fields tagged path, query, header, and a Body. The handler's error becomes a
// Problem.
func Register[I, O any](a *API, route Route, handler func(context.Context, *I) (*O, error)) {
	a.needProblemSchema()
	a.mounting = path.Base(cmp.Or(typeOf[I]().PkgPath(), typeOf[O]().PkgPath()))
	if holdsSecret(typeOf[O]()) {
		a.secrets[route.Method+" "+route.Path] = true
	}
	huma.Register(a.huma, route.operation(), func(ctx context.Context, in *I) (*O, error) {
		if err := route.admit(ctx); err != nil {
			return nil, a.report(ctx, err)
		}
		out, err := handler(ctx, in)
		if err != nil {
			return nil, a.report(ctx, err)
		}
		return out, nil
	})
}

// Raw mounts a route that reads or writes something else than JSON: uploads,
// downloads, sockets. The body is limited; an error returned before anything was
// written becomes a Problem.
func (a *API) Raw(route Route, handler func(http.ResponseWriter, *http.Request) error) {
	a.needProblemSchema()
	op := route.operation()
	if op.DefaultStatus == 0 {
		op.DefaultStatus = http.StatusOK
	}
	op.Responses[strconv.Itoa(op.DefaultStatus)] = &huma.Response{Description: http.StatusText(op.DefaultStatus)}
	for _, name := range pathNames(route.Path) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	a.huma.OpenAPI().AddOperation(&op)
	if route.CrossSite {
		a.guard.AddInsecureBypassPattern(route.Method + " " + route.Path)
	}
	a.mux.HandleFunc(route.Method+" "+route.Path, func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, route.maxBody())
		err := route.admit(r.Context())
		if err == nil {
			err = handler(w, r)
		}
		if begun, ok := errors.AsType[*brokenOff](err); ok {
			a.breakOff(r, begun)
		}
		if err != nil {
			a.WriteProblem(w, r, err)
		}
	})
}

// pathNames lists the wildcards of a path.
func pathNames(path string) (names []string) {
	for _, part := range strings.Split(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimRight(name, ".}"))
		}
	}
	return names
}

func (r Route) admit(ctx context.Context) error {
	if !r.Public && !IdentityOf(ctx).Known() {
		return ErrUnauthenticated
	}
	return nil
}

// needProblemSchema puts Problem into the OpenAPI document once.
func (a *API) needProblemSchema() {
	a.huma.OpenAPI().Components.Schemas.Schema(typeOf[Problem](), true, "Problem")
}

// transform turns huma's own errors (a body that does not fit its schema) into
// Problems. Values that were sent are not repeated: they may be secrets.
func (a *API) transform(ctx huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := &Problem{Type: "/problems/invalid", Title: "Not possible", Status: m.Status, Detail: "Check what was sent.",
		Instance: RequestID(ctx.Context())}
	switch m.Status {
	case http.StatusRequestEntityTooLarge:
		p.Type, p.Title, p.Detail = "/problems/too-large", "Too large", "Send less."
	case http.StatusUnsupportedMediaType:
		p.Type, p.Title, p.Detail = "/problems/media-type", "Not readable", "Send application/json."
	}
	if m.Status >= http.StatusInternalServerError {
		p.Type, p.Title, p.Detail = "/problems/internal", "Internal error", ""
		return p, nil
	}
	for _, e := range m.Errors {
		p.Errors = append(p.Errors, Fault{Location: e.Location, Message: strings.TrimSpace(e.Message)})
	}
	return p, nil
}
