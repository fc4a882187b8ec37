package placeholder

import (
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"

	"dwaar/proxy/request"
)

// ofState finds the value of a variable or of what a regular expression found.
func ofState(full string) value {
	if name, ok := strings.CutPrefix(full, "http.vars."); ok && name != "" {
		return variable(name)
	}
	if name, ok := strings.CutPrefix(full, "http.matchers.file."); ok && isFileMatch(name) {
		return variable(full)
	}
	if rest, ok := strings.CutPrefix(full, "http.regexp."); ok && rest != "" {
		return captured(rest)
	}
	return nil
}

// isFileMatch holds for what the matcher file tells, as variables by their full
// names.
func isFileMatch(name string) bool {
	return name == "relative" || name == "absolute" || name == "type" || name == "remainder"
}

func variable(name string) value {
	return func(r *http.Request) string {
		value, _ := request.Of(r).Var(name)
		return value
	}
}

// captured is NAME.GROUP, or GROUP of the expression that matched last.
func captured(rest string) value {
	name, group := "", rest
	if dot := strings.LastIndexByte(rest, '.'); dot >= 0 {
		name, group = rest[:dot], rest[dot+1:]
	}
	if group == "" {
		return nil
	}
	index, err := strconv.Atoi(group)
	if err != nil || index < 0 {
		index = -1
	}
	return func(r *http.Request) string { return request.Of(r).Capture(name, index, group) }
}

func errorText(r *http.Request) string {
	if err := request.Of(r).Failure.Err; err != nil {
		return err.Error()
	}
	return ""
}

func errorStatus(r *http.Request) string {
	if status := request.Of(r).Failure.Status; status != 0 {
		return strconv.Itoa(status)
	}
	return ""
}

// constant finds the value of a name that is the same for every request: the
// environment of a process and its machine do not change.
func constant(full string) value {
	text := ""
	name, isEnv := strings.CutPrefix(full, "env.")
	switch {
	case isEnv && name != "":
		text = os.Getenv(name)
	case full == "system.hostname":
		text, _ = os.Hostname()
	case full == "system.os":
		text = runtime.GOOS
	case full == "system.arch":
		text = runtime.GOARCH
	case full == "system.slash":
		text = string(os.PathSeparator)
	case full == "system.wd":
		text, _ = os.Getwd()
	default:
		return nil
	}
	return func(*http.Request) string { return text }
}
