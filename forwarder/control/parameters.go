package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"github.com/sirupsen/logrus"
)

// fetchLimit is how long one parameter may take; some are images.
const fetchLimit = 10 * time.Second

// parameters are the values held. They are never removed: the peers keep
// theirs, and all have to come to the same hash.
type parameters struct {
	log  logrus.FieldLogger
	held map[string]parameter
	// missing is what was complained about already, as the controller repeats
	// its update every two seconds until all is there.
	missing map[string]uuid.UUID
}

type parameter struct {
	version uuid.UUID
	value   []byte
}

func newParameters(log logrus.FieldLogger) *parameters {
	return &parameters{log: log, held: map[string]parameter{}, missing: map[string]uuid.UUID{}}
}

// fetch gets the versions that are not held. One that Redis does not have, or
// not as a value, leaves the old one: the hash stays wrong then, and the
// controller repeats its update. The only error is that of ctx.
func (p *parameters) fetch(ctx context.Context, l *link, versions map[string]uuid.UUID) error {
	for _, name := range slices.Sorted(maps.Keys(versions)) {
		version := versions[name]
		if p.held[name].version == version {
			continue
		}
		var value []byte
		var absent error
		err := l.retry(ctx, fetchLimit, func(ctx context.Context, c *redis.Client) error {
			var err error
			value, err = c.Get(ctx, parameterKey(name, version)).Bytes()
			if absent = nil; errors.Is(err, redis.Nil) || redis.HasErrorPrefix(err, "WRONGTYPE") {
				absent, err = err, nil
			}
			return err
		})
		if err != nil {
			return err
		}
		log := p.log.WithFields(logrus.Fields{"parameter": name, "version": version.String()})
		if absent != nil {
			if p.missing[name] != version {
				p.missing[name] = version
				log.WithError(absent).Warn("a parameter is not in Redis; the one before stays")
			}
			continue
		}
		delete(p.missing, name)
		p.held[name] = parameter{version, value}
		log.WithField("bytes", len(value)).Info("parameter fetched")
	}
	return nil
}

// values is a copy of the names and values held; the values are shared.
func (p *parameters) values() map[string][]byte {
	m := make(map[string][]byte, len(p.held))
	for name, v := range p.held {
		m[name] = v.value
	}
	return m
}

// hash is what the peers publish: the SHA-256 of the 16 bytes of each version,
// in the order of the names, in hexadecimal digits.
func (p *parameters) hash() string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(p.held)) {
		v := p.held[name].version
		h.Write(v[:]) // never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}
