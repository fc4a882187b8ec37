package certdb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

var mysqlDialect = dialect{
	name:       "MySQL",
	migrations: []migration{{mysqlIssuers, mysqlCertificates}},
	lock:       lockMySQL,
	known:      knownAmong(" FOR UPDATE"),
	isolation:  sql.LevelReadCommitted, // no locks on gaps, so that two imports do not wait for each other
	again: func(err error) bool {
		var problem *mysql.MySQLError
		const duplicate, lockTimeout, deadlock = 1062, 1205, 1213
		return errors.As(err, &problem) && (problem.Number == duplicate || problem.Number == lockTimeout || problem.Number == deadlock)
	},
}

// A CREATE TABLE of MySQL is a transaction of its own. What was left half done
// is gone on with.
const mysqlIssuers = `CREATE TABLE IF NOT EXISTS ocsp_issuers (
	id INTEGER NOT NULL AUTO_INCREMENT PRIMARY KEY,
	fingerprint BINARY(32) NOT NULL UNIQUE,
	subject TEXT CHARACTER SET utf8mb4 NOT NULL,
	certificate BLOB NOT NULL,
	crl_number BIGINT NOT NULL DEFAULT 0
) ENGINE=InnoDB`

const mysqlCertificates = `CREATE TABLE IF NOT EXISTS ocsp_certificates (
	issuer INTEGER NOT NULL,
	serial VARBINARY(64) NOT NULL CHECK (LENGTH(serial) >= 1 AND (serial = x'00' OR LEFT(serial, 1) <> x'00')),
	subject TEXT CHARACTER SET utf8mb4,
	not_after BIGINT,
	status VARCHAR(8) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'good' CHECK (status IN ('good', 'revoked')),
	revoked_at BIGINT,
	reason VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin CHECK (reason IN (` + reasonWords + `)),
	PRIMARY KEY (issuer, serial),
	FOREIGN KEY (issuer) REFERENCES ocsp_issuers (id),
	CONSTRAINT ocsp_certificates_good CHECK (status = 'revoked' OR revoked_at IS NULL AND reason IS NULL)
) ENGINE=InnoDB`

// openMySQL reads mysql://user:password@host:3306/name with the options tls
// (true, skip-verify, preferred) and socket.
func openMySQL(a address) (*DB, error) {
	config := mysql.NewConfig()
	config.User = a.url.User.Username()
	config.Passwd, _ = a.url.User.Password()
	config.Net, config.Addr = "tcp", net.JoinHostPort(cmp.Or(a.url.Hostname(), "127.0.0.1"), cmp.Or(a.url.Port(), "3306"))
	config.DBName = strings.Trim(a.url.Path, "/")
	for option := range a.options {
		switch value := a.options.Get(option); option {
		case "tls":
			config.TLSConfig = value
		case "socket":
			config.Net, config.Addr = "unix", value
		default:
			return nil, errors.New("mysql: unknown option " + option + "; there are tls and socket")
		}
	}
	config.ParseTime, config.Loc, config.ClientFoundRows = true, time.UTC, true
	config.Params = map[string]string{"time_zone": "'+00:00'"} // TIMESTAMP columns too
	config.Timeout, config.ReadTimeout, config.WriteTimeout = connectLimit, writeLimit, writeLimit
	config.Logger = &mysql.NopLogger{} // what it has to say is in the errors too
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, errors.New("mysql: the address or one of its options is wrong")
	}
	pool := limitPool(sql.OpenDB(connector))
	return &DB{read: pool, write: pool, dialect: &mysqlDialect}, nil
}

func lockMySQL(ctx context.Context, conn *sql.Conn) (func() error, error) {
	var got sql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT GET_LOCK('ocsp_schema', 30)").Scan(&got); err != nil {
		return nil, err
	}
	if got.Int64 != 1 {
		return nil, errors.New("another process has been migrating the schema for 30 s")
	}
	return func() error {
		return conn.QueryRowContext(ctx, "SELECT RELEASE_LOCK('ocsp_schema')").Scan(&got)
	}, nil
}
