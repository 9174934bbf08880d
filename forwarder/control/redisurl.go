package control

import (
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"ingestor/internal/fault"
)

// parseRedisURL reads the URL. The library's own errors are not passed on: they
// quote parts of the URL, and with a badly written password parts of that.
func parseRedisURL(text string) (*redis.Options, error) {
	o, err := redis.ParseURL(text)
	if err != nil {
		return nil, fault.Errorf(fault.BadConfiguration, "the Redis URL can not be read (it is not shown, as it may hold a password): "+
			"it must be redis://[user:password@]host[:port][/database], rediss://… for TLS, or unix://[user:password@]/path[?db=n]; "+
			"characters such as / # @ %% in a password have to be percent-encoded")
	}
	// RESP3 gives nothing that is used here; old servers refuse it. Only what
	// the URL asks for itself is left.
	if o.Protocol == 0 {
		o.Protocol = 2
	}
	o.DisableIdentity = true // CLIENT SETINFO is newer than Redis 5
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	// One connection, no attempts of the library's own: link decides when to
	// try again, and tells.
	o.PoolSize = 1
	o.PipelinePoolSize = -1
	o.MaxRetries = -1
	o.DialerRetries = 1
	o.DialTimeout = time.Second
	o.ContextTimeoutEnabled = true
	return o, nil
}
