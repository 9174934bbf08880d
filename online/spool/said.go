package spool

import "github.com/sirupsen/logrus"

// said keeps a fault that lasts from being logged every second.
type said struct{ text string }

// say warns of an error once, and tells when it is over.
func (s *said) say(log logrus.FieldLogger, what string, err error) {
	if s.new(what, err) {
		if err == nil {
			log.Info("Messages can be tried again")
			return
		}
		log.WithError(err).Warn(what)
	}
}

// inform is say for what is no fault.
func (s *said) inform(log logrus.FieldLogger, what string, err error) {
	if s.new(what, err) {
		log.WithError(err).Info(what)
	}
}

// new remembers an error, and tells whether it is another than before.
func (s *said) new(what string, err error) bool {
	text := ""
	if err != nil {
		text = what + err.Error()
	}
	if text == s.text {
		return false
	}
	s.text = text
	return true
}
