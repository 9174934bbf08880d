package control

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// finishedMessage is the answer to the end of a scan, the only message of an
// ingester in the ready stream.
type finishedMessage struct {
	State    string `json:"state"`
	Source   string `json:"source"`
	Ingester string `json:"ingester"`
}

// lookBack is how many entries of the ready stream are looked through for an
// answer whose fate is not known.
const lookBack = 200

// finish ends the work of the current mapping and answers the controller.
func (u *updates) finish(ctx context.Context) error {
	if err := u.f.o.Handler.Finish(ctx, u.mapping); err != nil {
		return fmt.Errorf("finishing mapping %s: %w", u.mapping, err)
	}
	answer, err := compact(finishedMessage{State: "finished", Source: "ingester", Ingester: u.f.o.Name})
	if err != nil {
		return fmt.Errorf("finishing mapping %s: %w", u.mapping, err)
	}
	key := readyKey(u.mapping)
	again := false
	err = u.link.retry(ctx, commandLimit, func(ctx context.Context, c *redis.Client) error {
		// An attempt without reply may have been heard all the same.
		if again {
			latest, err := c.XRevRangeN(ctx, key, "+", "-", lookBack).Result()
			if err != nil {
				return fmt.Errorf("reading %s: %w", key, err)
			}
			for _, entry := range latest {
				if text, err := data(entry); err == nil && text == string(answer) {
					return nil
				}
			}
		}
		again = true
		if err := c.XAdd(ctx, &redis.XAddArgs{Stream: key, Values: []string{dataField, string(answer)}}).Err(); err != nil {
			return fmt.Errorf("adding to %s: %w", key, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	u.f.o.Log.WithField("mapping", u.mapping.String()).Info("mapping finished")
	return nil
}
