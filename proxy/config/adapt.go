package config

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"dwaar/proxy/handler"
)

// Adapt is the configuration as indented JSON, the same for the same
// configuration, with durations as "12h0m0s" and without secrets.
func Adapt(c *Config) ([]byte, error) {
	shown := *c
	if shown.Admin.Token != "" {
		shown.Admin.Token = "REDACTED"
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "\t")
	if err := encoder.Encode(plainly(reflect.ValueOf(shown))); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// plainly gives a configuration as what encoding/json writes as it should be:
// a struct as an object in the order of its fields, a duration as its text.
func plainly(v reflect.Value) any {
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		return max(v.Interface().(time.Duration), 0).String() // negative stands for none
	case v.Type() == reflect.TypeFor[netip.Prefix]():
		return v.Interface().(netip.Prefix).String()
	case v.Type() == reflect.TypeFor[handler.Route]():
		return plainRoute(v.Interface().(handler.Route))
	}
	switch v.Kind() {
	case reflect.Struct:
		return appendFields(nil, v)
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plainly(v.Index(i))
		}
		return list
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil
		}
		return plainly(v.Elem())
	}
	return v.Interface()
}

// plainRoute is a route as its own MarshalJSON writes it.
func plainRoute(r handler.Route) any {
	var o object
	if r.Match != nil {
		o = append(o, field{"match", plainly(reflect.ValueOf(*r.Match))})
	}
	return append(o, field{r.Directive.Name(), plainly(reflect.ValueOf(r.Directive))})
}

// object is a JSON object that keeps its order.
type object []field

type field struct {
	name  string
	value any
}

func appendFields(o object, v reflect.Value) object {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			o = appendFields(o, v.Field(i))
		case name == "-" || !f.IsExported():
		case (options == "omitempty" || options == "omitzero") && isEmpty(v.Field(i)):
		default:
			o = append(o, field{name, plainly(v.Field(i))})
		}
	}
	if o == nil {
		o = object{}
	}
	return o
}

func isEmpty(v reflect.Value) bool {
	return v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0
}

// MarshalJSON writes the fields in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(f.name)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(f.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
