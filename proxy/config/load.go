package config

import (
	"errors"

	"dwaar/acme/issuing"
	"dwaar/netguard"
	"dwaar/ocspsvc/client"
	"dwaar/ocspsvc/stapler"
	"dwaar/proxy/dwaarfile"
	"dwaar/tlsstore"
)

// Load reads the Dwaarfile at path with everything it imports, and opens no
// other file. env looks up environment variables. The error is
// dwaarfile.Problems: all that is wrong, each with its place.
func Load(path string, env func(name string) (value string, set bool)) (*Config, error) {
	return Read(path, dwaarfile.Disk(env))
}

// Read is Load from any source.
func Read(path string, source dwaarfile.Source) (*Config, error) {
	file, err := dwaarfile.ParseFile(path, source)
	b := newBuilder(source.Env)
	if err != nil {
		return nil, b.review(file, err)
	}
	return b.build(file)
}

func newBuilder(env func(string) (string, bool)) *builder {
	return &builder{
		language: newLanguage(), config: defaults(), env: env, httpPort: 80, httpsPort: 443,
		ca: defaultCA{directory: issuing.LetsEncrypt}, managed: map[string]*managed{},
		logFiles: map[string]logFile{}, used: map[dwaarfile.Position]bool{},
	}
}

// build gives the configuration that the blocks of a file mean. The error is
// dwaarfile.Problems.
func (b *builder) build(file *dwaarfile.File) (*Config, error) {
	b.config.Warnings = file.Warnings
	b.config.Files, b.config.Patterns = file.Files, file.Patterns
	b.readBlocks(file)
	b.checkMatchers()
	b.listen()
	b.config.HTTPPort, b.config.HTTPSPort = b.httpPort, b.httpsPort
	b.checkCertificates()
	if err := b.problems.Sorted().Err(); err != nil {
		return nil, err
	}
	b.config.Warnings = b.config.Warnings.Sorted()
	return b.config, nil
}

// review adds to the problems of a text, which keep it from meaning anything as
// a whole, those of its blocks that can be read.
func (b *builder) review(file *dwaarfile.File, err error) error {
	var problems dwaarfile.Problems
	if file == nil || !errors.As(err, &problems) {
		return err
	}
	b.readBlocks(file)
	for _, s := range b.sites {
		s.handlers(b) // what is never reached
	}
	return append(problems, b.problems...).Sorted().Err()
}

func (b *builder) readBlocks(file *dwaarfile.File) {
	b.readGlobal(file.Global)
	for _, route := range file.Routes {
		b.problem(route.Name, "named routes are not supported by dwaar: write a snippet (name) { … } and import it")
	}
	for _, site := range file.Sites {
		b.readSite(site)
	}
}

// defaults is the configuration of an empty Dwaarfile.
func defaults() *Config {
	return &Config{
		TLS: tlsstore.Config{
			CacheSize: defaultCacheSize, MustStapleWait: defaultMustStapleWait, OnRevoked: tlsstore.Refuse,
		},
		Stapler: stapler.Config{
			RefreshEvery: stapler.DefaultRefreshEvery, Pace: stapler.DefaultPace, Timeout: stapler.DefaultTimeout,
			MaxAge: stapler.DefaultMaxAge, StartWait: stapler.DefaultStartWait, RequireNextUpdate: true,
		},
		Client: client.Config{
			Timeout: client.DefaultTimeout, MaxAge: client.DefaultMaxAge, CertID: "sha1", RequireNextUpdate: true,
		},
		CRL:   true,
		Guard: netguard.Config{},
		Log:   Log{Output: "stderr", Format: "text", Level: "info"},
	}
}

// builder is a configuration in the making. It collects problems and goes on.
type builder struct {
	language *language
	config   *Config
	problems dwaarfile.Problems
	env      func(name string) (value string, set bool)

	httpPort, httpsPort int
	portSet             dwaarfile.Token // the one set last
	defaultBind         []string
	noRedirects         bool
	noAutomatic         bool
	ca                  defaultCA
	onDemandTLS         dwaarfile.Token // the option, zero if it is not there
	cacheSize           dwaarfile.Token // the option, zero if it is not there
	level               dwaarfile.Token // what set the level of the log, zero if nothing did

	logFiles map[string]logFile // by path
	filters  []dwaarfile.Token  // where the filters of access logs stand

	needRoot  []dwaarfile.Token // what looks for files in the site that is read
	sites     []*site
	listeners []*listener
	byAddress map[string]*listener
	matchers  []dwaarfile.Token           // the names of all that are defined
	used      map[dwaarfile.Position]bool // those that a directive uses, by where they stand

	managed map[string]*managed // by name
	inOrder []*managed
	zones   []namedZone // of rate_limit
}

func (b *builder) problem(at dwaarfile.Token, format string, args ...any) {
	b.problems = append(b.problems, at.Problem(format, args...))
}

func (b *builder) warn(at dwaarfile.Token, format string, args ...any) {
	b.config.Warnings = append(b.config.Warnings, at.Problem(format, args...))
}
