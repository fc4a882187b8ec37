package responder

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/http"
	"time"

	"golang.org/x/crypto/ocsp"

	"dwaar/integration/internal/pki"
)

// Good says good.
func Good(r *Responder, w http.ResponseWriter, asked Call) {
	r.sign(w, r.answer(asked, ocsp.Good), r.Issuer, r.Issuer)
}

// Revoked says revoked an hour ago, keyCompromise.
func Revoked(r *Responder, w http.ResponseWriter, asked Call) {
	a := r.answer(asked, ocsp.Revoked)
	a.RevokedAt = time.Now().Add(-time.Hour)
	a.RevocationReason = ocsp.KeyCompromise
	r.sign(w, a, r.Issuer, r.Issuer)
}

// Unknown says, signed, that it does not know the certificate.
func Unknown(r *Responder, w http.ResponseWriter, asked Call) {
	r.sign(w, r.answer(asked, ocsp.Unknown), r.Issuer, r.Issuer)
}

// Hang takes the request and never answers.
func Hang(r *Responder, _ http.ResponseWriter, asked Call) {
	r.hanging.Add(1)
	defer r.hanging.Add(-1)
	select {
	case <-r.released:
	case <-asked.Gone:
	}
}

// Drip sends a header and then a byte every 100 ms, without end.
func Drip(r *Responder, w http.ResponseWriter, _ Call) {
	w.Header().Set("Content-Length", "2000")
	for range 1000 {
		if _, err := w.Write([]byte{0x30}); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.released:
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Status answers by an HTTP error.
func Status(code int) Behaviour {
	return func(_ *Responder, w http.ResponseWriter, _ Call) {
		http.Error(w, http.StatusText(code), code)
	}
}

// Redirect sends the client elsewhere.
func Redirect(to string) Behaviour {
	return func(_ *Responder, w http.ResponseWriter, _ Call) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusFound)
	}
}

// Raw answers 200 with these bytes: the five-byte error responses, or garbage.
func Raw(der []byte) Behaviour {
	return func(_ *Responder, w http.ResponseWriter, _ Call) { reply(w, der) }
}

// Oversize answers a mebibyte.
func Oversize(_ *Responder, w http.ResponseWriter, _ Call) {
	reply(w, bytes.Repeat([]byte{0x30}, 1<<20))
}

// WrongSerial is a good answer about another certificate.
func WrongSerial(r *Responder, w http.ResponseWriter, asked Call) {
	a := r.answer(asked, ocsp.Good)
	a.SerialNumber = new(big.Int).Add(asked.SerialNumber, big.NewInt(1))
	r.sign(w, a, r.Issuer, r.Issuer)
}

// WrongIssuer is a good answer about this serial number, of another issuer.
func WrongIssuer(r *Responder, w http.ResponseWriter, asked Call) {
	r.sign(w, r.answer(asked, ocsp.Good), pki.New(r.t, "Other"), r.Issuer)
}

// WrongSigner is a good answer signed by somebody's key.
func WrongSigner(r *Responder, w http.ResponseWriter, asked Call) {
	impostor := &pki.Authority{Cert: r.Issuer.Cert, Key: pki.New(r.t, "Impostor").Key}
	r.sign(w, r.answer(asked, ocsp.Good), r.Issuer, impostor)
}

// SignedBy is a good answer signed by a delegate, whose certificate is enclosed.
func SignedBy(delegate *pki.Authority) Behaviour {
	return func(r *Responder, w http.ResponseWriter, asked Call) {
		a := r.answer(asked, ocsp.Good)
		a.Certificate = delegate.Cert
		r.sign(w, a, r.Issuer, delegate)
	}
}

// PastHalfLife is good, but two thirds of its hour are over.
func PastHalfLife(r *Responder, w http.ResponseWriter, asked Call) {
	a := r.answer(asked, ocsp.Good)
	a.ThisUpdate, a.NextUpdate = time.Now().Add(-40*time.Minute), time.Now().Add(20*time.Minute)
	r.sign(w, a, r.Issuer, r.Issuer)
}

// Expired was good until a minute ago.
func Expired(r *Responder, w http.ResponseWriter, asked Call) {
	a := r.answer(asked, ocsp.Good)
	a.ThisUpdate, a.NextUpdate = time.Now().Add(-30*time.Minute), time.Now().Add(-time.Minute)
	r.sign(w, a, r.Issuer, r.Issuer)
}

// Future will be good in half an hour.
func Future(r *Responder, w http.ResponseWriter, asked Call) {
	a := r.answer(asked, ocsp.Good)
	a.ThisUpdate, a.NextUpdate = time.Now().Add(30*time.Minute), time.Now().Add(time.Hour)
	r.sign(w, a, r.Issuer, r.Issuer)
}

// NoNextUpdate leaves nextUpdate out.
func NoNextUpdate(r *Responder, w http.ResponseWriter, asked Call) {
	a := r.answer(asked, ocsp.Good)
	a.NextUpdate = time.Time{}
	r.sign(w, a, r.Issuer, r.Issuer)
}

// CriticalExtension carries an unknown critical extension in its single response.
func CriticalExtension(r *Responder, w http.ResponseWriter, asked Call) {
	a := r.answer(asked, ocsp.Good)
	a.ExtraExtensions = []pkix.Extension{{
		Id: []int{1, 3, 6, 1, 4, 1, 99999, 1}, Critical: true, Value: []byte{5, 0},
	}}
	r.sign(w, a, r.Issuer, r.Issuer)
}

func (r *Responder) answer(asked Call, status int) ocsp.Response {
	now := time.Now().Truncate(time.Second)
	return ocsp.Response{
		Status:       status,
		SerialNumber: asked.SerialNumber,
		IssuerHash:   asked.HashAlgorithm,
		ThisUpdate:   now,
		NextUpdate:   now.Add(time.Duration(r.lifetime.Load())),
	}
}

// sign writes a's DER: about a certificate of issuer, signed by signer.
func (r *Responder) sign(w http.ResponseWriter, a ocsp.Response, issuer, signer *pki.Authority) {
	der, err := Create(issuer.Cert, signer.Cert, a, signer.Key)
	if err != nil {
		r.t.Errorf("responder: signing: %v", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	r.last.Store(&der)
	reply(w, der)
}

// Create signs one response.
func Create(issuer, signer *x509.Certificate, a ocsp.Response, key crypto.Signer) ([]byte, error) {
	return ocsp.CreateResponse(issuer, signer, a, key)
}

// RedirectToItself sends the client where it has just been.
func RedirectToItself(r *Responder, w http.ResponseWriter, asked Call) {
	Redirect(r.URL()+"/again")(r, w, asked)
}
