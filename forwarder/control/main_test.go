package control

import (
	"os"
	"testing"

	"github.com/sirupsen/logrus"
)

// TestMain does what a program does before its first follower.
func TestMain(m *testing.M) {
	RedirectLibraryLog(logrus.New()) // at level debug, so it is dropped
	os.Exit(m.Run())
}
