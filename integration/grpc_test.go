package integration

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"dwaar/integration/internal/pki"
)

// talker is a service with one method that answers and one that talks.
type talker struct {
	left chan struct{} // a client that went away was noticed
}

func (s *talker) say(_ context.Context, in *wrapperspb.StringValue) (*wrapperspb.StringValue, error) {
	if in.GetValue() == "fail" {
		return nil, status.Error(codes.FailedPrecondition, "not today: 100% sure")
	}
	return wrapperspb.String("said " + in.GetValue()), nil
}

// talk answers every message, and "wait" by waiting for the client to leave.
func (s *talker) talk(stream grpc.ServerStream) error {
	_ = stream.SetHeader(metadata.Pairs("x-head", "early"))
	stream.SetTrailer(metadata.Pairs("x-tail", "late"))
	for {
		in := new(wrapperspb.StringValue)
		err := stream.RecvMsg(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if in.GetValue() == "wait" {
			<-stream.Context().Done()
			s.left <- struct{}{}
			return stream.Context().Err()
		}
		if err := stream.SendMsg(wrapperspb.String("got " + in.GetValue())); err != nil {
			return err
		}
	}
}

// start serves on a port of its own.
func (s *talker) start(t *testing.T, options ...grpc.ServerOption) (address string) {
	t.Helper()
	server := grpc.NewServer(options...)
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "test.Talker",
		HandlerType: (*any)(nil),
		Methods: []grpc.MethodDesc{{MethodName: "Say", Handler: func(_ any, ctx context.Context, read func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			in := new(wrapperspb.StringValue)
			if err := read(in); err != nil {
				return nil, err
			}
			return s.say(ctx, in)
		}}},
		Streams: []grpc.StreamDesc{{StreamName: "Talk", Handler: func(_ any, stream grpc.ServerStream) error { return s.talk(stream) },
			ServerStreams: true, ClientStreams: true}},
	}, s)
	listener := must(t)(net.Listen("tcp4", "127.0.0.1:0")).(net.Listener)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

// A real gRPC client speaks through dwaar to a real server, over h2c and over TLS: answers, errors
// in trailers alone, streams in both directions at once, deadlines and clients that leave.
func TestGRPC(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	roots := filepath.Join(h.Dir, "roots.pem")
	pki.WriteFile(t, roots, pki.CertPEM(h.CA.Root().Cert.Raw))
	inner := h.leaf("inner.test")
	service := &talker{left: make(chan struct{}, 8)}
	secured := service.start(t, grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{{Certificate: inner.Chain(), PrivateKey: inner.Key}}, NextProtos: []string{"h2"},
	})))
	for name, proxy := range map[string]string{
		"plain.test":   fmt.Sprintf("reverse_proxy h2c://%s", service.start(t)),
		"secured.test": fmt.Sprintf("reverse_proxy https://%s {\n\t\ttransport http {\n\t\t\ttls_server_name inner.test\n\t\t\ttls_trust_pool file %s\n\t\t}\n\t}", secured, roots),
	} {
		files := h.leaf(name).Write(t, h.Dir, name)
		h.siteText(fmt.Sprintf("%s {\n\ttls %s %s\n\t%s\n}\n", name, files.Cert, files.Key, proxy))
	}
	h.start("", "")
	for _, name := range []string{"plain.test", "secured.test"} {
		t.Run(name, func(t *testing.T) {
			conn := must(t)(grpc.NewClient(h.Addr(), grpc.WithTransportCredentials(credentials.NewTLS(
				&tls.Config{RootCAs: h.CA.Pool(), ServerName: name})), grpc.WithAuthority(name))).(*grpc.ClientConn)
			defer conn.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			service.answers(ctx, t, conn)
			service.talks(ctx, t, conn)
			service.ends(ctx, t, conn)
		})
	}
}

func (s *talker) answers(ctx context.Context, t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	out := new(wrapperspb.StringValue)
	if err := conn.Invoke(ctx, "/test.Talker/Say", wrapperspb.String("hello"), out); err != nil || out.GetValue() != "said hello" {
		t.Errorf("a call: %q, %v", out.GetValue(), err)
	}
	err := conn.Invoke(ctx, "/test.Talker/Say", wrapperspb.String("fail"), out)
	if got := status.Convert(err); got.Code() != codes.FailedPrecondition || got.Message() != "not today: 100% sure" {
		t.Errorf("an error: %v", err)
	}
	if err := conn.Invoke(ctx, "/test.Talker/Nothing", wrapperspb.String(""), out); status.Code(err) != codes.Unimplemented {
		t.Errorf("an unknown method: %v", err)
	}
}

var both = &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}

// talks says one thing after the other and hears each answer before it goes on.
func (s *talker) talks(ctx context.Context, t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	stream := must(t)(conn.NewStream(ctx, both, "/test.Talker/Talk")).(grpc.ClientStream)
	out := new(wrapperspb.StringValue)
	for _, word := range []string{"one", "two", "three"} {
		if err := stream.SendMsg(wrapperspb.String(word)); err != nil {
			t.Fatal(err)
		}
		if err := stream.RecvMsg(out); err != nil || out.GetValue() != "got "+word {
			t.Fatalf("%q, %v", out.GetValue(), err)
		}
	}
	_ = stream.CloseSend()
	if err := stream.RecvMsg(out); !errors.Is(err, io.EOF) {
		t.Errorf("the end of a stream: %v", err)
	}
	head, err := stream.Header()
	if err != nil || fmt.Sprint(head["x-head"], stream.Trailer()["x-tail"]) != "[early] [late]" {
		t.Errorf("metadata: %v, %v, %v", head, stream.Trailer(), err)
	}
}

// ends leaves by a deadline and by itself: the server is told.
func (s *talker) ends(ctx context.Context, t *testing.T, conn *grpc.ClientConn) {
	t.Helper()
	for want, leave := range map[codes.Code]func() (context.Context, context.CancelFunc){
		codes.DeadlineExceeded: func() (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, 200*time.Millisecond) },
		codes.Canceled: func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(200*time.Millisecond, cancel)
			return ctx, cancel
		},
	} {
		ctx, cancel := leave()
		stream := must(t)(conn.NewStream(ctx, both, "/test.Talker/Talk")).(grpc.ClientStream)
		_ = stream.SendMsg(wrapperspb.String("wait"))
		if err := stream.RecvMsg(new(wrapperspb.StringValue)); status.Code(err) != want {
			t.Errorf("%v: %v", want, err)
		}
		cancel()
		select {
		case <-s.left:
		case <-time.After(10 * time.Second):
			t.Errorf("%v: the server's call goes on", want)
		}
	}
}
