package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// play lets one fault happen and mends it.
func (c *chaos) play(f mishap) error {
	switch f.what {
	case killDaemon, killChild, termDaemon, freezeDaemon:
		m := c.fleet.machines[f.victim]
		m.acting.Lock()
		defer m.acting.Unlock()
		if m.life == nil || m.life.ended() {
			return nil // it is being reported
		}
		return c.harm(m, f)
	case stopBroker:
		return c.withoutBroker(f)
	case stopCatalogue:
		c.timeline.add("%s", f)
		c.catalogue.stop()
		time.Sleep(f.length)
		if err := c.catalogue.start(); err != nil {
			return err
		}
		c.timeline.add("catalogue started")
	case expireToken:
		c.timeline.add("%s", f)
		c.catalogue.expire()
		time.Sleep(f.length)
		c.timeline.add("a new token is in the token file")
		return c.renewToken()
	case fillDisk, readOnly:
		return c.breakDisk(f)
	}
	return nil
}

func (c *chaos) harm(m *machine, f mishap) error {
	switch f.what {
	case killDaemon:
		c.timeline.add("%s (%s)", f, m.life.name)
		if err := m.kill(); err != nil {
			return err
		}
		time.Sleep(f.length)
		m.start()
	case termDaemon:
		c.timeline.add("%s (%s)", f, m.life.name)
		if err := m.term(drainPromise); err != nil {
			return err
		}
		time.Sleep(f.length)
		m.start()
	case freezeDaemon:
		c.timeline.add("%s (%s)", f, m.life.name)
		m.life.signal(syscall.SIGSTOP)
		time.Sleep(f.length)
		m.life.signal(syscall.SIGCONT)
		c.timeline.add("%s goes on", m.life.name)
	case killChild:
		// One that is there, or comes within a second or two.
		for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			if children := offspring(m.life.cmd.Process.Pid); len(children) > 0 {
				victim := children[f.which%len(children)]
				c.timeline.add("%s: process %d of %s", f, victim.pid, m.life.name)
				_ = syscall.Kill(victim.pid, syscall.SIGKILL) // it may just have ended
				return nil
			}
		}
		c.timeline.add("%s: it has none", f)
	}
	return nil
}

func (c *chaos) withoutBroker(f mishap) error {
	c.brokering.Lock()
	defer c.brokering.Unlock()
	c.timeline.add("%s", f)
	if err := c.site.broker.real.Stop(); err != nil {
		return err
	}
	c.timeline.add("broker has ended")
	time.Sleep(f.length)
	if err := c.site.broker.real.Start(c.t.Context()); err != nil {
		return err
	}
	c.timeline.add("broker answers again")
	return nil
}

// renewToken replaces the token file as an operator does: by a rename.
func (c *chaos) renewToken() error {
	beside := c.token + ".new"
	if err := os.WriteFile(beside, []byte(c.catalogue.issue()), 0o600); err != nil {
		return err
	}
	return os.Rename(beside, c.token)
}

// breakDisk breaks the state directory of the first machines. It only becomes
// read-only while no daemon has the ledger open, as with a file system that is
// mounted so after a crash.
func (c *chaos) breakDisk(f mishap) error {
	c.disking.Lock()
	defer c.disking.Unlock()
	if f.what == fillDisk {
		c.timeline.add("%s", f)
		if err := c.disk.fill(); err != nil {
			return err
		}
		time.Sleep(f.length)
		c.timeline.add("there is room in the state directory again")
		return c.disk.empty()
	}
	first, second := c.fleet.machines[0], c.fleet.machines[1]
	for _, m := range []*machine{first, second} {
		m.acting.Lock()
		defer m.acting.Unlock()
		if m.life == nil || m.life.ended() {
			return nil
		}
	}
	c.timeline.add("%s", f)
	for _, m := range []*machine{first, second} {
		if err := m.term(drainPromise); err != nil {
			return err
		}
	}
	if err := c.disk.writable(false); err != nil {
		return err
	}
	first.start()
	second.start()
	time.Sleep(f.length)
	c.timeline.add("the state directory is writable again")
	return c.disk.writable(true)
}

// disk is a small file system of its own that can be filled and be made
// read-only.
type disk struct{ dir string }

func (d *disk) fill() error {
	f, err := os.Create(filepath.Join(d.dir, "ballast"))
	if err != nil {
		return err
	}
	block := make([]byte, 4096)
	for err == nil {
		_, err = f.Write(block)
	}
	if closeErr := f.Close(); closeErr != nil {
		return closeErr
	}
	return nil
}

func (d *disk) empty() error { return os.Remove(filepath.Join(d.dir, "ballast")) }

func (d *disk) writable(on bool) error {
	flags := uintptr(syscall.MS_REMOUNT)
	if !on {
		flags |= syscall.MS_RDONLY
	}
	if err := syscall.Mount("tmpfs", d.dir, "tmpfs", flags, ""); err != nil {
		return fmt.Errorf("remount %s: %w", d.dir, err)
	}
	return nil
}
