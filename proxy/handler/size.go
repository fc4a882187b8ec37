package handler

import "fmt"

// maxHandlers bounds what the routes of one site become.
const maxHandlers = 1 << 18

// nesting is a directive with chains in it.
type nesting interface{ chains() []Chain }

func (c Handle) chains() []Chain     { return []Chain{c.Routes} }
func (c HandlePath) chains() []Chain { return []Chain{c.Routes} }
func (c RouteBlock) chains() []Chain { return []Chain{c.Routes} }

func (c HandleErrors) chains() (all []Chain) {
	for _, e := range c {
		all = append(all, e.Routes)
	}
	return all
}

// CheckSize reports a chain that cannot be compiled in reasonable memory: a
// route that can be reached in several ways is joined for each of them, with
// all that stands in it, and that again for each way inside.
func (c Chain) CheckSize() error {
	if c.size() > maxHandlers {
		return fmt.Errorf("its blocks of routes, with rewrites or roots before and after them on many levels, come to more than %d handlers: write those in the innermost block, or in one block for all", maxHandlers)
	}
	return nil
}

// size is how many handlers weave makes of c, or more than maxHandlers.
func (c Chain) size() int {
	links := make([]link, len(c))
	for i, route := range c {
		links[i].group = groupOf(route.Directive)
	}
	total := 0
	for i, ways := range reachable(links)[:len(c)] {
		inside := 1
		if d, ok := c[i].Directive.(nesting); ok {
			for _, inner := range d.chains() {
				inside += inner.size()
			}
		}
		if total += len(ways) * inside; total > maxHandlers {
			return maxHandlers + 1
		}
	}
	return total
}

func groupOf(d Directive) group {
	if d, ok := d.(exclusive); ok {
		return d.group()
	}
	return 0
}
