package control

import (
	"bufio"
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// deleteKey deletes a key on a connection of its own, and sends all it has to
// say without waiting for replies. The library would wait for its greeting
// first, so that a server that hangs never got the command; this way it does
// what it was asked when it wakes up, even if we have gone by then.
func deleteKey(ctx context.Context, o *redis.Options, key string) error {
	dial := *o
	c, err := redis.NewDialer(&dial)(ctx, o.Network, o.Addr)
	if err != nil {
		return fmt.Errorf("deleting key %s: %w", key, err)
	}
	defer c.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(deadline)
	}
	var commands [][]string
	switch {
	case o.Username != "":
		commands = append(commands, []string{"AUTH", o.Username, o.Password})
	case o.Password != "":
		commands = append(commands, []string{"AUTH", o.Password})
	}
	if o.DB > 0 {
		commands = append(commands, []string{"SELECT", strconv.Itoa(o.DB)})
	}
	commands = append(commands, []string{"DEL", key})
	var out strings.Builder
	for _, words := range commands {
		fmt.Fprintf(&out, "*%d\r\n", len(words))
		for _, w := range words {
			fmt.Fprintf(&out, "$%d\r\n%s\r\n", len(w), w)
		}
	}
	if _, err := c.Write([]byte(out.String())); err != nil {
		return fmt.Errorf("deleting key %s: %w", key, err)
	}
	in := bufio.NewReader(c)
	var line string
	for range commands {
		if line, err = in.ReadString('\n'); err != nil {
			return fmt.Errorf("deleting key %s: no answer: %w", key, err)
		}
	}
	// Only the last reply counts: AUTH also fails where no password is wanted.
	if strings.HasPrefix(line, "-") {
		return fmt.Errorf("deleting key %s: refused: %s", key, strings.TrimSpace(line[1:]))
	}
	return nil
}
