package admin

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"time"
)

// Bounds of what one request may cost.
const (
	maxBody       = 64 << 10
	answerTimeout = 30 * time.Second
	reloadTimeout = 2 * time.Minute
)

// failure is the body of every answer that is not a success.
type failure struct {
	Error    string   `json:"error"`
	Problems []string `json:"problems,omitempty"` // of a refused configuration, one each
}

// reloadRequest is the body of POST /reload; an empty body means the same file.
type reloadRequest struct {
	Config string `json:"config"` // absolute path
}

type api struct{ ctl Controller }

func (a api) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", a.healthz)
	mux.HandleFunc("GET /readyz", a.readyz)
	mux.HandleFunc("GET /status", a.status)
	mux.HandleFunc("GET /certs", a.certs)
	mux.HandleFunc("GET /certs/{name}", a.cert)
	mux.HandleFunc("POST /certs/{name}/renew", a.replaced(a.ctl.Renew))
	mux.HandleFunc("POST /certs/{name}/reissue", a.replaced(a.ctl.Reissue))
	mux.Handle("GET /metrics", a.ctl.Metrics())
	mux.HandleFunc("POST /reload", a.reload)
	mux.HandleFunc("POST /stop", a.stop)
	mux.HandleFunc("POST /ocsp/refresh", a.refresh)
	return mux
}

// healthz says that the process answers; it says nothing about its sites.
func (a api) healthz(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok") }

func (a api) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := a.ctl.Ready(); err != nil {
		text(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	text(w, http.StatusOK, "ready")
}

func (a api) status(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, a.ctl.Status().inUTC())
}

type certificateList struct {
	Certificates []Certificate `json:"certificates"`
}

func (a api) certs(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, certificateList{a.ctl.Status().inUTC().Certificates})
}

func (a api) cert(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	found := find(a.ctl.Status().inUTC().Certificates, name)
	if len(found) == 0 {
		notServed(w, name)
		return
	}
	answer(w, http.StatusOK, certificateList{found})
}

func (a api) reload(w http.ResponseWriter, r *http.Request) {
	extend(w, r, reloadTimeout)
	var req reloadRequest
	if !decode(w, r, &req) {
		return
	}
	if req.Config != "" && !filepath.IsAbs(req.Config) {
		refuse(w, http.StatusBadRequest, "config is an absolute path: this dwaar has a working directory of its own")
		return
	}
	if err := a.ctl.ReloadFile(r.Context(), req.Config); err != nil {
		answer(w, http.StatusUnprocessableEntity, failure{
			Error:    "the configuration was refused, the running one stays",
			Problems: strings.Split(strings.TrimSpace(err.Error()), "\n"),
		})
		return
	}
	answer(w, http.StatusOK, struct{}{})
}

func (a api) stop(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusAccepted, struct{}{})
	a.ctl.Stop()
}

// decode reads a JSON body into v; no body leaves v as it is. It answers the
// request itself when it returns false.
func decode(w http.ResponseWriter, r *http.Request, v any) bool {
	if r.ContentLength == 0 {
		return true
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		refuse(w, http.StatusBadRequest, "reading the body: "+err.Error())
		return false
	}
	return true
}

// extend gives this request's answer more time than the server's default.
func extend(w http.ResponseWriter, _ *http.Request, d time.Duration) {
	// A writer without deadlines is one of a test: nothing to extend.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d))
}

func notServed(w http.ResponseWriter, name string) {
	refuse(w, http.StatusNotFound, "no certificate for "+name+" is served: `dwaar certs list` shows which are")
}

func refuse(w http.ResponseWriter, code int, message string) {
	answer(w, code, failure{Error: message})
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the client has left: nobody to tell
}

func text(w http.ResponseWriter, code int, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(s + "\n"))
}
