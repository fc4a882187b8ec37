package config

import (
	"encoding/json"
	"reflect"

	"dwaar/acme/issuing"
)

// keepManaged puts the managed names into the configuration, those of one policy
// together.
func (b *builder) keepManaged() {
	var always, onDemand policies
	for _, m := range b.inOrder {
		b.config.Automatic = append(b.config.Automatic, m.Automatic)
		if m.OnDemand {
			onDemand.add(m.how.policy, m.Name)
		} else {
			always.add(m.how.policy, m.Name)
		}
	}
	b.config.ACME.Policies = always.list
	b.keepOnDemand(onDemand.list)
}

func (b *builder) keepOnDemand(policies []issuing.Policy) {
	switch {
	case b.config.ACME.OnDemand == nil:
	case policies == nil:
		b.config.ACME.OnDemand = nil
		b.warn(b.onDemandTLS, "on_demand_tls: no site says tls { on_demand }")
	default:
		b.config.ACME.OnDemand.Policies = policies
	}
	if policies == nil && b.cacheSize.Text != "" {
		b.warn(b.cacheSize, "cache_size: only certificates that are got on demand leave the memory, and no site says tls { on_demand }")
	}
}

// policies are names by what is done for them.
type policies struct {
	list []issuing.Policy
	like map[string][]int // indices of list, by what policies look like without secrets
}

func (all *policies) add(p issuing.Policy, name string) {
	if all.like == nil {
		all.like = map[string][]int{}
	}
	text, _ := json.Marshal(p) // plain data
	looks := string(text)
	for _, i := range all.like[looks] {
		known := all.list[i]
		known.Names = nil
		if reflect.DeepEqual(known, p) {
			all.list[i].Names = append(all.list[i].Names, name)
			return
		}
	}
	all.like[looks] = append(all.like[looks], len(all.list))
	p.Names = []string{name}
	all.list = append(all.list, p)
}
