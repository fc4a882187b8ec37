package match_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"dwaar/proxy/match"
	"dwaar/proxy/placeholder"
	"dwaar/proxy/request"
)

// asked is a request with something of everything.
func asked() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/a/B.php?x=1&y=2&y=3&z", nil)
	r.Host = "WWW.Example.Test.:8443"
	r.RemoteAddr = "10.1.2.3:4711"
	r.TLS = &tls.ConnectionState{}
	r.Header.Add("X-Two", "one")
	r.Header.Add("X-Two", "two three")
	r.Header.Set("Content-Type", "application/grpc+proto")
	r.Header.Set("X-Host", "WWW.Example.Test.:8443")
	s := &request.State{ClientIP: netip.MustParseAddr("2001:db8::7")}
	s.SetVar("tier", "inside")
	return request.With(r, s)
}

func field(name, value string) match.Field { return match.Field{Name: name, Value: value} }

func TestSets(t *testing.T) {
	for name, c := range map[string]struct {
		set  match.Set
		want bool
	}{
		"empty": {match.Set{}, true},

		"one of the methods":           {match.Set{Method: []string{"GET", "POST"}}, true},
		"none of the methods":          {match.Set{Method: []string{"GET", "PUT"}}, false},
		"all kinds":                    {match.Set{Method: []string{"POST"}, Path: match.Path{"/a/*"}, Host: []string{"www.example.test"}}, true},
		"all kinds but one":            {match.Set{Method: []string{"POST"}, Path: match.Path{"/b/*"}, Host: []string{"www.example.test"}}, false},
		"host in any case":             {match.Set{Host: []string{"www.EXAMPLE.test"}}, true},
		"host by its first label":      {match.Set{Host: []string{"*.example.test"}}, true},
		"host by a label between":      {match.Set{Host: []string{"www.*.test"}}, true},
		"a label is not two":           {match.Set{Host: []string{"*.test"}}, false},
		"a label is there":             {match.Set{Host: []string{"*.www.example.test"}}, false},
		"another host":                 {match.Set{Host: []string{"example.test", "10.0.0.1"}}, false},
		"protocol":                     {match.Set{Protocol: []string{"https"}}, true},
		"not this protocol":            {match.Set{Protocol: []string{"http"}}, false},
		"gRPC":                         {match.Set{Protocol: []string{"http", "grpc"}}, true},
		"version":                      {match.Set{Protocol: []string{"http/1.1"}}, true},
		"version and later":            {match.Set{Protocol: []string{"http/1.0+"}}, true},
		"later version":                {match.Set{Protocol: []string{"HTTP/2+", "http/3"}}, false},
		"who is connected":             {match.Set{RemoteIP: match.Networks{"192.0.2.1", "10.0.0.0/8"}}, true},
		"who is connected, privately":  {match.Set{RemoteIP: match.Networks{"private_ranges"}}, true},
		"who is not connected":         {match.Set{RemoteIP: match.Networks{"2001:db8::/32"}}, false},
		"who asks":                     {match.Set{ClientIP: match.Networks{"2001:db8::/32"}}, true},
		"who does not ask":             {match.Set{ClientIP: match.Networks{"private_ranges"}}, false},
		"a field":                      {match.Set{Header: []match.Field{field("x-two", "one")}}, true},
		"another value of it":          {match.Set{Header: []match.Field{field("X-Two", "two three")}}, true},
		"the start of it":              {match.Set{Header: []match.Field{field("X-Two", "two*")}}, true},
		"the end of it":                {match.Set{Header: []match.Field{field("X-Two", "*three")}}, true},
		"what is inside of it":         {match.Set{Header: []match.Field{field("X-Two", "*o t*")}}, true},
		"not its start":                {match.Set{Header: []match.Field{field("X-Two", "three*")}}, false},
		"fields keep their case":       {match.Set{Header: []match.Field{field("X-Two", "ONE")}}, false},
		"alternatives of a field":      {match.Set{Header: []match.Field{field("X-Two", "four"), field("X-Two", "one")}}, true},
		"different fields":             {match.Set{Header: []match.Field{field("X-Two", "one"), field("X-Three", "*")}}, false},
		"any value":                    {match.Set{Header: []match.Field{field("X-Two", "*")}}, true},
		"no field":                     {match.Set{Header: []match.Field{{Name: "X-Two", Absent: true}}}, false},
		"no other field":               {match.Set{Header: []match.Field{{Name: "X-Three", Absent: true}}}, true},
		"the field Host":               {match.Set{Header: []match.Field{field("Host", "WWW*")}}, true},
		"a field by a placeholder":     {match.Set{Header: []match.Field{field("X-Host", "{hostport}")}}, true},
		"field expression":             {match.Set{HeaderRegexp: []match.FieldRegexp{{Field: "X-Two", Regexp: match.Regexp{Pattern: "^t.o"}}}}, true},
		"field expressions":            {match.Set{HeaderRegexp: []match.FieldRegexp{{Field: "X-Two", Regexp: match.Regexp{Pattern: "^t.o"}}, {Field: "X-Host", Regexp: match.Regexp{Pattern: "x$"}}}}, false},
		"a parameter":                  {match.Set{Query: []match.Parameter{{Key: "x", Value: "1"}}}, true},
		"its second value":             {match.Set{Query: []match.Parameter{{Key: "y", Value: "3"}}}, true},
		"any value of a parameter":     {match.Set{Query: []match.Parameter{{Key: "z", Value: "*"}}}, true},
		"no parameter":                 {match.Set{Query: []match.Parameter{{Key: "w", Value: "*"}}}, false},
		"alternatives of a parameter":  {match.Set{Query: []match.Parameter{{Key: "x", Value: "2"}, {Key: "x", Value: "1"}}}, true},
		"different parameters":         {match.Set{Query: []match.Parameter{{Key: "x", Value: "1"}, {Key: "y", Value: "1"}}}, false},
		"no query":                     {match.Set{Query: []match.Parameter{{}}}, false},
		"a parameter by a placeholder": {match.Set{Query: []match.Parameter{{Key: "x", Value: "{query.x}"}}}, true},
		"a variable":                   {match.Set{Vars: []match.Variable{{Name: "tier", Values: []string{"outside", "inside"}}}}, true},
		"another variable":             {match.Set{Vars: []match.Variable{{Name: "teir", Values: []string{"inside"}}}}, false},
		"a placeholder":                {match.Set{Vars: []match.Variable{{Name: "nothing", Values: []string{"x"}}, {Name: "{scheme}", Values: []string{"https"}}}}, true},
		"variable expression":          {match.Set{VarsRegexp: []match.FieldRegexp{{Field: "tier", Regexp: match.Regexp{Pattern: "^in"}}}}, true},
		"path expression":              {match.Set{PathRegexp: &match.Regexp{Pattern: `\.php$`}}, true},
		"path expressions see case":    {match.Set{PathRegexp: &match.Regexp{Pattern: `/b\.php$`}}, false},
		"not":                          {match.Set{Not: []match.Set{{Path: match.Path{"/b/*"}}}}, true},
		"not all of it":                {match.Set{Not: []match.Set{{Path: match.Path{"/a/*"}, Method: []string{"GET"}}}}, true},
		"not, twice":                   {match.Set{Not: []match.Set{{Path: match.Path{"/b/*"}}, {Method: []string{"POST"}}}}, false},
		"not not":                      {match.Set{Not: []match.Set{{Not: []match.Set{{Method: []string{"POST"}}}}}}, true},
	} {
		m, err := c.set.Compile()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := m.Match(asked()); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAQueryThatIsNotThere(t *testing.T) {
	m, err := match.Set{Query: []match.Parameter{{}}}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]bool{"/": true, "/?": true, "/?a": false} {
		if got := m.Match(httptest.NewRequest(http.MethodGet, target, nil)); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
	any, err := match.Set{Query: []match.Parameter{{Key: "a", Value: "*"}}}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	if any.Match(httptest.NewRequest(http.MethodGet, "/?a=1&b=%zz", nil)) {
		t.Error("a query that cannot be read matches")
	}
}

func TestWhatAnExpressionFoundIsInThePlaceholders(t *testing.T) {
	m, err := match.Set{
		PathRegexp:   &match.Regexp{Name: "p", Pattern: `^/(\w+)/(?P<file>.*)$`},
		HeaderRegexp: []match.FieldRegexp{{Field: "X-Two", Regexp: match.Regexp{Name: "h", Pattern: `^t(wo)`}}},
	}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	r := asked()
	if !m.Match(r) {
		t.Fatal("no match")
	}
	text, err := placeholder.Compile("{re.p.1} {re.p.file} {re.h.1} {re.h.2}{re.x.1} {re.1} {http.regexp.p.0}")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := text.Expand(r), "a B.php wo  wo /a/B.php"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNetworks(t *testing.T) {
	for network, members := range map[string]map[string]bool{
		"10.0.0.0/8":          {"10.255.0.1": true, "11.0.0.1": false, "::ffff:10.0.0.1": true, "::": false},
		"10.1.2.3/8":          {"10.255.0.1": true},
		"::ffff:10.0.0.0/104": {"10.1.1.1": true, "::ffff:11.0.0.1": false},
		"fe80::1":             {"fe80::1%eth0": true, "fe80::2": false},
		"private_ranges":      {"127.9.9.9": true, "172.31.0.1": true, "172.32.0.1": false, "fd12::": true, "::1": true, "192.168.1.1": true, "169.254.1.1": false},
	} {
		set, err := match.Networks{network}.Compile()
		if err != nil {
			t.Errorf("%s: %v", network, err)
		}
		for addr, want := range members {
			if got := set.Contains(netip.MustParseAddr(addr)); got != want {
				t.Errorf("%s has %s: %v", network, addr, got)
			}
		}
	}
	if set, _ := (match.Networks{"0.0.0.0/0", "::/0"}).Compile(); set.Contains(netip.Addr{}) {
		t.Error("nobody is somewhere")
	}
}

func TestHostsAreComparedInOneForm(t *testing.T) {
	for written, want := range map[string]string{
		"a.test": "a.test", "A.Test.": "a.test", "a.test:8080": "a.test", "[::1]": "::1", "[0:0::1]:443": "::1", "10.0.0.1:80": "10.0.0.1", "": "", ":80": "",
	} {
		if got := match.CanonicalHost(written); got != want {
			t.Errorf("%q is %q, want %q", written, got, want)
		}
	}
}

func TestSetsAreRefused(t *testing.T) {
	for want, set := range map[string]match.Set{
		"not: a matcher is missing":                    {Not: []match.Set{{}}},
		"query: =x has no key":                         {Query: []match.Parameter{{Value: "x"}}},
		`vars: "{" is not the name of a variable`:      {Vars: []match.Variable{{Name: "{"}}},
		"method: methods are in upper case: write GET": {Method: []string{"get"}},
	} {
		if _, err := set.Compile(); err == nil || err.Error() != want {
			t.Errorf("%+v: %v, want %s", set, err, want)
		}
	}
}

// FuzzSet holds that any text is refused or matches without a panic.
func FuzzSet(f *testing.F) {
	for _, seed := range []string{"/a*", "*.example.test", "10.0.0.0/8", "^/(a)", "{host}", "x*", "http/2+", "GET", "%2f"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, set := range []match.Set{
			{Path: match.Path{text}}, {PathRegexp: &match.Regexp{Name: "x", Pattern: text}}, {Host: []string{text}}, {Method: []string{text}},
			{Protocol: []string{text}}, {RemoteIP: match.Networks{text}}, {Header: []match.Field{{Name: "X-Two", Value: text}}},
			{Header: []match.Field{{Name: text}}}, {Query: []match.Parameter{{Key: text, Value: "*"}}}, {Query: []match.Parameter{{Key: "x", Value: text}}},
			{Vars: []match.Variable{{Name: text, Values: []string{text}}}}, {VarsRegexp: []match.FieldRegexp{{Field: "tier", Regexp: match.Regexp{Pattern: text}}}},
		} {
			if m, err := set.Compile(); err == nil {
				m.Match(asked())
			}
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	for name, set := range map[string]match.Set{
		"path":   {Path: match.Path{"/a/*"}},
		"host":   {Host: []string{"www.example.test", "*.example.org"}},
		"header": {Header: []match.Field{field("X-Two", "*three"), {Name: "X-None", Absent: true}}},
		"ip":     {RemoteIP: match.Networks{"private_ranges"}, ClientIP: match.Networks{"2001:db8::/32"}},
		"regexp": {PathRegexp: &match.Regexp{Name: "x", Pattern: `^/(\w+)/`}},
		"query":  {Query: []match.Parameter{{Key: "x", Value: "1"}}},
		"all":    {Method: []string{"POST"}, Path: match.Path{"/a/*"}, Protocol: []string{"https"}, Not: []match.Set{{Path: match.Path{"/b"}}}},
	} {
		b.Run(name, func(b *testing.B) {
			m, err := set.Compile()
			if err != nil {
				b.Fatal(err)
			}
			r := asked()
			r.Host = "www.example.test"
			b.ReportAllocs()
			for b.Loop() {
				if !m.Match(r) {
					b.Fatal("no match")
				}
			}
		})
	}
}
