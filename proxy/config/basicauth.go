package config

import (
	"strings"

	"dwaar/proxy/dwaarfile"
	"dwaar/proxy/handler"
	"dwaar/proxy/password"
)

// decodeBasicAuth reads the lines of users, which are no options of a table:
// their first word is a name.
func decodeBasicAuth(l line, s *scope) {
	set, args, ok := l.matcher()
	if !ok {
		return
	}
	var auth handler.BasicAuth
	at := l.Name
	switch {
	case len(args) > 0 && strings.HasPrefix(args[0].Text, "argon2"):
		l.problem(args[0], "%s is not supported by dwaar: write bcrypt, and hash passwords with dwaar hash-password", args[0].Text)
	case len(args) > 0 && args[0].Text != "bcrypt":
		l.problem(args[0], "%q is not bcrypt, the only kind of hash; the realm stands behind it", args[0].Text)
	case len(args) > 2:
		l.problem(args[2], "%q is one word too many: a realm with spaces stands in quotes", args[2].Text)
	case len(args) == 2:
		at, auth.Realm = args[1], args[1].Text
	}
	known := len(l.b.problems)
	seen := map[string]dwaarfile.Token{}
	for _, d := range l.block() {
		user, ok := l.user(d, seen)
		if ok {
			auth.Users = append(auth.Users, user)
		}
	}
	if len(l.b.problems) == known {
		s.add(l, at, set, auth)
	}
}

// user reads one line USER HASH.
func (l line) user(d *dwaarfile.Directive, seen map[string]dwaarfile.Token) (user handler.BasicUser, ok bool) {
	name, ok := l.expand(d.Name)
	switch {
	case !ok:
		return user, false
	case d.Block != nil || len(d.Args) != 1:
		l.problem(d.Name, "user %q: write %[1]s HASH", name)
		return user, false
	case seen[name].Text != "":
		l.problem(d.Name, "user %q stands at %s already", name, seen[name].Pos)
		return user, false
	}
	seen[name] = d.Name
	hash, ok := l.expand(d.Args[0])
	user = handler.BasicUser{Name: name, Hash: password.Hash(hash)}
	if !ok {
		return user, false
	}
	if err := user.Hash.Check(); err != nil {
		l.problem(d.Args[0], "user %q: %v", name, err)
		return user, false
	}
	return user, true
}
