package issuing

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"go.uber.org/zap/zapcore"
)

// slogCore writes what certmagic logs to slog. Certmagic tells at info what it does and at
// error what it also returns; here the first is debug and the second a warning, since it is
// the caller who knows whether a person must act. Its fields come in the group "acme".
type slogCore struct {
	handler slog.Handler
	fields  []zapcore.Field // of With
}

// Enabled implements zapcore.LevelEnabler.
func (c slogCore) Enabled(level zapcore.Level) bool {
	return c.handler.Enabled(context.Background(), slogLevel(level))
}

// With implements zapcore.Core.
func (c slogCore) With(fields []zapcore.Field) zapcore.Core {
	c.fields = slices.Concat(c.fields, fields)
	return c
}

// Check implements zapcore.Core.
func (c slogCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

// Write implements zapcore.Core.
func (c slogCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	values := zapcore.NewMapObjectEncoder()
	for _, field := range slices.Concat(c.fields, fields) {
		field.AddTo(values)
	}
	record := slog.NewRecord(entry.Time.Round(0), slogLevel(entry.Level), entry.Message, 0)
	record.AddAttrs(slog.Attr{Key: "acme", Value: slog.GroupValue(attrs(values.Fields)...)})
	return c.handler.Handle(context.Background(), record)
}

// Sync implements zapcore.Core.
func (slogCore) Sync() error { return nil }

func slogLevel(level zapcore.Level) slog.Level {
	if level >= zapcore.WarnLevel {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// attrs are the fields in the order of their names.
func attrs(fields map[string]any) []slog.Attr {
	var all []slog.Attr
	for key, value := range fields {
		if d, ok := value.(time.Duration); ok {
			value = d.String()
		}
		all = append(all, slog.Any(key, value))
	}
	slices.SortFunc(all, func(a, b slog.Attr) int { return cmp.Compare(a.Key, b.Key) })
	return all
}
