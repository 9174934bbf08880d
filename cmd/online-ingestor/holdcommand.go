package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ingestor/cmd/internal/program"
	"ingestor/configs"
	"ingestor/internal/fault"
)

// newHold makes the command that holds the intake.
func newHold() *cobra.Command {
	return holdCommand(&cobra.Command{
		Use:   "hold -c config.yml [REASON…]",
		Short: "Holds the intake: nothing new is begun, restarts included, until resume",
		Long: `Makes the daemons that use this state directory take in nothing more. What runs ends as usual,
the consumer stays in its group, nothing is lost. It holds until resume, over restarts too.

Exit status: 0 held, or held already; 77 no right to write there; 78 no such state directory.`,
		Example: "  " + name + " hold -c /etc/ingestor/ingestor.yml storage maintenance until noon",
		RunE: func(c *cobra.Command, words []string) error {
			return withStateDirectory(c, func(dir string) (string, error) {
				return hold(dir, printable(strings.Join(words, " ")), time.Now())
			})
		},
	})
}

// newResume makes the command that ends it.
func newResume() *cobra.Command {
	return holdCommand(&cobra.Command{
		Use:   "resume -c config.yml",
		Short: "Ends a hold: the intake goes on within a second",
		Long: `Ends what hold began.

Exit status: 0 released, or not held; 77 no right to write there; 78 no such state directory.`,
		Example: "  " + name + " resume -c /etc/ingestor/ingestor.yml",
		Args:    program.NoArguments("resume needs none"),
		RunE:    func(c *cobra.Command, _ []string) error { return withStateDirectory(c, resume) },
	})
}

// holdCommand gives a command the flags by which the state directory is found.
func holdCommand(c *cobra.Command) *cobra.Command {
	program.Command(c)
	configs.BindFlags(c.Flags(), configs.Tool)
	useful := []string{"config-file", "ingestion.state-directory"}
	c.Flags().VisitAll(func(f *pflag.Flag) { f.Hidden = !slices.Contains(useful, f.Name) })
	c.Flags().SortFlags = false
	return c
}

// withStateDirectory does something with it, and prints what came of it.
func withStateDirectory(c *cobra.Command, do func(dir string) (string, error)) error {
	loaded, err := configs.Load(configs.Tool, c.Flags(), os.Environ())
	if err != nil {
		return program.Kind(err)
	}
	const which = "give the daemon's with --ingestion.state-directory (under systemd /var/lib/ingestor)"
	dir := loaded.Config.Ingestion.StateDirectory
	if dir == "" {
		return fault.Errorf(fault.BadConfiguration, "no state directory is configured: %s", which)
	}
	said, err := do(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.Errorf(fault.BadConfiguration, "state directory %s is not there, so no daemon uses it: %s", dir, which)
	case errors.Is(err, fs.ErrPermission):
		return fault.Errorf(fault.NotPermitted, "%w: run this as the daemon's user, or as root", err)
	case err != nil:
		return fault.New(fault.Unavailable, err)
	}
	_, err = fmt.Fprintln(c.OutOrStdout(), said)
	return err
}

// hold makes the file, unless it is there.
func hold(dir, reason string, now time.Time) (string, error) {
	path := filepath.Join(dir, holdFile)
	if _, err := os.Stat(path); err == nil {
		return "Nothing changed: " + whyHeld(path) + " (" + path + ")", nil
	}
	reason = reason[:min(len(reason), holdLimit/2)]
	text, err := json.Marshal(heldBy{Since: now.UTC().Truncate(time.Second), Who: whoAmI(), Reason: strings.ToValidUTF8(reason, "")})
	if err != nil {
		return "", err
	}
	// The daemon is another user; whatever the umask, it can read this.
	if err := renameio.WriteFile(path, append(text, '\n'), 0o644, renameio.WithStaticPermissions(0o644)); err != nil {
		return "", fmt.Errorf("hold the intake: %w", err)
	}
	return "The intake is held: " + path + "\nResume with: " + name + " resume, with the same configuration", nil
}

// resume takes the file away.
func resume(dir string) (string, error) {
	if _, err := os.Stat(dir); err != nil {
		return "", fmt.Errorf("resume the intake: %w", err)
	}
	path := filepath.Join(dir, holdFile)
	why := whyHeld(path)
	switch err := os.Remove(path); {
	case errors.Is(err, fs.ErrNotExist):
		return "Nothing changed: nobody holds the intake (" + path + ")", nil
	case err != nil:
		return "", fmt.Errorf("resume the intake: %w", err)
	}
	return "The intake goes on; it was " + why, nil
}

// whoAmI is the person, also behind sudo.
func whoAmI() string {
	if person := os.Getenv("SUDO_USER"); person != "" {
		return person
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("uid %d", os.Getuid())
}
