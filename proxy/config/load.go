package config

import (
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
	if err != nil {
		return nil, err
	}
	return build(file, source.Env)
}

// build gives the configuration that the blocks of a file mean. The error is
// dwaarfile.Problems.
func build(file *dwaarfile.File, env func(string) (string, bool)) (*Config, error) {
	b := &builder{
		language: newLanguage(), config: defaults(), env: env, httpPort: 80, httpsPort: 443,
		ca: defaultCA{directory: issuing.LetsEncrypt}, managed: map[string]*managed{},
		logFiles: map[string]logFile{}, used: map[dwaarfile.Position]bool{},
	}
	b.config.Warnings = file.Warnings
	b.config.Files = file.Files
	b.readGlobal(file.Global)
	for _, route := range file.Routes {
		b.problem(route.Name, "named routes are not supported by dwaar")
	}
	for _, site := range file.Sites {
		b.readSite(site)
	}
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
