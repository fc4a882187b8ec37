package config

import (
	"strings"
	"time"

	"dwaar/proxy/accesslog"
	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/logfile"
)

// logFile is a file that a log writes to.
type logFile struct {
	tok     dwaarfile.Token
	options logfile.Options
	own     bool // by dwaar's own log
}

func decodeLog(l line, b *builder) { b.language.log.read(b, l.block(), 0, &b.config.Log) }

func decodeLogOutput(l line, log *Log) { log.Output, log.File = l.output(true) }

// decodeDebug and decodeLevel both set the level: they exclude each other.
func decodeDebug(l line, b *builder) {
	if b.level.Text != "" {
		l.problem(l.Name, "the level stands at %s already", b.level.Pos)
	}
	b.level = l.Name
	b.config.Log.Level = "debug"
}

func decodeLevel(l line, log *Log) {
	log.Level = l.level()
	if l.b.level.Text != "" {
		l.problem(l.Name, "the global option debug stands at %s already", l.b.level.Pos)
	}
	l.b.level = l.Name
}

// level is an argument that says how important a line must be.
func (l line) level() string {
	tok := l.Args[0]
	tok.Text = strings.ToLower(tok.Text)
	return l.word(tok, "debug", "info", "warn", "error")
}

func decodeAccessLog(l line, s *scope) {
	c := accesslog.Config{Output: accesslog.Stderr}
	if len(l.Args) > 0 {
		c.Name = l.Args[0].Text
		if strings.Trim(c.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" || c.Name == "" {
			l.problem(l.Args[0], "%q is not a name of letters, digits, - and _", c.Name)
		}
	}
	for _, known := range s.site.logs {
		if known.Name == c.Name {
			l.problem(l.Name, "a log of this name stands in the site already: write log NAME")
		}
	}
	l.b.language.accessLog.read(l.b, l.block(), 0, &c)
	s.site.logs = append(s.site.logs, c)
}

func decodeAccessLogOutput(l line, c *accesslog.Config) { c.Output, c.File = l.output(false) }

// output is where a log goes, and how its file rotates.
func (l line) output(own bool) (name string, options logfile.Options) {
	kind := l.Args[0]
	switch kind.Text {
	case accesslog.Stdout, accesslog.Stderr, accesslog.Discard:
		if len(l.Args) > 1 {
			l.problem(l.Args[1], "%s has no path", kind.Text)
		}
		if l.Block != nil {
			l.problem(kind, "%s has no block: only files rotate", kind.Text)
		}
		return kind.Text, options
	case "file":
		if len(l.Args) < 2 {
			l.problem(kind, "file needs a path")
			return accesslog.Stderr, options
		}
		name = l.path(l.Args[1])
		l.b.language.roll.read(l.b, l.block(), 0, &options)
		l.claim(name, logFile{l.Args[1], options, own})
		return name, options
	case "net":
		l.problem(kind, "net is not supported by dwaar")
	default:
		l.problem(kind, "%q is not stdout, stderr, discard or file", kind.Text)
	}
	return accesslog.Stderr, options
}

// claim refuses a file that another log rotates in another way: both would.
func (l line) claim(path string, f logFile) {
	known, taken := l.b.logFiles[path]
	switch {
	case !taken:
		l.b.logFiles[path] = f
	case known.own || f.own:
		l.problem(f.tok, "dwaar's own log and access logs have each their own file, and this one stands at %s already", known.tok.Pos)
	case known.options != f.options:
		l.problem(f.tok, "the log at %s writes to this file too, and rotates it differently", known.tok.Pos)
	}
}

func decodeRollMode(l line, o *logfile.Options) {
	o.Mode = l.Args[0].Text
	if l.refuse(l.Args[0], (logfile.Options{Mode: o.Mode}).Check()) {
		o.Mode = ""
	}
}

func decodeRollInterval(l line, o *logfile.Options) {
	if o.RollInterval = l.period(l.Args[0]); o.RollInterval < time.Minute {
		l.problem(l.Args[0], "%q is less than a minute", l.Args[0].Text)
	}
}
