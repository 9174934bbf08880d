package control

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
	"github.com/sirupsen/logrus"
)

// RedirectLibraryLog sends what the Redis library logs by itself to log, at
// level debug: every outage it speaks of is reported by a Follower already.
//
// The library has one logger for the whole process, standard error by default,
// and no option of a client for it. So this is not done by New: the program
// calls it once, before it makes the first Follower.
func RedirectLibraryLog(log logrus.FieldLogger) {
	redis.SetLogger(libraryLog{log})
}

type libraryLog struct{ log logrus.FieldLogger }

// Printf takes one line of the library.
func (l libraryLog) Printf(_ context.Context, format string, args ...any) {
	l.log.WithField("text", fmt.Sprintf(format, args...)).Debug("redis library")
}
